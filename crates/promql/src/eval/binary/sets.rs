//! `and`, `or`, `unless`: which elements stay depends on what is on the other side at the same step.

use metrics_model::Labels;

use super::super::column::{Column, VectorSeries};
use super::super::{Data, Evaluated, Evaluator, unexpected};
use super::matching::Signatures;
use crate::parser::ast::BinaryOp;
use crate::plan::{BinaryPlan, Steps};

impl Evaluator<'_> {
    pub(super) fn set_operation(
        &mut self,
        binary: &BinaryPlan,
        left: Vec<VectorSeries>,
        right: Vec<VectorSeries>,
        steps: Steps,
    ) -> Evaluated<Data> {
        let Some(matching) = &binary.matching else { return Err(unexpected("a matching")) };
        let mark = self.budget.mark();
        let mut signatures = Signatures::new(matching);
        let (deciding, decided) = if binary.op == BinaryOp::Or { (&left, &right) } else { (&right, &left) };
        let deciding_places: Vec<usize> = deciding.iter().map(|series| signatures.place(&series.labels)).collect();
        let decided_places: Vec<Option<usize>> =
            decided.iter().map(|series| signatures.known(&series.labels)).collect();
        let mut present: Vec<Vec<bool>> = vec![Vec::new(); signatures.len()];
        for (series, place) in deciding.iter().zip(&deciding_places) {
            self.budget.check()?;
            let present = &mut present[*place];
            if present.is_empty() {
                self.budget.hold(0, steps.count())?;
                present.resize(steps.count(), false);
            }
            series.column.points().for_each(|(step, _)| present[step] = true);
        }
        self.budget.rewind(mark);
        let wanted = binary.op == BinaryOp::And;
        let keep = |series: VectorSeries, place: Option<usize>| {
            let Some(place) = place else {
                // Nothing on the other side has these labels, at any step.
                return (!wanted).then_some(series);
            };
            let column = masked(&series.column, &present[place], wanted);
            (!column.is_empty()).then_some(VectorSeries { column, ..series })
        };
        let results: Vec<VectorSeries> = if binary.op == BinaryOp::Or {
            let rest = right.into_iter().zip(decided_places).filter_map(|(series, place)| keep(series, place));
            let rest: Vec<VectorSeries> = rest.collect();
            left.into_iter().chain(rest).collect()
        } else {
            left.into_iter().zip(decided_places).filter_map(|(series, place)| keep(series, place)).collect()
        };
        Ok(Data::Vector(self.unique(results, steps)?))
    }
}

/// The values at steps where `present` is as wanted.
fn masked(column: &Column, present: &[bool], wanted: bool) -> Column {
    let mut result = Column::default();
    for (step, point) in column.points() {
        if present.get(step).copied().unwrap_or(false) == wanted {
            result.push(step, point.to_value());
        }
    }
    result
}

/// Labels for a signature: those listed, or all but those listed and the name.
pub(super) fn signature(labels: &Labels, listed: &[String], on: bool) -> Labels {
    let in_list = |name: &str| listed.iter().any(|label| label == name);
    if on {
        Labels::from_sorted(labels.iter().filter(|(name, _)| in_list(name)))
    } else {
        let kept = labels.iter().filter(|(name, _)| *name != metrics_model::name::METRIC_NAME && !in_list(name));
        Labels::from_sorted(kept)
    }
}
