//! Number literals in all of Go's spellings: `1_000`, `0x1F`, `0b101`, `0o17`, `017`, `1e3`, `0x1p-2`, `2i`, `'a'`.

use super::node::Number;
use crate::text::{quote, unquote_char};

pub(super) fn character(text: &str) -> Result<Number, String> {
    match unquote_char(text) {
        Some(code) => Ok(Number {
            text: text.to_owned(),
            int: Some(i64::from(code)),
            uint: Some(u64::from(code)),
            float: Some(f64::from(code)),
            complex: None,
        }),
        None if text == "''" => Err("invalid syntax".to_owned()),
        None => Err(format!("malformed character constant: {text}")),
    }
}

/// `1+2i`
pub(super) fn complex(text: &str) -> Result<Number, String> {
    let syntax = || format!("illegal number syntax: {}", quote(text));
    let body = text.strip_suffix('i').ok_or_else(syntax)?;
    // The sign between the parts, which is not the one of an exponent.
    let split = body
        .char_indices()
        .skip(1)
        .filter(|(at, c)| matches!(c, '+' | '-') && !body[..*at].ends_with(['e', 'E', 'p', 'P']))
        .last()
        .map(|(at, _)| at)
        .ok_or_else(syntax)?;
    let part = |text: &str| parse_float(text).or_else(|| parse_int(text).map(|int| int as f64)).ok_or_else(syntax);
    Ok(of_complex(text, part(&body[..split])?, part(&body[split..])?))
}

pub(super) fn real(text: &str) -> Result<Number, String> {
    if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
        return Ok(of_complex(text, 0.0, imaginary));
    }
    let int = parse_int(text);
    let uint = parse_uint(text).or(int.filter(|int| *int == 0).map(|_| 0));
    let mut number = Number { text: text.to_owned(), int, uint, float: None, complex: None };
    if let Some(int) = int {
        number.float = Some(int as f64);
    } else if let Some(uint) = uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        // What looks like an integer but did not fit one is no float either.
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text)));
        }
        (number.int, number.uint) = integers_of(float);
        number.float = Some(float);
    } else {
        return Err(format!("illegal number syntax: {}", quote(text)));
    }
    Ok(number)
}

fn of_complex(text: &str, real: f64, imaginary: f64) -> Number {
    let float = (imaginary == 0.0).then_some(real);
    let (int, uint) = float.map_or((None, None), integers_of);
    Number { text: text.to_owned(), int, uint, float, complex: Some((real, imaginary)) }
}

/// The integers that equal the float, if there are.
fn integers_of(float: f64) -> (Option<i64>, Option<u64>) {
    // The casts saturate, so a float beyond the range differs from what it is cast to, except at the very end of it.
    let int = Some(float as i64).filter(|int| *int as f64 == float && *int != i64::MAX);
    let uint = Some(float as u64).filter(|uint| *uint as f64 == float && *uint != u64::MAX);
    (int, uint)
}

fn parse_int(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let magnitude = parse_uint(text.strip_prefix(['+', '-']).unwrap_or(text))?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn parse_uint(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // A low line may follow a prefix and stand between digits.
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    let well_formed = digits.starts_with(|c: char| c.is_digit(radix)) && low_lines_separate(digits, radix);
    if !well_formed {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// Whether every low line has a digit on either side.
fn low_lines_separate(text: &str, radix: u32) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_digit(radix));
    text.match_indices('_')
        .all(|(at, _)| is_digit(text[..at].chars().last()) && is_digit(text[at + 1..].chars().next()))
}

/// A decimal or hexadecimal float of finite value, with or without a sign.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let magnitude = match body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        Some(hex) => parse_hex_float(hex)?,
        None => {
            let digits = body.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            if !digits || !low_lines_separate(body, 10) {
                return None;
            }
            body.replace('_', "").parse().ok().filter(|float: &f64| float.is_finite())?
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `1.8p3`, the exponent being one of two.
fn parse_hex_float(text: &str) -> Option<f64> {
    if !low_lines_separate(text.strip_prefix('_').unwrap_or(text), 16) {
        return None;
    }
    let text = text.replace('_', "");
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() {
        return None;
    }
    let exponent: i32 = exponent.parse().ok()?;
    // Sixteen hexadecimal digits fill the mantissa of a float and leave enough to round.
    let significant = digits.trim_start_matches('0');
    let kept = &significant[..significant.len().min(16)];
    let value = if kept.is_empty() { 0 } else { u64::from_str_radix(kept, 16).ok()? };
    let dropped_digits = i32::try_from(significant.len() - kept.len()).ok()?;
    let fraction_digits = i32::try_from(fraction.len()).ok()?;
    let shift = exponent.checked_add(4 * dropped_digits)?.checked_sub(4 * fraction_digits)?;
    // In two halves, as the power alone may be out of range where the product isn't.
    let shift = shift.clamp(-4000, 4000);
    let result = value as f64 * 2_f64.powi(shift / 2) * 2_f64.powi(shift - shift / 2);
    result.is_finite().then_some(result)
}
