//! From the syntax of RE2, in which users write, to that of the `regex` crate, which executes.
//!
//! The two agree on nearly everything. They differ in that RE2's `\d \s \w \b` know ASCII only, brackets and `&&` inside
//! a class are literal, a `{` that opens no repetition is literal, `\Q…\E` quotes, `\123` is octal, and stacked
//! repetitions such as `a**` are refused. The translation is one pass without recursion; what it lets through and the
//! engine then refuses is refused.

/// Repetition counts above this are refused, as RE2 does; also when they come about by one within another.
const REPEAT_MAX: u32 = 1000;

/// What stands before the reading position, for a repetition operator to apply to.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Nothing: the start of the expression, a group or an alternative.
    Nothing,
    /// One atom.
    Atom,
    /// An atom with a repetition, which starts at this byte.
    Repeated(usize),
}

/// Rewrites `source`.
///
/// # Errors
/// The reason, worded as the original words it, when `source` is not valid in RE2.
pub(super) fn translate(source: &str) -> Result<String, String> {
    let out = String::with_capacity(source.len());
    let mut translator = Translator { source, at: 0, out, before: Before::Nothing, repeats: 1, open: vec![1] };
    while let Some(c) = translator.peek() {
        translator.step(c)?;
    }
    if translator.open.len() > 1 {
        return Err(format!("missing closing ): `{source}`"));
    }
    Ok(translator.out)
}

/// Words an error of the engine, which sees only what [`translate`] let through.
pub(super) fn engine_reason(source: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => format!("expression too large: `{source}`"),
        other => last_line(source, &other.to_string()),
    }
}

/// Words an error of the engine's parser.
pub(super) fn syntax_reason(source: &str, error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error)
            if matches!(error.kind(), regex_syntax::ast::ErrorKind::NestLimitExceeded(_)) =>
        {
            format!("expression nests too deeply: `{source}`")
        }
        other => last_line(source, &other.to_string()),
    }
}

/// The engine prints the expression with a marker over several lines; its last line says what is wrong.
fn last_line(source: &str, text: &str) -> String {
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("{reason}: `{source}`")
}

struct Translator<'a> {
    source: &'a str,
    at: usize,
    out: String,
    before: Before,
    /// How often the innermost part of the last atom is repeated by counts, one within the other.
    repeats: u32,
    /// The most of these in the expression, then in each group that is open.
    open: Vec<u32>,
}

