//! The parser: no text brings it down, and what it takes prints as something that it takes for the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use promql::Features;
use promql::parser::{ParserOptions, parse, parse_selector};

fuzz_target!(|text: &str| {
    let _matchers = parse_selector(text);
    for features in [Features::default(), Features::ALL] {
        let options = ParserOptions { features, ..ParserOptions::default() };
        match parse(text, options) {
            Ok(expr) => {
                let printed = expr.to_string();
                let again = parse(&printed, options).unwrap_or_else(|errors| panic!("{printed:?}: {errors}"));
                assert_eq!(again.to_string(), printed);
                assert_eq!(again.value_type(), expr.value_type());
            }
            Err(errors) => assert!(!errors.to_string().is_empty()),
        }
    }
});
