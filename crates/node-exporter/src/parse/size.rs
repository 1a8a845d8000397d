//! Sizes as the kernel writes them for people.

/// The unit letters, each 1024 times the one before.
const UNITS: &str = "kMGTPEZY";

/// The number and the factor of its unit: `1.5k` is 1.5 and 1024.
fn split(text: &str) -> (&str, f64) {
    let unit = text.chars().next_back().and_then(|last| {
        // bcachefs also writes capital K, and small letters for the rest.
        UNITS.chars().position(|unit| unit.eq_ignore_ascii_case(&last))
    });
    match unit {
        Some(power) => (text[..text.len() - 1].trim_end(), 1024_f64.powi(i32::try_from(power).unwrap_or(0) + 1)),
        None => (text, 1.0),
    }
}

/// A size with a decimal fraction, in whole bytes: `1.5k` is 1536.
#[must_use]
pub fn decimal(text: &str) -> Option<f64> {
    let (number, factor) = split(text.trim());
    Some((number.parse::<f64>().ok()? * factor).trunc())
}

/// A size as bcache writes it, in whole bytes: what stands behind the point is not a decimal fraction but a number of
/// 1024ths divided by a hundred, so that `.10` comes after `.9`.
#[must_use]
pub fn bcache(text: &str) -> Option<f64> {
    let (sign, text) = match text.trim().strip_prefix('-') {
        Some(text) => (-1.0, text),
        None => (1.0, text.trim()),
    };
    let (number, factor) = split(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let value = whole.parse::<f64>().ok()? + fraction.parse::<f64>().ok()? / 10.24;
    Some(sign * (value * factor).trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_sizes() {
        for (text, expected) in
            [("0", 0.0), ("512", 512.0), ("1.5k", 1536.0), ("2M", 2_097_152.0), ("1G", 1_073_741_824.0)]
        {
            assert_eq!(decimal(text), Some(expected), "{text}");
        }
        assert_eq!([decimal(""), decimal("k"), decimal("x1")], [None; 3]);
    }

    #[test]
    fn bcache_sizes() {
        for (text, expected) in [("1.1k", 1124.0), ("1.10k", 2024.0), ("-4.0k", -4096.0), ("12", 12.0)] {
            assert_eq!(bcache(text), Some(expected), "{text}");
        }
        assert_eq!(bcache("a.bk"), None);
    }
}
