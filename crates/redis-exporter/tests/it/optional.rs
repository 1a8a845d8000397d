//! What must be asked for: groups of keys, scripts, the role as a label, the dump file, modules of other servers.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::common::{FILL, Redis, get};
use crate::{Exporter, assert_lines};

#[test]
fn keys_are_sorted_into_groups() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &["--databases", "4"]) else { return };
    redis.run("SET user:1 a\nSET user:2 b\nSET order:1,5 c\nSET x d\nSELECT 2\nSET user:9 e\n");
    let flags = ["--redis.addr", &redis.url(), "--check-key-groups", r#"^(user):,"^(order):.*,5$""#];
    let page = Exporter::start(&flags).page();
    assert_lines(
        &page,
        &[
            "redis_key_group_count{db=\"db0\",key_group=\"user\"} 2",
            "redis_key_group_count{db=\"db0\",key_group=\"order\"} 1",
            "redis_key_group_count{db=\"db0\",key_group=\"unclassified\"} 1",
            "redis_key_group_count{db=\"db2\",key_group=\"user\"} 1",
            "redis_number_of_distinct_key_groups{db=\"db0\"} 3",
            "redis_number_of_distinct_key_groups{db=\"db1\"} 0",
            "redis_number_of_distinct_key_groups{db=\"db2\"} 1",
        ],
    );
    assert!(page.contains("redis_key_group_memory_usage_bytes{db=\"db0\",key_group=\"user\"} "), "{page}");
    // Many steps of one key each come to the same counts, and what is over the limit is added up.
    let flags = [&flags[..], &["--check-keys-batch-size=1", "--max-distinct-key-groups=1"]].concat();
    let page = Exporter::start(&flags).page();
    assert_lines(
        &page,
        &[
            "redis_key_group_count{db=\"db0\",key_group=\"overflow\"} 2",
            "redis_key_group_count{db=\"db2\",key_group=\"user\"} 1",
        ],
    );
    let page = Exporter::start(&["--redis.addr", &redis.url(), "--check-key-groups", "[broken"]).page();
    assert!(!page.contains("redis_key_group_count"), "{page}");
    assert_lines(&page, &["redis_up 1"]);
}

#[test]
fn scripts_give_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    redis.run("SET jobs 7\n");
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, text).expect("writable");
        path
    };
    let good = script("good.lua", "return {'jobs', redis.call('GET', 'jobs'), 'half', '0.5'}");
    let nothing = script("nothing.lua", "return {}");
    let bad = script("bad.lua", "return {'a', 'no number'}");
    let broken = script("broken.lua", "this is no Lua");
    let list = [good.as_str(), &nothing, &bad, &broken].join(",");
    for read_only in ["--lua-script-read-only", "--lua-script-read-only=false"] {
        let page = Exporter::start(&["--redis.addr", &redis.url(), "--script", &list, read_only]).page();
        assert_lines(
            &page,
            &[
                "redis_up 1",
                &format!("redis_script_values{{filename=\"{good}\",key=\"jobs\"}} 7"),
                &format!("redis_script_values{{filename=\"{good}\",key=\"half\"}} 0.5"),
                &format!("redis_script_result{{filename=\"{good}\"}} 1"),
                &format!("redis_script_result{{filename=\"{nothing}\"}} 2"),
                &format!("redis_script_result{{filename=\"{bad}\"}} 0"),
                &format!("redis_script_result{{filename=\"{broken}\"}} 0"),
            ],
        );
    }
}

#[test]
fn a_script_that_is_not_there_keeps_the_exporter_from_starting() {
    let options = redis_exporter::Options::from_flags(["exporter", "--script=/no/such/file.lua"]).expect("flags");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let error = runtime.block_on(redis_exporter::App::start(options)).expect_err("no script");
    let error = daemon::run::chain(&error);
    assert!(error.contains("/no/such/file.lua") && error.contains("--script"), "{error}");
}

#[test]
fn the_role_is_a_label_where_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    let exporter =
        Exporter::start(&["--redis.addr", &redis.url(), "--append-instance-role-label", "--ping-on-connect"]);
    let page = exporter.page();
    assert_lines(
        &page,
        &[
            "redis_up{instance_role=\"master\"} 1",
            "redis_db_keys{db=\"db0\",instance_role=\"master\"} 0",
            "redis_exporter_last_scrape_error{err=\"\",instance_role=\"master\"} 0",
        ],
    );
    for part in [
        "redis_memory_used_bytes{instance_role=\"master\"} ",
        "redis_latency_percentiles_usec_count{cmd=\"ping\",instance_role=\"master\"} ",
        "redis_exporter_last_scrape_connect_time_seconds ",
        "redis_exporter_last_scrape_ping_time_seconds ",
        "redis_exporter_scrapes_total ",
    ] {
        assert!(page.lines().any(|line| line.starts_with(part)), "no {part} in:\n{page}");
    }
    drop(redis);
    assert_lines(&exporter.page(), &["redis_up{instance_role=\"\"} 0"]);
}

