//! Every action, validation, and groups in replacements. The original's cases run in `tests/conformance.rs`.

use super::{RelabelConfig, RelabelFields, process};
use crate::labels::Labels;
use crate::name::NameScheme;

fn fields(action: &str, source: &[&str], regex: &str, target: &str, replacement: &str) -> RelabelFields {
    RelabelFields {
        source_labels: source.iter().map(|name| (*name).to_owned()).collect(),
        regex: (!regex.is_empty()).then(|| regex.to_owned()),
        target_label: target.to_owned(),
        replacement: replacement.to_owned(),
        action: action.to_owned(),
        ..RelabelFields::default()
    }
}

/// Applies one step to `{a="foo", b="Bar", __meta_x="ζ"}`; `None` when dropped.
fn apply(fields: RelabelFields) -> Option<String> {
    let config = RelabelConfig::new(fields, NameScheme::Utf8).unwrap_or_else(|error| panic!("{error}"));
    let mut labels = Labels::from_pairs([("a", "foo"), ("b", "Bar"), ("__meta_x", "ζ")]).to_builder();
    process(&[config], &mut labels).then(|| labels.build().to_string())
}

#[test]
fn actions() {
    let check = |fields: RelabelFields, expected: Option<&str>| {
        assert_eq!(apply(fields.clone()).as_deref(), expected, "{fields:?}");
    };
    let same = Some(r#"{__meta_x="ζ", a="foo", b="Bar"}"#);
    check(fields("keep", &["a"], "fo+", "", "$1"), same);
    check(fields("keep", &["a"], "fo", "", "$1"), None);
    check(fields("drop", &["a", "b"], "foo;Bar", "", "$1"), None);
    check(fields("DROP", &["absent"], ".+", "", "$1"), same);
    check(fields("keepequal", &["a"], "", "b", "$1"), None);
    check(fields("dropequal", &["a"], "", "a", "$1"), None);
    check(fields("dropequal", &["a"], "", "b", "$1"), same);
    check(fields("replace", &["a"], "f(.*)", "c", "$1$$"), Some(r#"{__meta_x="ζ", a="foo", b="Bar", c="oo$"}"#));
    check(fields("replace", &["a"], "f(.*)", "n_$1", "v"), Some(r#"{__meta_x="ζ", a="foo", b="Bar", n_oo="v"}"#));
    check(fields("replace", &["a"], "x(.*)", "c", "v"), same);
    check(fields("replace", &["a"], "", "b", "$2"), Some(r#"{__meta_x="ζ", a="foo"}"#));
    check(fields("replace", &[], "", "c", "v"), Some(r#"{__meta_x="ζ", a="foo", b="Bar", c="v"}"#));
    check(fields("lowercase", &["b"], "", "b", "$1"), Some(r#"{__meta_x="ζ", a="foo", b="bar"}"#));
    check(fields("uppercase", &["__meta_x"], "", "a", "$1"), Some(r#"{__meta_x="ζ", a="Ζ", b="Bar"}"#));
    check(fields("labelmap", &[], "__meta_(.+)", "", "$1"), Some(r#"{__meta_x="ζ", a="foo", b="Bar", x="ζ"}"#));
    check(fields("labeldrop", &[], "__.*", "", "$1"), Some(r#"{a="foo", b="Bar"}"#));
    check(fields("labelkeep", &[], "a|c", "", "$1"), Some(r#"{a="foo"}"#));
    let hash = RelabelFields { modulus: 1000, ..fields("hashmod", &["b"], "", "a", "$1") };
    check(hash, Some(r#"{__meta_x="ζ", a="323", b="Bar"}"#));
}

#[test]
fn case_mapping_keeps_the_number_of_characters() {
    let map = |action: &str, text: &str| {
        let config = RelabelConfig::new(fields(action, &["a"], "", "a", "$1"), NameScheme::Utf8).expect("is valid");
        let mut labels = Labels::from_pairs([("a", text)]).to_builder();
        assert!(process(&[config], &mut labels));
        labels.get("a").unwrap_or("").to_owned()
    };
    assert_eq!(map("uppercase", "straße ŉ ᾳ"), "STRAßE ŉ ᾼ");
    assert_eq!(map("lowercase", "ΟΔΟΣ İ"), "οδοσ i");
}

#[test]
fn validation() {
    let check = |fields: RelabelFields, scheme: NameScheme, expected: &str| {
        let error = RelabelConfig::new(fields.clone(), scheme).err();
        assert_eq!(error.map(|error| error.to_string()).unwrap_or_default(), expected, "{fields:?}");
    };
    let (utf8, legacy) = (NameScheme::Utf8, NameScheme::Legacy);
    check(fields("", &[], "", "", "$1"), utf8, "relabel action cannot be empty");
    check(fields("nope", &[], "", "", "$1"), utf8, "unknown relabel action \"nope\"");
    check(
        fields("hashmod", &["a"], "", "b", "$1"),
        utf8,
        "relabel configuration for hashmod requires non-zero modulus",
    );
    check(
        fields("replace", &["a"], "", "", "$1"),
        utf8,
        "relabel configuration for replace action requires 'target_label' value",
    );
    check(fields("replace", &["a"], "", "é", "$1"), legacy, "\"é\" is invalid 'target_label' for replace action");
    check(fields("replace", &["a"], "", "a${1}_$2", "$1"), legacy, "");
    check(
        fields("replace", &["a"], "", "0${1}", "$1"),
        legacy,
        "\"0${1}\" is invalid 'target_label' for replace action",
    );
    check(fields("labelmap", &[], "(.*)", "", "${1"), legacy, "\"${1\" is invalid 'replacement' for labelmap action");
    check(fields("labelmap", &[], "(.*)", "", ""), utf8, "\"\" is invalid 'replacement' for labelmap action");
    check(fields("uppercase", &["a"], "", "a", "x"), utf8, "'replacement' can not be set for uppercase action");
    check(
        fields("keepequal", &["a"], "x", "a", "$1"),
        utf8,
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
    );
    check(
        fields("labeldrop", &["a"], "x", "", "$1"),
        utf8,
        "labeldrop action requires only 'regex', and no other fields",
    );
    check(fields("keep", &["a"], "(", "", "$1"), utf8, "error parsing regexp: missing closing ): `(`");
}

#[test]
fn references_to_groups() {
    let check = |replacement: &str, expected: &str| {
        let step = fields("replace", &["a"], "(?P<first>f)(o)(x)?o", "r", replacement);
        let result = apply(step).unwrap_or_default();
        assert_eq!(result, format!(r#"{{__meta_x="ζ", a="foo", b="Bar", r="{expected}"}}"#), "{replacement}");
    };
    check("$1-$2", "f-o");
    check("${1}x", "fx");
    check("a$1x", "a");
    check("$first ${first}", "f f");
    check("a$3b", "a");
    check("a${3}b", "ab");
    check("a$9.", "a.");
    check("a$01.", "a.");
    check("$0", "foo");
    check("$ $", "$ $");
    check("${x", "${x");
    check("$$1", "$1");
    check("${}", "${}");
}
