//! Real servers.

use std::time::Duration;

use crate::common::{FILL, Redis};
use crate::{Exporter, assert_lines};

#[test]
fn a_filled_server_shows_its_keys_streams_and_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &["--maxmemory", "100mb"]) else { return };
    redis.run(FILL);
    let checks = "--check-keys=n*,te*,db3=session:*";
    let exporter = Exporter::start(&[
        &format!("-redis.addr={}", redis.url()),
        checks,
        "--check-single-keys=list,set,sorted,hash,loglog,db11=only,missing",
        "--check-streams=str*",
        "--count-keys=db0=*,db3=session:*",
        "-ping-on-connect",
    ]);
    assert_lines(
        &exporter.page(),
        &[
            "redis_up 1",
            "redis_exporter_last_scrape_error{err=\"\"} 0",
            "redis_db_keys{db=\"db0\"} 11",
            "redis_db_keys{db=\"db3\"} 2",
            "redis_db_keys{db=\"db11\"} 1",
            "redis_db_keys{db=\"db5\"} 0",
            "redis_db_keys_expiring{db=\"db0\"} 1",
            "redis_db_keys_expiring{db=\"db3\"} 1",
            "redis_key_size{db=\"db0\",key=\"number\"} 2",
            "redis_key_value{db=\"db0\",key=\"number\"} 10",
            "redis_key_value_as_string{db=\"db0\",key=\"text\",val=\"hello-world\"} 1",
            "redis_key_size{db=\"db0\",key=\"list\"} 3",
            "redis_key_size{db=\"db0\",key=\"set\"} 2",
            "redis_key_size{db=\"db0\",key=\"sorted\"} 2",
            "redis_key_size{db=\"db0\",key=\"hash\"} 2",
            "redis_key_value{db=\"db11\",key=\"only\"} 1",
            "redis_keys_count{db=\"db0\",key=\"*\"} 11",
            "redis_keys_count{db=\"db3\",key=\"session:*\"} 2",
            "redis_stream_length{db=\"db0\",stream=\"stream\"} 2",
            "redis_stream_group_messages_pending{db=\"db0\",group=\"readers\",stream=\"stream\"} 1",
            "redis_stream_group_consumer_messages_pending{consumer=\"one\",db=\"db0\",group=\"readers\",stream=\"stream\"} 1",
            "redis_slowlog_length 1",
        ],
    );
    let page = exporter.page();
    for part in [
        "redis_memory_max_bytes 1.048576e+08",
        "redis_commands_latencies_usec_bucket{cmd=\"set\"",
        "redis_latency_spike_duration_seconds{event_name=\"command\"}",
        "redis_exporter_last_scrape_ping_time_seconds",
        "process_resident_memory_bytes",
    ] {
        assert!(page.contains(part), "{part} is missing in:\n{page}");
    }
}

#[test]
fn a_master_and_its_replica_show_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(master) = Redis::start(folder.path(), &[]) else { return };
    let port = master.port.to_string();
    let Some(replica) = Redis::start(folder.path(), &["--replicaof", "127.0.0.1", &port]) else { return };
    let exporter = Exporter::start(&[]);
    let link = format!("redis_master_link_up{{master_host=\"127.0.0.1\",master_port=\"{port}\"}} 1");
    e2e::wait_for("the replica is linked", Duration::from_secs(30), || {
        exporter.scrape(&replica.url()).1.lines().any(|line| line == link).then_some(())
    });
    let online = format!("slave_ip=\"127.0.0.1\",slave_port=\"{}\",slave_state=\"online\"", replica.port);
    e2e::wait_for("the master sees the replica", Duration::from_secs(30), || {
        let (_, page) = exporter.scrape(&master.url());
        (page.contains("redis_connected_slaves 1") && page.contains(&online)).then_some(())
    });
}

#[test]
fn one_exporter_serves_three_servers() {
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(&["--redis.addr="]);
    for number in 1..=3 {
        let Some(redis) = Redis::start(folder.path(), &[]) else { return };
        redis.run("SET x 1\n");
        redis.run(&(0..number).map(|key| format!("SET key{key} 1\n")).collect::<String>());
        let (status, page) = exporter.scrape(&redis.url());
        assert_eq!(status, 200);
        assert_lines(&page, &["redis_up 1", &format!("redis_db_keys{{db=\"db0\"}} {}", number + 1)]);
        assert!(!page.contains("process_resident_memory_bytes"), "the exporter's own figures are not the target's");
        let (_, bare) = exporter.scrape(&format!("127.0.0.1:{}", redis.port));
        assert_lines(&bare, &["redis_up 1"]);
        let url = format!("{}&check-single-keys=key0", redis.url());
        assert_lines(&exporter.scrape(&url).1, &["redis_key_value{db=\"db0\",key=\"key0\"} 1"]);
    }
    assert!(!exporter.page().contains("redis_up"), "no server is configured");
}

