//! Everything that a store shows, in a form that can be compared.

use metrics_model::{FloatHistogram, Labels, Matcher};
use storage::{Querier, Queryable, Run, SelectHints, TimeRange};

/// A sample's value, bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Float(u64),
    Histogram(Box<FloatHistogram>),
}

/// What one selection shows.
pub(crate) type Shown = Vec<(Labels, Vec<(i64, Value)>)>;

/// All series that satisfy the matchers, with their samples in the range.
pub(crate) fn show(storage: &dyn Queryable, range: TimeRange, matchers: &[Matcher]) -> Shown {
    show_querier(&*storage.querier(range).unwrap(), matchers)
}

/// All series of a querier that satisfy the matchers.
pub(crate) fn show_querier(querier: &dyn Querier, matchers: &[Matcher]) -> Shown {
    let selected = querier.select(matchers, &SelectHints::default()).unwrap();
    selected
        .iter()
        .map(|series| {
            let mut samples = Vec::new();
            let mut cursor = series.cursor(TimeRange::ALL);
            while let Some(run) = cursor.next_run().unwrap() {
                match run {
                    Run::Floats { timestamps_ms, values } => {
                        assert_eq!(timestamps_ms.len(), values.len());
                        assert!(!values.is_empty());
                        let values = values.iter().map(|value| Value::Float(value.to_bits()));
                        samples.extend(timestamps_ms.iter().copied().zip(values));
                    }
                    Run::Histograms { timestamps_ms, values } => {
                        let values = values.iter().map(|value| Value::Histogram(Box::new((**value).clone())));
                        samples.extend(timestamps_ms.iter().copied().zip(values));
                    }
                }
            }
            assert!(samples.windows(2).all(|pair| pair[0].0 < pair[1].0), "times grow");
            (series.labels().clone(), samples)
        })
        .collect()
}

/// Names and values of labels.
pub(crate) fn labels(storage: &dyn Queryable, range: TimeRange, matchers: &[Matcher]) -> Vec<Vec<String>> {
    let querier = storage.querier(range).unwrap();
    let names = querier.label_names(matchers).unwrap();
    let mut all: Vec<Vec<String>> = names.iter().map(|name| querier.label_values(name, matchers).unwrap()).collect();
    all.push(names);
    all
}
