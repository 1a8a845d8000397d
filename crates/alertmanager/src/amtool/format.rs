//! How results are printed: columns, dates, JSON.

use std::io::Write;

use anyhow::Result;
use serde_json::Value;
use template::Time;

/// How dates are printed unless told otherwise.
const DATE_LAYOUT: &str = "2006-01-02 15:04:05 MST";

/// A layout for dates.
pub(super) struct Dates {
    layout: String,
}

impl Dates {
    pub(super) fn new(layout: Option<&str>) -> Self {
        Self { layout: layout.unwrap_or(DATE_LAYOUT).to_owned() }
    }

    /// A date of the API; what is no date as it is.
    pub(super) fn show(&self, date: &Value) -> String {
        let text = date.as_str().unwrap_or_default();
        Time::from_rfc3339(text).map_or_else(|_| text.to_owned(), |time| time.format(&self.layout))
    }
}

/// Prints JSON in one line.
pub(super) fn json(out: &mut (dyn Write + '_), value: &Value) -> Result<()> {
    out.write_all(&crate::notify::go_json::to_line(value))?;
    Ok(())
}

/// Prints rows in columns that are two spaces apart. With `padded_end` the last column is filled up like the others.
pub(super) fn columns(out: &mut (dyn Write + '_), rows: &[Vec<String>], padded_end: bool) -> Result<()> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count() + 2).max().unwrap_or(2)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let is_last = at + 1 == row.len();
            let padding = if is_last && !padded_end { 0 } else { widths[at] - cell.chars().count() };
            write!(out, "{cell}{:padding$}", "")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
