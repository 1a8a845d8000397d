//! Floats under verbs and flags, and Go's conversions of floats to text.

use super::Printer;

impl Printer {
    /// `default_precision` is the number of decimals, or of digits for `g`; `None` is as many as it takes.
    pub(super) fn number(&mut self, value: f64, verb: char, default_precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(default_precision);
        if precision.is_some_and(|digits| digits > self.bytes_max) {
            self.full = true;
            return;
        }
        let text = convert(value.abs(), verb, precision);
        let negative = value.is_sign_negative() && !value.is_nan();
        let sign = match negative {
            true => "-",
            false if flags.plus => "+",
            false if flags.space => " ",
            false => "",
        };
        if !value.is_finite() {
            // Infinity always has a sign in Go's hands, but shows the plus only when asked.
            self.flags.zero = false;
            self.pad(&format!(
                "{sign}{}",
                if value.is_nan() {
                    "NaN"
                } else if sign.is_empty() {
                    "+Inf"
                } else {
                    "Inf"
                }
            ));
            self.flags.zero = flags.zero;
            return;
        }
        let text = if flags.sharp && verb != 'b' { keep_zeros(&text, verb, precision) } else { text };
        let width = flags.width.unwrap_or(0);
        if flags.zero && !flags.minus && !sign.is_empty() && width > sign.len() + text.len() {
            // Zeros go between sign and digits.
            self.push(sign);
            self.push_repeated('0', width - sign.len() - text.len());
            self.push(&text);
        } else {
            self.pad(&format!("{sign}{text}"));
        }
    }
}

/// The sharp flag: there is always a point, and `g` keeps its zeros.
fn keep_zeros(text: &str, verb: char, precision: Option<usize>) -> String {
    let hex = matches!(verb, 'x' | 'X');
    let exponent_letters: &[char] = if hex { &['p', 'P'] } else { &['e', 'E'] };
    let (mantissa, tail) = text.find(exponent_letters).map_or((text, ""), |at| text.split_at(at));
    let mut out = mantissa.to_owned();
    if !out.contains('.') {
        out.push('.');
    }
    // How many digits there must be; the `x` of a hexadecimal number counts as one of them.
    let wanted = match verb {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        'X' => precision.unwrap_or(0),
        _ => 0,
    };
    let significant = mantissa.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    let counted = if significant == 0 { 1 } else { significant };
    out.extend(std::iter::repeat_n('0', wanted.saturating_sub(counted)));
    out + tail
}

/// No float has more decimals than this that aren't zero, the smallest one included.
const DECIMALS_MAX: usize = 1100;

/// The text of a value that is not negative, by verb `b e E f g G x X`.
pub(crate) fn convert(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return "Inf".to_owned();
    }
    match verb {
        'e' => exponential(value, precision, 'e'),
        'E' => exponential(value, precision, 'E'),
        'f' => match precision {
            Some(decimals) => {
                let exact = decimals.min(DECIMALS_MAX);
                format!("{value:.exact$}") + &"0".repeat(decimals - exact)
            }
            None => format!("{value}"),
        },
        'b' => {
            let (mantissa, exponent) = mantissa_and_exponent(value);
            format!("{mantissa}p{exponent:+}")
        }
        'x' | 'X' => hexadecimal(value, precision, verb),
        'G' => general(value, precision, 'E'),
        _ => general(value, precision, 'e'),
    }
}

/// A float as Go's `%v` and `strconv.FormatFloat(value, 'g', -1, 64)` print it.
pub(crate) fn shortest(value: f64) -> String {
    let text = convert(value.abs(), 'g', None);
    match value.is_sign_negative() && !value.is_nan() {
        true => format!("-{text}"),
        false if value.is_infinite() => format!("+{text}"),
        false => text,
    }
}

/// `%.<digits>g`
pub(crate) fn significant(value: f64, digits: usize) -> String {
    let text = convert(value.abs(), 'g', Some(digits));
    match value.is_sign_negative() && !value.is_nan() {
        true => format!("-{text}"),
        false if value.is_infinite() => format!("+{text}"),
        false => text,
    }
}

/// `1.5e+06`: the exponent has a sign and at least two digits.
fn exponential(value: f64, precision: Option<usize>, letter: char) -> String {
    let exact = precision.map(|decimals| decimals.min(DECIMALS_MAX));
    let text = match exact {
        Some(decimals) => format!("{value:.decimals$e}"),
        None => format!("{value:e}"),
    };
    let zeros = "0".repeat(precision.unwrap_or(0) - exact.unwrap_or(0));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}{zeros}{letter}{sign}{digits:0>2}")
}

/// With an exponent when the number is large or small, else without; no zeros at the end.
fn general(value: f64, precision: Option<usize>, letter: char) -> String {
    let digits = precision.map(|digits| digits.clamp(1, DECIMALS_MAX));
    let text = exponential(value, digits.map(|digits| digits - 1), 'e');
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mantissa_digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let shown = mantissa_digits.trim_end_matches('0').len().max(1) as i64;
    // The shortest form counts as one of six digits; one with fewer digits than asked for as one of those it has.
    let mut exponent_from = digits.map_or(6, |digits| digits as i64);
    if digits.is_some() && exponent_from > shown && shown > exponent {
        exponent_from = shown;
    }
    if exponent < -4 || exponent >= exponent_from {
        let decimals = (shown - 1) as usize;
        return exponential(value, Some(decimals), letter);
    }
    let decimals = (shown - 1 - exponent).max(0) as usize;
    format!("{value:.decimals$}")
}

/// The integer mantissa of 53 bits and the exponent of two.
fn mantissa_and_exponent(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i64 {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased - 1075),
    }
}

/// `0x1.8p+01`
fn hexadecimal(value: f64, precision: Option<usize>, verb: char) -> String {
    let (mut mantissa, mut exponent) = mantissa_and_exponent(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The leading one at bit 60, so that 15 digits follow the point.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
        if let Some(digits) = precision.filter(|digits| *digits < 15) {
            let dropped_bits = 60 - 4 * digits;
            let half = 1_u64 << (dropped_bits - 1);
            let odd = mantissa >> dropped_bits & 1;
            mantissa = (mantissa + half - 1 + odd) >> dropped_bits << dropped_bits;
            if mantissa >> 61 != 0 {
                mantissa >>= 1;
                exponent += 1;
            }
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let digits = match precision {
        Some(count) if count < all.len() => all[..count].to_owned(),
        Some(count) => format!("{all}{}", "0".repeat(count - all.len())),
        None => all.trim_end_matches('0').to_owned(),
    };
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{digits}p{sign}{:02}", mantissa >> 60, exponent.unsigned_abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}
