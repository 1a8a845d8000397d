//! Files as they come and change.

use instrument::Registry;

use super::*;

#[test]
fn wildcards() {
    let check = |pattern, text, expected| assert_eq!(is_wildcard_match(pattern, text), expected, "{pattern} {text}");
    check("*.json", "a.json", true);
    check("*.json", "a.yml", false);
    check("a*b*.yml", "axxbyy.yml", true);
    check("a?.yml", "ab.yml", true);
    check("a?.yml", "abc.yml", false);
    check("*", "", true);
}

/// Addresses and labels of all groups, in short.
fn shown(groups: &[TargetGroup]) -> Vec<String> {
    groups.iter().map(|group| format!("{:?} {:?}", group.targets, group.labels.get("a"))).collect()
}

#[test]
fn files_are_read_when_they_change_and_kept_when_they_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.json"), r#"[{"targets": ["x:1"], "labels": {"a": "b"}}]"#).unwrap();
    std::fs::write(path("b.yml"), "- targets: ['y:2']\n").unwrap();
    std::fs::write(path("c.yml"), "# nothing yet\n").unwrap();
    let pattern = |name: &str| path(name).to_string_lossy().into_owned();
    let config = FileConfig {
        files: vec![pattern("*.json"), pattern("*.yml"), pattern("absent.yml")],
        refresh_interval: config_file::DurationText(Duration::from_secs(60)),
    };
    let metrics = Metrics::new(&Registry::new());
    let mut provider = FileProvider::new(config, "job", &metrics);

    let first = provider.refresh(true);
    assert_eq!(shown(&first), [r#"[{"__address__": "x:1"}] Some("b")"#, r#"[{"__address__": "y:2"}] None"#]);
    assert_eq!(first[0].labels.get("__meta_filepath"), Some(&*pattern("a.json")));
    assert_eq!(metrics.file_read_errors.get(), 1, "the absent file");

    // Broken, half-written and null content keep what was there.
    for broken in ["[{", r#"[{"target": []}]"#, "[null]", r#"[{"targets": [5]}]"#] {
        std::fs::write(path("a.json"), broken).unwrap();
        assert_eq!(shown(&provider.refresh(true)), shown(&first), "{broken}");
    }
    std::fs::write(path("a.json"), r#"[{"targets": ["x:12345"]}]"#).unwrap();
    assert_eq!(shown(&provider.refresh(false))[0], r#"[{"__address__": "x:12345"}] None"#);
    std::fs::remove_file(path("b.yml")).unwrap();
    assert_eq!(provider.refresh(false).len(), 1);
}
