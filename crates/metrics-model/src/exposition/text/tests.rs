//! The scrape reader entry by entry, its errors, and the writer.

use super::{TextReader, write_families};
use crate::exposition::{Entry, ParseError};
use crate::family::{Bucket, HistogramValue, MetricFamily, MetricKind, MetricValue, Quantile, Summary};
use crate::labels::Labels;
use crate::name::NameScheme;

/// Every entry on a line of its own, then the error if there is one.
fn read(input: &[u8]) -> String {
    let mut lines = Vec::new();
    for entry in TextReader::new(input) {
        lines.push(match entry {
            Ok(Entry::Type { metric, kind }) => format!("type {metric} {kind}"),
            Ok(Entry::Help { metric, text }) => format!("help {metric} {text:?}"),
            Ok(Entry::Unit { metric, unit }) => format!("unit {metric} {unit}"),
            Ok(Entry::Comment(text)) => format!("comment {text}"),
            Ok(Entry::Sample(sample)) => {
                let labels = sample.labels().map_or_else(|error| error.to_string(), |labels| labels.to_string());
                let time = sample.timestamp_ms.map(|time| format!(" @{time}")).unwrap_or_default();
                format!("{labels} {}{time}", sample.value)
            }
            Ok(Entry::Histogram(_)) => "histogram".to_owned(),
            Err(error) => format!("error {error}"),
        });
    }
    lines.join("\n")
}

#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(read(input.as_bytes()), expected, "{input:?}");
}

#[test]
fn metadata() {
    check("# HELP a_b Some \\\\ \\n \\\" text", "help a_b \"Some \\\\ \\n \\\\\\\" text\"");
    check("# TYPE a counter\n# TYPE b untyped\n", "type a counter\ntype b unknown");
    check("#\t TYPE  \"a.b\" gauge\n", "type a.b gauge");
    check("# HELP a\0b c\n", "error line 1, column 9: expected a blank after the metric name, got \"\\0b c\"");
    check("# HELP a  two blanks\n# HELP b\n# HELP c   \n", "help a \" two blanks\"\nhelp b \"\"\nhelp c \"\"");
    check("# HELP\n# TYPED x\n#TYPE x\n#\n", "comment # HELP\ncomment # TYPED x\ncomment #TYPE x\ncomment #");
}

#[test]
fn samples() {
    check("a 1\n", "a 1");
    check("a 1", "a 1");
    check("\n \t a \t -2.5e3 \t 123 \t \n", "a -2500 @123");
    check("a{} 1\na {} 1\na-1\na{b=\"c\"}.5", "a 1\na 1\na -1\na{b=\"c\"} 0.5");
    check("a{c=\"d\" , b = \"e\" ,} +Inf", "a{b=\"e\", c=\"d\"} inf");
    check("a{b=\"c\"d=\"e\"} nan", "a{b=\"c\", d=\"e\"} NaN");
    check("a{b=\"x\\\"y\\\\z\\n\\t\n,}\"} 1", "a{b=\"x\\\"y\\\\z\\n\\\\t\\n,}\"} 1");
    check(
        "{\"a.b\"} 1\n{ \"a.b\" , \"c d\"=\"e\"} 1\n{c=\"d\",\"x\"}1",
        "{\"a.b\"} 1\n{\"a.b\", \"c d\"=\"e\"} 1\nx{c=\"d\"} 1",
    );
    check("a{b=\"\",c=\"d\"} 1", "a{c=\"d\"} 1");
    check("a{b=\"c\",b=\"d\"} 1", "label name \"b\" is not unique 1");
    check("a{b=\"\0\"} 1\n\0\0", "a{b=\"\\x00\"} 1");
    check("# TYPE a summary\na{quantile=\"1\",le=\"1\"} 1", "type a summary\na{le=\"1\", quantile=\"1.0\"} 1");
    check("# TYPE a histogram\na_bucket{le=\"0x1p-3\"} 1", "type a histogram\na_bucket{le=\"0.125\"} 1");
    check(
        "a 18446744073709551615\nb 0.1234567890123456789\nc 1e308",
        "a 18446744073709552000\nb 0.12345678901234568\nc 1"
            .to_owned()
            .as_str()
            .replace("c 1", &format!("c {}", 1e308))
            .as_str(),
    );
}

