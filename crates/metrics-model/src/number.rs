//! Numbers as text, the way the original's standard library reads and writes them.
//!
//! Three spellings of the same shortest digits are in use: [`format_float`] in the JSON API, [`format_fixed`] in
//! expressions and templates, [`format_general`] in expositions. [`format_openmetrics`] is the last with `.0` added to
//! whole numbers, the canonical form of `le` and `quantile` labels. [`parse_float`] reads all of them and more.

/// Why a text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not the form of a number.
    #[error("invalid syntax")]
    Syntax,
    /// A number too large for 64 bits of floating point.
    #[error("value out of range")]
    Range,
}

/// The JSON API's form: plain digits, an exponent only below `1e-6` and from `1e21` on; `NaN`, `+Inf`, `-Inf`.
#[must_use]
pub fn format_float(value: f64) -> String {
    let mut text = String::new();
    push_float(&mut text, value);
    text
}

/// Appends what [`format_float`] gives.
pub fn push_float(text: &mut String, value: f64) {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        push_with(text, value, Layout::Scientific);
    } else {
        push_with(text, value, Layout::Fixed);
    }
}

/// Plain digits, however many: `100000000000000000000000`, `0.00000001`; `NaN`, `+Inf`, `-Inf`.
#[must_use]
pub fn format_fixed(value: f64) -> String {
    let mut text = String::new();
    push_with(&mut text, value, Layout::Fixed);
    text
}

/// The text expositions' form: an exponent below `1e-4` and from `1e+06` on; `NaN`, `+Inf`, `-Inf`.
#[must_use]
pub fn format_general(value: f64) -> String {
    let mut text = String::new();
    push_general(&mut text, value);
    text
}

/// Appends what [`format_general`] gives.
pub fn push_general(text: &mut String, value: f64) {
    push_with(text, value, Layout::General);
}

/// [`format_general`], with `.0` where the text would otherwise have neither a point nor an exponent.
#[must_use]
pub fn format_openmetrics(value: f64) -> String {
    let mut text = String::new();
    push_openmetrics(&mut text, value);
    text
}

/// Appends what [`format_openmetrics`] gives.
pub fn push_openmetrics(text: &mut String, value: f64) {
    let start = text.len();
    push_general(text, value);
    if value.is_finite() && !text[start..].contains(['.', 'e']) {
        text.push_str(".0");
    }
}

/// Appends milliseconds as seconds: whole if they are, else with three decimals at most.
pub fn push_fixed_ms(text: &mut String, ms: i64) {
    if ms < 0 {
        text.push('-');
    }
    text.push_str(itoa::Buffer::new().format(ms.unsigned_abs() / 1000));
    let rest = ms.unsigned_abs() % 1000;
    if rest > 0 {
        text.push_str(format!(".{rest:03}").trim_end_matches('0'));
    }
}

/// Appends the canonical form of a bucket bound or quantile: [`format_openmetrics`], but zero has no sign.
pub fn push_bound(text: &mut String, bound: f64) {
    push_openmetrics(text, if bound == 0.0 { 0.0 } else { bound });
}

/// Where the point goes.
#[derive(Clone, Copy)]
enum Layout {
    /// Always plain digits.
    Fixed,
    /// Always `d.ddde±xx`.
    Scientific,
    /// Scientific when the exponent is below -4 or at least [`GENERAL_EXPONENT_MAX`].
    General,
}

