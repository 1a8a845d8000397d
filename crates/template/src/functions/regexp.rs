//! Regular expressions as Go knows them: its syntax where it differs from the one of our library, its replacements.

use regex::{Captures, Regex};

use crate::text::quote;

/// Compiles an expression in Go's syntax.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translate(pattern)).map_err(|error| {
        let reason = match &error {
            // The last line says what is wrong, the ones before show where.
            regex::Error::Syntax(text) => go_reason(text.lines().last().unwrap_or_default()),
            regex::Error::CompiledTooBig(_) => "expression too large",
            _ => "invalid expression",
        };
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

/// The reason in Go's words where it has some.
fn go_reason(reason: &str) -> &str {
    match reason.strip_prefix("error: ").unwrap_or(reason) {
        "unclosed group" => "missing closing )",
        "unopened group" => "unexpected )",
        "unclosed character class" => "missing closing ]",
        "repetition operator missing expression" => "missing argument to repetition operator",
        "unrecognized escape sequence" => "invalid escape sequence",
        "incomplete escape sequence, reached end of pattern prematurely" => "trailing backslash at end of expression",
        other => other,
    }
}

/// As [`compile`], with the words of a function that cannot return errors.
pub(super) fn must_compile(pattern: &str) -> Result<Regex, String> {
    let shown = if pattern.contains('`') { quote(pattern) } else { format!("`{pattern}`") };
    compile(pattern).map_err(|error| format!("regexp: Compile({shown}): {error}"))
}

/// `text` with every match replaced; `$1`, `${1}`, `$name` and `${name}` in `replacement` stand for groups.
pub(super) fn replace_all(regex: &Regex, text: &str, replacement: &str, bytes_max: usize) -> Result<String, String> {
    let mut out = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&text[end..whole.start()]);
        expand(&captures, replacement, &mut out, bytes_max);
        if out.len() > bytes_max {
            return Err(format!("the result is longer than {bytes_max} bytes"));
        }
        end = whole.end();
    }
    out.push_str(&text[end..]);
    Ok(out)
}

fn expand(captures: &Captures<'_>, replacement: &str, out: &mut String, bytes_max: usize) {
    let mut rest = replacement;
    while let Some(dollar) = rest.find('$') {
        if out.len() > bytes_max {
            return;
        }
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        match group_name(rest) {
            Some((name, after)) => {
                let group = match name.parse::<usize>() {
                    Ok(number) => captures.get(number),
                    Err(_) => captures.name(name),
                };
                out.push_str(group.map_or("", |group| group.as_str()));
                rest = after;
            }
            // Not a reference: a dollar sign like any other.
            None => out.push('$'),
        }
    }
    out.push_str(rest);
}

/// The name after a dollar sign: as many letters, digits and low lines as there are, or what stands in braces.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let (body, braces) = text.strip_prefix('{').map_or((text, false), |body| (body, true));
    let len = body.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(body.len());
    let (name, after) = body.split_at(len);
    if name.is_empty() {
        return None;
    }
    if braces { after.strip_prefix('}').map(|after| (name, after)) } else { Some((name, after)) }
}

/// Go's syntax in the syntax of the `regex` crate. What is wrong in both stays as it is and is found there.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    // Within brackets, and whether nothing but the opening has been read there.
    let mut class: Option<bool> = None;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        let at_start = class.replace_start();
        match (c, class) {
            ('\\', _) => len = translate_escape(rest, class.is_some(), &mut out),
            ('[', None) => {
                class = Some(true);
                out.push('[');
                if rest.starts_with("[^") {
                    out.push('^');
                    len = 2;
                }
            }
            ('[', Some(_)) => match rest.find(":]").filter(|_| rest.starts_with("[:")) {
                Some(end) => {
                    len = end + 2;
                    out.push_str(&rest[..len]);
                }
                None => out.push_str("\\["),
            },
            (']', Some(_)) if at_start => out.push_str("\\]"),
            (']', Some(_)) => {
                class = None;
                out.push(']');
            }
            // These are operators on classes there, but not in Go.
            ('&' | '~', Some(_)) => {
                out.push('\\');
                out.push(c);
            }
            // A brace that starts no count is a brace.
            ('{', None) if !starts_count(rest) => out.push_str("\\{"),
            _ => out.push(c),
        }
        rest = &rest[len..];
    }
    out
}