/// Lines that begin like a series that is expected, in the usual form or not.
#[test]
fn expected_series_are_read_as_any_other() {
    let lines = [
        "a 1\n",
        "a  1\n",
        "a{} 1\n",
        "a {b=\"c\"} 1\n",
        "a{b=\"c\"} 1.5e3\n",
        "a{b=\"c\"}2\n",
        "a{b=\"c\"} 1 \n",
        "a{b=\"c\"} 3 1000\n",
        "a{b=\"c\"} 0.30000000000000004\n",
        "a{b=\"c\"} NaN\n",
        "a{b=\"c\"} -Inf\n",
        "ab 1\n",
        "a{b=\"c\"} 0x1p3\n",
        "a{b=\"c\"} x\n",
        "a{b=\"c\"} \n",
        "a{b=\"c\"} 1{\n",
        "a{b=\"c\"} 1",
        "a",
        "# TYPE a counter\n",
        "a{b=\"\u{e4}\"} 12\n",
        "\n",
    ];
    for line in lines {
        for expected in ["a", "a{b=\"c\"}", "a{}", "ab", "a{b=\"\u{e4}\"}", ""] {
            let page = format!("{line}z 7\n");
            let whole: Vec<String> = TextReader::new(page.as_bytes()).map(|entry| format!("{entry:?}")).collect();
            let mut reader = TextReader::new(page.as_bytes());
            let first = reader.sample_of(expected).map(|line| Ok::<_, ParseError>(Entry::Sample(line)));
            let found: Vec<String> = first.into_iter().chain(reader).map(|entry| format!("{entry:?}")).collect();
            assert_eq!(found, whole, "{line:?}, {expected:?}");
        }
    }
    let mut reader = TextReader::new(b"a{b=\"c\"} 1\n");
    assert_eq!(reader.sample_of("a{b=\"c\"}").map(|line| line.value), Some(1.0));
}

#[test]
fn invalid_utf8_is_fine_in_comments_only() {
    assert_eq!(
        read(b"a 1\n# \xff b\nc 2\n#\xff\xfe\nd 3"),
        "a 1\ncomment # \u{fffd} b\nc 2\ncomment #\u{fffd}\u{fffd}\nd 3"
    );
    assert_eq!(read(b"a{b=\"\xff\"} 1\n"), "error line 1, column 6: invalid UTF-8 \"\\\"\\xff\"");
    assert_eq!(read(b"a 1\n# HELP b x\xff\n"), "a 1\nerror line 2, column 11: invalid UTF-8 \" x\\xff\"");
    assert_eq!(read(b"a 1\xff"), "error line 1, column 4: invalid UTF-8 \"\\xff\"");
    assert_eq!(read(b"a 1\n\xff"), "a 1\nerror line 2, column 1: invalid UTF-8 \"\\xff\"");
}

#[test]
fn errors_name_place_and_expectation() {
    check("a 1\nb{c='d'} 1\n", "a 1\nerror line 2, column 5: expected a label value in double quotes, got \"'d'}\"");
    check("a", "error line 1, column 2: expected a value after the metric, got end of input");
    check(
        "é 1",
        "error line 1, column 1: expected a metric name, a brace or a comment at the start of a line, got \"é\"",
    );
    check("a{é=\"x\"} 1", "error line 1, column 3: expected a label name or a closing brace, got \"é=\\\"x\\\"}\"");
    check("a{b=\"é\"x} 1", "error line 1, column 9: expected an equals sign after the label name, got \"}\"");
    check("a{,} 1", "error line 1, column 3: expected a label name or a closing brace, got \",}\"");
    check("a{b=\"x\",,} 1", "error line 1, column 9: expected a label name or a closing brace, got \",}\"");
    check("a{b=\"x", "error line 1, column 5: expected a label value that ends in a double quote, got \"\\\"x\"");
    check("{a=\"b\"} 1", "error line 1, column 1: metric name not set");
    check("a{\"b\"} 1", "error line 1, column 3: metric name already set, got \"b\"");
    check("a 1 x", "error line 1, column 5: expected a timestamp or the end of the line, got \"x\"");
    check("a 1 2 3", "error line 1, column 7: expected the end of the line, got \"3\"");
    check("a 1 9223372036854775808", "error line 1, column 5: invalid timestamp \"9223372036854775808\"");
    check("a 0x1p3", "error line 1, column 3: unsupported character in float \"0x1p3\"");
    check("a 1_0", "error line 1, column 3: unsupported character in float \"1_0\"");
    check("a true", "error line 1, column 3: invalid number \"true\"");
    check("a 1\r\n", "error line 1, column 3: invalid number \"1\\r\"");
    check("# TYPE a nope\n", "error line 1, column 9: invalid metric type \"nope\"");
    check("# TYPE é gauge\n", "error line 1, column 8: expected a metric name after TYPE, got \"é\"");
    check(
        "\0a 1",
        "error line 1, column 1: expected a metric name, a brace or a comment at the start of a line, got \"\\0a\"",
    );
}

#[test]
fn huge_and_hostile_lines_give_short_errors() {
    let braces = "a".to_owned() + &"{".repeat(1_000_000);
    check(
        &braces,
        &format!("error line 1, column 3: expected a label name or a closing brace, got \"{}…\"", "{".repeat(60)),
    );
    let mut line = b"a{b=\"".to_vec();
    line.resize(1 << 20, b'x');
    assert!(read(&line).len() < 200);
}

#[test]
fn many_comments_that_are_not_utf8_take_no_longer() {
    let page = b"#\xff\n".repeat(200_000);
    assert_eq!(TextReader::new(&page).filter(Result::is_ok).count(), 200_000);
}

