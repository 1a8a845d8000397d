//! Each scheme, there and back.

use super::{EscapingScheme, escape_family};
use crate::family::{MetricFamily, MetricKind, MetricValue};
use crate::labels::Labels;

#[test]
fn names_in_each_scheme() {
    let check = |name: &str, underscores: &str, dots: &str, values: &str| {
        assert_eq!(EscapingScheme::AllowUtf8.escape(name), name);
        assert_eq!(EscapingScheme::Underscores.escape(name), underscores);
        assert_eq!(EscapingScheme::Dots.escape(name), dots);
        assert_eq!(EscapingScheme::Values.escape(name), values);
        assert_eq!(EscapingScheme::Values.unescape(values), name);
    };
    check("", "", "", "");
    check("no:escaping_required", "no:escaping_required", "no:escaping__required", "no:escaping_required");
    check(
        "mysystem.prod.west.cpu.load",
        "mysystem_prod_west_cpu_load",
        "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
        "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load",
    );
    check("http.status_code", "http_status_code", "http_dot_status__code", "U__http_2e_status__code");
    check("0é 花", "____", "________", "U___30__e9__20__82b1_");
    check("label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_");
}

#[test]
fn what_was_not_escaped_stays() {
    for name in ["plain", "U__bad_", "U__bad_zz_", "U__bad_1234567_", "U__bad_d800_", "U__bad_110000_"] {
        assert_eq!(EscapingScheme::Values.unescape(name), name);
    }
    assert_eq!(EscapingScheme::Dots.unescape("a_dot_b__c"), "a.b_c");
}

#[test]
fn families_are_escaped_where_needed() {
    let mut family = MetricFamily::new("a.b", "", MetricKind::Gauge);
    family.push(Labels::from_pairs([("c.d", "e.f"), ("g_h", "i")]), MetricValue::Gauge(1.0));
    let escaped = escape_family(&family, EscapingScheme::Dots);
    assert_eq!(escaped.name, "a_dot_b");
    assert_eq!(escaped.metrics[0].labels, Labels::from_pairs([("c_dot_d", "e.f"), ("g_h", "i")]));
    assert_eq!(*escape_family(&family, EscapingScheme::AllowUtf8), family);
}

proptest::proptest! {
    #[test]
    fn values_come_back(name in "\\PC*") {
        let escaped = EscapingScheme::Values.escape(&name).into_owned();
        // A legacy name that looks escaped is the one that does not.
        if !name.starts_with("U__") {
            proptest::prop_assert_eq!(EscapingScheme::Values.unescape(&escaped), name);
        }
    }
}
