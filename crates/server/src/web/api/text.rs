//! Times and numbers as the original's JSON has them outside of samples.

use jiff::Timestamp;

/// RFC 3339 in UTC; what never happened is the year one.
pub(crate) fn format_time(timestamp_ms: Option<i64>) -> String {
    match timestamp_ms.map(Timestamp::from_millisecond) {
        Some(Ok(time)) => time.to_string(),
        Some(Err(_)) | None => "0001-01-01T00:00:00Z".to_owned(),
    }
}

/// Shortest digits with an exponent of at least two digits: `1.5e+02`.
pub(crate) fn format_exponent(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_have_two_digits() {
        let check = |value: f64, expected: &str| assert_eq!(format_exponent(value), expected);
        check(0.0, "0e+00");
        check(1.0, "1e+00");
        check(150.0, "1.5e+02");
        check(0.001, "1e-03");
        check(1e100, "1e+100");
        check(-2.5, "-2.5e+00");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(format_time(None), "0001-01-01T00:00:00Z");
        assert_eq!(format_time(Some(1_795_467_198_709)), "2026-11-23T20:53:18.709Z");
        assert_eq!(format_time(Some(0)), "1970-01-01T00:00:00Z");
    }
}
