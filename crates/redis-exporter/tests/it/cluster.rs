//! A cluster of real servers: keys are looked for on all masters, and discovery names all nodes.

use std::time::Duration;

use crate::common::{Redis, get, talk};
use crate::{Exporter, assert_lines};

/// All slots of a cluster.
const SLOTS: u32 = 16384;

/// Three masters that know each other; nothing where there is no redis-server.
fn cluster(folder: &std::path::Path, arguments: &[&str]) -> Option<Vec<Redis>> {
    let mut nodes = Vec::new();
    for number in 0..3_u32 {
        let place = folder.join(number.to_string());
        std::fs::create_dir(&place).expect("writable");
        // Usually 10000 above the port, which may be over the last one.
        let bus = e2e::process::free_port().to_string();
        let own = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
        let node = Redis::start(&place, &[&own[..], arguments].concat())?;
        let (first, last) = (SLOTS * number / 3, SLOTS * (number + 1) / 3 - 1);
        node.run(&format!("CLUSTER ADDSLOTSRANGE {first} {last}\n"));
        nodes.push((node, bus));
    }
    let (first, _) = &nodes[0];
    for (node, bus) in &nodes[1..] {
        first.run(&format!("CLUSTER MEET 127.0.0.1 {} {bus}\n", node.port));
    }
    for (node, _) in &nodes {
        e2e::wait_for("the cluster is there", Duration::from_secs(60), || {
            let all = |text: &str| text.contains("cluster_state:ok") && text.contains("cluster_known_nodes:3");
            talk(node.port, "CLUSTER INFO\n").filter(|text| all(text))
        });
    }
    Some(nodes.into_iter().map(|(node, _)| node).collect())
}

#[test]
fn keys_of_all_masters_are_found_and_nodes_are_discovered() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(nodes) = cluster(folder.path(), &[]) else { return };
    // Slots of these keys: one on each master.
    let mut homes = Vec::new();
    for key in ["b", "c", "a", "foo", "bar", "hello"] {
        for (at, node) in nodes.iter().enumerate() {
            if talk(node.port, &format!("SET {key} 7\n")).is_some_and(|answer| answer.starts_with("+OK")) {
                homes.push(at);
            }
        }
    }
    assert_eq!(homes.len(), 6, "each key has one home");
    assert!((0..3).all(|at| homes.contains(&at)), "{homes:?}");
    let flags = [
        "--is-cluster",
        "--redis.addr",
        &nodes[0].url(),
        "--check-keys=*",
        "--count-keys=*",
        "--check-key-groups=^([a-c])$",
    ];
    let exporter = Exporter::start(&flags);
    let page = exporter.page();
    for key in ["a", "b", "c", "foo", "bar", "hello"] {
        assert_lines(&page, &[&format!("redis_key_value{{db=\"db0\",key=\"{key}\"}} 7")]);
    }
    assert_lines(
        &page,
        &[
            "redis_keys_count{db=\"db0\",key=\"*\"} 6",
            "redis_cluster_enabled 1",
            "redis_cluster_known_nodes 3",
            "redis_number_of_distinct_key_groups{db=\"db0\"} 4",
            "redis_key_group_count{db=\"db0\",key_group=\"unclassified\"} 3",
        ],
    );
    let (status, found) = get(&format!("{}/discover-cluster-nodes", exporter.url));
    assert_eq!(status, 200, "{found}");
    let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    let mut targets: Vec<&str> =
        found[0]["targets"].as_array().expect("a list").iter().filter_map(|target| target.as_str()).collect();
    targets.sort_unstable();
    let mut expected: Vec<String> = nodes.iter().map(Redis::url).collect();
    expected.sort_unstable();
    assert_eq!(targets, expected);
    // Nodes off the list are not asked, and a sum over the others would be wrong.
    let flags = [&flags[..], &["--target.allow=10.9.9.9"]].concat();
    let page = Exporter::start(&flags).page();
    assert!(page.contains("redis_up 1") && !page.contains("redis_keys_count"), "{page}");
    let exporter = Exporter::start(&["--redis.addr", &nodes[0].url()]);
    assert_eq!(get(&format!("{}/discover-cluster-nodes", exporter.url)).0, 400);
}
