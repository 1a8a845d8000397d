//! `count_values`: one series for each value, counting how many have it.

use metrics_model::Labels;
use metrics_model::name::METRIC_NAME;
use metrics_model::number::format_fixed;
use rustc_hash::FxHashMap;

use super::super::column::{Column, Point, VectorSeries};
use super::super::{Data, Evaluated, Evaluator, execution, unexpected};
use super::Groups;
use crate::plan::{AggregatePlan, Steps};

/// What is counted so far.
struct Counts<'l> {
    /// The label that takes the values; `None` when the aggregation drops it.
    label: Option<&'l str>,
    /// The places of floats in each group. Equal bits have equal texts, so only the first of them is written.
    floats: FxHashMap<(usize, u64), usize>,
    places: FxHashMap<Labels, usize>,
    results: Vec<(Labels, Vec<u32>)>,
}

impl Counts<'_> {
    /// The place of a value of a group, which has `labels`.
    fn place(&mut self, labels: &Labels, text: &str, steps: usize) -> usize {
        let labels = match self.label {
            Some(label) => labels.to_builder().set(label, text).build(),
            None => labels.clone(),
        };
        if let Some(place) = self.places.get(&labels) {
            return *place;
        }
        self.places.insert(labels.clone(), self.results.len());
        self.results.push((labels, vec![0; steps]));
        self.results.len() - 1
    }
}

impl Evaluator<'_> {
    pub(super) fn count_values(&mut self, aggregate: &AggregatePlan, steps: Steps) -> Evaluated<Data> {
        let mark = self.budget.mark();
        let Some(param) = aggregate.param else { return Err(unexpected("a parameter")) };
        let label = self.text(param)?;
        if !label.is_label_name() {
            return Err(execution(format!("invalid label name {}", label.literal)));
        }
        let label = label.text.as_str();
        // Groups are those without the label, which takes the values afterwards.
        let is_listed = aggregate.grouping.iter().any(|listed| listed == label);
        let mut grouping = aggregate.grouping.clone();
        grouping.retain(|listed| aggregate.without || listed != label);
        if aggregate.without && !is_listed {
            grouping.push(label.to_owned());
            grouping.sort_unstable();
        }
        let keeps_label = !aggregate.without || !is_listed && label != METRIC_NAME;
        let grouped = AggregatePlan { grouping, ..aggregate.clone() };
        let mut groups = Groups::new(&grouped);
        let mut group_labels: Vec<Labels> = Vec::new();
        let mut counts = Counts {
            label: keeps_label.then_some(label),
            floats: FxHashMap::default(),
            places: FxHashMap::default(),
            results: Vec::new(),
        };
        for series in self.eval_vector(aggregate.expr, steps)? {
            self.budget.check()?;
            let (group, new) = groups.place(&series.labels);
            group_labels.extend(new);
            for (step, point) in series.column.points() {
                let held = counts.results.len();
                let labels = &group_labels[group];
                let place = match point {
                    Point::Float(value) => match counts.floats.get(&(group, value.to_bits())) {
                        Some(place) => *place,
                        None => {
                            let place = counts.place(labels, &format_fixed(value), steps.count());
                            counts.floats.insert((group, value.to_bits()), place);
                            place
                        }
                    },
                    Point::Histogram(histogram) => counts.place(labels, &histogram.to_string(), steps.count()),
                };
                if counts.results.len() > held {
                    self.budget.check()?;
                    self.budget.hold(1, 128 + 4 * steps.count())?;
                }
                counts.results[place].1[step] += 1;
            }
        }
        let series = counts.results.into_iter().map(|(labels, counts)| {
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
