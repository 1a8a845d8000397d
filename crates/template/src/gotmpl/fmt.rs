//! Go's `fmt`: how values print, with verbs and without.

use crate::text::quote_with;
use crate::value::{Int, IntKind, List, Map, Object, Value};

pub(crate) mod float;
mod format;
mod integer;

/// `print`: values in a row, with a space where neither neighbour is a text.
///
/// # Errors
/// When the result has more than `bytes_max` bytes.
pub(crate) fn print(values: &[Value], bytes_max: usize) -> Result<String, String> {
    let mut printer = Printer::new(bytes_max);
    for (index, value) in values.iter().enumerate() {
        if index > 0 && value.as_str().is_none() && values[index - 1].as_str().is_none() {
            printer.push(" ");
        }
        printer.argument(value, 'v');
    }
    printer.finish()
}

/// What an action writes for a value: as [`print()`], but what a pointer points to is shown plainly.
///
/// # Errors
/// When the result has more than `bytes_max` bytes.
pub(crate) fn print_action(value: &Value, bytes_max: usize) -> Result<String, String> {
    let mut printer = Printer::new(bytes_max);
    printer.value(value, 'v', false);
    printer.finish()
}

/// `println`: values with spaces between and a line break after.
///
/// # Errors
/// When the result has more than `bytes_max` bytes.
pub(crate) fn println(values: &[Value], bytes_max: usize) -> Result<String, String> {
    let mut printer = Printer::new(bytes_max);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.push(" ");
        }
        printer.argument(value, 'v');
    }
    printer.push("\n");
    printer.finish()
}

/// `printf`: values by the verbs of a format.
///
/// # Errors
/// When the result has more than `bytes_max` bytes.
pub(crate) fn printf(text: &str, values: &[Value], bytes_max: usize) -> Result<String, String> {
    let mut printer = Printer::new(bytes_max);
    format::format(&mut printer, text, values);
    printer.finish()
}

/// A value as error messages show it, cut off where it gets long.
pub(crate) fn plain(value: &Value) -> String {
    plain_by(value, 'v')
}

/// As [`plain`], by another verb.
pub(crate) fn plain_by(value: &Value, verb: char) -> String {
    const SHOWN_BYTES_MAX: usize = 10_000;
    let mut printer = Printer::new(SHOWN_BYTES_MAX);
    printer.value(value, verb, false);
    printer.out
}

/// The flags of one verb.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: names of fields.
    plus_v: bool,
    /// `%#v`: Go syntax.
    sharp_v: bool,
}

/// Collects output up to a limit; past it nothing is added any more.
struct Printer {
    out: String,
    bytes_max: usize,
    full: bool,
    flags: Flags,
    /// Whether what a bad verb was given is being shown: then values don't print in words of their own.
    showing_bad_verb: bool,
}

impl Printer {
    fn new(bytes_max: usize) -> Self {
        Self { out: String::new(), bytes_max, full: false, flags: Flags::default(), showing_bad_verb: false }
    }

    fn finish(self) -> Result<String, String> {
        if self.full {
            return Err(format!("the result is longer than {} bytes", self.bytes_max));
        }
        Ok(self.out)
    }

    fn push(&mut self, text: &str) {
        if self.full || self.out.len() + text.len() > self.bytes_max {
            self.full = true;
        } else {
            self.out.push_str(text);
        }
    }

    fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    fn push_repeated(&mut self, c: char, count: usize) {
        if self.full || self.out.len() + count > self.bytes_max {
            self.full = true;
        } else {
            self.out.extend(std::iter::repeat_n(c, count));
        }
    }

    /// `text` filled up to the width.
    fn pad(&mut self, text: &str) {
        let missing = self.flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.flags.minus {
            self.push(text);
            self.push_repeated(' ', missing);
        } else {
            self.push_repeated(if self.flags.zero { '0' } else { ' ' }, missing);
            self.push(text);
        }
    }

    /// A value as an argument of a function: pointers show that they are some.
    fn argument(&mut self, value: &Value, verb: char) {
        match value {
            Value::Nil if matches!(verb, 'v' | 'T') => self.pad("<nil>"),
            _ if verb == 'T' => self.string(value.type_name(), 's'),
            // This verb is for wrapping errors, which templates have none of.
            _ if verb == 'w' => self.bad_verb(value, verb),
            _ => self.value(value, verb, true),
        }
    }

