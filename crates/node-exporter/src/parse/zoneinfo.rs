//! `/proc/zoneinfo`.

use std::collections::HashMap;

/// A zone of memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Zone<'a> {
    /// The NUMA node's number.
    pub node: &'a str,
    /// As `DMA32`.
    pub name: &'a str,
    /// Numbers by name; of names that come twice the later counts.
    pub fields: HashMap<&'a str, f64>,
    /// How many pages are kept for each zone's own use.
    pub protection: Vec<f64>,
}

/// The zones. Lines that are not a name and a number are skipped: the file is full of other things.
#[must_use]
pub fn parse(text: &str) -> Vec<Zone<'_>> {
    let mut zones: Vec<Zone<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("Node ") {
            if let Some((node, name)) = heading.split_once(", zone") {
                zones.push(Zone { node, name: name.trim(), ..Zone::default() });
            }
            continue;
        }
        let Some(zone) = zones.last_mut() else { continue };
        if let Some((_, numbers)) = line.split_once("protection:") {
            let numbers = numbers.trim().trim_start_matches('(').trim_end_matches(')');
            zone.protection = numbers.split(", ").filter_map(|number| number.parse().ok()).collect();
            continue;
        }
        let mut words = line.split_whitespace();
        if let (Some(name), Some(value)) = (words.next(), words.next().and_then(|value| value.parse().ok())) {
            zone.fields.insert(name, value);
        }
    }
    zones
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn zones_and_their_numbers() {
        let text = "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 230981\n  pages free     3952\n        \
                    min      33\n        protection: (0, 2877, 7826)\n  pagesets\n    cpu: 0\n              high:  378\n\
                    Node 1, zone    Normal\n        min      42\n";
        let zones = parse(text);
        assert_eq!(
            zones.iter().map(|zone| (zone.node, zone.name)).collect::<Vec<_>>(),
            [("0", "DMA"), ("1", "Normal")]
        );
        assert_eq!((zones[0].fields["nr_inactive_anon"], zones[0].fields["min"]), (230_981.0, 33.0));
        assert_eq!(zones[0].protection, [0.0, 2877.0, 7826.0]);
        assert_eq!(zones[1].fields["min"], 42.0);
    }
}
