//! `count_values`: one series for each value, counting how many have it.

use metrics_model::Labels;
use metrics_model::number::format_fixed;
use rustc_hash::FxHashMap;

use super::super::column::{Column, Point, VectorSeries};
use super::super::{Data, Evaluated, Evaluator, execution, unexpected};
use crate::plan::{AggregatePlan, Steps};

impl Evaluator<'_> {
    pub(super) fn count_values(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let Some(param) = aggregate.param else { return Err(unexpected("a parameter")) };
        let label = self.text(param)?;
        if !label.is_label_name() {
            return Err(execution(format!("invalid label name {}", label.literal)));
        }
        let label = &label.text;
        let mut grouping = aggregate.grouping.clone();
        if !aggregate.without {
            grouping.push(label.clone());
            grouping.sort_unstable();
        }
        let groups = AggregatePlan { grouping, ..aggregate.clone() };
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut results: Vec<(Labels, Vec<u32>)> = Vec::new();
        for series in self.eval_vector(aggregate.expr, steps)? {
            // Values repeat, so most points find the place of the one before.
            let mut last: Option<(u64, usize)> = None;
            for (step, point) in series.column.points() {
                self.budget.check()?;
                let bits = match point {
                    Point::Float(value) => Some(value.to_bits()),
                    Point::Histogram(_) => None,
                };
                let place = match (bits, last) {
                    (Some(bits), Some((known, place))) if bits == known => place,
                    _ => {
                        let text = match point {
                            Point::Float(value) => format_fixed(value),
                            Point::Histogram(histogram) => histogram.to_string(),
                        };
                        let labels = series.labels.to_builder().set(label, &text).build();
                        let labels = groups.group_labels(&labels);
                        if let Some(place) = places.get(&labels) {
                            *place
                        } else {
                            self.budget.hold(1, 64 + 4 * steps.count())?;
                            places.insert(labels.clone(), results.len());
                            results.push((labels, vec![0; steps.count()]));
                            results.len() - 1
                        }
                    }
                };
                last = bits.map(|bits| (bits, place));
                results[place].1[step] += 1;
            }
        }
        let series = results.into_iter().map(|(labels, counts)| {
            let mut column = Column::default();
            for (step, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                column.push_float(step, f64::from(*count));
            }
            VectorSeries { labels, drop_name: false, column }
        });
        let series: Vec<VectorSeries> = series.collect();
        let series = self.unique(series, steps)?;
        self.budget.rewind(mark);
        self.hold(&series)?;
        Ok(Data::Vector(series))
    }
}
