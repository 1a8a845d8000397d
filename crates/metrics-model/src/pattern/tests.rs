//! RE2 syntax, its errors, and that fast paths and the automaton agree.

use super::{Pattern, compile, compile_unanchored};

/// `source` matches all of `yes` and none of `no`, by the fast path and by the automaton.
#[track_caller]
fn check(source: &str, yes: &[&str], no: &[&str]) {
    let pattern = Pattern::new(source).unwrap_or_else(|error| panic!("{error}"));
    let regex = compile(source).unwrap_or_else(|error| panic!("{error}"));
    for (texts, expected) in [(yes, true), (no, false)] {
        for text in texts {
            assert_eq!(regex.is_match(text), expected, "automaton of {source:?} on {text:?}");
            assert_eq!(pattern.is_match(text), expected, "pattern {source:?} on {text:?}");
        }
    }
}

#[test]
fn anchors_and_newlines() {
    check("a.c", &["abc", "a\nc"], &["xabc", "abcx", "ac"]);
    check("a|b", &["a", "b"], &["ab", "xb", "ax", ""]);
    check("a.*", &["a", "ab\nc"], &["ba", ""]);
    check(".*", &["", "\n"], &[]);
    check(".+", &["a", "\n"], &[""]);
    check("", &[""], &["a"]);
    check("(?-s)a.c", &["abc"], &["a\nc"]);
    check("(?m)a$", &["a"], &["a\nb"]);
}

#[test]
fn letter_classes_are_ascii() {
    check(r"\d+", &["19"], &["\u{661}", ""]);
    check(r"\D", &["\u{661}", "a"], &["1"]);
    check(r"\w+", &["aZ_9"], &["é", "a-b"]);
    check(r"\W", &["é", "-"], &["_"]);
    check(r"a\sb", &["a b", "a\tb", "a\nb"], &["a\u{a0}b", "a\u{b}b"]);
    check(r"\S", &["\u{a0}", "x"], &[" "]);
    check(r"[\d\-x]+", &["1-x"], &["\u{661}"]);
    check(r"[^\D]+", &["12"], &["a", "\u{661}"]);
    check(r"é\bx", &["éx"], &[]);
    check(r"x\By", &["xy"], &[]);
    check(r"x\by", &[], &["xy"]);
    check(r"é\B\B", &["é"], &[]);
}

#[test]
fn classes() {
    check("[[]", &["["], &["a"]);
    check("[]a]+", &["]a"], &["b"]);
    check("[^]a]", &["b"], &["]", "a"]);
    check("[a&&b]+", &["a&b"], &["c"]);
    check("[+--c]+", &["+,-c"], &["b"]);
    check("[a~~b]+", &["~a"], &["c"]);
    check("[a-]+", &["a-"], &["b"]);
    check("[[:alpha:]_]+", &["ab_"], &["é", "1"]);
    check("[[:^digit:]]", &["a", "é"], &["5"]);
    check("[[:x]+", &["[:x"], &["]"]);
    check(r"\pL+", &["aé"], &["1"]);
    check(r"\PL", &["1"], &["a"]);
    check(r"\p{Greek}", &["α"], &["a"]);
    check(r"\p{^Greek}", &["a"], &["α"]);
    check(r"[\P{^Greek}x]", &["α", "x"], &["a"]);
    check("(?i)k", &["k", "K", "\u{212a}"], &["x"]);
}

#[test]
fn escapes_and_literal_braces() {
    check(r"a\.b", &["a.b"], &["axb"]);
    check(r"\<\_\ \/", &["<_ /"], &[]);
    check(r"\x41\x{1F600}\101\0", &["A\u{1f600}A\0"], &[]);
    check(r"\Qa.b*\E+", &["a.b*", "a.b**"], &["axb"]);
    check(r"\Qa|b", &["a|b"], &["a"]);
    check("a{,2}", &["a{,2}"], &["aa"]);
    check("{a}", &["{a}"], &["a"]);
    check("a{2}{", &["aa{"], &["aa"]);
    check("a{02}", &["a{02}"], &["aa"]);
    check("x#&~ y", &["x#&~ y"], &[]);
    check("(?:a|b)(?P<n>c)(?<m>d)", &["acd"], &["ac"]);
    check("(?)a(?i)b", &["aB"], &["AB"]);
    check("(?U)a+", &["aaa"], &[]);
}

#[test]
fn errors_are_worded_as_the_original_words_them() {
    let check = |source: &str, expected: &str| {
        let error = Pattern::new(source).err().unwrap_or_else(|| panic!("{source} compiles"));
        assert_eq!(error.to_string(), format!("error parsing regexp: {expected}"));
    };
    check("[a", "missing closing ]: `[a`");
    check("x[a-", "missing closing ]: `[a-`");
    check("(a", "missing closing ): `(a`");
    check("a)", "unexpected ): `a)`");
    check("*a", "missing argument to repetition operator: `*`");
    check("a**", "invalid nested repetition operator: `**`");
    check("a{2}{3}", "invalid nested repetition operator: `{2}{3}`");
    check("a{1001}", "invalid repeat count: `{1001}`");
    check("(a{10}){101}", "invalid repeat count: `{101}`");
    check("((a{10}b)+c{2}){10,101}", "invalid repeat count: `{10,101}`");
    check("(?:(a{32}){32,}){1}", "invalid repeat count: `{32,}`");
    check("a{5,2}", "invalid repeat count: `{5,2}`");
    check("[z-a]", "invalid character class range: `z-a`");
    check("[[:nope:]]", "invalid character class range: `[:nope:]`");
    check(r"\8", r"invalid escape sequence: `\8`");
    check(r"\1", r"invalid escape sequence: `\1`");
    check(r"\C", r"invalid escape sequence: `\C`");
    check("a\\", "trailing backslash at end of expression: ``");
    check("(?x)a", "invalid or unsupported Perl syntax: `(?x)`");
    check("(?=a)", "invalid or unsupported Perl syntax: `(?=a)`");
    check("(?P<a-b>x)", "invalid named capture: `(?P<a-b>`");
}

