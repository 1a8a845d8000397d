//! `tsdb import`: the data folder of a Prometheus in, block by block, then its head.

use std::path::Path;

use prometheus_data::{Block, DataError, Folder};

use super::chain;
use super::destination::{Destination, Place, Sink, report};
use crate::promtool::{Outcome, failed};

pub(super) fn run(dir: &Path, into: &Place) -> Outcome {
    match import(dir, into) {
        Ok(0) => Outcome::Fine,
        Ok(damages) => failed(format!("{damages} places are damaged and were left out; everything else is in")),
        Err(error) => failed(error),
    }
}

/// Imports what can be read; gives how many places are damaged.
fn import(dir: &Path, into: &Place) -> Result<usize, String> {
    let folder = Folder::open(dir).map_err(|error| chain(&error))?;
    let mut destination = Destination::open(into)?;
    let mut sink = destination.sink();
    let mut damages = 0;
    let mut damaged = |error: &DataError| {
        eprintln!("{}", chain(error));
        damages += 1;
    };
    folder.broken().iter().for_each(&mut damaged);
    for block in folder.blocks() {
        let meta = block.meta();
        println!("block {}: {} series, {} samples", meta.ulid, meta.stats.num_series, meta.stats.num_samples);
        import_block(block, &mut sink, &mut damaged)?;
    }
    if folder.has_head() {
        let head = folder.head().map_err(|error| chain(&error))?;
        println!("head: {} series", head.len());
        head.damage().iter().for_each(&mut damaged);
        for (labels, samples) in head.into_series() {
            sink.add(&labels, &samples)?;
        }
    }
    report(&sink.finish()?);
    Ok(damages)
}

fn import_block(block: &Block, sink: &mut Sink<'_>, damaged: &mut impl FnMut(&DataError)) -> Result<(), String> {
    let mut reader = match block.reader() {
        Ok(reader) => reader,
        Err(error) => {
            damaged(&error);
            return Ok(());
        }
    };
    loop {
        match reader.next_series() {
            Ok(None) => return Ok(()),
            Ok(Some(series)) => {
                let samples = reader.samples(&series, |error| damaged(&error));
                sink.add(&series.labels, &samples)?;
            }
            Err(error) => {
                damaged(&error);
                return Ok(());
            }
        }
    }
}
