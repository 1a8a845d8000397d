//! A client library as people use it: Python's `prometheus_client` pushes and deletes. Skips where it isn't installed.

use std::path::Path;
use std::process::Command;

use crate::pushes::Gateway;

const SCRIPT: &str = "
import sys
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, delete_from_gateway, push_to_gateway, pushadd_to_gateway
gateway = sys.argv[1]
registry = CollectorRegistry()
Gauge('job_last_success_unixtime', 'Last time a batch job succeeded', registry=registry).set(1795392000)
Counter('job_rows', 'Rows', ['table'], registry=registry).labels('a/b \"c\"').inc(5)
Histogram('job_seconds', 'Time', registry=registry).observe(0.3)
push_to_gateway(gateway, job='batch', registry=registry, grouping_key={'instance': 'a/b', 'zone': ''})
more = CollectorRegistry()
Gauge('job_more', 'More', registry=more).set(1)
pushadd_to_gateway(gateway, job='batch', registry=more, grouping_key={'instance': 'a/b', 'zone': ''})
push_to_gateway(gateway, job='gone', registry=registry)
delete_from_gateway(gateway, job='gone')
";

#[test]
fn pythons_client_library_pushes_and_deletes() {
    let has_library = Command::new("python3").args(["-c", "import prometheus_client"]).output();
    if !has_library.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no Python with prometheus_client");
        return;
    }
    let gateway = Gateway::start(Path::new(""), |_| {});
    let output = Command::new("python3").args(["-c", SCRIPT, &gateway.address()]).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = gateway.page();
    for line in [
        "job_last_success_unixtime{instance=\"a/b\",job=\"batch\",zone=\"\"} 1.795392e+09",
        "job_rows_total{instance=\"a/b\",job=\"batch\",table=\"a/b \\\"c\\\"\",zone=\"\"} 5",
        "job_seconds_count{instance=\"a/b\",job=\"batch\",zone=\"\"} 1",
        "job_more{instance=\"a/b\",job=\"batch\",zone=\"\"} 1",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line} is not on the page:\n{page}");
    }
    assert!(!page.contains("job=\"gone\""), "{page}");
    gateway.stop();
}
