//! The scrape reader entry by entry and its errors.

use super::OpenMetricsReader;
use crate::exposition::Entry;

/// Every entry on a line of its own, then the error if there is one.
fn read(reader: OpenMetricsReader<'_>) -> String {
    let mut lines = Vec::new();
    for entry in reader {
        lines.push(match entry {
            Ok(Entry::Type { metric, kind }) => format!("type {metric} {kind}"),
            Ok(Entry::Help { metric, text }) => format!("help {metric} {text:?}"),
            Ok(Entry::Unit { metric, unit }) => format!("unit {metric} {unit:?}"),
            Ok(Entry::Comment(text)) => format!("comment {text}"),
            Ok(Entry::Sample(sample)) => {
                let labels = sample.labels().map_or_else(|error| error.to_string(), |labels| labels.to_string());
                let at = |time: Option<i64>, mark| time.map(|time| format!(" {mark}{time}")).unwrap_or_default();
                let exemplar = sample.exemplar.map(|exemplar| exemplar.decode()).map(|exemplar| {
                    format!(" # {} {}{}", exemplar.labels, exemplar.value, at(exemplar.timestamp_ms, '@'))
                });
                let times = at(sample.timestamp_ms, '@') + &at(sample.start_ms, '^');
                format!("{labels} {}{times}{}", sample.value, exemplar.unwrap_or_default())
            }
            Ok(Entry::Histogram(_)) => "histogram".to_owned(),
            Err(error) => format!("error {error}"),
        });
    }
    lines.join("\n")
}

#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(read(OpenMetricsReader::new(input.as_bytes())), expected, "{input:?}");
}

#[track_caller]
fn check_folded(input: &str, expected: &str) {
    assert_eq!(read(OpenMetricsReader::new(input.as_bytes()).folding_created()), expected, "{input:?}");
}

#[test]
fn metadata_and_samples() {
    check(
        "# TYPE a stateset\n# HELP a x\\n\\\"y\\\"\n# UNIT a \n# EOF",
        "type a stateset\nhelp a \"x\\n\\\"y\\\"\"\nunit a \"\"",
    );
    check("# UNIT \"a.b_s\" s\n# EOF\n", "unit a.b_s \"s\"");
    check(
        "a 1\nb{c=\"d\",} -2 1.5\n{\"e.f\",\"g h\"=\"i\"} NaN\n# EOF\n",
        "a 1\nb{c=\"d\"} -2 @1500\n{\"e.f\", \"g h\"=\"i\"} NaN",
    );
    check(
        "a_total 1 2 # {t=\"x\\n\",\"u v\"=\"w\"} 0.5 3.25\n# EOF\n",
        "a_total 1 @2000 # {t=\"x\\n\", \"u v\"=\"w\"} 0.5 @3250",
    );
    check("a_total 1 # {} 0.5\n# EOF\n", "a_total 1 # {} 0.5");
    check("a 1 12345678901234567890\n# EOF\n", "a 1 @-9223372036854775808");
}

#[test]
fn created_lines_are_samples_or_start_times() {
    let counter = "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 2.5\na_total{x=\"2\"} 3\n# EOF\n";
    check(counter, "type a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 2.5\na_total{x=\"2\"} 3");
    check_folded(counter, "type a counter\na_total{x=\"1\"} 1 ^2500\na_total{x=\"2\"} 3");
    check_folded(
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\nh_created 2\n# TYPE g gauge\ng_created 3\n# EOF\n",
        "type h histogram\nh_bucket{le=\"1.0\"} 1 ^2000\nh_count 1 ^2000\ntype g gauge\ng_created 3",
    );
    check_folded(
        "# TYPE s summary\ns_created 1\ns{quantile=\"0\"} 1\ns_sum 2\n# EOF\n",
        "type s summary\ns{quantile=\"0.0\"} 1\ns_sum 2",
    );
    check_folded(
        "# TYPE \"a.b\" counter\n{\"a.b_total\",c=\"d\"} 1\n{\"a.b_created\",c=\"d\"} 2\n# EOF\n",
        "type a.b counter\n{\"a.b_total\", c=\"d\"} 1 ^2000",
    );
}

