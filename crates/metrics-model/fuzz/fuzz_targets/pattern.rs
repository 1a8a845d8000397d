//! Expressions: a pattern's shortcuts match what the automaton matches.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::pattern::{Pattern, compile};

fuzz_target!(|input: (&str, &str)| {
    let (source, text) = input;
    if let (Ok(pattern), Ok(regex)) = (Pattern::new(source), compile(source)) {
        assert_eq!(pattern.is_match(text), regex.is_match(text), "{source:?} on {text:?}");
        if pattern.is_match(text) {
            assert!(text.starts_with(&pattern.required_prefix()));
        }
    }
});
