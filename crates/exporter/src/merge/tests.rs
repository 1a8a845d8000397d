use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use super::{Fault, merge};
use crate::batch::{Batch, sorted};

fn names(families: &[MetricFamily]) -> Vec<(&str, usize)> {
    families.iter().map(|family| (family.name.as_str(), family.metrics.len())).collect()
}

#[test]
fn families_are_sorted_and_joined() {
    let (mut one, mut two) = (Batch::new(), Batch::new());
    one.gauge("b", "B.").with(&[("x", "2")], 1.0);
    one.counter("a", "A.").value(1.0);
    two.gauge("b", "B.").with(&[("x", "1")], 1.0);
    let (families, faults) = merge([one.families(), two.families()].concat());
    assert_eq!(names(&families), [("a", 1), ("b", 2)]);
    assert_eq!(families[1].metrics[0].labels.get("x"), Some("1"));
    assert_eq!(faults, []);
}

#[test]
fn what_does_not_fit_is_left_out_and_named() {
    let mut batch = Batch::new();
    batch.gauge("a", "A.").value(1.0).value(2.0).with(&[("x", "")], 3.0).with(&[("0", "y")], 3.0);
    batch.counter("a", "A.").with(&[("x", "1")], 1.0);
    batch.gauge("a", "Other.").with(&[("x", "2")], 1.0);
    batch.gauge("with space", "A.").value(1.0);
    let mut histogram = MetricFamily::new("h", "H.", MetricKind::Histogram);
    histogram.push(sorted(&[]), MetricValue::Histogram(Box::default()));
    batch.add(histogram);
    batch.gauge("h_count", "A.").value(1.0);
    let (families, faults) = merge(batch.families().to_vec());
    assert_eq!(names(&families), [("a", 1), ("h", 1)]);
    assert_eq!(families[0].metrics[0].value, MetricValue::Gauge(1.0), "the first stays");
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "metric a is a counter, but was a gauge before",
            "metric a has help \"Other.\", but had \"A.\" before",
            "metric name \"with space\" is not valid",
            "metric h_count has the name of a part of the histogram h",
            "metric a{} was collected before with the same labels",
            "metric a{x=\"\"} was collected before with the same labels",
            "metric a has the invalid label name \"0\"",
        ]
    );
    assert!(matches!(faults[0], Fault::Kind { .. }));
}
