//! Times against what Go prints for them.

use super::*;

fn at(text: &str) -> Time {
    Time::from_rfc3339(text).unwrap()
}

#[test]
fn formats_like_the_reference_date() {
    let time = at("2024-03-05T16:07:09.120450Z");
    let check = |layout: &str, expected: &str| assert_eq!(time.format(layout), expected, "layout {layout:?}");
    check("Mon Jan _2 15:04:05 2006", "Tue Mar  5 16:07:09 2024");
    check("Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 05-Mar-24 16:07:09 UTC");
    check("2006-01-02T15:04:05.999999999Z07:00", "2024-03-05T16:07:09.12045Z");
    check("3:4:5 PM pm .000 ,000000 .00", "4:7:9 PM pm .120 ,120450 .12");
    check("January Month Janet Mon", "March Month Janet Tue");
    check("002 __2 _2006 -07 -0700 -07:00:00 Z0700", "065  65 _2024 +00 +0000 +00:00:00 Z");
    check("1/2/06", "3/5/24");
}

#[test]
fn shows_zones() {
    let time = at("2024-01-01T08:15:30Z");
    assert_eq!(time.to_string(), "2024-01-01 08:15:30 +0000 UTC");
    assert_eq!(time.in_zone("Europe/Paris").unwrap().to_string(), "2024-01-01 09:15:30 +0100 CET");
    assert_eq!(time.in_zone("America/New_York").unwrap().format("15:04 MST -07:00"), "03:15 EST -05:00");
    assert_eq!(at("2024-07-01T08:15:30+05:30").to_string(), "2024-07-01 08:15:30 +0530 +0530");
    assert_eq!(time.in_zone("Nowhere/Land").unwrap_err().to_string(), "unknown time zone Nowhere/Land");
    assert!(time.in_zone("europe/paris").is_err(), "names of zones have their case");
    assert_eq!(Time::zero().to_string(), "0001-01-01 00:00:00 +0000 UTC");
}

#[test]
fn parses_what_it_formats() {
    let time = at("2024-03-05T16:07:09.120450Z");
    for layout in ["2006-01-02T15:04:05.999999999Z07:00", "Mon, 02 Jan 2006 15:04:05.000000 -0700", "20060102 15:04:05"]
    {
        assert_eq!(Time::parse(layout, &time.format(layout)).unwrap().unix_s(), time.unix_s(), "layout {layout:?}");
    }
    assert_eq!(Time::parse("02 Jan 06 15:04 MST", "05 mar 24 16:07 CET").unwrap().format("MST -0700"), "CET +0000");
    assert_eq!(Time::parse("2006 002", "2024 366").unwrap().format("01-02"), "12-31");
    assert_eq!(Time::parse("3:04 pm", "12:30 am").unwrap().format("15:04"), "00:30");
}

#[test]
fn says_where_text_and_layout_part() {
    let check = |layout: &str, text: &str, expected: &str| {
        assert_eq!(Time::parse(layout, text).unwrap_err().to_string(), expected);
    };
    check(
        "2006-01-02",
        "not-a-date",
        r#"parsing time "not-a-date" as "2006-01-02": cannot parse "not-a-date" as "2006""#,
    );
    check("2006-01-02", "2024-13-01", r#"parsing time "2024-13-01": month out of range"#);
    check("2006-01-02", "2024-02-30", r#"parsing time "2024-02-30": day out of range"#);
    check("2006", "2024 more", r#"parsing time "2024 more": extra text: " more""#);
}

#[test]
fn durations_print_as_in_go() {
    let check = |nanoseconds: i64, expected: &str| assert_eq!(duration::format(nanoseconds), expected);
    check(0, "0s");
    check(1, "1ns");
    check(1_100, "1.1µs");
    check(2_200_000, "2.2ms");
    check(3_300_000_000, "3.3s");
    check(245_000_000_000, "4m5s");
    check(245_001_000_000, "4m5.001s");
    check(18_367_001_000_000, "5h6m7.001s");
    check(3_600_000_000_000, "1h0m0s");
    check(-1_500_000_000, "-1.5s");
    check(i64::MIN, "-2562047h47m16.854775808s");
}
