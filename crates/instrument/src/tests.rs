//! What a registry shows of what was counted.

use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use crate::process::{self, Usage};
use crate::registry::Registry;

fn named<'a>(families: &'a [MetricFamily], name: &str) -> &'a MetricFamily {
    families.iter().find(|family| family.name == name).expect("the family is there")
}

#[test]
fn gathers_in_order_of_names_and_hides_empty_families() {
    let registry = Registry::new();
    registry.counter("b_total", "B.").inc_by(3);
    registry.gauge("a", "A.").set(-2);
    let unused = registry.counters("c_total", "C.", &["x"]);
    let families = registry.gather();
    assert_eq!(families.iter().map(|family| family.name.as_str()).collect::<Vec<_>>(), ["a", "b_total"]);
    assert_eq!(named(&families, "b_total").metrics[0].value, MetricValue::counter(3.0));
    assert_eq!(named(&families, "a").metrics[0].value, MetricValue::Gauge(-2.0));
    unused.with_label_values(&["1"]).inc();
    assert_eq!(named(&registry.gather(), "c_total").metrics[0].labels.get("x"), Some("1"));
}

#[test]
fn a_name_taken_twice_keeps_the_first() {
    let registry = Registry::new();
    registry.counter("a_total", "A.").inc();
    registry.counter("a_total", "A.").inc_by(5);
    assert_eq!(named(&registry.gather(), "a_total").metrics[0].value, MetricValue::counter(1.0));
}

#[test]
fn an_included_registry_shows_in_the_same_families() {
    let (registry, other) = (Registry::new(), Registry::new());
    registry.gauges("a", "A.", &["of"]).with_label_values(&["x"]).set(1);
    other.gauges("a", "A.", &["of"]).with_label_values(&["y"]).set(2);
    registry.counter("b_total", "B.").inc_by(3);
    other.counter("b_total", "B.").inc_by(4);
    registry.include(&other);
    let families = registry.gather();
    assert_eq!((families.len(), families[0].metrics.len()), (2, 2));
    assert_eq!(named(&families, "b_total").metrics.len(), 1);
    assert_eq!(named(&families, "b_total").metrics[0].value, MetricValue::counter(7.0));
}

#[test]
fn histograms_keep_their_buckets() {
    let registry = Registry::new();
    let histogram = registry.histogram("h", "H.", &[1.0, 2.0]);
    histogram.observe(1.5);
    histogram.observe(9.0);
    let families = registry.gather();
    let MetricValue::Histogram(value) = &named(&families, "h").metrics[0].value else {
        unreachable!("a histogram family holds histograms")
    };
    assert_eq!((value.count, value.sum), (2.0, 10.5));
    let buckets: Vec<_> = value.buckets.iter().map(|bucket| (bucket.upper_bound, bucket.cumulative_count)).collect();
    assert_eq!(buckets, [(1.0, 0.0), (2.0, 1.0)]);
}

#[test]
fn summaries_show_quantiles_of_what_was_observed() {
    let registry = Registry::new();
    let summaries = registry.summaries("s", "S.", &["part"], &[0.5, 0.9]);
    for value in 1..=10 {
        summaries.with(&["x"]).observe(f64::from(value));
    }
    let families = registry.gather();
    let MetricValue::Summary(value) = &named(&families, "s").metrics[0].value else {
        unreachable!("a summary family holds summaries")
    };
    assert_eq!((value.count, value.sum), (10.0, 55.0));
    assert_eq!(value.quantiles.iter().map(|quantile| quantile.value).collect::<Vec<_>>(), [5.0, 9.0]);
    summaries.remove(&["x"]);
    assert!(registry.gather().is_empty());
}

#[test]
fn a_full_window_forgets_the_oldest() {
    let registry = Registry::new();
    let summary = registry.summary("s", "S.", &[0.0, 1.0]);
    for value in 0..2_000 {
        summary.observe(f64::from(value));
    }
    let families = registry.gather();
    let MetricValue::Summary(value) = &families[0].metrics[0].value else {
        unreachable!("a summary family holds summaries")
    };
    assert_eq!(value.count, 2_000.0);
    assert_eq!(value.quantiles.iter().map(|quantile| quantile.value).collect::<Vec<_>>(), [1_488.0, 1_999.0]);
}

#[test]
fn process_files_are_read() {
    let stat =
        "12 (a) b) c) S 1 12 12 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 4 0 1000 1048576 256 18446744073709551615";
    let status = "Name:\tx\nVmSize:\t    1024 kB\nVmRSS:\t     512 kB\n";
    let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                  Max open files            1024                 4096                 files     \n\
                  Max address space         unlimited            unlimited            bytes     \n";
    let usage = Usage::parse(stat, status, limits, "cpu 1\nbtime 1700000000\n");
    let expected = Usage {
        cpu_seconds: Some(4.0),
        start_seconds: Some(10.0),
        virtual_bytes: Some(1_048_576.0),
        resident_bytes: Some(524_288.0),
        open_files: None,
        files_max: Some(1024.0),
        virtual_bytes_max: Some(u64::MAX as f64),
        boot_seconds: Some(1_700_000_000.0),
        ..Usage::default()
    };
    assert_eq!(usage, expected);
    assert_eq!(Usage::parse("", "", "", ""), Usage::default(), "nothing readable is nothing shown");
}

#[test]
#[cfg(target_os = "linux")]
fn this_process_shows_itself() {
    let registry = Registry::new();
    process::add(&registry);
    process::add_build_info(&registry, "prometheus", "1.2.3");
    let families = registry.gather();
    assert_eq!(named(&families, "process_cpu_seconds_total").kind, MetricKind::Counter);
    assert_eq!(named(&families, "prometheus_build_info").metrics[0].labels.get("version"), Some("1.2.3"));
    let MetricValue::Gauge(resident) = named(&families, "process_resident_memory_bytes").metrics[0].value else {
        unreachable!("memory is a gauge")
    };
    assert!(resident > 0.0);
}

#[test]
fn network_traffic_is_found_among_the_protocols() {
    let mut usage = Usage::default();
    usage.parse_network("TcpExt: A B\nTcpExt: 1 2\nIpExt: X InOctets OutOctets\nIpExt: 1 20 30\n");
    assert_eq!((usage.received_bytes, usage.sent_bytes), (Some(20.0), Some(30.0)));
}