#[test]
fn writes_what_client_libraries_write() {
    let labels = Labels::from_pairs([("b", "x\"\\\n"), ("a", "y")]);
    let mut counter = MetricFamily::new("requests_total", "Requests \\ \n \"all\".", MetricKind::Counter);
    counter
        .push(labels.clone(), MetricValue::counter(1_234_567.0))
        .push(Labels::empty(), MetricValue::counter(f64::NAN));
    counter.metrics[1].timestamp_ms = Some(5);
    let mut summary = MetricFamily::new("rpc", "", MetricKind::Summary);
    let quantiles = vec![Quantile { quantile: 0.5, value: 4.0 }];
    summary.push(labels.clone(), MetricValue::Summary(Summary { count: 2.0, sum: 8.0, quantiles, created_ms: None }));
    let mut histogram = MetricFamily::new("size.bytes", "Sizes.", MetricKind::Histogram);
    let buckets = vec![Bucket { upper_bound: 1e6, cumulative_count: 3.0, exemplar: None }];
    let value = HistogramValue { count: 4.0, sum: 0.5, buckets, ..HistogramValue::default() };
    histogram.push(Labels::empty(), MetricValue::Histogram(Box::new(value)));
    let mut out = String::new();
    write_families(&mut out, &[counter, summary, histogram]);
    let expected = r#"# HELP requests_total Requests \\ \n "all".
# TYPE requests_total counter
requests_total{a="y",b="x\"\\\n"} 1.234567e+06
requests_total NaN 5
# TYPE rpc summary
rpc{a="y",b="x\"\\\n",quantile="0.5"} 4
rpc_sum{a="y",b="x\"\\\n"} 8
rpc_count{a="y",b="x\"\\\n"} 2
# HELP "size.bytes" Sizes.
# TYPE "size.bytes" histogram
{"size.bytes_bucket",le="1e+06"} 3
{"size.bytes_bucket",le="+Inf"} 4
{"size.bytes_sum"} 0.5
{"size.bytes_count"} 4
"#;
    assert_eq!(out, expected);
    assert!(!read(out.as_bytes()).contains("error"));
}

#[test]
fn strict_reader_joins_samples_into_families() {
    let page = "# HELP s Help\\n\\\\.\n# TYPE s summary\ns{a=\"b\",quantile=\"0.5\"} 1 5\ns_sum{a=\"b\"} 2\n# TYPE h histogram\n\
        s_count{a=\"b\"} 3 7\nh_bucket{le=\"+Inf\"} 4\nh_sum 5\nh_count 4\nx_count 1\n{\"y.z\",c=\"d\"} 6\n# TYPE empty gauge\n";
    let families = super::read_families(page.as_bytes(), NameScheme::Utf8).unwrap_or_default();
    let mut summary = MetricFamily::new("s", "Help\n\\.", MetricKind::Summary);
    let quantiles = vec![Quantile { quantile: 0.5, value: 1.0 }];
    let value = MetricValue::Summary(Summary { count: 3.0, sum: 2.0, quantiles, created_ms: None });
    summary.push(Labels::from_pairs([("a", "b")]), value);
    summary.metrics[0].timestamp_ms = Some(7);
    let mut histogram = MetricFamily::new("h", "", MetricKind::Histogram);
    let buckets = vec![Bucket { upper_bound: f64::INFINITY, cumulative_count: 4.0, exemplar: None }];
    let value = HistogramValue { count: 4.0, sum: 5.0, buckets, ..HistogramValue::default() };
    histogram.push(Labels::empty(), MetricValue::Histogram(Box::new(value)));
    let mut plain = MetricFamily::new("x_count", "", MetricKind::Unknown);
    plain.push(Labels::empty(), MetricValue::Untyped(1.0));
    let mut quoted = MetricFamily::new("y.z", "", MetricKind::Unknown);
    quoted.push(Labels::from_pairs([("c", "d")]), MetricValue::Untyped(6.0));
    assert_eq!(families, [summary, histogram, plain, quoted]);
}

#[test]
fn strict_errors_have_the_column() {
    let check = |input: &str, expected: &str| {
        let error = super::read_families(input.as_bytes(), NameScheme::Utf8).err().map(|error| error.to_string());
        assert_eq!(error, Some(format!("text format parsing error in {expected}")), "{input:?}");
    };
    check("a 1\n\n b{é=\"c\"} 1\n", "line 3: invalid label name for metric \"b\" (column 4)");
    check("a{b=\"\\x\"} 1\n", "line 1: invalid escape sequence '\\x' (column 7)");
    check("a 1 \n", "line 1: expected integer as timestamp, got \"\" (column 5)");
    check("a 1 2 3\n", "line 1: spurious string after timestamp: \" 3\" (column 6)");
    check(
        "# TYPE h histogram\nh_bucket{le=\"x\"} 1\n",
        "line 2: expected float as value for 'le' label, got \"x\" (column 13)",
    );
    check("a{b=\"c\",b=\"d\"} 1\n", "line 1: duplicate label names for metric \"a\" (column 9)");
    check("a 1", "line 1: unexpected end of input stream (column 4)");
    let braces = "{".repeat(1_000_000);
    check(&braces, "line 1: invalid label name for metric \"\" (column 2)");
}
