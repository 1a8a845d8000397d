//! Writing names, labels and texts with the escapes of the text formats.

use crate::labels::Labels;
use crate::name::{is_legacy_label_name, is_legacy_metric_name};

/// Appends `text` with backslashes and newlines escaped, and with `quotes` double quotes too.
pub(super) fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'\\' | b'\n') || (quotes && byte == b'"')) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Appends a family's name as it stands in metadata: in quotes when it is outside the legacy alphabet.
pub(super) fn push_family_name(out: &mut String, name: &str) {
    if is_legacy_metric_name(name) { out.push_str(name) } else { push_quoted(out, &[name]) }
}

/// Appends name and labels of a series up to the closing brace, which is left out, with a comma before it if need be,
/// when `more` labels follow.
pub(super) fn push_series_start(out: &mut String, name: &str, suffix: &str, labels: &Labels, more: bool) {
    let mut opened = false;
    if is_legacy_metric_name(name) {
        out.push_str(name);
        out.push_str(suffix);
    } else {
        out.push('{');
        push_quoted(out, &[name, suffix]);
        opened = true;
    }
    for (label, value) in labels {
        out.push(if opened { ',' } else { '{' });
        opened = true;
        push_pair(out, label, value);
    }
    match (opened, more) {
        (true, true) => out.push(','),
        (false, true) => out.push('{'),
        (true, false) => out.push('}'),
        (false, false) => {}
    }
}

/// Appends `name="value"`.
pub(super) fn push_pair(out: &mut String, name: &str, value: &str) {
    if is_legacy_label_name(name) {
        out.push_str(name)
    } else {
        push_quoted(out, &[name])
    }
    out.push('=');
    push_quoted(out, &[value]);
}

fn push_quoted(out: &mut String, parts: &[&str]) {
    out.push('"');
    for part in parts {
        push_escaped(out, part, true);
    }
    out.push('"');
}
