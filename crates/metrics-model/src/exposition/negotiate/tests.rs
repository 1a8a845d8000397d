//! Headers both ways.

use super::{
    ContentType, Format, MediaType, ScrapeProtocol, accept_header, check_scrape_protocols, media_type, negotiate,
};
use crate::exposition::name_escaping::EscapingScheme;
use crate::family::{MetricFamily, MetricKind, MetricValue};
use crate::labels::Labels;

const PROTOBUF: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

#[test]
fn answers_what_the_client_prefers() {
    let check = |accept: &str, expected: &str| {
        assert_eq!(negotiate(accept, &Format::ALL).content_type(), expected, "{accept}");
    };
    let text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    let openmetrics = |version: &str, escaping: &str| {
        format!("application/openmetrics-text; version={version}; charset=utf-8; escaping={escaping}")
    };
    check("", text);
    check("text/html", text);
    check("text/plain", text);
    check("text/plain;version=0.0.4;", text);
    check("text/plain;version=1.0.0", text);
    check("*/*", &openmetrics("1.0.0", "underscores"));
    check("text/*", text);
    check("application/openmetrics-text", &openmetrics("0.0.1", "underscores"));
    check("application/openmetrics-text;version=1.0.0; escaping=values", &openmetrics("1.0.0", "values"));
    check("application/openmetrics-text;version=9.0.0", text);
    check("application/vnd.google.protobuf", text);
    check(&format!("{PROTOBUF}; escaping=allow-utf-8;"), &format!("{PROTOBUF}; escaping=allow-utf-8"));
    check(&format!("text/plain;q=0.5, {PROTOBUF};q=0.8"), &format!("{PROTOBUF}; escaping=underscores"));
    check("text/plain, */*", text);
    check("application/openmetrics-text;q=0, text/plain;q=0.1", text);
    check("text/plain;version=0.0.4;escaping=nonsense", text);
}

#[test]
fn answers_only_what_is_offered() {
    let accept = accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8);
    assert_eq!(negotiate(&accept, &Format::ALL).format, Format::OpenMetrics100);
    let classic = negotiate(&accept, &Format::WITHOUT_OPENMETRICS);
    assert_eq!(classic.content_type(), "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
    assert_eq!(negotiate("*/*", &[Format::Protobuf]).format, Format::Protobuf);
    assert_eq!(negotiate("text/plain", &[Format::Protobuf]).format, Format::Protobuf);
}

#[test]
fn encodes_in_what_was_agreed() {
    let mut family = MetricFamily::new("a.b_total", "", MetricKind::Counter);
    family.push(Labels::empty(), MetricValue::counter(1.0));
    let encode =
        |accept: &str| String::from_utf8(negotiate(accept, &Format::ALL).encode([&family])).unwrap_or_default();
    assert_eq!(encode("text/plain"), "# TYPE a_b_total counter\na_b_total 1\n");
    assert_eq!(encode("text/plain;escaping=allow-utf-8"), "# TYPE \"a.b_total\" counter\n{\"a.b_total\"} 1\n");
    assert_eq!(encode("application/openmetrics-text"), "# TYPE a_b counter\na_b_total 1.0\n# EOF\n");
}

#[test]
fn asks_as_the_original_asks() {
    assert_eq!(
        accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8),
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    );
    assert!(accept_header(&ScrapeProtocol::PROTOBUF_FIRST, EscapingScheme::Dots).starts_with(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    ));
}

#[test]
fn takes_answers_for_what_they_say_or_the_fallback() {
    let fallback = Some(ScrapeProtocol::PrometheusText004);
    let check = |header: &str, fallback: Option<ScrapeProtocol>, expected: Result<(MediaType, &str), &str>| {
        let actual = media_type(header, fallback).map_err(|error| error.to_string()).map(|detected| {
            (detected.media_type, detected.warning.map(|warning| warning.to_string()).unwrap_or_default())
        });
        let expected = expected.map(|(kind, text)| (kind, text.to_owned())).map_err(str::to_owned);
        assert_eq!(actual, expected, "{header}");
    };
    check("text/plain", None, Ok((MediaType::Text, "")));
    check("TEXT/plain; Charset=\"utf\\-8\" ;", None, Ok((MediaType::Text, "")));
    check("application/openmetrics-text; version=1.0.0; charset=utf-8", None, Ok((MediaType::OpenMetrics, "")));
    check(PROTOBUF, fallback, Ok((MediaType::Protobuf, "")));
    check(
        "",
        None,
        Err(
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
        ),
    );
    check(
        "",
        fallback,
        Ok((
            MediaType::Text,
            "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol \
             \"PrometheusText0.0.4\"",
        )),
    );
    check(
        "text/html",
        None,
        Err("received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target"),
    );
    check(
        "text/plain; x",
        Some(ScrapeProtocol::OpenMetricsText100),
        Ok((
            MediaType::OpenMetrics,
            "could not parse received Content-Type \"text/plain; x\", using fallback_scrape_protocol \
             \"OpenMetricsText1.0.0\"",
        )),
    );
}

#[test]
fn content_types_are_taken_apart() {
    let parsed = ContentType::parse("Text/Plain ; Version=0.0.4;x=\"a;\\\"b\"").expect("is valid");
    assert_eq!(parsed.essence(), "text/plain");
    assert_eq!(parsed.parameter("version"), Some("0.0.4"));
    assert_eq!(parsed.parameter("x"), Some("a;\"b"));
    for header in ["", "a b", "a/b; c", "a/b; c=", "a/b; c=\"d", "a/b; c=1; c=2", "a/b; c=d e"] {
        assert_eq!(ContentType::parse(header), None, "{header}");
    }
}

#[test]
fn protocol_lists_are_checked() {
    let parse = |word: &str| word.parse::<ScrapeProtocol>().map_err(|error| error.to_string());
    assert_eq!(parse("PrometheusText1.0.0"), Ok(ScrapeProtocol::PrometheusText100));
    assert_eq!(
        parse("X"),
        Err("unknown scrape protocol X, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto \
             PrometheusText0.0.4 PrometheusText1.0.0]"
            .to_owned())
    );
    let check = |list: &[ScrapeProtocol]| check_scrape_protocols(list).map_err(|error| error.to_string());
    assert_eq!(check(&ScrapeProtocol::DEFAULT), Ok(()));
    assert_eq!(check(&[]), Err("scrape_protocols cannot be empty".to_owned()));
    assert_eq!(
        check(&[ScrapeProtocol::PrometheusProto; 2]),
        Err("duplicated protocol in scrape_protocols, got PrometheusProto".to_owned())
    );
}
