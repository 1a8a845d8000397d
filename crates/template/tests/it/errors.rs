//! Errors name the template, line, column, part and reason, in the original's words.

use template::{Functions, TemplateSet};

use crate::check_error;

#[test]
fn parse_errors_name_the_line() {
    let check = |text: &str, expected: &str| check_error(text, &format!("template: t:{expected}"));
    check("{{", "1: unclosed action");
    check("a\nb{{ if }}{{ end }}", "2: missing value for if");
    check("{{ .Receiver\n\n}}{{ foo }}", "3: function \"foo\" not defined");
    check("{{ $x }}", "1: undefined variable \"$x\"");
    check("{{ (1 }}", "1: unclosed left paren");
    check("{{ 1) }}", "1: unexpected right paren");
    check("{{ break }}", "1: {{break}} outside {{range}}");
    check("{{ end }}", "1: unexpected {{end}}");
    check("{{ if 1 }}", "1: unexpected EOF");
    check("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "1: expected end; found {{else}}");
    check("{{ define x }}{{ end }}", "1: unexpected \"x\" in define clause");
    check("{{ if . }}{{ define `y` }}{{ end }}{{ end }}", "1: unexpected <define> in command");
    check("{{ define `x` }}a{{ end }}{{ define `x` }}b{{ end }}", "1: template: multiple definition of template \"x\"");
    check("{{ template 3 }}", "1: unexpected \"3\" in template clause");
    check("{{ print\n\"a }}", "2: unterminated quoted string in action started at t:1");
    check("{{/* a }}", "1: unclosed comment");
    check("{{ /* a */ }}", "1: unexpected \"/\" in command");
    check("{{ 08 }}", "1: integer overflow: \"08\"");
    check("{{ 1x }}", "1: bad number syntax: \"1x\"");
    check("{{ .é§ }}", "1: bad character U+00A7 '§'");
    check("{{ true.a }}", "1: unexpected . after term \"true\"");
    check("{{ 1 | 2 }}", "1: non executable command in pipeline stage 2");
    check("{{ range $a, $b, $c := . }}{{ end }}", "1: too many declarations in range");
    check("{{ range $a, 3 := . }}{{ end }}", "1: range can only initialize variables");
    check("{{ print(1) }}", "1: unexpected \"(\" in operand");
    check("{{ `abcdefghijklm`x }}", "1: unexpected \"x\" in operand");
}

#[test]
fn execution_errors_name_the_part() {
    let check = |text: &str, expected: &str| check_error(text, &format!("template: t:{expected}"));
    check("{{ .Receiver.x.y }}", "1:12: executing \"t\" at <.Receiver.x.y>: can't evaluate field x in type string");
    check("line\n  {{ .Nope }}", "2:5: executing \"t\" at <.Nope>: can't evaluate field Nope in type *template.Data");
    check("{{ (1).foo }}", "1:4: executing \"t\" at <1>: can't evaluate field foo in type int");
    check("{{ \"a\" 1 }}", "1:3: executing \"t\" at <\"a\">: can't give argument to non-function \"a\"");
    check("{{ (1) (2) }}", "1:3: executing \"t\" at <(1) (2)>: can't give argument to non-function 1");
    check("{{ nil }}", "1:3: executing \"t\" at <nil>: nil is not a command");
    check("{{ $x = 3 }}", "1:8: executing \"t\" at <3>: undefined variable: $x");
    check(
        "{{ define `in` }}{{ .x.y }}{{ end }}\n{{ template `in` 3 }}",
        "1:22: executing \"in\" at <.x.y>: can't evaluate field x in type int",
    );
    check("{{ template `no` . }}", "1:12: executing \"t\" at <{{template \"no\" .}}>: template \"no\" not defined");
    check("{{ range 2.5 }}{{ end }}", "1:9: executing \"t\" at <2.5>: range can't iterate over 2.5");
    check(
        "{{ range $i, $e := 3 }}{{ end }}",
        "1:19: executing \"t\" at <3>: can't use 3 to iterate over more than one variable",
    );
    check("{{ (dict `a` nil).a.b }}", "1:13: executing \"t\" at <nil>: nil pointer evaluating interface {}.b");
    check(
        "{{ range list 1 }}{{ .x }}{{ end }}",
        "1:21: executing \"t\" at <.x>: can't evaluate field x in type interface {}",
    );
}

#[test]
fn call_errors_name_the_function() {
    let check = |text: &str, expected: &str| check_error(text, &format!("template: t:1:{expected}"));
    check("{{ toUpper }}", "3: executing \"t\" at <toUpper>: wrong number of args for toUpper: want 1 got 0");
    check("{{ index }}", "3: executing \"t\" at <index>: wrong number of args for index: want at least 1 got 0");
    check("{{ toUpper 1 }}", "11: executing \"t\" at <1>: expected string; found 1");
    check("{{ 1 | toUpper }}", "7: executing \"t\" at <toUpper>: wrong type for value; expected string; got int");
    check("{{ toUpper nil }}", "11: executing \"t\" at <nil>: cannot assign nil to string");
    check("{{ join `,` `a` }}", "12: executing \"t\" at <`a`>: can't handle `a` for arg of type []string");
    check(
        "{{ index .Alerts 5 }}",
        "3: executing \"t\" at <index .Alerts 5>: error calling index: index out of range: 5",
    );
    check(
        "{{ index .CommonLabels 1 }}",
        "3: executing \"t\" at <index .CommonLabels 1>: error calling index: value has type int; should be string",
    );
    check("{{ len 3 }}", "3: executing \"t\" at <len 3>: error calling len: len of type int");
    check(
        "{{ eq 1 1.0 }}",
        "3: executing \"t\" at <eq 1 1.0>: error calling eq: incompatible types for comparison: int and float64",
    );
    check("{{ lt nil 1 }}", "3: executing \"t\" at <lt nil 1>: error calling lt: invalid type for comparison");
    check("{{ call 3 }}", "3: executing \"t\" at <call 3>: error calling call: non-function 3 of type int");
    check(
        "{{ .Receiver 1 }}",
        "3: executing \"t\" at <.Receiver>: Receiver has arguments but cannot be invoked as function",
    );
    check("{{ .CommonLabels.x 1 }}", "16: executing \"t\" at <.CommonLabels.x>: x is not a method but has arguments");
}

#[test]
fn a_set_stays_as_it_was_when_a_file_is_broken() {
    let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
    set.add("a.tmpl", "{{ define `a` }}1{{ end }}").unwrap();
    let error = set.add("b.tmpl", "{{ define `a` }}2{{ end }}\n{{ nope }}").unwrap_err();
    assert_eq!(error.to_string(), "template: b.tmpl:2: function \"nope\" not defined");
    assert_eq!(set.names(), ["a", "a.tmpl"]);
    assert_eq!(set.check("x\n{{ end }}").unwrap_err().to_string(), "template: :2: unexpected {{end}}");
}
