//! `filefd`: open files of the whole host.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

struct FileFd {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(FileFd { roots: Arc::clone(&setup.roots) }))
}

impl Collector for FileFd {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("sys/fs/file-nr"))?;
        let (allocated, maximum) = parse(&text).map_err(|error| error.in_file("sys/fs/file-nr"))?;
        out.gauge("node_filefd_allocated", "File descriptor statistics: allocated.").value(allocated);
        out.gauge("node_filefd_maximum", "File descriptor statistics: maximum.").value(maximum);
        Ok(())
    }
}

/// The number in between has been zero since Linux 2.6.
fn parse(text: &str) -> Result<(f64, f64), ParseError> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [allocated, _, maximum, ..] => Ok((number(0, allocated)?, number(0, maximum)?)),
        _ => Err(ParseError::at(0, "want three numbers", text)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_and_the_third() {
        assert_eq!(super::parse("1024\t0\t1631329\n"), Ok((1024.0, 1_631_329.0)));
        assert!(super::parse("1 2").is_err() && super::parse("a 0 2").is_err());
    }
}
