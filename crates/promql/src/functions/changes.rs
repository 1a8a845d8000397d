//! `changes` and `resets`: how often a value changed, and how often a counter started over.

use super::range::RangeContext;
use super::rate::refuse_histograms;
use crate::engine::QueryError;
use crate::eval::window::View;
use crate::value::PointValue;

type Answer = Result<Option<PointValue>, QueryError>;

/// `changes`
pub(crate) fn changes(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    if !view.histograms.is_empty() {
        return refuse_histograms();
    }
    let differs = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
    Ok(Some(PointValue::Float(view.floats.windows(2).filter(differs).count() as f64)))
}

/// `resets`
pub(crate) fn resets(view: View<'_>, _: &mut RangeContext<'_>) -> Answer {
    if !view.histograms.is_empty() {
        return refuse_histograms();
    }
    Ok(Some(PointValue::Float(view.floats.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64)))
}
