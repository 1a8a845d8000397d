//! Quantiles of plain values.

/// Where among values in order a quantile lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Position {
    /// Nowhere: this is the answer.
    Value(f64),
    /// Between the values with these ranks; the second one weighs this much.
    Between { lower: usize, upper: usize, weight: f64 },
}

/// Where the quantile `q` of `count` values lies.
pub(crate) fn position(q: f64, count: usize) -> Position {
    let Some(last) = count.checked_sub(1).filter(|_| !q.is_nan()) else { return Position::Value(f64::NAN) };
    if q < 0.0 {
        return Position::Value(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Position::Value(f64::INFINITY);
    }
    let rank = q * last as f64;
    let lower = rank.floor().max(0.0) as usize;
    Position::Between { lower, upper: (lower + 1).min(last), weight: rank - rank.floor() }
}

/// The quantile `q` of `values`, whose order changes on the way: NaNs are the smallest, between two values lies a weighted
/// average.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    match position(q, values.len()) {
        Position::Value(value) => value,
        Position::Between { lower, upper, weight } => {
            let (_, low, above) = values.select_nth_unstable_by(lower, nan_first);
            let low = *low;
            let high = above.iter().copied().min_by(nan_first).filter(|_| upper > lower).unwrap_or(low);
            low * (1.0 - weight) + high * weight
        }
    }
}

/// Orders values from small to large with NaNs before all others.
pub(crate) fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}
