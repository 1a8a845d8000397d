//! `tsdb create-blocks-from openmetrics`: a text file in.

use std::collections::BTreeMap;
use std::path::Path;

use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader};
use metrics_model::{Labels, Sample, SampleValue};

use super::destination::{Destination, Place, report};

pub(super) fn run(input: &Path, into: &Place, labels: &[(String, String)], quiet: bool) -> Result<(), String> {
    let text = std::fs::read(input).map_err(|error| format!("cannot read {}: {error}", input.display()))?;
    // Everything is read before anything is written: a file that is wrong somewhere changes nothing.
    let series = read(&text, labels).map_err(|error| format!("{}: {error}", input.display()))?;
    let mut destination = Destination::open(into)?;
    let mut sink = destination.sink();
    for (labels, samples) in &series {
        sink.add(labels, samples)?;
    }
    let imported = sink.finish()?;
    if !quiet {
        report(&imported);
    }
    Ok(())
}

/// All series with their samples in order of time.
fn read(text: &[u8], more: &[(String, String)]) -> Result<BTreeMap<Labels, Vec<Sample>>, String> {
    let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    let mut reader = Reader::new(MediaType::OpenMetrics, text, ReadOptions::default());
    while let Some(entry) = reader.next() {
        let Entry::Sample(line) = entry.map_err(|error| error.to_string())? else { continue };
        let labels = line.labels().map_err(|error| format!("{}: {error}", line.series))?;
        let at_ms = line.timestamp_ms.ok_or_else(|| format!("expected timestamp for series {labels}, found none"))?;
        let mut labels = labels.to_builder();
        more.iter().for_each(|(name, value)| {
            labels.set(name, value);
        });
        let sample = Sample { timestamp_ms: at_ms, value: SampleValue::Float(line.value) };
        series.entry(labels.build()).or_default().push(sample);
    }
    for samples in series.values_mut() {
        samples.sort_by_key(|sample| sample.timestamp_ms);
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_need_their_time() {
        let text = "# TYPE a counter\na_total{b=\"c\"} 2 2.5\na_total{b=\"c\"} 1 1.5\n# EOF\n";
        let found = read(text.as_bytes(), &[("job".to_owned(), "x".to_owned())]).expect("a good text");
        let labels = Labels::from_pairs([("__name__", "a_total"), ("b", "c"), ("job", "x")]);
        let times: Vec<i64> = found[&labels].iter().map(|sample| sample.timestamp_ms).collect();
        assert_eq!(times, [1500, 2500]);
        let error = read(b"a 1\n# EOF\n", &[]).expect_err("no time");
        assert!(error.contains("expected timestamp"), "{error}");
        assert!(read(b"a 1 1\n", &[]).is_err(), "it does not end");
    }
}
