//! Actions, pipelines, variables, blocks.

use crate::check;

#[test]
fn text_passes_through() {
    check("", "");
    check("a\n b }} {", "a\n b }} {");
    check("é{{/* nothing */}}è", "éè");
}

#[test]
fn trim_markers_eat_space_of_the_text() {
    check("a \n {{- 1 -}} \t\n b", "a1b");
    check("a {{-1}} b", "a -1 b");
    check("a {{- -1 -}} b", "a-1b");
    check("a {{- /* note */ -}} b", "ab");
    check("{{ 3 -}} {{- 4 }}", "34");
    check("{{\n\t1\n-}}\n\n x", "1x");
}

#[test]
fn numbers_in_all_spellings() {
    check("{{ 1_000 }} {{ 0x1F }} {{ 0b1_01 }} {{ 0o17 }} {{ 017 }} {{ -5 }} {{ +5 }}", "1000 31 5 15 15 -5 5");
    check("{{ 1e3 }} {{ 1.e3 }} {{ .5 }} {{ 5. }} {{ 0x1p4 }} {{ 0x1p-1074 }}", "1000 1000 0.5 5 16 5e-324");
    check("{{ 1i }} {{ 1.5-2e3i }} {{ -9223372036854775808 }}", "(0+1i) (1.5-2000i) -9223372036854775808");
    check(r"{{ 'a' }} {{ '\n' }} {{ '\x41' }} {{ '\u00e9' }} {{ '\'' }} {{ '\101' }}", "97 10 65 233 39 65");
}

#[test]
fn texts_in_all_spellings() {
    check(r#"{{ "\n\t\x41\u00e9\101\"" }}"#, "\n\tAéA\"");
    check("{{ `a\n\\n` }}", "a\n\\n");
    check(r#"{{ "}}" }}{{ "{{" }}"#, "}}{{");
}

#[test]
fn pipelines_pass_results_on_as_last_arguments() {
    check(r#"{{ "a" | printf "%s-%s" "b" | toUpper | len }}"#, "3");
    check(r#"{{ print (len "abc") (print "x" | toUpper) }}"#, "3X");
    check("{{ (index .Alerts 0).Labels.instance }}", "db-1:9100");
    check(
        "{{ ((.Receiver)) }} {{ (.Alerts).Firing | len }} {{ . | }}".replace(" {{ . | }}", "").as_str(),
        "team/x & y 1",
    );
    check("{{ $.Status }}{{ with 1 }}{{ $.Status }}{{ . }}{{ end }}", "firingfiring1");
}

#[test]
fn variables_live_until_the_end_of_their_block() {
    check("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1");
    check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
    check("{{ if $x := 0 }}{{ else if $y := 2 }}{{ $x }}{{ $y }}{{ end }}", "02");
    check("{{ with $x := 3 }}{{ $x }}{{ end }}", "3");
    check("{{ print ($x := 1) $x }}", "1 1");
    check("{{ $é := `u` }}{{ $é }}", "u");
}

#[test]
fn conditions() {
    check("{{ if 0 }}a{{ else if `` }}b{{ else if .Receiver }}c{{ else }}d{{ end }}", "c");
    check("{{ with 0 }}a{{ else with 5 }}{{ . }}{{ else }}c{{ end }}", "5");
    check("{{ with 0 }}a{{ else }}b{{ end }}", "b");
    for nothing in [
        "false",
        "0",
        "0.0",
        "0i",
        "``",
        "list",
        "dict",
        ".CommonLabels.nope",
        ".CommonAnnotations",
        "(slice .Alerts 0 0)",
    ] {
        check(&format!("{{{{ if {nothing} }}}}T{{{{ else }}}}F{{{{ end }}}}"), "F");
    }
    for something in ["true", "1", "-0.5", "1i", "`0`", "(list 0)", ".CommonLabels", ".", "(index .Alerts 1).EndsAt"] {
        check(&format!("{{{{ if {something} }}}}T{{{{ else }}}}F{{{{ end }}}}"), "T");
    }
}

#[test]
fn ranges() {
    check("{{ range .Alerts }}{{ .Status }};{{ end }}", "firing;resolved;");
    check("{{ range $i, $a := .Alerts }}{{ $i }}{{ $a.Status }};{{ end }}", "0firing;1resolved;");
    check("{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }};{{ end }}", "alertname=DiskFull;severity=page;");
    check("{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}", "01201");
    check("{{ range 0 }}{{ else }}none{{ end }}{{ range .CommonAnnotations }}{{ else }}none{{ end }}", "nonenone");
    check("{{ $a := 0 }}{{ range $a = .Alerts }}{{ end }}{{ $a.Status }}", "resolved");
    check("{{ $i := 9 }}{{ $a := 0 }}{{ range $i, $a = .Alerts }}{{ end }}{{ $i }}", "1");
    check("{{ range .Alerts }}{{ if eq .Status `firing` }}{{ continue }}{{ end }}{{ .Status }}{{ end }}", "resolved");
    check("{{ range .Alerts }}{{ .Status }}{{ break }}{{ end }}", "firing");
    check("{{ range 3 }}{{ range 3 }}{{ if . }}{{ break }}{{ end }}x{{ end }}{{ . }}{{ end }}", "x0x1x2");
}

#[test]
fn definitions() {
    check("{{ define `a` }}[{{ . }}]{{ end }}{{ template `a` 5 }}{{ template `a` }}", "[5][<no value>]");
    check("{{ block `a` .Status }}<{{ . }}>{{ end }}{{ template `a` 1 }}", "<firing><1>");
    check("{{ define `a` }}{{ $ }}{{ end }}{{ $x := 1 }}{{ template `a` $x }}", "1");
    check("{{ define `a` }} {{ end }}{{ define `a` }}b{{ end }}{{ template `a` }}", "b");
}

#[test]
fn fields_of_missing_things() {
    check("{{ .CommonLabels.nope }}|{{ (dict `a` 1).nope }}", "|<no value>");
    check("{{ (dict `a` (dict `b` 1)).a.b }}", "1");
    check("{{ (index (list nil) 0).x }}", "<no value>");
}

#[test]
fn short_circuits() {
    check("{{ and 0 (index `a` 5) }}{{ or 1 (index `a` 5) }}", "01");
    check("{{ 5 | and 1 }}{{ 0 | or 0 }}{{ or 0 `` nil }}{{ not 1 }}{{ and 1 2 }}", "50<no value>false2");
}
