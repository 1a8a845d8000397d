//! A device's file in `/run/udev/data`.

use std::collections::HashMap;

/// The device's properties: lines `E:NAME=value`. Other lines are udev's own affair.
#[must_use]
pub fn properties(text: &str) -> HashMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('=')).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_properties() {
        let properties = super::properties("S:disk/by-id/x\nE:ID_MODEL=A=B\nE:broken\nI:1\n");
        assert_eq!(properties.len(), 1);
        assert_eq!(properties["ID_MODEL"], "A=B");
    }
}
