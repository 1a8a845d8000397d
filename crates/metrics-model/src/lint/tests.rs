//! Every piece of advice, and metrics without any.

use super::lint;
use crate::exposition::text::read_families;
use crate::name::NameScheme;

/// The advice on a page in the text format, a line each.
#[track_caller]
fn check(page: &str, expected: &[&str]) {
    let families = read_families(page.as_bytes(), NameScheme::Utf8).unwrap_or_else(|error| panic!("{error}"));
    let actual: Vec<_> = lint(&families).iter().map(|it| format!("{} {}", it.metric, it.text)).collect();
    assert_eq!(actual, expected);
}

#[test]
fn good_metrics_need_no_advice() {
    check("# HELP a_bytes_total x\n# TYPE a_bytes_total counter\na_bytes_total 1\n", &[]);
    check("# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 1\nh_seconds_count 1\n", &[]);
    check("# HELP u_total x\nu_total 1\n", &[]);
}

#[test]
fn each_rule_gives_its_advice() {
    check("a 1\n", &["a no help text"]);
    check(
        "# HELP b_milliseconds x\n# TYPE b_milliseconds gauge\nb_milliseconds 1\n# HELP c_hours x\nc_hours 1\n",
        &[
            "b_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
            "c_hours use base unit \"seconds\" instead of \"hours\"",
        ],
    );
    check("# HELP d x\n# TYPE d counter\nd 1\n", &["d counter metrics should have \"_total\" suffix"]);
    check(
        "# HELP d_total x\n# TYPE d_total gauge\nd_total 1\n",
        &["d_total non-counter metrics should not have \"_total\" suffix"],
    );
    check(
        "# HELP e_bucket x\n# TYPE e_bucket gauge\ne_bucket{le=\"1\",quantile=\"1\"} 1\n",
        &[
            "e_bucket non-histogram metrics should not have \"_bucket\" suffix",
            "e_bucket non-histogram metrics should not have \"le\" label",
            "e_bucket non-summary metrics should not have \"quantile\" label",
        ],
    );
    check(
        "# HELP f_sum x\n# TYPE f_sum gauge\nf_sum 1\n",
        &["f_sum non-histogram and non-summary metrics should not have \"_sum\" suffix"],
    );
    check(
        "# HELP my_gauge_x x\n# TYPE my_gauge_x gauge\nmy_gauge_x 1\n",
        &["my_gauge_x metric name should not include type 'gauge'"],
    );
    check(
        "# HELP g:camelCase x\n# TYPE g:camelCase gauge\ng:camelCase{labelName=\"1\"} 1\n",
        &[
            "g:camelCase label names should be written in 'snake_case' not 'camelCase'",
            "g:camelCase metric names should be written in 'snake_case' not 'camelCase'",
            "g:camelCase metric names should not contain ':'",
        ],
    );
    check("# HELP h_ms x\n# TYPE h_ms gauge\nh_ms 1\n", &["h_ms metric names should not contain abbreviated units"]);
    check("# HELP i x\n# TYPE i gauge\ni 1\ni 2\ni{a=\"b\"} 1\n", &["i metric not unique"]);
}
