//! Paths and the groups they name.

use metrics_model::name::NameScheme;

use super::{PathError, parse};

fn check(path: &str, names: NameScheme, expected: &[(&str, &str)]) {
    let key = parse(path, names).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(key.iter().collect::<Vec<_>>(), expected, "{path}");
}

fn check_refused(path: &str, expected: &str) {
    let error: PathError = parse(path, NameScheme::Legacy).expect_err(path);
    assert_eq!(error.to_string(), expected, "{path}");
}

#[test]
fn labels_come_sorted_and_decoded() {
    let legacy = NameScheme::Legacy;
    check("/j", legacy, &[("job", "j")]);
    check("/j/zone/b/instance/a", legacy, &[("instance", "a"), ("job", "j"), ("zone", "b")]);
    check("/a%20b/l/%C3%A4", legacy, &[("job", "a b"), ("l", "ä")]);
    check("@base64/dGl0YW4/l@base64/YS9i", legacy, &[("job", "titan"), ("l", "a/b")]);
    check("/j/l@base64/=", legacy, &[("job", "j"), ("l", "")]);
    check("/j/l/", legacy, &[("job", "j"), ("l", "")]);
    check("/j/U__a_2e_b/x", legacy, &[("U__a_2e_b", "x"), ("job", "j")]);
    check("/j/U__a_2e_b__c/x", NameScheme::Utf8, &[("a.b_c", "x"), ("job", "j")]);
}

#[test]
fn bad_paths_are_refused_with_the_reason() {
    check_refused("/j/l", "odd number of components in label string \"/l\"");
    check_refused("/a%2Fb", "odd number of components in label string \"/b\"");
    check_refused("/j/__l/x", "improper label name \"__l\"");
    check_refused("/j/a=b/x", "improper label name \"a=b\"");
    check_refused("/j//x", "improper label name \"\"");
    check_refused("/j/l@base64/foo.bar", "invalid base64 encoding in value \"foo.bar\" of label \"l\"");
    check_refused("/j/a/1/a/2", "label name \"a\" stands in the path twice");
    check_refused("/j/job/other", "label name \"job\" stands in the path twice");
    check_refused("/j/l/%ff", "the path is not valid UTF-8 once decoded");
    check_refused("/", "job name is required");
}