#[test]
fn a_unix_socket_is_asked_when_it_is_configured_or_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("redis.sock").display().to_string();
    let Some(_redis) = Redis::start(folder.path(), &["--unixsocket", &socket]) else { return };
    let address = format!("unix://{socket}");
    let exporter = Exporter::start(&["--redis.addr", &address]);
    assert_lines(&exporter.page(), &["redis_up 1"]);
    assert_eq!(exporter.scrape(&address).0, 403);
    let exporter = Exporter::start(&["--target.allow", &address]);
    let (status, page) = exporter.scrape(&address);
    assert_eq!(status, 200);
    assert_lines(&page, &["redis_up 1"]);
}

#[test]
fn passwords_open_servers_and_wrong_ones_are_told_without_being_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &["--requirepass", "test1234"]) else { return };
    let address = redis.url();
    let exporter = Exporter::start(&["-redis.addr", &address, "-redis.password", "test1234"]);
    assert_lines(&exporter.page(), &["redis_up 1"]);
    let (_, page) = exporter.scrape(&format!("redis://:test1234@127.0.0.1:{}", redis.port));
    assert_lines(&page, &["redis_up 1"]);
    for flags in [&[][..], &["-redis.password", "wrong-secret"]] {
        let flags = [&["-redis.addr", &address], flags].concat();
        let page = Exporter::start(&flags).page();
        assert_lines(&page, &["redis_up 0"]);
        assert!(page.contains("NOAUTH") || page.contains("WRONGPASS"), "{page}");
        assert!(!page.contains("wrong-secret"), "{page}");
    }
    let file = folder.path().join("passwords.json");
    std::fs::write(&file, format!("{{\"{address}\": \"test1234\"}}")).expect("writable");
    let exporter = Exporter::start(&["--redis.password-file", &file.display().to_string()]);
    assert_lines(&exporter.scrape(&address).1, &["redis_up 1"]);
}

#[test]
fn an_acl_user_sees_what_it_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    redis.run(
        "ACL SETUSER watcher on >look ~* +info +client +config +slowlog +latency\nACL SETUSER less on >look +info\n",
    );
    for user in ["watcher", "less"] {
        let flags = ["--redis.addr", &redis.url(), "--redis.user", user, "--redis.password=look"];
        let page = Exporter::start(&flags).page();
        assert_lines(&page, &["redis_up 1"]);
        assert_eq!(page.contains("redis_config_maxclients"), user == "watcher", "{page}");
    }
}

#[test]
fn many_keys_are_asked_about_in_few_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    let set = |database: u32| {
        let keys = (0..300).map(|key| format!("SET key{key} {}\n", key + database));
        format!("SELECT {database}\n{}", keys.collect::<String>())
    };
    redis.run(&set(0));
    redis.run(&set(5));
    let page =
        Exporter::start(&["--redis.addr", &redis.url(), "--check-keys=*,db5=*", "--check-single-keys=none"]).page();
    for key in 0..300 {
        assert_lines(&page, &[&format!("redis_key_value{{db=\"db0\",key=\"key{key}\"}} {key}")]);
        assert_lines(&page, &[&format!("redis_key_value{{db=\"db5\",key=\"key{key}\"}} {}", key + 5)]);
    }
    assert_lines(&page, &["redis_key_size{db=\"db0\",key=\"none\"} 0", "redis_key_size{db=\"db5\",key=\"key9\"} 2"]);
}

#[test]
fn a_valkey_shows_its_own_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let debug = ["--enable-debug-command", "yes"];
    let Some(valkey) = Redis::start_program("valkey-server", folder.path(), &debug) else { return };
    valkey.run(FILL);
    let page = Exporter::start(&["--redis.addr", &format!("valkey://127.0.0.1:{}", valkey.port)]).page();
    assert_lines(&page, &["redis_up 1", "redis_db_keys{db=\"db11\"} 1"]);
    for part in
        ["valkey_version=\"", "redis_memory_used_bytes ", "redis_commandlog_slow_length ", "redis_slowlog_length "]
    {
        assert!(page.contains(part), "{part} is missing in:\n{page}");
    }
}
