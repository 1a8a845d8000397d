//! Templates that would go on for ever, or fill the memory or the stack, end in errors that say so.

use template::{Environment, Escaping, Functions, Limits, Template, Value};

use crate::run;

#[track_caller]
fn check(text: &str, expected: &str) {
    match run(text, Escaping::None) {
        Err(error) => assert!(error.ends_with(expected), "{text}\n{error}"),
        Ok(output) => assert!(output.is_empty(), "{text} did not fail, but made {} bytes", output.len()),
    }
}

const STEPS: &str = "the template takes more than 1000000 steps";
const OUTPUT: &str = "the result is longer than 8388608 bytes";
const WORK: &str = "the functions of the template handle more than 268435456 bytes";
const DEPTH: &str = "exceeded maximum template depth (200)";

#[test]
fn endless_ranges() {
    check("{{ range 9223372036854775807 }}{{ end }}", STEPS);
    check("{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}", STEPS);
    check("{{ range 9223372036854775807 }}{{ continue }}{{ end }}", STEPS);
}

#[test]
fn endless_recursion() {
    check("{{ define `r` }}{{ template `r` . }}{{ end }}{{ template `r` . }}", DEPTH);
    check(
        "{{ define `a` }}{{ if true }}{{ template `b` }}{{ end }}{{ end }}{{ define `b` }}{{ with 1 }}{{ template `a` }}{{ end }}{{ end }}{{ template `a` }}",
        DEPTH,
    );
    let error =
        run("{{ define `r` }}{{ range 9 }}{{ template `r` . }}{{ end }}{{ end }}{{ template `r` . }}", Escaping::None);
    assert!(error.unwrap_err().ends_with(DEPTH));
}

#[test]
fn huge_output() {
    check("{{ range 100000 }}{{ printf `%1000d` 1 }}{{ end }}", OUTPUT);
    check(
        "{{ printf `%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d` 1 1 1 1 1 1 1 1 1 }}",
        OUTPUT,
    );
    check("{{ $x := printf `%1000000d` 1 }}{{ reReplaceAll ` ` $x $x }}", OUTPUT);
    check("{{ $x := printf `%1000000d` 1 }}{{ join $x (stringSlice `` `` `` `` `` `` `` `` `` ``) }}", OUTPUT);
    check("{{ $x := `ab` }}{{ range 64 }}{{ $x = printf `%s%s` $x $x }}{{ end }}", OUTPUT);
}

#[test]
fn much_ado_on_the_way() {
    check("{{ $x := list 1 }}{{ range 1000000 }}{{ $x = append $x 1 }}{{ end }}", WORK);
    check("{{ $x := printf `%1000000d` 1 }}{{ range 1000000 }}{{ $y := match `a` $x }}{{ end }}", WORK);
    check("{{ $l := list }}{{ range 1000 }}{{ $l = append $l (printf `%1000000d` 1) }}{{ end }}", WORK);
}

#[test]
fn deep_values() {
    check(
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}",
        "lists and maps are nested more than 64 deep",
    );
    check(
        "{{ $x := dict }}{{ range 100000 }}{{ $x = dict `a` $x }}{{ end }}",
        "lists and maps are nested more than 64 deep",
    );
    // Few values that are printed many times.
    check("{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x $x }}{{ end }}{{ $x }}", OUTPUT);
    check("{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x $x }}{{ end }}{{ toJson $x }}", OUTPUT);
}

#[test]
fn deep_nesting_in_the_text() {
    let deep = |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(5000), close.repeat(5000));
    let message = "blocks and parentheses are nested more than 100 deep";
    check(&format!("{{{{ {} }}}}", deep("(", "1", ")")), message);
    check(&deep("{{ if 1 }}", "", "{{ end }}"), message);
    check(&deep("{{ range 1 }}", "", "{{ end }}"), message);
    check(&deep("{{ block `a` . }}", "", "{{ end }}"), message);
    check(&deep("{{ with 1 }}{{ else }}", "", "{{ end }}"), message);
    // Chains are not nested.
    let chain = format!("{{{{ if 0 }}}}{}{{{{ end }}}}", "{{ else if 0 }}".repeat(5000));
    check(&chain, "");
}

/// As deep as can be in every way at once, on the stack of an ordinary thread.
#[test]
fn the_deepest_that_is_allowed_fits_the_stack() {
    let (open, close) = ("(print ".repeat(45), ")".repeat(45));
    let call = format!("{{{{ if {open}1{close} }}}}{{{{ template `r` {open}.{close} }}}}{{{{ end }}}}");
    check(&format!("{{{{ define `r` }}}}{call}{{{{ end }}}}{{{{ template `r` 1 }}}}"), DEPTH);
    let value = format!("{{{{ {}1{} }}}}", "(list ".repeat(63), ")".repeat(63));
    assert_eq!(run(&value, Escaping::None).unwrap().len(), 2 * 63 + 1);
}

#[test]
fn limits_can_be_set() {
    let limits = Limits { steps_max: 10, output_bytes_max: 5, ..Limits::default() };
    let run = |text: &str| {
        let template = Template::parse("t", text, Functions::BUILTINS).unwrap().with_limits(limits);
        template.execute(&Value::Nil, Escaping::None, &Environment::default()).map_err(|error| error.to_string())
    };
    assert_eq!(run("12345").unwrap(), "12345");
    assert!(run("123456").unwrap_err().ends_with("the result is longer than 5 bytes"));
    assert!(run("{{ range 20 }}{{ end }}").unwrap_err().ends_with("the template takes more than 10 steps"));
}
