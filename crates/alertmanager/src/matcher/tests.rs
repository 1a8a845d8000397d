//! Both syntaxes, their errors, and what a matcher matches.

use super::*;

fn shown(input: &str, syntax: Syntax) -> String {
    match parse_matchers(input, syntax) {
        Ok(matchers) => Matchers::in_order(matchers).to_string(),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn the_lasting_syntax() {
    let check = |input: &str, expected: &str| assert_eq!(shown(input, Syntax::Utf8), expected, "{input}");
    check("", "{}");
    check("{}", "{}");
    check("foo=bar", r#"{foo="bar"}"#);
    check(r#"{foo!="bar", "b\u00e4r"=~"b.z",}"#, r#"{foo!="bar",bär=~"b.z"}"#);
    check(r#""foo bar"!~"x\ty""#, "{\"foo bar\"!~\"x\\ty\"}");
    check("foo", "error: end of input: expected an operator such as '=', '!=', '=~' or '!~'");
    check("{foo=bar", "error: 0:8: end of input: expected close brace");
    check("foo=bar}", "error: 0:8: }: expected opening brace");
    check("foo=bar baz", "error: 8:11: unexpected baz: expected a comma or close brace");
    check("foo!bar", "error: 3:4: !: expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'");
    check("foo='bar'", "error: 4:5: ': invalid input: expected label value");
    check("foo=\"bar", "error: 4:8: \"bar: missing end \": expected label value");
    check("foo=\"\\q\"", "error: 4:8: \"\\q\": invalid input");
}

#[test]
fn the_classic_syntax() {
    let check = |input: &str, expected: &str| assert_eq!(shown(input, Syntax::Classic), expected, "{input}");
    check("foo=bar, baz = \"a,b\" ,", r#"{foo="bar",baz="a,b"}"#);
    check("{foo=~a b}", r#"{foo=~"a b"}"#);
    check(r#"foo="a\"b\n\q\""#, r#"error: matcher value contains unescaped double quote: "a\"b\n\q\""#);
    check("foo=a\"b", "error: matcher value contains unescaped double quote: a\"b");
    check("1foo=bar", "error: bad matcher format: 1foo=bar");
    check("foo=\\", "{foo=\"\\\\\"}");
}

#[test]
fn both_syntaxes_together_prefer_the_classic_reading() {
    let check = |input: &str, expected: &str| assert_eq!(shown(input, Syntax::Both), expected, "{input}");
    check("foo=a b", r#"{foo="a b"}"#);
    check(r#"foo="\x61""#, r#"{foo="\\x61"}"#);
    check("bär=1", r#"{bär="1"}"#);
    check("foo=~\"invalid[regexp\"", "error: error parsing regexp: missing closing ]: `[regexp)$`");
    assert!(parse_matcher("{foo=bar}", Syntax::Both).is_err(), "one matcher has no braces");
}

#[test]
fn expressions_match_the_whole_value_and_no_newline() {
    let matcher = parse_matcher("a=~\"b.*\"", Syntax::Utf8).expect("a matcher");
    assert!(matcher.matches("bcd") && !matcher.matches("abc") && !matcher.matches("b\nc"));
}

#[test]
fn filters_with_an_empty_value_ask_for_presence() {
    let matches =
        |text: &str, value: Option<&str>| parse_matcher(text, Syntax::Both).expect("a matcher").matches_filter(value);
    assert!(matches("a=\"\"", None) && !matches("a=\"\"", Some("x")));
    assert!(matches("a!=\"\"", Some("x")) && !matches("a!=\"\"", None));
    assert!(matches("a=x", Some("x")) && !matches("a=x", None));
}
