//! `Accept` and `Content-Type` headers: an answer is always found, and it says what it is in a way that we read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::negotiate::{Format, media_type, negotiate};
use metrics_model::exposition::{EscapingScheme, ScrapeProtocol};

fuzz_target!(|text: &str| {
    let encoding = negotiate(text, &Format::ALL);
    assert!(media_type(&encoding.content_type(), None).is_ok(), "{encoding:?}");
    let _any = media_type(text, None);
    assert!(media_type(text, Some(ScrapeProtocol::PrometheusText004)).is_ok());
    // A name that was written in the legacy alphabet is within it, and `values` has a way back.
    for scheme in [EscapingScheme::Underscores, EscapingScheme::Dots, EscapingScheme::Values] {
        let escaped = scheme.escape(text);
        assert!(text.is_empty() || metrics_model::name::is_legacy_metric_name(&escaped), "{scheme} {escaped}");
        let _any = scheme.unescape(text);
    }
    let is_foreign = !metrics_model::name::is_legacy_metric_name(text) && !text.is_empty();
    if is_foreign {
        assert_eq!(EscapingScheme::Values.unescape(&EscapingScheme::Values.escape(text)), text);
    }
});
