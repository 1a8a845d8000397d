//! Relabeling: whatever step is taken as valid rewrites any labels without a panic and leaves a label set in order.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::Labels;
use metrics_model::name::NameScheme;
use metrics_model::relabel::{RelabelConfig, RelabelFields, process};

const ACTIONS: [&str; 11] = [
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
];

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (choice, regex, replacement) = (next(), next(), next());
    let byte = choice.bytes().next().unwrap_or_default();
    let fields = RelabelFields {
        action: ACTIONS[usize::from(byte) % ACTIONS.len()].to_owned(),
        // A large expression is a matter of the pattern target.
        regex: (regex.len() < 100).then_some(regex),
        replacement,
        target_label: next(),
        separator: next(),
        modulus: u64::from(byte),
        source_labels: next().split(',').map(str::to_owned).collect(),
    };
    let scheme = if choice.len() % 2 == 0 { NameScheme::Utf8 } else { NameScheme::Legacy };
    let Ok(config) = RelabelConfig::new(fields, scheme) else { return };
    let pairs: Vec<(String, String)> = std::iter::from_fn(|| lines.next())
        .take(20)
        .map(|line| line.split_once('=').unwrap_or((line, "x")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut labels = Labels::from_pairs(pairs).to_builder();
    if process(&[config], &mut labels) {
        let labels = labels.build();
        let names: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
        assert!(names.is_sorted() && labels.iter().all(|(_, value)| !value.is_empty()), "{labels:?}");
    }
});