#[test]
fn too_large_or_too_deep_is_refused() {
    assert!(Pattern::new(r"((((\pL{1000}){100}){100}){100})").is_err());
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(Pattern::new(&deep).is_err());
}

#[test]
fn shapes_are_recognised() {
    let check = |source: &str, literals: Option<&[&str]>, prefix: Option<&str>, required: &str| {
        let pattern = Pattern::new(source).unwrap_or_else(|error| panic!("{error}"));
        let found = pattern.literals().map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), literals, "literals of {source}");
        assert_eq!(pattern.prefix(), prefix, "prefix of {source}");
        assert_eq!(pattern.required_prefix(), required, "required prefix of {source}");
    };
    check("", Some(&[""]), None, "");
    check("b|a|b", Some(&["a", "b"]), None, "");
    check("ab|ac", Some(&["ab", "ac"]), None, "a");
    check(r"^(?:foo|ba[rz])\.x?$", Some(&["bar.", "bar.x", "baz.", "baz.x", "foo.", "foo.x"]), None, "");
    check("(foo|ba[rz])y", Some(&["bary", "bazy", "fooy"]), None, "");
    check("a{2,3}", Some(&["aa", "aaa"]), None, "aa");
    check("foo.*", None, Some("foo"), "foo");
    check("foo.+", None, None, "foo");
    check(".*", None, Some(""), "");
    check("(.*)", None, Some(""), "");
    check("foo.*bar", None, None, "foo");
    check("foo[0-9]+", None, None, "foo");
    check("(?i)fo1", Some(&["FO1", "Fo1", "fO1", "fo1"]), None, "");
    check("(?i)production-cluster", None, None, "");
    check("x(?:foo|foobar)[a-z]*", None, None, "xfoo");
}

#[test]
fn globs() {
    check(".*foo", &["foo", "xfoo", "foofoo", "\nfoo"], &["foox", "fo"]);
    check(".*foo.*", &["foo", "xfoox"], &["fxoo"]);
    check(".+foo.+", &["xfoox", "ffoofoofoo", "éfooé"], &["foo", "foox", "xfoo"]);
    check("a.*b.*c", &["abc", "axbxc", "abcbc"], &["ab", "ac", "acb", "a"]);
    check("a.+b.+c", &["axbxc", "abbbc", "aéb\nc"], &["abc", "abbc", "axbc"]);
    check("ab.*ba", &["abba", "abxba"], &["aba", "ab"]);
    check("a.*|b.+|c", &["a", "ax", "bx", "c"], &["b", "cx", ""]);
    check("(a|b).*(c|d)", &["ac", "bxd"], &["a", "c", "xac"]);
    check(".+.+", &["ab", "éé"], &["a", "é", ""]);
    check("(?-s)a.*", &["ab"], &["a\n"]);
}

#[test]
fn cases_are_folded_as_the_automaton_folds_them() {
    check("(?i)foo|bar", &["foo", "FOO", "Bar"], &["fo", "foobar"]);
    check("(?i)ask", &["ASK", "as\u{212a}", "a\u{17f}k"], &["as"]);
    check("(?i)prod-.*", &["PROD-", "Prod-é"], &["prod"]);
    check("(?i)production-cluster.*", &["PRODUCTION-cluster1", "production-cluster-é"], &["prod"]);
    check("(?i)production-cluster", &["PRODUCTION-cluster", "Production-clu\u{17f}ter"], &["production"]);
    check("(?i).*é.*", &["xÉ", "é"], &["e"]);
    check("a(?i)b", &["ab", "aB"], &["AB"]);
    check("(?i)[a-c]1", &["A1", "c1"], &["d1"]);
    check("(?i)[^a]", &["b", "é"], &["a", "A"]);
    check(&format!("(?i){}", "x".repeat(300)), &[&"X".repeat(300)], &["x"]);
}

#[test]
fn thousands_of_literals() {
    let source = (0..10_000).map(|index| format!("value-{index}")).collect::<Vec<_>>().join("|");
    check(&source, &["value-0", "value-9999"], &["value-", "value-10000"]);
}

proptest::proptest! {
    /// Whatever shape is found, it matches what the automaton matches.
    #[test]
    fn shapes_agree_with_the_automaton(
        source in "((?i)\\(\\?i\\))?([abA]|\\.\\*|\\.\\+|\\|)*(\\(([ab]|\\|)*\\)\\??)?([abA]|\\.\\*|\\[ab\\])*",
        texts in proptest::collection::vec("[abAB\\n]{0,6}", 1..20),
    ) {
        if let (Ok(pattern), Ok(regex)) = (Pattern::new(&source), compile(&source)) {
            for text in &texts {
                proptest::prop_assert_eq!(pattern.is_match(text), regex.is_match(text), "{:?} on {:?}", source, text);
            }
        }
    }
}

#[test]
fn unanchored_expressions_match_anywhere_but_not_across_lines() {
    let regex = compile_unanchored(r"a.\d").unwrap();
    assert!(regex.is_match("xab1y") && !regex.is_match("a\n1") && !regex.is_match("ab\u{0661}"));
    assert!(compile_unanchored("(").is_err());
}
