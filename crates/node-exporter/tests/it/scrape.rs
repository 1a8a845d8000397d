//! The exporter on this machine.

use std::io::Read as _;

use daemon::App as _;

use crate::hosted::{families, get, page_of, start};

fn flags(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_its_surroundings() {
    let app = start(&[]).await;
    let address = app.addresses()[0].to_string();
    let landing = get(&address, "/", "").await;
    assert!(landing.head.starts_with("HTTP/1.0 200"), "{}", landing.head);
    assert!(landing.text().contains("href=\"/metrics\""));
    assert!(get(&address, "/-/healthy", "").await.head.contains(" 200 "));
    assert!(get(&address, "/nothing", "").await.head.contains(" 404 "));

    let plain = get(&address, "/metrics", "").await;
    assert!(plain.head.contains("content-type: text/plain; version=0.0.4"), "{}", plain.head);
    let plain = plain.text();
    for family in ["node_exporter_build_info", "process_cpu_seconds_total", "promhttp_metric_handler_requests_total"] {
        assert!(families(&plain).contains_key(family), "{family}");
    }
    let packed = get(&address, "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert!(packed.head.contains("content-encoding: gzip"), "{}", packed.head);
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).expect("it is gzip");
    assert!(unpacked.contains("node_exporter_build_info{"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_collector_reports_and_none_breaks_another() {
    let page = page_of(&[]).await;
    let success = &families(&page)["node_scrape_collector_success"];
    let successful: Vec<_> = success.iter().filter(|line| line.ends_with("} 1")).collect();
    assert!(success.len() - 2 >= successful.len() && successful.len() >= 5, "{success:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_selects_collectors() {
    let app = start(&flags(&["--no-collector.vmstat"])).await;
    let address = app.addresses()[0].to_string();
    let names = |page: &str| -> Vec<String> {
        let success = families(page).remove("node_scrape_collector_success").unwrap_or_default();
        success.iter().filter_map(|line| Some(line.split('"').nth(1)?.to_owned())).collect()
    };
    let only = get(&address, "/metrics?collect[]=loadavg&collect%5B%5D=stat", "").await.text();
    assert_eq!(names(&only), ["loadavg", "stat"]);
    let except = get(&address, "/metrics?exclude[]=loadavg", "").await.text();
    assert!(!names(&except).contains(&"loadavg".to_owned()) && names(&except).contains(&"stat".to_owned()));
    for (query, text) in [
        ("collect[]=a&exclude[]=b", "Combined collect and exclude queries are not allowed."),
        (
            "collect[]=vmstat",
            "Couldn't create filtered metrics handler: couldn't create collector: disabled collector: vmstat",
        ),
        ("collect[]=x", "Couldn't create filtered metrics handler: couldn't create collector: missing collector: x"),
    ] {
        let refused = get(&address, &format!("/metrics?{query}"), "").await;
        assert!(refused.head.contains(" 400 "), "{}", refused.head);
        assert_eq!(refused.text(), text);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_host_costs_collectors_and_not_the_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("the folder's name is text");
    std::fs::write(folder.path().join("loadavg"), "one two three").expect("the file is written");
    let page = page_of(&flags(&[
        &format!("--path.procfs={place}"),
        &format!("--path.sysfs={place}"),
        "--web.disable-exporter-metrics",
    ]))
    .await;
    let families = families(&page);
    assert!(
        families["node_scrape_collector_success"]
            .contains(&"node_scrape_collector_success{collector=\"loadavg\"} 0".to_owned())
    );
    assert!(families.contains_key("node_uname_info") && !families.contains_key("process_open_fds"));
}