#[test]
fn errors_name_place_and_expectation() {
    check("", "error line 1, column 1: data does not end with # EOF");
    check("a 1\n", "a 1\nerror line 2, column 1: data does not end with # EOF");
    check("a 1", "error line 1, column 4: data does not end with # EOF");
    check("# EOF\n\n", "error line 2, column 1: unexpected data after # EOF");
    check("# EOFx", "error line 1, column 6: unexpected data after # EOF");
    check(
        "\n# EOF\n",
        "error line 1, column 1: expected a metric name, a brace or '# ' at the start of a line, got \"\\n\"",
    );
    check(
        "#  TYPE a gauge\n",
        "error line 1, column 1: expected '# HELP ', '# TYPE ', '# UNIT ' or '# EOF', got \"#\"",
    );
    check("# TYPE a untyped\n", "error line 1, column 10: invalid metric type \"untyped\"");
    check("# TYPE a\n", "error line 1, column 9: expected a blank and a type after TYPE and the name, got \"\\n\"");
    check("# HELP a x", "error line 1, column 11: expected the end of the line, got end of input");
    check("# UNIT a_x y\n", "error line 1, column 12: unit \"y\" not a suffix of metric \"a_x\"");
    check("a\t1\n", "error line 1, column 2: expected a blank and a value after the metric, got \"\\t1\"");
    check("a  1\n", "error line 1, column 2: expected a blank and a value after the metric, got \" \"");
    check("a 1 \n", "error line 1, column 4: expected a timestamp, an exemplar or the end of the line, got \" \"");
    check("a 1 2 #\n", "error line 1, column 6: expected a timestamp, an exemplar or the end of the line, got \" #\"");
    check("a 1 NaN\n", "error line 1, column 5: invalid timestamp \"NaN\"");
    check(
        "a{b=\"c\", d=\"e\"} 1\n",
        "error line 1, column 9: expected a label name or a closing brace, got \" d=\\\"e\\\"}\"",
    );
    check("a{b=\"c\"d=\"e\"} 1\n", "error line 1, column 8: expected a comma or a closing brace, got \"d=\\\"e\\\"}\"");
    check(
        "a{b=\"x\ny\"} 1\n",
        "error line 1, column 5: expected a label value that ends in a double quote, got \"\\\"x\"",
    );
    check("a 1 # {\"b\"} 1\n", "error line 1, column 11: expected an equals sign after the label name, got \"}\"");
    check(
        "a 1 # {b=\"c\"}\n",
        "error line 1, column 14: expected a blank and a value after the exemplar's labels, got \"\\n\"",
    );
}

#[test]
fn looking_ahead_for_created_is_linear() {
    use std::fmt::Write;
    let mut page = "# TYPE a counter\n".to_owned();
    for index in 0..100_000 {
        writeln!(page, "a_total{{x=\"{index}\"}} 1").expect("strings take all");
    }
    page.push_str("# EOF\n");
    assert_eq!(OpenMetricsReader::new(page.as_bytes()).folding_created().filter(Result::is_ok).count(), 100_001);
}

#[test]
fn strict_errors_name_place_and_rule() {
    let check = |input: &str, expected: &str| {
        let error = super::read_families(input.as_bytes()).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected), "{input:?}");
    };
    check(
        "# TYPE a counter\na_total -1\n# EOF\n",
        "line 2, column 1: expected a value that is not negative, got \"a_total\"",
    );
    check(
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\n# EOF\n",
        "line 3, column 1: expected a bucket for +Inf, got \"a\"",
    );
    check("a 1\n# TYPE a gauge\n# EOF\n", "line 2, column 1: expected metadata before samples, got \"a\"");
    check(
        "# TYPE a counter\na_total 1\n# TYPE a_total gauge\n# EOF\n",
        "line 4, column 1: expected metric names that do not clash, got \"a_total\"",
    );
}
