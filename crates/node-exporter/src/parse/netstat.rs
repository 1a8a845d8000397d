//! `/proc/net/{netstat,snmp,snmp6}`.

use super::{ParseError, number};

/// A counter of a protocol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistic<'a> {
    /// As `TcpExt`.
    pub protocol: &'a str,
    /// As `ListenDrops`.
    pub name: &'a str,
    /// The value.
    pub value: f64,
}

/// `netstat` and `snmp`: pairs of lines that begin with the protocol, first names and then values.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn pairs_of_lines(text: &str) -> Result<Vec<Statistic<'_>>, ParseError> {
    let mut statistics = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, names)) = lines.next() {
        let (protocol, names) = names.split_once(':').ok_or_else(|| ParseError::at(at, "no protocol", names))?;
        let (at, values) = lines.next().ok_or_else(|| ParseError::at(at, "no values for", protocol))?;
        let values = values.split_once(':').map_or("", |(_, values)| values);
        let (names, values): (Vec<_>, Vec<_>) =
            (names.split_whitespace().collect(), values.split_whitespace().collect());
        if names.len() != values.len() {
            return Err(ParseError::at(at, "names and values differ in number", protocol));
        }
        for (name, value) in names.into_iter().zip(values) {
            statistics.push(Statistic { protocol, name, value: number(at, value)? });
        }
    }
    Ok(statistics)
}

/// `snmp6`: lines of a name and a value; the name begins with a protocol, which ends with a 6.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn snmp6(text: &str) -> Result<Vec<Statistic<'_>>, ParseError> {
    let mut statistics = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        if let Some(six) = name.find('6') {
            let (protocol, name) = name.split_at(six + 1);
            statistics.push(Statistic { protocol, name, value: number(at, value)? });
        }
    }
    Ok(statistics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let statistics = pairs_of_lines("TcpExt: A B\nTcpExt: 1 -1\nIpExt: C\nIpExt: 3\n").unwrap();
        assert_eq!(statistics[1], Statistic { protocol: "TcpExt", name: "B", value: -1.0 });
        assert_eq!(statistics[2], Statistic { protocol: "IpExt", name: "C", value: 3.0 });
        for bad in ["A: B\n", "A: B\nA: 1 2\n", "A: B\nA: x\n", "odd\n"] {
            assert!(pairs_of_lines(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_with_a_six() {
        let statistics = snmp6("Ip6InOctets  460\nIcmp6OutType133 1\nIp4X 3\nshort\n").unwrap();
        assert_eq!(statistics[0], Statistic { protocol: "Ip6", name: "InOctets", value: 460.0 });
        assert_eq!(statistics[1].name, "OutType133");
        assert_eq!(statistics.len(), 2);
    }
}
