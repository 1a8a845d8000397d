//! Queries at the edges of the grammar: how they print, and what is said about those that are none.

use promql::Features;
use promql::parser::{ParserOptions, parse};

fn outcome(query: &str) -> String {
    let options = ParserOptions { features: Features::ALL, ..ParserOptions::default() };
    match parse(query, options) {
        Ok(expr) => expr.to_string(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn what_cannot_be_printed_is_spelled_out() {
    for (query, printed) in [
        ("x{a=\"\u{e9}\u{4e16}\u{1f600}\"}", "x{a=\"\u{e9}\u{4e16}\u{1f600}\"}"),
        ("x{a=\"\u{a0}\u{200b}\u{feff}\u{e000}\"}", r#"x{a="\u00a0\u200b\ufeff\ue000"}"#),
        (r#"x{a="\U00101111"}"#, r#"x{a="\U00101111"}"#),
        (r#"x{a="\x00\x1f\x7f"}"#, r#"x{a="\x00\x1f\x7f"}"#),
        // Bytes that are no text become one replacement character, which could not be read raw.
        (r#"x{a="\xff"}"#, r#"x{a="\ufffd"}"#),
        ("\"\\xff\u{a0}\"", r#""\xff\u00a0""#),
        ("sum by (\"a\u{2028}b\") (x)", r#"sum by ("a\u2028b") (x)"#),
    ] {
        assert_eq!(outcome(query), printed, "{query}");
        assert_eq!(outcome(printed), printed, "{query}, printed");
    }
}

#[test]
fn lists_of_labels() {
    for (query, expected) in [
        ("sum by (by, on, bool, offset, group_left) (x)", "sum by (by, on, bool, offset, group_left) (x)"),
        ("sum by (without) (x)", "1:9: parse error: unexpected <without> in grouping opts, expected label"),
        ("x * on (a) group_left y", "x * on (a) group_left () y"),
        ("x * on (a) group_left -y", "x * on (a) group_left () -y"),
        ("x * on (a) group_left , y", "1:23: parse error: unexpected \",\" in grouping opts, expected \"(\""),
        ("x * on (a) group_left", "1:22: parse error: unexpected end of input in grouping opts, expected \"(\""),
        ("x * on (a) group_left / y", "1:23: parse error: unexpected <op:/> in grouping opts, expected \"(\""),
    ] {
        assert_eq!(outcome(query), expected, "{query}");
    }
}

#[test]
fn offsets_that_are_out_of_range_are_reported_at_their_sign() {
    for (query, expected) in [
        ("x offset -Inf", "1:10: parse error: duration out of range"),
        ("x offset 300y", "1:10: parse error: duration out of range"),
        ("x[-300y]", "1:4: parse error: duration out of range"),
    ] {
        assert_eq!(outcome(query), expected, "{query}");
    }
}
