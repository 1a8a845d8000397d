//! `/proc/interrupts`.

use super::{ParseError, number};

/// A source of interrupts.
#[derive(Debug, Clone, PartialEq)]
pub struct Source<'a> {
    /// Its number, or a word as `NMI`.
    pub name: &'a str,
    /// Of a number the controller, of a word what it means.
    pub info: String,
    /// Of a number the rest: the kind of signal and the drivers.
    pub devices: String,
    /// The interrupts of each CPU.
    pub counts: Vec<f64>,
}

/// Parses the table. Lines with a single count for the whole machine, as `ERR`, are skipped.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Source<'_>>, ParseError> {
    let mut lines = text.lines().enumerate();
    // The heading has a word for each CPU.
    let (_, heading) = lines.next().ok_or_else(|| ParseError::at(0, "no heading", ""))?;
    let cpus = heading.split_whitespace().count();
    let mut sources = Vec::new();
    for (at, line) in lines {
        // On some architectures no space follows the colon.
        let Some((name, rest)) = line.split_once(':') else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if words.len() <= cpus {
            continue;
        }
        let (counts, details) = words.split_at(cpus);
        let name = name.trim();
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let info = if is_number { &details[..1] } else { details };
        sources.push(Source {
            name,
            info: info.join(" "),
            devices: if is_number { details[1..].join(" ") } else { String::new() },
            counts: counts.iter().map(|count| number(at, count)).collect::<Result<_, _>>()?,
        });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_and_words() {
        let text = "           CPU0       CPU1\n  8:          0          1   IO-APIC  8-edge  rtc0\n\
                    NMI:         47       5031   Non-maskable interrupts\nERR:          0\n";
        let sources = parse(text).unwrap();
        assert_eq!(sources.len(), 2);
        assert_eq!((sources[0].info.as_str(), sources[0].devices.as_str()), ("IO-APIC", "8-edge rtc0"));
        assert_eq!((sources[1].info.as_str(), sources[1].devices.as_str()), ("Non-maskable interrupts", ""));
        assert_eq!(sources[1].counts, [47.0, 5031.0]);
        assert!(parse("").is_err());
        assert_eq!(parse("CPU0\n 1: x y\n").unwrap_err().line, 2);
    }
}
