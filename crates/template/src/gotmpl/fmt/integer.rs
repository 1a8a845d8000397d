//! Integers under verbs and flags.

use super::Printer;

impl Printer {
    pub(super) fn integer(&mut self, value: i64, base: u32, verb: char) {
        let flags = self.flags;
        let sign = match value {
            ..0 => "-",
            _ if flags.plus => "+",
            _ if flags.space => " ",
            _ => "",
        };
        let digits_min = match (flags.precision, flags.width) {
            (Some(0), _) if value == 0 => return self.push_repeated(' ', flags.width.unwrap_or(0)),
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width - sign.len().min(width),
            _ => 0,
        };
        if digits_min > self.bytes_max {
            self.full = true;
            return;
        }
        let magnitude = value.unsigned_abs();
        let mut digits = match (base, verb) {
            (2, _) => format!("{magnitude:b}"),
            (8, _) => format!("{magnitude:o}"),
            (16, 'X') => format!("{magnitude:X}"),
            (16, _) => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        if digits.len() < digits_min {
            digits.insert_str(0, &"0".repeat(digits_min - digits.len()));
        }
        let mark = match (base, verb) {
            (8, 'O') if flags.sharp && !digits.starts_with('0') => "0o0",
            (8, 'O') => "0o",
            (2, _) if flags.sharp => "0b",
            (8, _) if flags.sharp && !digits.starts_with('0') => "0",
            (16, 'X') if flags.sharp => "0X",
            (16, _) if flags.sharp => "0x",
            _ => "",
        };
        // Zeros are there already, or a precision has ruled them out.
        self.flags.zero = false;
        self.pad(&format!("{sign}{mark}{digits}"));
        self.flags.zero = flags.zero;
    }

    /// `U+0078`, with the sharp flag `U+0078 'x'`.
    pub(super) fn unicode(&mut self, value: i64) {
        let digits_min = self.flags.precision.unwrap_or(4).max(4);
        if digits_min > self.bytes_max {
            self.full = true;
            return;
        }
        let digits = format!("{value:X}");
        let mut text = format!("U+{}{digits}", "0".repeat(digits_min.saturating_sub(digits.len())));
        let c =
            u32::try_from(value).ok().and_then(char::from_u32).filter(|c| metrics_model::printable::is_printable(*c));
        if let Some(c) = c.filter(|_| self.flags.sharp) {
            text.push_str(&format!(" '{c}'"));
        }
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(&text);
        self.flags.zero = zero;
    }
}
