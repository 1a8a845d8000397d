//! Durations of both kinds, as text and back.

use std::time::Duration;

use super::{format_duration, parse_duration, parse_go_duration};

#[test]
fn prometheus_durations() {
    let check = |text: &str, expected_ms: u64, printed: &str| {
        let duration = parse_duration(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (duration, format_duration(duration).as_str()),
            (Duration::from_millis(expected_ms), printed),
            "{text}"
        );
    };
    check("0", 0, "0s");
    check("1h30m", 5_400_000, "1h30m");
    check("90s", 90_000, "1m30s");
    check("365d", 31_536_000_000, "1y");
    check("366d", 31_622_400_000, "366d");
    check("1s500ms", 1_500, "1s500ms");
    for bad in ["", "1", "s", "1.5s", "-1s", "1m1h", "1s1s", "1x", "1 s", "300y"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn go_durations() {
    let check = |text: &str, expected_ns: u64| {
        assert_eq!(parse_go_duration(text), Ok(Duration::from_nanos(expected_ns)), "{text}");
    };
    check("0", 0);
    check("+0", 0);
    check("1h15m30.918s", 4_530_918_000_000);
    check("1.5h", 5_400_000_000_000);
    check("1s1h", 3_601_000_000_000);
    check("100us", 100_000);
    check("100\u{b5}s", 100_000);
    check(".5ms", 500_000);
    for bad in ["", "+", "1", "s", "-1s", "1d", "1.2.3s", "1 s", "1e3s"] {
        assert!(parse_go_duration(bad).is_err(), "{bad}");
    }
}
