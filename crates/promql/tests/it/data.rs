//! Stores to ask.

use metrics_model::{Labels, Matcher, SampleValue};
use promql::Expr;
use storage::{MemoryStorage, Storage};

/// Time between samples.
pub(crate) const INTERVAL_MS: i64 = 15_000;

/// Some series, each with samples of `value(series, sample)`, from 0 on.
pub(crate) fn store(series: &[Labels], samples: i64, value: impl Fn(usize, i64) -> f64) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut appender = storage.appender();
    for (at, labels) in series.iter().enumerate() {
        let mut reference = None;
        for sample in 0..samples {
            let (time_ms, value) = (sample * INTERVAL_MS, SampleValue::Float(value(at, sample)));
            match reference {
                None => reference = Some(appender.append(labels, time_ms, value).unwrap()),
                Some(reference) => appender.append_ref(reference, time_ms, value).unwrap(),
            }
        }
    }
    appender.commit().unwrap();
    storage
}

/// `count` series of the same metric.
pub(crate) fn metric(name: &str, count: usize) -> Vec<Labels> {
    (0..count).map(|at| Labels::from_pairs([("__name__", name), ("instance", &at.to_string())])).collect()
}

/// Two series for each selector of `expr`, which match it where that is easily done.
pub(crate) fn series_for(expr: &Expr) -> Vec<Labels> {
    let mut all = Vec::new();
    for selector in expr.selectors() {
        for (instance, le) in [("host:9100", "0.1"), ("host:9200", "+Inf")] {
            let mut pairs = vec![("instance".to_owned(), instance.to_owned()), ("le".to_owned(), le.to_owned())];
            for matcher in &selector.matchers {
                pairs.retain(|(name, value)| name != matcher.name() || matcher.matches(value));
                if !pairs.iter().any(|(name, _)| name == matcher.name()) {
                    pairs.push((matcher.name().to_owned(), matching_value(matcher)));
                }
            }
            pairs.retain(|(_, value)| !value.is_empty());
            all.push(Labels::from_pairs(pairs));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// A value that fits, if one is easily found.
fn matching_value(matcher: &Matcher) -> String {
    let parts = matcher.value().split(['|', '(', ')']).map(|part| part.replace(".*", "a").replace(".+", "a"));
    let candidates = [matcher.value().to_owned(), "a".to_owned(), "1".to_owned()].into_iter().chain(parts);
    candidates.into_iter().find(|value| matcher.matches(value)).unwrap_or_default()
}
