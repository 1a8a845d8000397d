//! Blocks there and back through files.

use std::sync::Arc;

use metrics_model::{Histogram, ResetHint, Span, stale_nan};

use super::*;

fn float(at_ms: i64, value: f64) -> Sample {
    Sample { timestamp_ms: at_ms, value: SampleValue::Float(value) }
}

fn histogram(at_ms: i64, count: u64) -> Sample {
    let value = Histogram {
        schema: 1,
        count,
        sum: count as f64,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_deltas: vec![count as i64],
        ..Histogram::default()
    };
    Sample { timestamp_ms: at_ms, value: SampleValue::Histogram(Arc::new(value)) }
}

fn shown(samples: &[Sample]) -> Vec<(i64, String)> {
    let text = |value: &SampleValue| match value {
        SampleValue::Float(value) => format!("{:x}", value.to_bits()),
        SampleValue::Histogram(value) => {
            format!("{:?}", Histogram { reset_hint: ResetHint::Unknown, ..(**value).clone() })
        }
        SampleValue::FloatHistogram(value) => format!("{value:?}"),
    };
    samples.iter().map(|sample| (sample.timestamp_ms, text(&sample.value))).collect()
}

#[test]
fn a_block_comes_back() {
    let parent = tempfile::tempdir().expect("a folder");
    let mut writer = BlockWriter::create(parent.path(), 0, 7_200_000, 1_700_000_000_000).expect("begun");
    let mixed: Vec<Sample> = (0..600)
        .map(|at| match at {
            0..300 => float(at * 1000, if at == 299 { stale_nan() } else { at as f64 / 3.0 }),
            _ => histogram(at * 1000, at as u64 % 200),
        })
        .collect();
    let all = [
        (Labels::from_pairs([("__name__", "a")]), (0..130).map(|at| float(at, -0.0)).collect::<Vec<_>>()),
        (Labels::from_pairs([("__name__", "b")]), mixed),
    ];
    for (labels, samples) in &all {
        writer.add(labels, samples).expect("written");
    }
    let block = writer.finish().expect("written").expect("it has samples");
    let again = Block::open(block.path()).expect("a block");
    assert_eq!(again.meta(), block.meta());
    assert_eq!((again.meta().stats.num_series, again.meta().stats.num_samples), (2, 730));
    assert!(again.size().expect("readable") > 1000 && is_ulid(&again.meta().ulid));
    let mut reader = again.reader().expect("readable");
    for (labels, samples) in &all {
        let series = reader.next_series().expect("readable").expect("a series");
        assert_eq!(&series.labels, labels);
        let found = reader.samples(&series, |error| unreachable!("{error}"));
        assert_eq!(shown(&found), shown(samples));
        // A reset of the counter at 400 begins a chunk.
        let is_cut = series.chunks.iter().any(|chunk| chunk.min_ms == 400_000);
        assert_eq!(is_cut, labels.metric_name() == "b");
    }
    assert!(reader.next_series().expect("readable").is_none());
}

#[test]
fn damaged_chunks_are_named_and_left_out() {
    let parent = tempfile::tempdir().expect("a folder");
    let mut writer = BlockWriter::create(parent.path(), 0, 1000, 5).expect("begun");
    let samples: Vec<Sample> = (0..360).map(|at| float(at, at as f64)).collect();
    writer.add(&Labels::from_pairs([("a", "b")]), &samples).expect("written");
    let block = writer.finish().expect("written").expect("it has samples");
    let file = block.path().join("chunks/000001");
    let mut bytes = std::fs::read(&file).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("writable");
    let mut reader = block.reader().expect("readable");
    let series = reader.next_series().expect("readable").expect("a series");
    let mut errors = Vec::new();
    let found = reader.samples(&series, |error| errors.push(error.to_string()));
    assert_eq!(found.len(), 240);
    assert!(errors.len() == 1 && errors[0].contains("000001 is damaged at byte"), "{errors:?}");
}

#[test]
fn an_empty_block_leaves_nothing() {
    let parent = tempfile::tempdir().expect("a folder");
    let writer = BlockWriter::create(parent.path(), 0, 1000, 5).expect("begun");
    assert!(writer.finish().expect("written").is_none());
    assert_eq!(std::fs::read_dir(parent.path()).expect("readable").count(), 0);
}
