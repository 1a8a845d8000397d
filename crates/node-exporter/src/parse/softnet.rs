//! `/proc/net/softnet_stat`: a line of hexadecimal columns for each CPU, more of them the newer the kernel.

use super::ParseError;

/// What a CPU did with received packets; what the kernel does not say is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cpu {
    /// The CPU's number.
    pub number: u32,
    /// Packets processed.
    pub processed: u32,
    /// Packets dropped because the queue was full.
    pub dropped: u32,
    /// Times that work was left when the quota was used up.
    pub times_squeezed: u32,
    /// Times that the transmission lock was taken.
    pub collisions: u32,
    /// Times that another CPU woke this one to process packets.
    pub received_rps: u32,
    /// Times that the flow limit was reached.
    pub flow_limit_count: u32,
    /// Packets that wait.
    pub backlog_len: u32,
}

/// What Linux has shown since 2.6.23.
const COLUMNS_MIN: usize = 9;

/// Parses the lines.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Cpu>, ParseError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| cpu(at, line)).collect()
}

fn cpu(at: usize, line: &str) -> Result<Cpu, ParseError> {
    let columns = line
        .split_whitespace()
        .map(|text| u32::from_str_radix(text, 16).map_err(|_| ParseError::at(at, "not a hexadecimal number", text)))
        .collect::<Result<Vec<u32>, _>>()?;
    if columns.len() < COLUMNS_MIN {
        return Err(ParseError::at(at, "too few columns", line));
    }
    let column = |number: usize| columns.get(number).copied().unwrap_or(0);
    // Before 5.14, lines do not say which CPU they are about.
    let says_number = columns.len() >= 13;
    Ok(Cpu {
        number: if says_number { column(12) } else { u32::try_from(at).unwrap_or(u32::MAX) },
        processed: column(0),
        dropped: column(1),
        times_squeezed: column(2),
        collisions: column(8),
        received_rps: column(9),
        flow_limit_count: column(10),
        backlog_len: if says_number { column(11) } else { 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn old_and_new_kernels() {
        let old = parse("1 2 3 0 0 0 0 0 4\n1 2 3 0 0 0 0 0 4 5 6\n").unwrap();
        assert_eq!((old[0].number, old[0].processed, old[0].collisions, old[0].received_rps), (0, 1, 4, 0));
        assert_eq!((old[1].number, old[1].received_rps, old[1].flow_limit_count), (1, 5, 6));
        let new = parse("a 0 0 0 0 0 0 0 0 0 0 b 7 0 0\n").unwrap();
        assert_eq!((new[0].number, new[0].processed, new[0].backlog_len), (7, 10, 11));
        assert_eq!(parse("1 2 3").unwrap_err().line, 1);
        assert_eq!(parse("1 2 x 4 5 6 7 8 9").unwrap_err().text, "x");
    }
}
