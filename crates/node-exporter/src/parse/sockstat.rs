//! `/proc/net/sockstat` and `sockstat6`.

use super::{ParseError, number};

/// A line: a protocol and its values by state.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol<'a> {
    /// The name, as `TCP`.
    pub name: &'a str,
    values: Vec<(&'a str, f64)>,
}

impl Protocol<'_> {
    /// The value of a state.
    #[must_use]
    pub fn get(&self, state: &str) -> Option<f64> {
        self.values.iter().find(|(name, _)| *name == state).map(|(_, value)| *value)
    }
}

/// Parses the lines.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Protocol<'_>>, ParseError> {
    let mut protocols = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, rest) = line.split_once(':').ok_or_else(|| ParseError::at(at, "no protocol", line))?;
        let mut words = rest.split_whitespace();
        let mut values = Vec::new();
        while let Some(state) = words.next() {
            let value = words.next().ok_or_else(|| ParseError::at(at, "no value for", state))?;
            values.push((state, number(at, value)?));
        }
        protocols.push(Protocol { name, values });
    }
    Ok(protocols)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn states_by_protocol() {
        let protocols = parse("sockets: used 229\nTCP: inuse 4 mem 1\nFRAG6: inuse 0 memory 0\n").unwrap();
        assert_eq!((protocols[0].name, protocols[0].get("used")), ("sockets", Some(229.0)));
        assert_eq!((protocols[1].get("mem"), protocols[1].get("tw")), (Some(1.0), None));
        for bad in ["TCP inuse 4", "TCP: inuse", "TCP: inuse x"] {
            assert_eq!(parse(bad).unwrap_err().line, 1, "{bad}");
        }
    }
}