impl<'a> Translator<'a> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Reads one character.
    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Translates what starts with `c` at the reading position.
    fn step(&mut self, c: char) -> Result<(), String> {
        if !matches!(c, '*' | '+' | '?' | '{') {
            self.repeats = 1;
        }
        match c {
            '(' => return self.open_group(),
            ')' if self.open.len() == 1 => return Err(format!("unexpected ): `{}`", self.source)),
            ')' => {
                self.repeats = self.open.pop().unwrap_or(1);
                self.note_repeats();
                self.copy(c, Before::Atom);
            }
            '|' => self.copy(c, Before::Nothing),
            '.' | '^' | '$' => self.copy(c, Before::Atom),
            '[' => return self.class(),
            '*' | '+' | '?' => {
                let start = self.at;
                self.at += 1;
                return self.repeat(start);
            }
            '{' => return self.braces(),
            '\\' => return self.escape(),
            _ => {
                self.at += c.len_utf8();
                push_literal(&mut self.out, c);
                self.before = Before::Atom;
            }
        }
        Ok(())
    }

    /// Copies the one-byte character `c`.
    fn copy(&mut self, c: char, before: Before) {
        self.at += 1;
        self.out.push(c);
        self.before = before;
    }

    /// Takes the repetition operator from `start` to the reading position, and the `?` that makes it lazy.
    fn repeat(&mut self, start: usize) -> Result<(), String> {
        if self.rest().starts_with('?') {
            self.at += 1;
        }
        match self.before {
            Before::Nothing => {
                return Err(format!("missing argument to repetition operator: `{}`", &self.source[start..self.at]));
            }
            Before::Repeated(first) => {
                return Err(format!("invalid nested repetition operator: `{}`", &self.source[first..self.at]));
            }
            Before::Atom => {}
        }
        self.out.push_str(&self.source[start..self.at]);
        self.before = Before::Repeated(start);
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`, or else a literal brace.
    fn braces(&mut self) -> Result<(), String> {
        let start = self.at;
        let Some((least, most, len)) = repetition(self.rest()) else {
            self.at += 1;
            self.out.push_str("\\{");
            self.repeats = 1;
            self.before = Before::Atom;
            return Ok(());
        };
        self.at += len;
        if least > REPEAT_MAX || most.is_some_and(|most| most > REPEAT_MAX || most < least) {
            return Err(format!("invalid repeat count: `{}`", &self.source[start..self.at]));
        }
        self.repeats = self.repeats.saturating_mul(most.unwrap_or(least.max(1)));
        if self.repeats > REPEAT_MAX {
            return Err(format!("invalid repeat count: `{}`", &self.source[start..self.at]));
        }
        self.note_repeats();
        self.repeat(start)
    }

    fn note_repeats(&mut self) {
        if let Some(most) = self.open.last_mut() {
            *most = self.repeats.max(*most);
        }
    }

    /// `(`, `(?:`, `(?P<name>`, `(?<name>`, `(?flags)` or `(?flags:`.
    fn open_group(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let Some(special) = rest.strip_prefix("(?") else {
            self.open.push(1);
            self.copy('(', Before::Nothing);
            return Ok(());
        };
        if let Some(named) = special.strip_prefix("P<").or_else(|| special.strip_prefix('<')) {
            let end = named.find('>').ok_or_else(|| format!("invalid named capture: `{rest}`"))?;
            let name = &named[..end];
            let len = rest.len() - named.len() + end + 1;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(format!("invalid named capture: `{}`", &rest[..len]));
            }
            self.out.push_str(&format!("(?P<{name}>"));
            self.at += len;
            self.open.push(1);
            self.before = Before::Nothing;
            return Ok(());
        }
        let end = special.find([')', ':']).ok_or_else(|| format!("missing closing ): `{}`", self.source))?;
        let flags = &special[..end];
        let opens = special[end..].starts_with(':');
        let unsupported = || format!("invalid or unsupported Perl syntax: `{}`", &rest[..2 + end + 1]);
        if !are_flags(flags) {
            return Err(unsupported());
        }
        self.at += 2 + end + 1;
        // `(?)` sets nothing.
        if opens || !flags.is_empty() {
            self.out.push_str(&rest[..2 + end + 1]);
        }
        if opens {
            self.open.push(1);
            self.before = Before::Nothing;
        }
        Ok(())
    }

    /// A backslash outside a class.
    fn escape(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let mut chars = rest.chars().skip(1);
        self.before = match chars.next() {
            Some('Q') => return self.quoted(),
            Some('A') => return self.assertion("\\A"),
            Some('z') => return self.assertion("\\z"),
            Some('b') => return self.assertion("(?-u:\\b)"),
            Some('B') => return self.assertion("(?-u:\\B)"),
            _ => Before::Atom,
        };
        if let Some(class) = self.class_escape()? {
            self.out.push_str(&format!("[{class}]"));
        } else {
            let c = self.char_escape()?;
            push_literal(&mut self.out, c);
        }
        Ok(())
    }

    fn assertion(&mut self, translated: &str) -> Result<(), String> {
        self.at += 2;
        self.out.push_str(translated);
        self.before = Before::Atom;
        Ok(())
    }

    /// `\Q…\E`; without an end it reaches to the end of the expression.
    fn quoted(&mut self) -> Result<(), String> {
        let body = &self.rest()[2..];
        let (text, len) = body.find("\\E").map_or((body, body.len()), |end| (&body[..end], end + 2));
        self.at += 2 + len;
        for c in text.chars() {
            push_literal(&mut self.out, c);
            self.before = Before::Atom;
        }
        Ok(())
    }

    /// An escape that stands for a set of characters, as what goes between brackets. `None`: it is none of these.
    fn class_escape(&mut self) -> Result<Option<String>, String> {
        let rest = self.rest();
        let translated = match rest.as_bytes().get(1) {
            Some(b'd') => "0-9",
            Some(b'D') => "[^0-9]",
            Some(b's') => "\\t\\n\\f\\r ",
            Some(b'S') => "[^\\t\\n\\f\\r ]",
            Some(b'w') => "0-9A-Za-z_",
            Some(b'W') => "[^0-9A-Za-z_]",
            Some(b'p' | b'P') => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(translated.to_owned()))
    }

    /// `\pL`, `\p{Greek}`, `\p{^Greek}` and the same with `\P`, which negates.
    fn unicode_class(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let invalid = |len: usize| format!("invalid character class range: `{}`", rest.get(..len).unwrap_or(rest));
        let mut is_negated = rest.starts_with("\\P");
        let body = &rest[2..];
        let (name, len) = match body.strip_prefix('{') {
            Some(braced) => {
                let end = braced.find('}').ok_or_else(|| invalid(rest.len()))?;
                (&braced[..end], end + 2)
            }
            None => {
                let c = body.chars().next().ok_or_else(|| invalid(rest.len()))?;
                (&body[..c.len_utf8()], c.len_utf8())
            }
        };
        let positive = name.strip_prefix('^').unwrap_or(name);
        is_negated ^= positive.len() != name.len();
        if positive.is_empty() || !positive.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(invalid(2 + len));
        }
        self.at += 2 + len;
        Ok(format!("\\{}{{{positive}}}", if is_negated { 'P' } else { 'p' }))
    }

    /// An escape that stands for one character.
    fn char_escape(&mut self) -> Result<char, String> {
        let start = self.at;
        self.bump();
        let Some(c) = self.bump() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        let found = match c {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            '0'..='7' => self.octal(c),
            'x' => self.hex(),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        found.ok_or_else(|| format!("invalid escape sequence: `{}`", &self.source[start..self.at]))
    }

    /// Up to three octal digits; a single one other than zero would be a backreference.
    fn octal(&mut self, first: char) -> Option<char> {
        let mut code = first.to_digit(8)?;
        if code > 0 && !self.peek().is_some_and(|c| c.is_digit(8)) {
            return None;
        }
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            code = code * 8 + digit;
        }
        char::from_u32(code)
    }

    /// `\x7F` or `\x{10FFFF}`.
    fn hex(&mut self) -> Option<char> {
        let rest = self.rest();
        let (digits, len) = match rest.strip_prefix('{') {
            Some(braced) => braced.find('}').map(|end| (&braced[..end], end + 2))?,
            None => (rest.get(..2)?, 2),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += len;
        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
    }

    /// `[…]`
    fn class(&mut self) -> Result<(), String> {
        let start = self.at;
        let unclosed = || format!("missing closing ]: `{}`", &self.source[start..]);
        self.at += 1;
        self.out.push('[');
        if self.rest().starts_with('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let rest = self.rest();
            match self.peek() {
                None => return Err(unclosed()),
                Some(']') if !is_first => break,
                Some('[') if rest.starts_with("[:") && rest.contains(":]") => self.posix_class()?,
                Some('\\') => match self.class_escape()? {
                    Some(class) => self.out.push_str(&class),
                    None => self.class_range(start)?,
                },
                Some(_) => self.class_range(start)?,
            }
            is_first = false;
        }
        self.copy(']', Before::Atom);
        Ok(())
    }

    /// One character of a class, or a range.
    fn class_range(&mut self, class_start: usize) -> Result<(), String> {
        let start = self.at;
        let low = self.class_char(class_start)?;
        push_literal(&mut self.out, low);
        let rest = self.rest();
        // A hyphen before the closing bracket is one.
        if rest.starts_with('-') && rest.len() >= 2 && !rest.starts_with("-]") {
            self.at += 1;
            let high = self.class_char(class_start)?;
            if high < low {
                return Err(format!("invalid character class range: `{}`", &self.source[start..self.at]));
            }
            self.out.push('-');
            push_literal(&mut self.out, high);
        }
        Ok(())
    }

    fn class_char(&mut self, class_start: usize) -> Result<char, String> {
        if self.rest().starts_with('\\') {
            return self.char_escape();
        }
        self.bump().ok_or_else(|| format!("missing closing ]: `{}`", &self.source[class_start..]))
    }

    /// `[:alpha:]` or `[:^alpha:]` inside a class.
    fn posix_class(&mut self) -> Result<(), String> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let rest = self.rest();
        let end = rest.find(":]").map_or(rest.len(), |end| end + 2);
        let whole = &rest[..end];
        let name = whole.trim_start_matches("[:").trim_end_matches(":]");
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("invalid character class range: `{whole}`"));
        }
        self.at += end;
        self.out.push_str(whole);
        Ok(())
    }
}

/// The flags between `(?` and `)` or `:`, perhaps with a minus that switches those after it off.
fn are_flags(text: &str) -> bool {
    let known = |flags: &str| flags.bytes().all(|byte| matches!(byte, b'i' | b'm' | b's' | b'U'));
    match text.split_once('-') {
        Some((on, off)) => known(on) && known(off) && !off.is_empty(),
        None => known(text),
    }
}

/// Reads `{2}`, `{2,}` or `{2,5}` at the start of `text`: least, most if given (also for `{2}`), length.
fn repetition(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let body = &text[1..text.find('}')?];
    let number = |digits: &str| {
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !leading_zero;
        is_number.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let len = body.len() + 2;
    match body.split_once(',') {
        None => number(body).map(|count| (count, Some(count), len)),
        Some((least, "")) => number(least).map(|least| (least, None, len)),
        Some((least, most)) => Some((number(least)?, Some(number(most)?), len)),
    }
}

/// Appends `c` so that it stands for itself, inside and outside of classes.
fn push_literal(out: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}
