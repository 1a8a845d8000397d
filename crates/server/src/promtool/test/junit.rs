//! Results of unit tests as JUnit XML, which build servers read.

use std::fmt::Write as _;
use std::path::Path;

use rules::unit_test::{FileReport, UnitTestError};

/// The document for some files.
pub(super) fn document(results: &[(&Path, Result<FileReport, UnitTestError>)]) -> String {
    let mut xml = String::from("<testsuites>");
    for (file, result) in results {
        suite(&mut xml, file, result);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, file: &Path, result: &Result<FileReport, UnitTestError>) {
    let (tests, failures, errors) = match result {
        Ok(report) => (report.groups.len(), report.groups.iter().map(|group| group.failures.len()).sum(), 0),
        Err(_) => (1, 0_usize, 1),
    };
    let name = escaped(&file.display().to_string());
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S");
    // Writing to a text cannot fail.
    let _ = write!(
        xml,
        "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" \
         timestamp=\"{time}\">"
    );
    match result {
        Err(error) => {
            let error = escaped(&daemon::run::chain(error));
            let _ = write!(xml, "<testcase name=\"unknown\"><error>{error}</error></testcase>");
        }
        Ok(report) => {
            for group in &report.groups {
                let _ =
                    write!(xml, "<testcase name=\"{}\" time=\"{}\">", escaped(&group.name), group.took.as_secs_f64());
                for failure in &group.failures {
                    let _ = write!(xml, "<failure>{}</failure>", escaped(failure));
                }
                xml.push_str("</testcase>");
            }
        }
    }
    xml.push_str("</testsuite>");
}

/// Text as XML takes it between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("&#xA;"),
            '\t' => escaped.push_str("&#x9;"),
            '\r' => escaped.push_str("&#xD;"),
            // XML has no way to write other control characters.
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
