//! Regular expressions that elsewhere blow up: here they run in time linear in the text, and are refused when they would
//! take too much memory.

use metrics_model::Labels;
use promql::{EngineOptions, QueryError};
use storage::MemoryStorage;

use crate::data::store;
use crate::limits::{ask, engine};

/// A series whose label is what backtracking would never be done with.
fn storage() -> MemoryStorage {
    let trap = format!("{}b", "a".repeat(100_000));
    store(&[Labels::from_pairs([("__name__", "x"), ("trap", &trap)])], 60, |_, sample| sample as f64)
}

#[test]
fn what_backtracks_elsewhere_takes_no_longer() {
    let (engine, storage) = (engine(EngineOptions::default()), storage());
    for pattern in
        ["(a+)+", "(a|aa)+", "(a|a?)+", "(.*a){12}", "((a*)*)*", "(a*)*c", "(x+x+)+y", ".*.*.*=.*", "a{1000}"]
    {
        for query in [
            format!("x{{trap=~\"{pattern}$\"}}"),
            format!("x{{trap!~\"^{pattern}\"}}"),
            format!("label_replace(x, \"y\", \"$1\", \"trap\", \"{pattern}$\")"),
            format!("{{__name__=~\"x|({pattern}z)\"}}"),
        ] {
            let outcome = ask(&engine, &storage, &query);
            assert!(outcome.is_ok(), "{query}: {:?}", outcome.err());
        }
    }
}

#[test]
fn what_would_take_too_much_memory_is_refused() {
    let (engine, storage) = (engine(EngineOptions::default()), storage());
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    for (pattern, reason) in [
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{1000}){1000}", "invalid repeat count: `{1000}`"),
        ("(((a{10}){10}){10}){10}", "invalid repeat count: `{10}`"),
        ("(\\\\pL{900}\\\\PL{900}){1}(\\\\pL+\\\\pN*\\\\pM){900}", "expression too large"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("(", "missing closing ): `(`"),
        (deep.as_str(), "expression nests too deeply"),
    ] {
        match ask(&engine, &storage, &format!("x{{trap=~\"{pattern}\"}}")) {
            Err(QueryError::Parse(errors)) => {
                let text = errors.to_string();
                assert!(text.contains("error parsing regexp: ") && text.contains(reason), "{pattern:.40}: {text:.200}");
            }
            other => panic!("{pattern:.40}: {:.200?}", other.map(|_| ())),
        }
        match ask(&engine, &storage, &format!("label_replace(x, \"y\", \"\", \"trap\", \"{pattern}\")")) {
            Err(error @ QueryError::Execution { .. }) => {
                let text = error.to_string();
                assert!(text.starts_with("invalid regular expression in label_replace(): "), "{text:.200}");
            }
            other => panic!("{pattern:.40}: {:.200?}", other.map(|_| ())),
        }
    }
}

/// Lists that dashboards paste together.
#[test]
fn long_lists_are_taken() {
    let (engine, storage) = (engine(EngineOptions::default()), storage());
    let values: Vec<String> = (0..50_000).map(|at| format!("value-{at}")).collect();
    for query in [
        format!("x{{trap!~\"{}\"}}", values.join("|")),
        format!("x{{trap!~\"({})\"}}", values.join("|")),
        format!("x{{trap!~\"{}\"}}", values[..5_000].join(".*|")),
    ] {
        let outcome = ask(&engine, &storage, &query);
        assert!(outcome.is_ok(), "{:.200?}", outcome.err());
    }
}

/// Classes mean ASCII, as in the original, also where groups are taken out.
#[test]
fn digits_are_those_of_ascii() {
    let labels = Labels::from_pairs([("__name__", "x"), ("n", "\u{661}\u{662}")]);
    let storage = store(&[labels], 60, |_, sample| sample as f64);
    let engine = engine(EngineOptions::default());
    let query = r#"label_replace(x, "found", "yes", "n", "\\d+")"#;
    let output = ask(&engine, &storage, query).unwrap();
    assert!(!format!("{:?}", output.value).contains("yes"), "{:?}", output.value);
}
