//! What intervals contain, and which are refused.

use super::*;

fn interval(raw: RawTimeInterval) -> Result<TimeInterval, (String, String)> {
    TimeInterval::new(&raw)
}

fn texts(entries: &[&str]) -> Option<Vec<String>> {
    Some(entries.iter().map(|entry| (*entry).to_owned()).collect())
}

fn check(raw: RawTimeInterval, inside: &[&str], outside: &[&str]) {
    let interval = interval(raw).expect("a valid interval");
    let at = |text: &&str| text.parse::<Timestamp>().expect("a time");
    assert_eq!(inside.iter().filter(|text| !interval.contains(at(text))).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(outside.iter().filter(|text| interval.contains(at(text))).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn business_hours_exclude_their_end_and_the_weekend() {
    let times = Some(vec![RawTimeRange { start_time: "09:00".to_owned(), end_time: "17:00".to_owned() }]);
    check(
        RawTimeInterval { times, weekdays: texts(&["Monday:Friday"]), ..RawTimeInterval::default() },
        &["2026-11-23T09:00:00Z", "2026-11-27T16:59:59Z"],
        &["2026-11-23T08:59:59Z", "2026-11-23T17:00:00Z", "2026-11-28T12:00:00Z"],
    );
}

#[test]
fn days_count_from_both_ends_of_the_month_and_are_clamped() {
    check(
        RawTimeInterval { days_of_month: texts(&["-3:-1"]), ..RawTimeInterval::default() },
        &["2026-02-26T00:00:00Z", "2026-02-28T00:00:00Z", "2024-02-29T00:00:00Z"],
        &["2026-02-25T00:00:00Z", "2026-03-28T23:00:00Z"],
    );
    check(
        RawTimeInterval { days_of_month: texts(&["25:31"]), ..RawTimeInterval::default() },
        &["2026-02-28T00:00:00Z"],
        &["2026-02-24T00:00:00Z"],
    );
    check(
        RawTimeInterval { days_of_month: texts(&["31"]), ..RawTimeInterval::default() },
        &["2026-03-31T00:00:00Z"],
        &["2026-02-28T00:00:00Z"],
    );
}

#[test]
fn months_years_and_zones() {
    let raw = RawTimeInterval {
        months: texts(&["january:march", "12"]),
        years: texts(&["2026:2027"]),
        location: Some("Asia/Seoul".to_owned()),
        ..RawTimeInterval::default()
    };
    check(
        raw,
        &["2026-01-15T00:00:00Z", "2026-11-30T15:00:00Z"],
        &["2026-11-30T14:59:59Z", "2027-12-31T15:00:00Z", "2026-04-15T00:00:00Z"],
    );
}

#[test]
fn a_part_without_ranges_never_holds() {
    check(RawTimeInterval { weekdays: texts(&[]), ..RawTimeInterval::default() }, &[], &["2026-01-15T00:00:00Z"]);
}

#[test]
fn wrong_ranges_name_their_key() {
    let refused = |raw: RawTimeInterval, key: &str, message: &str| {
        assert_eq!(interval(raw).expect_err("wrong"), (key.to_owned(), message.to_owned()));
    };
    let none = RawTimeInterval::default;
    refused(
        RawTimeInterval { weekdays: texts(&["monday", "friday:monday"]), ..none() },
        "weekdays[1]",
        "start day cannot be before end day",
    );
    refused(
        RawTimeInterval { days_of_month: texts(&["0"]), ..none() },
        "days_of_month[0]",
        "0 is not a valid day of the month: out of range",
    );
    refused(
        RawTimeInterval { days_of_month: texts(&["-2:5"]), ..none() },
        "days_of_month[0]",
        "end day must be negative if start day is negative",
    );
    refused(
        RawTimeInterval { months: texts(&["may:april"]), ..none() },
        "months[0]",
        "end month april is before start month may",
    );
    refused(
        RawTimeInterval { location: Some("Mars/Base".to_owned()), ..none() },
        "location",
        "unknown time zone Mars/Base",
    );
    let times =
        |start: &str, end: &str| Some(vec![RawTimeRange { start_time: start.to_owned(), end_time: end.to_owned() }]);
    refused(
        RawTimeInterval { times: times("9:00", "17:00"), ..none() },
        "times[0]",
        "couldn't parse timestamp 9:00, invalid format",
    );
    refused(
        RawTimeInterval { times: times("17:00", "24:01"), ..none() },
        "times[0]",
        "couldn't parse timestamp 24:01, invalid format",
    );
}
