//! `sort` and its relatives: the order of an instant vector.

use std::cmp::Ordering;

use crate::eval::column::VectorSeries;

/// Sorts by value, NaNs last either way.
pub(crate) fn by_value(all: &mut [VectorSeries], descending: bool) {
    all.sort_by(|a, b| {
        let (a, b) = (a.column.float(0), b.column.float(0));
        match (a.is_nan(), b.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if descending => b.total_cmp(&a),
            (false, false) => a.total_cmp(&b),
        }
    });
}

/// Sorts by the values of labels in natural order, then by all labels.
pub(crate) fn by_labels(all: &mut [VectorSeries], labels: &[&str], descending: bool) {
    all.sort_by(|a, b| {
        let order = labels
            .iter()
            .map(|label| natural(a.labels.get_or_empty(label), b.labels.get_or_empty(label)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.labels.cmp(&b.labels));
        if descending { order.reverse() } else { order }
    });
}

/// Compares texts with runs of digits in them as numbers: `node2` before `node10`.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_parts, mut b_parts) = (parts(a), parts(b));
    loop {
        let order = match (a_parts.next(), b_parts.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
                _ => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The digits of a part without leading zeros, when it is a number.
fn number(part: &str) -> Option<&str> {
    part.starts_with(|c: char| c.is_ascii_digit()).then(|| part.trim_start_matches('0'))
}

/// Runs of digits and runs of anything else.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != first).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some(part)
    })
}
