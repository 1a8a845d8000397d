//! `buddyinfo`: how fragmented free memory is.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

struct BuddyInfo {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(BuddyInfo { roots: Arc::clone(&setup.roots) }))
}

impl Collector for BuddyInfo {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("buddyinfo"))?;
        for (at, line) in text.lines().enumerate() {
            let (node, zone, blocks) = parse_line(at, line).map_err(|error| error.in_file("buddyinfo"))?;
            for (size, count) in blocks.into_iter().enumerate() {
                out.gauge("node_buddyinfo_blocks", "Count of free blocks according to size.")
                    .with(&[("node", node), ("zone", zone), ("size", &size.to_string())], count);
            }
        }
        Ok(())
    }
}

/// `Node 0, zone DMA 1 0 2`: the node, the zone, and the free blocks of one page, two, four and so on.
fn parse_line(at: usize, line: &str) -> Result<(&str, &str, Vec<f64>), ParseError> {
    let mut words = line.split_whitespace();
    let (Some("Node"), Some(node), Some("zone"), Some(zone)) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ParseError::at(at, "not a zone", line));
    };
    let blocks = words.map(|word| number(at, word)).collect::<Result<_, _>>()?;
    Ok((node.trim_end_matches(','), zone, blocks))
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn zones() {
        assert_eq!(parse_line(0, "Node 1, zone   DMA32  4 0 7 "), Ok(("1", "DMA32", vec![4.0, 0.0, 7.0])));
        assert!(parse_line(0, "Node 1").is_err() && parse_line(0, "Node 1, zone DMA x").is_err());
    }
}