/// Appends `value` with its shortest digits that read back as the same number.
fn push_with(text: &mut String, value: f64, layout: Layout) {
    if value.is_nan() {
        text.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    let whole_below = if matches!(layout, Layout::Fixed) { 1e15 } else { 1e6 };
    if !matches!(layout, Layout::Scientific) && value.abs() < whole_below && value.trunc() == value {
        if value.is_sign_negative() {
            text.push('-');
        }
        // Below 2^53, so the cast is exact.
        text.push_str(itoa::Buffer::new().format(value.abs() as u64));
        return;
    }
    let shortest = Shortest::of(value);
    if value.is_sign_negative() {
        text.push('-');
    }
    let scientific = match layout {
        Layout::Fixed => false,
        Layout::Scientific => true,
        Layout::General => !(-4..GENERAL_EXPONENT_MAX).contains(&(shortest.point - 1)),
    };
    if scientific { shortest.push_scientific(text) } else { shortest.push_fixed(text) }
}

/// General notation shows an exponent from here on: `1e+06`.
const GENERAL_EXPONENT_MAX: i32 = 6;

/// The shortest digits of a number, `0.DIGITS * 10^point`.
struct Shortest {
    digits: [u8; 20],
    len: usize,
    point: i32,
}

impl Shortest {
    /// Takes apart what `ryu` prints: digits, perhaps a point, perhaps an exponent.
    fn of(value: f64) -> Self {
        let mut buffer = ryu::Buffer::new();
        let printed = buffer.format_finite(value.abs());
        let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
        let mut shortest = Self { digits: [b'0'; 20], len: 0, point: exponent.parse().unwrap_or(0) };
        let mut before_point = true;
        for byte in mantissa.bytes() {
            if byte == b'.' {
                before_point = false;
                continue;
            }
            let leading_zero = shortest.len == 0 && byte == b'0';
            if !leading_zero && shortest.len < shortest.digits.len() {
                shortest.digits[shortest.len] = byte;
                shortest.len += 1;
            }
            match (before_point, leading_zero) {
                (true, false) => shortest.point += 1,
                (false, true) => shortest.point -= 1,
                _ => {}
            }
        }
        while shortest.len > 1 && shortest.digits[shortest.len - 1] == b'0' {
            shortest.len -= 1;
        }
        shortest
    }

    fn digits(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or("0")
    }

    fn push_scientific(&self, text: &mut String) {
        let (first, rest) = self.digits().split_at(1);
        text.push_str(first);
        if !rest.is_empty() {
            text.push('.');
            text.push_str(rest);
        }
        let exponent = self.point - 1;
        text.push_str(if exponent < 0 { "e-" } else { "e+" });
        if exponent.unsigned_abs() < 10 {
            text.push('0');
        }
        text.push_str(itoa::Buffer::new().format(exponent.unsigned_abs()));
    }

    fn push_fixed(&self, text: &mut String) {
        let digits = self.digits();
        let Ok(whole) = usize::try_from(self.point) else {
            text.push_str("0.");
            push_zeros(text, self.point.unsigned_abs() as usize);
            text.push_str(digits);
            return;
        };
        if whole == 0 {
            text.push_str("0.");
            text.push_str(digits);
        } else if let Some((before, after)) = digits.split_at_checked(whole).filter(|(_, after)| !after.is_empty()) {
            text.push_str(before);
            text.push('.');
            text.push_str(after);
        } else {
            text.push_str(digits);
            push_zeros(text, whole - digits.len());
        }
    }
}

fn push_zeros(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n('0', count));
}

/// Reads a number in any spelling the original takes: decimal with or without point and exponent, hexadecimal with a
/// binary exponent (`0x1.8p3`), underscores between digits, `Inf`, `+Infinity`, `NaN` in any case.
///
/// # Errors
/// [`NumberError::Syntax`] for other text, [`NumberError::Range`] where the nearest number would be infinite.
pub fn parse_float(text: &str) -> Result<f64, NumberError> {
    let (is_negative, unsigned) = match text.as_bytes().first() {
        Some(b'+') => (false, &text[1..]),
        Some(b'-') => (true, &text[1..]),
        _ => (false, text),
    };
    let size = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => parse_hex(&strip_underscores(unsigned)?[2..])?,
        [b'0'..=b'9' | b'.', ..] => parse_decimal(&strip_underscores(unsigned)?)?,
        _ if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") => f64::INFINITY,
        // A NaN has no sign.
        _ if text.eq_ignore_ascii_case("nan") => f64::NAN,
        _ => return Err(NumberError::Syntax),
    };
    Ok(if is_negative { -size } else { size })
}

fn parse_decimal(text: &str) -> Result<f64, NumberError> {
    match fast_float2::parse::<f64, _>(text) {
        Ok(value) if value.is_infinite() => Err(NumberError::Range),
        Ok(value) => Ok(value),
        Err(_) => Err(NumberError::Syntax),
    }
}

