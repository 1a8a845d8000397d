//! `/proc/net/arp`.

use std::collections::BTreeMap;

use super::ParseError;

/// The number of entries of each device.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn entries(text: &str) -> Result<BTreeMap<String, u32>, ParseError> {
    let mut entries = BTreeMap::new();
    for (at, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, _, _, device] = columns[..] else { return Err(ParseError::at(at, "want six columns", line)) };
        *entries.entry(device.to_owned()).or_default() += 1;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #[test]
    fn entries_are_counted_by_device() {
        let text = "IP address HW type Flags HW address Mask Device\n\
                    10.0.0.1 0x1 0x2 aa:bb:cc:dd:ee:ff * eth0\n10.0.0.2 0x1 0x0 00:00:00:00:00:00 * eth0\n\
                    10.1.0.1 0x1 0x2 aa:bb:cc:dd:ee:00 * eth1\n";
        let entries = super::entries(text).unwrap();
        assert_eq!((entries["eth0"], entries["eth1"]), (2, 1));
        assert_eq!(super::entries("head\nodd line\n").unwrap_err().line, 2);
    }
}
