//! Metric names: when they go, and what happens to series that are the same without them.

use metrics_model::Labels;
use metrics_model::name::METRIC_NAME;
use rustc_hash::FxHashMap;

use super::column::VectorSeries;
use super::{Evaluated, Evaluator, execution};
use crate::plan::Steps;

/// The error of two elements with the same labels at the same time.
pub(crate) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Whether a label describes the metric as a whole, and goes when the value no longer is that metric's.
fn is_metadata(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without name, type and unit of the metric.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.filtered(|name| !is_metadata(name))
}

impl Evaluator<'_> {
    /// Takes the metric name from a series whose value is no longer the metric's: now, or at the end of the query.
    pub(crate) fn drop_name(&self, series: &mut VectorSeries) {
        if !self.options.delayed_name_removal {
            series.labels = without_metadata(&series.labels);
        }
        series.drop_name = true;
    }

    /// The result of a node over all steps: series with the same labels become one. At a single point in time late
    /// removal of names leaves it to the end of the query.
    pub(crate) fn unique(&mut self, all: Vec<VectorSeries>, steps: Steps) -> Evaluated<Vec<VectorSeries>> {
        if self.options.delayed_name_removal && steps.is_instant() { Ok(all) } else { merged(all) }
    }

    /// What is left to do at the end of a query when names go late.
    pub(crate) fn finish_names(&mut self, mut all: Vec<VectorSeries>) -> Evaluated<Vec<VectorSeries>> {
        if !self.options.delayed_name_removal {
            return Ok(all);
        }
        for series in all.iter_mut().filter(|series| series.drop_name) {
            series.labels = without_metadata(&series.labels);
        }
        merged(all)
    }
}

/// Merges series that have the same labels; they must not have values at the same step.
pub(crate) fn merged(all: Vec<VectorSeries>) -> Evaluated<Vec<VectorSeries>> {
    if all.len() < 2 {
        return Ok(all);
    }
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    places.reserve(all.len());
    let mut merged: Vec<VectorSeries> = Vec::with_capacity(all.len());
    for series in all {
        match places.get(&series.labels) {
            None => {
                places.insert(series.labels.clone(), merged.len());
                merged.push(series);
            }
            Some(place) => {
                merged[*place].column.merge(&series.column).map_err(|_| execution(SAME_LABELS))?;
            }
        }
    }
    Ok(merged)
}