#[test]
fn the_dump_files_size_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &["--dbfilename", "own.rdb"]) else { return };
    let exporter = Exporter::start(&["--redis.addr", &redis.url(), "--include-rdb-file-size-metric"]);
    assert_lines(&exporter.page(), &["redis_rdb_current_size_bytes 0"]);
    redis.run("SET x 1\nSAVE\n");
    let bytes = std::fs::metadata(folder.path().join("own.rdb")).expect("a dump").len();
    assert_lines(&exporter.page(), &[&format!("redis_rdb_current_size_bytes {bytes}")]);
}

#[test]
fn a_hyperloglog_is_as_large_as_what_it_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    redis.run(FILL);
    // The permissions that the original advises.
    redis.run(
        "ACL SETUSER advised on -@all +@connection +memory +strlen +config|get +xinfo +pfcount +zcard +type +xlen +client \
         +scard +llen +hlen +get +eval +slowlog +info +latency +scan +select ~* >pw\n",
    );
    for user in [&[][..], &["--redis.user=advised", "--redis.password=pw"]] {
        let url = redis.url();
        let flags = [&["--redis.addr", &url, "--check-single-keys=loglog,text,number"], user].concat();
        let page = Exporter::start(&flags).page();
        assert_lines(
            &page,
            &[
                "redis_key_size{db=\"db0\",key=\"loglog\"} 2",
                "redis_key_value{db=\"db0\",key=\"number\"} 10",
                "redis_key_value_as_string{db=\"db0\",key=\"text\",val=\"hello-world\"} 1",
            ],
        );
        assert!(!page.contains("key=\"loglog\",val"), "{page}");
        let page = Exporter::start(&[&flags[..], &["--disable-exporting-key-values"]].concat()).page();
        assert!(page.contains("redis_key_size") && !page.contains("redis_key_value"), "{page}");
    }
}

/// A server that knows some commands, each with its text or, behind a star, its list as it stands on the wire; to others
/// it says OK.
fn scripted(answers: Vec<(&'static str, &'static str)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answers = answers.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    let asked = String::from_utf8_lossy(&buffer[..read]).replace("\r\n", " ");
                    let known = answers.iter().find(|(words, _)| words.split(' ').all(|word| asked.contains(word)));
                    let answer = match known {
                        Some((_, list)) if list.starts_with('*') => (*list).to_owned(),
                        Some((_, text)) => format!("${}\r\n{text}\r\n", text.len()),
                        None => "+OK\r\n".to_owned(),
                    };
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn modules_indexes_and_tile38_are_shown_when_asked_for() {
    let modules =
        "# Modules\r\nmodule:name=search,ver=2,api=1,filters=0,usedby=[a,b],using=[]\r\nsearch_dialect_1:3\r\n";
    let index =
        "*6\r\n$10\r\nindex_name\r\n$4\r\nshop\r\n$8\r\nnum_docs\r\n:12\r\n$14\r\ninverted_sz_mb\r\n$3\r\n0.5\r\n";
    let tile38 = "*4\r\n$15\r\ntile38_aof_size\r\n$2\r\n42\r\n$11\r\nnum_objects\r\n$1\r\n9\r\n";
    let port = scripted(vec![
        ("INFO MODULES", modules),
        ("INFO ALL", "# Server\r\nredis_version:8.0.0\r\n"),
        ("FT._LIST", "*2\r\n$4\r\nshop\r\n$5\r\nother\r\n"),
        ("FT.INFO shop", index),
        ("SERVER EXT", tile38),
    ]);
    let flags = [
        &format!("--redis.addr=redis://127.0.0.1:{port}"),
        "--include-modules-metrics",
        "--include-search-indexes-metrics",
        "--check-search-indexes=^sh",
        "--is-tile38",
    ];
    let page = Exporter::start(&flags).page();
    assert_lines(
        &page,
        &[
            "redis_up 1",
            "redis_module_info{api=\"1\",filters=\"0\",name=\"search\",usedby=\"[a,b]\",using=\"[]\",ver=\"2\"} 1",
            "redis_search_dialect_1 3",
            "redis_search_index_num_docs{index_name=\"shop\"} 12",
            "redis_search_index_inverted_size_bytes{index_name=\"shop\"} 524288",
            "redis_search_index_number_of_uses_total{index_name=\"shop\"} 0",
            "redis_tile38_aof_size_bytes 42",
            "redis_tile38_num_objects_total 9",
        ],
    );
    assert!(!page.contains("other"), "{page}");
}

#[test]
fn the_password_file_is_read_again_on_demand() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &["--requirepass", "new"]) else { return };
    let file = folder.path().join("passwords.json");
    let write = |text: &str| std::fs::write(&file, text).expect("writable");
    write(&format!("{{\"{}\": \"old\"}}", redis.url()));
    let exporter =
        Exporter::start(&["--redis.addr", &redis.url(), "--redis.password-file", &file.display().to_string()]);
    assert_lines(&exporter.page(), &["redis_up 0"]);
    write(&format!("{{\"{}\": \"new\"}}", redis.url()));
    assert_eq!(get(&format!("{}/-/reload", exporter.url)), (200, "ok".to_owned()));
    assert_lines(&exporter.page(), &["redis_up 1"]);
    write("{");
    let (status, text) = get(&format!("{}/-/reload", exporter.url));
    assert!(status == 500 && text.contains("passwords.json"), "{status} {text}");
    assert_lines(&exporter.page(), &["redis_up 1"]);
    assert_eq!(get(&format!("{}/health", exporter.url)), (200, "ok".to_owned()));
}
