//! Times as text.

use jiff::Timestamp;

/// RFC 3339 in UTC with three decimals; the epoch for times that no calendar has.
pub(crate) fn rfc3339(timestamp_ms: i64) -> String {
    let time = Timestamp::from_millisecond(timestamp_ms).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