/// Reads a decimal number at the start of `bytes`, if it is short enough to be exact with one multiplication or division:
/// nearly every number of an exposition is. Gives its length too; the caller checks what follows.
#[inline]
pub(crate) fn parse_short_decimal(bytes: &[u8]) -> Option<(f64, usize)> {
    let is_negative = bytes.first() == Some(&b'-');
    let start = usize::from(is_negative);
    let mut mantissa = 0_u64;
    let whole_end = digits(bytes, start, &mut mantissa);
    let (mut end, mut exponent, mut count) = (whole_end, 0_i32, whole_end - start);
    if bytes.get(end) == Some(&b'.') {
        let fraction_end = digits(bytes, end + 1, &mut mantissa);
        let fraction_digits = fraction_end - end - 1;
        count += fraction_digits;
        exponent = -i32::try_from(fraction_digits).ok()?;
        end = fraction_end;
    }
    // Nineteen digits cannot overflow.
    if count == 0 || count > 19 || mantissa > 1 << 53 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = bytes.get(end + 1).copied();
        let digits_start = end + 1 + usize::from(matches!(sign, Some(b'+' | b'-')));
        let mut size = 0;
        end = digits(bytes, digits_start, &mut size);
        if end == digits_start || end - digits_start > 3 {
            return None;
        }
        let size = i32::try_from(size).ok()?;
        exponent += if sign == Some(b'-') { -size } else { size };
    }
    let power = POWERS_OF_TEN.get(exponent.unsigned_abs() as usize)?;
    let size = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some((if is_negative { -size } else { size }, end))
}

/// Reads digits from `at` on into `number`, wrapping when there are too many, and gives where they end.
#[inline]
fn digits(bytes: &[u8], mut at: usize, number: &mut u64) -> usize {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// The powers of ten that a float holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Removes underscores, each of which must stand between two digits (or after the base prefix).
fn strip_underscores(text: &str) -> Result<std::borrow::Cow<'_, str>, NumberError> {
    if !text.contains('_') {
        return Ok(text.into());
    }
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let is_digit = |byte: u8| byte.is_ascii_digit() || (is_hex && byte.is_ascii_hexdigit());
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('_') {
        let after_digit = at > 0 && (is_digit(bytes[at - 1]) || (is_hex && at == 2));
        let before_digit = bytes.get(at + 1).is_some_and(|next| is_digit(*next));
        if !(after_digit && before_digit) {
            return Err(NumberError::Syntax);
        }
    }
    Ok(text.replace('_', "").into())
}

/// `1.8p3`: hexadecimal digits with or without a point, then a binary exponent, which must be there.
fn parse_hex(text: &str) -> Result<f64, NumberError> {
    let (mantissa, exponent) = text.split_once(['p', 'P']).ok_or(NumberError::Syntax)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumberError::Syntax);
    }
    // Sixteen significant digits fit; of the rest it only matters whether they are all zero.
    let (mut bits, mut dropped_digits, mut is_inexact) = (0_u64, 0_i64, false);
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = digit.to_digit(16).ok_or(NumberError::Syntax)?;
        if bits >> 60 == 0 {
            bits = bits << 4 | u64::from(digit);
        } else {
            dropped_digits += 1;
            is_inexact |= digit != 0;
        }
    }
    let exponent = parse_exponent(exponent)? + 4 * (dropped_digits - fraction.len() as i64);
    scale_binary(bits | u64::from(is_inexact), exponent)
}

/// A signed decimal integer; beyond any exponent that matters it saturates.
fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000_000_000);
    Ok(if text.starts_with('-') { -size } else { size })
}

/// `bits * 2^exponent`, rounded to nearest, ties to even. The lowest bit also stands for digits that were cut off.
fn scale_binary(bits: u64, exponent: i64) -> Result<f64, NumberError> {
    if bits == 0 {
        return Ok(0.0);
    }
    let top = exponent + 63 - i64::from(bits.leading_zeros());
    if top > 1023 {
        return Err(NumberError::Range);
    }
    // Below the normal range fewer than 53 bits remain.
    let lowest = (top - 52).max(-1074);
    let shift = lowest - exponent;
    let rounded = match shift {
        i64::MIN..=0 => bits << -shift,
        1..=63 => {
            let (kept, cut) = (bits >> shift, bits & ((1 << shift) - 1));
            let half = 1_u64 << (shift - 1);
            kept + u64::from(cut > half || (cut == half && kept & 1 == 1))
        }
        64 => u64::from(bits > 1 << 63),
        _ => 0,
    };
    // At most 2^53, so exact; the product is exact too, in two steps where one factor would not be a normal number.
    let step = (lowest / 2) as i32;
    let value = rounded as f64 * 2_f64.powi(step) * 2_f64.powi(lowest as i32 - step);
    if value.is_infinite() { Err(NumberError::Range) } else { Ok(value) }
}

#[cfg(test)]
mod tests;
