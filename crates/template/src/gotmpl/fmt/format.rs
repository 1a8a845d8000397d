//! Formats: `%[2]*.[1]*f` and simpler ones.

use super::{Flags, Printer};
use crate::value::{Int, Value};

/// Widths and precisions beyond this count as mistakes.
const SIZE_MAX: i64 = 1_000_000;

/// Where in the format and among the arguments printing is.
struct Cursor<'a> {
    rest: &'a str,
    arguments: &'a [Value],
    next: usize,
    /// Whether the format has chosen arguments by number: then it may leave some out.
    reordered: bool,
    good_index: bool,
}

pub(super) fn format(printer: &mut Printer, text: &str, arguments: &[Value]) {
    let mut cursor = Cursor { rest: text, arguments, next: 0, reordered: false, good_index: true };
    while !printer.full {
        let Some(percent) = cursor.rest.find('%') else {
            printer.push(cursor.rest);
            break;
        };
        printer.push(&cursor.rest[..percent]);
        cursor.rest = &cursor.rest[percent + 1..];
        cursor.verb(printer);
    }
    cursor.extra(printer);
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What follows a percent sign.
    fn verb(&mut self, printer: &mut Printer) {
        printer.flags = Flags::default();
        self.good_index = true;
        self.read_flags(&mut printer.flags);
        let mut after_index = self.read_index();
        if self.skip('*') {
            match self.size() {
                Some(width) => {
                    printer.flags.width = Some(width.unsigned_abs() as usize);
                    // A negative width is one with a minus flag.
                    if width < 0 {
                        printer.flags.minus = true;
                        printer.flags.zero = false;
                    }
                }
                None => printer.push("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            printer.flags.width = self.read_number();
            if after_index && printer.flags.width.is_some() {
                self.good_index = false;
            }
        }
        if self.peek() == Some('.') && self.rest.len() > 1 {
            self.skip('.');
            if after_index {
                self.good_index = false;
            }
            after_index = self.read_index();
            if self.skip('*') {
                printer.flags.precision = self.size().and_then(|precision| usize::try_from(precision).ok());
                if printer.flags.precision.is_none() {
                    printer.push("%!(BADPREC)");
                }
                after_index = false;
            } else {
                printer.flags.precision = Some(self.read_number().unwrap_or(0));
            }
        }
        if !after_index {
            self.read_index();
        }
        self.print(printer);
    }

    fn read_flags(&mut self, flags: &mut Flags) {
        while let Some(c) = self.peek() {
            match c {
                '#' => flags.sharp = true,
                '0' => flags.zero = true,
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                ' ' => flags.space = true,
                _ => break,
            }
            self.skip(c);
        }
    }

    /// `[3]` before a width, precision or verb. Whether there was one.
    fn read_index(&mut self) -> bool {
        if !self.rest.starts_with('[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.rest.find(']') else {
            self.good_index = false;
            self.rest = &self.rest[1..];
            return false;
        };
        let index = self.rest[1..end].parse::<usize>().ok().filter(|number| {
            self.rest[1..end].starts_with(|c: char| c.is_ascii_digit()) && (1..=self.arguments.len()).contains(number)
        });
        self.rest = &self.rest[end + 1..];
        match index {
            Some(number) => {
                self.next = number - 1;
                true
            }
            None => {
                self.good_index = false;
                false
            }
        }
    }

    fn read_number(&mut self) -> Option<usize> {
        let mut number: Option<i64> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            if number.is_some_and(|number| number > SIZE_MAX) {
                // The original gives up on the whole format here.
                self.rest = "";
                return None;
            }
            number = Some(number.unwrap_or(0) * 10 + i64::from(digit));
            self.rest = &self.rest[1..];
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// A width or precision from the arguments.
    fn size(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next);
        self.next += usize::from(argument.is_some());
        match argument {
            Some(Value::Int(Int { value, .. })) if (-SIZE_MAX..=SIZE_MAX).contains(value) => Some(*value),
            _ => None,
        }
    }

    fn print(&mut self, printer: &mut Printer) {
        let Some(verb) = self.peek() else { return printer.push("%!(NOVERB)") };
        self.rest = &self.rest[verb.len_utf8()..];
        if verb == '%' {
            return printer.push("%");
        }
        if !self.good_index {
            return self.complain(printer, verb, "BADINDEX");
        }
        let Some(argument) = self.arguments.get(self.next) else {
            return self.complain(printer, verb, "MISSING");
        };
        self.next += 1;
        if matches!(verb, 'v' | 'w') {
            let flags = &mut printer.flags;
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        printer.argument(argument, verb);
    }

    fn complain(&self, printer: &mut Printer, verb: char, what: &str) {
        printer.push("%!");
        printer.push_char(verb);
        printer.push("(");
        printer.push(what);
        printer.push(")");
    }

    /// Arguments that no verb has asked for.
    fn extra(&self, printer: &mut Printer) {
        if self.reordered || self.next >= self.arguments.len() {
            return;
        }
        printer.flags = Flags::default();
        printer.push("%!(EXTRA ");
        for (index, argument) in self.arguments[self.next..].iter().enumerate() {
            if index > 0 {
                printer.push(", ");
            }
            match argument {
                Value::Nil => printer.push("<nil>"),
                argument => {
                    printer.push(argument.type_name());
                    printer.push("=");
                    printer.argument(argument, 'v');
                }
            }
        }
        printer.push(")");
    }
}