    fn value(&mut self, value: &Value, verb: char, outermost: bool) {
        if self.full {
            return;
        }
        if matches!(verb, 'v' | 's' | 'q' | 'x' | 'X')
            && !self.flags.sharp_v
            && !self.showing_bad_verb
            && let Some(text) = value.own_text()
        {
            return self.string(&text, verb);
        }
        match value {
            Value::Nil if !outermost => self.push("<nil>"),
            Value::Nil if verb == 'v' => self.pad("<nil>"),
            Value::Nil => self.bad_verb(value, verb),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { "true" } else { "false" }),
            Value::Int(int) => self.int(*int, value, verb),
            Value::Float(float) => self.float(*float, value, verb),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, value, verb),
            Value::String(text) | Value::Safe(_, text) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => {
                self.string(text, verb);
            }
            Value::List(list) => self.list(list, verb),
            Value::Map(map) => self.map(map, verb),
            Value::Object(object) => self.object(&**object, verb, outermost),
            Value::Time(time) => self.string(&time.to_string(), 's'),
            Value::Bool(_) | Value::String(_) | Value::Safe(..) | Value::Function(_) => self.bad_verb(value, verb),
        }
    }

    /// `%!d(string=x)`
    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.push("%!");
        self.push_char(verb);
        self.push("(");
        if matches!(value, Value::Nil) {
            self.push("<nil>");
        } else {
            self.push(value.type_name());
            self.push("=");
            // Flags stay: the original prints the value under the same ones.
            match value {
                Value::Function(function) => self.push(function.name),
                value => {
                    let outer = std::mem::replace(&mut self.showing_bad_verb, true);
                    self.value(value, 'v', false);
                    self.showing_bad_verb = outer;
                }
            }
        }
        self.push(")");
    }

    fn string(&mut self, text: &str, verb: char) {
        let kept = match self.flags.precision {
            Some(count) if matches!(verb, 's' | 'v' | 'q') => {
                text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
            }
            _ => text,
        };
        match verb {
            'x' | 'X' => self.hex(text.as_bytes(), verb),
            'q' => self.quoted(kept),
            'v' if self.flags.sharp_v => self.quoted(kept),
            _ => self.pad(kept),
        }
    }

    fn quoted(&mut self, text: &str) {
        let raw = text.chars().all(|c| c != '`' && c != '\u{feff}' && (c == '\t' || (c >= ' ' && c != '\u{7f}')));
        if self.flags.sharp && raw {
            self.pad(&format!("`{text}`"));
        } else {
            self.pad(&quote_with(text, '"', self.flags.plus));
        }
    }

    /// The bytes in hexadecimal; a space flag separates them, a sharp one marks them.
    fn hex(&mut self, bytes: &[u8], verb: char) {
        let bytes = &bytes[..self.flags.precision.unwrap_or(bytes.len()).min(bytes.len())];
        let mark = if verb == 'x' { "0x" } else { "0X" };
        let mut text = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            let separated = self.flags.space && index > 0;
            if separated {
                text.push(' ');
            }
            if self.flags.sharp && (index == 0 || separated) {
                text.push_str(mark);
            }
            text.push_str(&if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") });
        }
        self.pad(&text);
    }

    fn list(&mut self, list: &List, verb: char) {
        let go = self.flags.sharp_v;
        if go {
            self.push(list.list_type().name);
            if list.is_nil() {
                return self.push("(nil)");
            }
        }
        self.push(if go { "{" } else { "[" });
        for (index, item) in list.items().iter().enumerate() {
            if index > 0 {
                self.push(if go { ", " } else { " " });
            }
            self.member(item, verb);
        }
        self.push(if go { "}" } else { "]" });
    }

    fn map(&mut self, map: &Map, verb: char) {
        let go = self.flags.sharp_v;
        if go {
            self.push(map.map_type().name);
            if map.is_nil() {
                return self.push("(nil)");
            }
        }
        self.push(if go { "{" } else { "map[" });
        for (index, (key, value)) in map.entries().into_iter().enumerate() {
            if index > 0 {
                self.push(if go { ", " } else { " " });
            }
            self.member(&Value::String(key), verb);
            self.push(":");
            self.member(&value, verb);
        }
        self.push(if go { "}" } else { "]" });
    }

    fn object(&mut self, object: &dyn Object, verb: char, outermost: bool) {
        let type_name = object.type_name();
        if outermost && type_name.starts_with('*') {
            self.push("&");
        }
        if self.flags.sharp_v {
            self.push(type_name.trim_start_matches('*'));
        }
        self.push("{");
        for (index, field) in object.fields().iter().enumerate() {
            if index > 0 {
                self.push(if self.flags.sharp_v { ", " } else { " " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.push(field.name);
                self.push(":");
            }
            self.member(&object.field(index), verb);
        }
        self.push("}");
    }

    /// A value within another.
    fn member(&mut self, value: &Value, verb: char) {
        match value {
            Value::Nil if self.flags.sharp_v => self.push("interface {}(nil)"),
            value => self.value(value, verb, false),
        }
    }

    fn int(&mut self, int: Int, value: &Value, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && int.kind == IntKind::Uint8 => self.push(&format!("{:#x}", int.value)),
            'v' | 'd' => self.integer(int.value, 10, verb),
            'b' => self.integer(int.value, 2, verb),
            'o' | 'O' => self.integer(int.value, 8, verb),
            'x' | 'X' => self.integer(int.value, 16, verb),
            'c' => {
                let c = u32::try_from(int.value).ok().and_then(char::from_u32);
                self.pad(c.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
            }
            'q' => {
                let c = u32::try_from(int.value).ok().and_then(char::from_u32);
                let text = c.unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
                self.pad(&quote_with(&text, '\'', self.flags.plus));
            }
            'U' => self.unicode(int.value),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float(&mut self, float: f64, value: &Value, verb: char) {
        match verb {
            'v' | 'g' => self.number(float, 'g', None),
            'b' | 'G' | 'x' | 'X' => self.number(float, verb, None),
            'e' | 'E' => self.number(float, verb, Some(6)),
            'f' | 'F' => self.number(float, 'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    fn complex(&mut self, real: f64, imaginary: f64, value: &Value, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.push("(");
        self.float(real, value, verb);
        self.flags.plus = true;
        self.float(imaginary, value, verb);
        self.flags.plus = plus;
        self.push("i)");
    }
}
