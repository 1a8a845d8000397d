//! `/proc/net/dev`.

use std::collections::BTreeMap;

use super::{ParseError, number};

/// The columns, with the names that the original gives them.
const COLUMNS: [&str; 16] = [
    "receive_bytes",
    "receive_packets",
    "receive_errors",
    "receive_dropped",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errors",
    "transmit_dropped",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

/// The counters of a device by name.
pub type Counters = BTreeMap<&'static str, u64>;

/// The devices and their counters.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<(String, Counters)>, ParseError> {
    let mut devices = Vec::new();
    // Two lines of headings come first.
    for (at, line) in text.lines().enumerate().skip(2).filter(|(_, line)| !line.trim().is_empty()) {
        // Aliases have a colon in their name.
        let (name, values) = line.rsplit_once(':').ok_or_else(|| ParseError::at(at, "no colon", line))?;
        let mut counters = Counters::new();
        let mut values = values.split_whitespace();
        for column in COLUMNS {
            let value = values.next().ok_or_else(|| ParseError::at(at, "too few columns", line))?;
            counters.insert(column, number(at, value)?);
        }
        devices.push((name.trim().to_owned(), counters));
    }
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn devices_with_and_without_space() {
        let text = "Inter-| Receive | Transmit\n face |bytes\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n\
                    eth0:0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let devices = parse(text).unwrap();
        assert_eq!(devices[0].0, "lo");
        assert_eq!((devices[0].1["receive_bytes"], devices[0].1["transmit_compressed"]), (1, 16));
        assert_eq!(devices[1].0, "eth0:0");
        assert_eq!(parse("a\nb\nlo: 1 2").unwrap_err().line, 3);
    }
}