trait ReplaceStart {
    fn replace_start(&mut self) -> bool;
}

impl ReplaceStart for Option<bool> {
    /// Whether a class has just been opened; from now on it hasn't.
    fn replace_start(&mut self) -> bool {
        self.as_mut().is_some_and(|start| std::mem::replace(start, false))
    }
}

fn starts_count(text: &str) -> bool {
    let Some((count, _)) = text[1..].split_once('}') else { return false };
    let (low, high) = count.split_once(',').unwrap_or((count, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// Translates the escape that `text` starts with. How long it is.
fn translate_escape(text: &str, in_class: bool, out: &mut String) -> usize {
    let Some(c) = text[1..].chars().next() else {
        out.push('\\');
        return 1;
    };
    let len = 1 + c.len_utf8();
    // Classes are of ASCII in Go.
    let members = match c.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => r"\t\n\x0c\r ",
        _ => "",
    };
    if !members.is_empty() {
        match (c.is_ascii_uppercase(), in_class) {
            (true, _) => out.push_str(&format!("[^{members}]")),
            (false, true) => out.push_str(members),
            (false, false) => out.push_str(&format!("[{members}]")),
        }
        return len;
    }
    match c {
        'b' if !in_class => out.push_str(r"(?-u:\b)"),
        'Q' => {
            let quoted = &text[2..];
            let end = quoted.find("\\E").unwrap_or(quoted.len());
            out.push_str(&regex::escape(&quoted[..end]));
            return (2 + end + 2).min(text.len());
        }
        '0'..='7' => {
            let digits = text[1..].bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let code = u32::from_str_radix(&text[1..=digits], 8).unwrap_or(0);
            if c != '0' && digits == 1 {
                // A back reference, which neither knows.
                out.push_str(&text[..2]);
            } else {
                out.push_str(&format!(r"\x{{{code:x}}}"));
            }
            return 1 + digits;
        }
        // The ends of words there, plain signs in Go.
        '<' | '>' => out.push(c),
        c => {
            out.push('\\');
            out.push(c);
        }
    }
    len
}

#[cfg(test)]
mod tests {
    //! Replacements and syntax against what Go does.

    use super::*;

    fn check(pattern: &str, replacement: &str, text: &str, expected: &str) {
        let regex = compile(pattern).unwrap();
        assert_eq!(replace_all(&regex, text, replacement, 1000).unwrap(), expected, "{pattern} {replacement} {text}");
    }

    #[test]
    fn replaces_like_go() {
        check("(a)b", "x$1", "ab", "xa");
        check("(a)b", "x$1y", "ab", "x");
        check("(a)b", "x${1}y$$z", "ab", "xay$z");
        check("(?P<name>a)b", "<$name>${name}$", "ab", "<a>a$");
        check("a*", "x", "baaac", "xbxcx");
        check("a", "$", "a", "$");
        check("a", "${1", "a", "${1");
        check("(a)|(b)", "[$1$2$3]", "ab", "[a][b]");
    }

    #[test]
    fn reads_go_syntax() {
        check(r"\d+", "#", "12 ٣", "# ٣");
        check(r"\w", "w", "aé", "wé");
        check(r"[\d\s]+", "_", "a1 2b", "a_b");
        check(r"[\D]", "_", "a1", "_1");
        check(r"[]a]", "x", "]a", "xx");
        check(r"[^]a]", "x", "]ab", "]ax");
        check(r"[[:alpha:]&&~~[]", "x", "a&~[1", "xxxx1");
        check(r"\Qa.b\E.", "x", "a.bc acbc", "x acbc");
        check(r"a{,2}", "x", "a{,2}", "x");
        check(r"a{2}", "x", "aaa", "xa");
        check(r"\<a\>", "x", "<a>", "x");
        check(r"\141\x{62}\n?", "x", "ab", "x");
        check(r"\bé", "x", "é", "é");
        check(r"(?i)ABC$", "x", "abc", "x");
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(compile("(").unwrap_err().starts_with("error parsing regexp: "));
        assert!(must_compile("(").unwrap_err().starts_with("regexp: Compile(`(`): error parsing regexp: "));
    }

    #[test]
    fn stops_at_the_limit() {
        let regex = compile("a").unwrap();
        assert!(replace_all(&regex, &"a".repeat(100), &"b".repeat(100), 1000).is_err());
    }
}
