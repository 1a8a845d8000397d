//! Tables whose first line names the columns: `/proc/net/stat/*`.

use std::collections::HashMap;

use super::ParseError;

/// The rows of a table of hexadecimal numbers: a line for each CPU, values by column.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn hex_rows(text: &str) -> Result<Vec<HashMap<&str, u64>>, ParseError> {
    let mut lines = text.lines().enumerate();
    let names: Vec<&str> = lines.next().map_or("", |(_, line)| line).split_whitespace().collect();
    let mut rows = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let mut row = HashMap::new();
        for (name, value) in names.iter().copied().zip(line.split_whitespace()) {
            let value =
                u64::from_str_radix(value, 16).map_err(|_| ParseError::at(at, "not a hexadecimal number", value))?;
            row.insert(name, value);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The sums of the columns over all rows.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn hex_sums(text: &str) -> Result<HashMap<&str, u64>, ParseError> {
    let mut sums = HashMap::new();
    for row in hex_rows(text)? {
        for (name, value) in row {
            let sum: &mut u64 = sums.entry(name).or_default();
            *sum = sum.wrapping_add(value);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_summed() {
        let sums = hex_sums("entries  found\n00000010 0000000a\n00000010 00000001\n").unwrap();
        assert_eq!((sums["entries"], sums["found"]), (32, 11));
        assert_eq!(hex_rows("a b\n1 x\n").unwrap_err().line, 2);
        assert_eq!(hex_rows("").unwrap().len(), 0);
    }
}
