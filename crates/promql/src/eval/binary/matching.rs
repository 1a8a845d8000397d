//! Operators between two vectors: elements with the same signature meet.
//!
//! Signatures are computed once per series. Where each side has one series for a signature, which is nearly always,
//! two columns meet in one loop; series that take turns, or fill values, take the long way.

use metrics_model::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::column::{Column, Point, VectorSeries, is_absent};
use super::super::names::without_metadata;
use super::super::{Data, Evaluated, Evaluator, unexpected};
use super::sets::signature;
use super::{Outcome, Problem, changes_meaning, element, scalar};
use crate::annotations::{HistogramOperation, Remark};
use crate::engine::QueryError;
use crate::parser::ast::{BinaryOp, Cardinality, VectorMatching};
use crate::plan::{BinaryPlan, Steps};

/// Numbers signatures.
pub(super) struct Signatures<'m> {
    matching: &'m VectorMatching,
    places: FxHashMap<Labels, usize>,
}

impl<'m> Signatures<'m> {
    pub(super) fn new(matching: &'m VectorMatching) -> Self {
        Self { matching, places: FxHashMap::default() }
    }

    /// The number of the signature of `labels`.
    pub(super) fn place(&mut self, labels: &Labels) -> usize {
        let next = self.places.len();
        *self.places.entry(signature(labels, &self.matching.labels, self.matching.on)).or_insert(next)
    }

    /// The same, if it has one.
    pub(super) fn known(&self, labels: &Labels) -> Option<usize> {
        self.places.get(&signature(labels, &self.matching.labels, self.matching.on)).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

/// The series of both sides with one signature. `many` may have several at a time, `one` may not.
#[derive(Debug, Clone, Default)]
struct Meeting {
    many: Vec<usize>,
    one: Vec<usize>,
}

/// One operator between two vectors, the sides in the order that matching wants.
struct Match<'m> {
    binary: &'m BinaryPlan,
    matching: &'m VectorMatching,
    /// Whether the "many" side is the right one.
    swapped: bool,
    many: Vec<VectorSeries>,
    one: Vec<VectorSeries>,
    fill_many: Option<f64>,
    fill_one: Option<f64>,
    steps: Steps,
    drops_name: bool,
    /// The first error, by step.
    failure: Option<(usize, String)>,
    /// The last remark at each step, with the place of its element.
    remarks: FxHashMap<usize, (usize, Remarked)>,
    results: Vec<VectorSeries>,
}

/// The pairs of series that meet in a crowd.
#[derive(Default)]
struct Crowd {
    places: FxHashMap<(Option<usize>, Option<usize>), usize>,
    /// In order of appearance.
    pairs: Vec<CrowdPair>,
    /// Numbers the labels of results.
    results: FxHashMap<Labels, usize>,
    /// For each of them, the last step that had one, plus one.
    last_steps: Vec<usize>,
}

struct CrowdPair {
    labels: Labels,
    /// Which of the results it has the labels of.
    result: usize,
    column: Column,
}

impl Crowd {
    /// The place of a pair.
    fn place(&mut self, many: Option<usize>, one: Option<usize>, labels: impl FnOnce() -> Labels) -> usize {
        *self.places.entry((many, one)).or_insert_with(|| {
            let labels = labels();
            let next = self.results.len();
            let result = *self.results.entry(labels.clone()).or_insert(next);
            if result == next {
                self.last_steps.push(0);
            }
            self.pairs.push(CrowdPair { labels, result, column: Column::default() });
            self.pairs.len() - 1
        })
    }

    /// Whether no pair before had a result with the same labels at this step.
    fn is_first(&mut self, at: usize, step: usize) -> bool {
        let last = &mut self.last_steps[self.pairs[at].result];
        std::mem::replace(last, step + 1) != step + 1
    }
}

/// What to remark on an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remarked {
    Problem(Problem),
    Reconciled(HistogramOperation),
}

impl Evaluator<'_> {
    pub(super) fn matched(
        &mut self,
        binary: &BinaryPlan,
        left: Vec<VectorSeries>,
        right: Vec<VectorSeries>,
        position: usize,
        steps: Steps,
    ) -> Evaluated<Data> {
        let Some(matching) = &binary.matching else { return Err(unexpected("a matching")) };
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        // The original does not swap these with the sides.
        let (fill_many, fill_one) = (matching.fill_left, matching.fill_right);
        let mut signatures = Signatures::new(matching);
        let mut meetings: Vec<Meeting> = Vec::new();
        let mut meeting = |labels: &Labels, meetings: &mut Vec<Meeting>| {
            let place = signatures.place(labels);
            if place == meetings.len() {
                meetings.push(Meeting::default());
            }
            place
        };
        for (at, series) in many.iter().enumerate() {
            let place = meeting(&series.labels, &mut meetings);
            meetings[place].many.push(at);
        }
        for (at, series) in one.iter().enumerate() {
            let place = meeting(&series.labels, &mut meetings);
            meetings[place].one.push(at);
        }
        let drops_name = changes_meaning(binary.op) || (binary.return_bool && !self.options.delayed_name_removal);
        let mut run = Match {
            binary,
            matching,
            swapped,
            many,
            one,
            fill_many,
            fill_one,
            steps,
            drops_name,
            failure: None,
            remarks: FxHashMap::default(),
            results: Vec::new(),
        };
        for meeting in &meetings {
            self.budget.check()?;
            run.meet(meeting);
        }
        if let Some((_, message)) = run.failure {
            return Err(QueryError::Execution { message });
        }
        for (_, remarked) in run.remarks.values() {
            self.remark_on_operator(*remarked, binary.op, position);
        }
        let mut results = run.results;
        results.retain(|series| !series.column.is_empty());
        Ok(Data::Vector(self.unique(results, steps)?))
    }

    fn remark_on_operator(&mut self, remarked: Remarked, op: BinaryOp, position: usize) {
        let operator = op.as_str();
        let remark = match remarked {
            Remarked::Problem(Problem::Types { left, right }) => Remark::IncompatibleTypes { left, operator, right },
            Remarked::Problem(Problem::Buckets) => Remark::IncompatibleBuckets { operator },
            Remarked::Problem(Problem::ResetCollision(operation)) => Remark::ResetCollision { operation },
            Remarked::Reconciled(operation) => Remark::MismatchedCustomBuckets { operation },
        };
        self.annotations.add(&remark, position);
    }
}

impl Match<'_> {
    fn fail(&mut self, step: usize, message: impl FnOnce(&Self) -> String) {
        if self.failure.as_ref().is_none_or(|(earliest, _)| step < *earliest) {
            let message = message(self);
            self.failure = Some((step, message));
        }
    }

    fn meet(&mut self, meeting: &Meeting) {
        match (meeting.many.as_slice(), meeting.one.as_slice()) {
            ([_], []) if self.fill_one.is_none() => {}
            (many, [one]) if self.fill_many.is_none() && self.fill_one.is_none() => self.meet_one(meeting, many, *one),
            _ => self.crowd(meeting),
        }
    }

    /// Series meet a single one: each pair in one loop, unless results could get into each other's way.
    fn meet_one(&mut self, meeting: &Meeting, many: &[usize], one: usize) {
        if many.len() > 1 && self.matching.cardinality == Cardinality::OneToOne {
            return self.crowd(meeting);
        }
        let labels: Vec<Labels> = many.iter().map(|at| self.result_labels(Some(*at), Some(one))).collect();
        let mut seen: FxHashSet<&Labels> = FxHashSet::default();
        if many.len() > 1 && !labels.iter().all(|labels| seen.insert(labels)) {
            return self.crowd(meeting);
        }
        for (at, labels) in many.iter().zip(labels) {
            self.pair(*at, one, labels);
        }
    }

    /// One series meets one series.
    fn pair(&mut self, many: usize, one: usize, labels: Labels) {
        let (a, b) = (&self.many[many], &self.one[one]);
        let plain =
            a.column.histograms().is_empty() && b.column.histograms().is_empty() && !super::is_trim(self.binary.op);
        let column = if plain {
            self.float_pair(&a.column, &b.column)
        } else {
            let mut column = Column::default();
            let points: Vec<usize> = a.column.points().map(|(step, _)| step).collect();
            for step in points {
                self.element_at(step, Some(many), Some(one), &mut column);
            }
            column
        };
        self.push(labels, column);
    }

    /// The operator over two columns of floats.
    fn float_pair(&self, many: &Column, one: &Column) -> Column {
        let op = self.binary.op;
        let ((many_first, a), (one_first, b)) = (many.floats(), one.floats());
        let first = many_first.max(one_first);
        let end = (many_first + a.len()).min(one_first + b.len());
        if first >= end {
            return Column::default();
        }
        let (a, b) = (&a[first - many_first..end - many_first], &b[first - one_first..end - one_first]);
        let (left, right) = if self.swapped { (b, a) } else { (a, b) };
        let mut column = Column::default();
        column.reserve(end - first);
        for (at, (left, right)) in left.iter().zip(right).enumerate() {
            if is_absent(*left) || is_absent(*right) {
                continue;
            }
            let value = scalar(op, *left, *right);
            if !op.is_comparison() || self.binary.return_bool {
                column.push_float(first + at, value);
            } else if value != 0.0 {
                column.push_float(first + at, *left);
            }
        }
        column
    }

    /// Several series on one side, or fill values: step by step.
    fn crowd(&mut self, meeting: &Meeting) {
        let one_to_one = self.matching.cardinality == Cardinality::OneToOne;
        let mut crowd = Crowd::default();
        for step in 0..self.steps.count() {
            let Some(one) = self.only_one(meeting, step) else { return };
            let mut any_matched = false;
            for many in &meeting.many {
                if !self.many[*many].column.has(step) || (one.is_none() && self.fill_one.is_none()) {
                    continue;
                }
                let at = crowd.place(Some(*many), one, || self.result_labels(Some(*many), one));
                if !self.element_at(step, Some(*many), one, &mut crowd.pairs[at].column) {
                    continue;
                }
                if one_to_one && any_matched {
                    let message = "multiple matches for labels: many-to-one matching must be explicit \
                                   (group_left/group_right)";
                    self.fail(step, |_| message.to_owned());
                    return;
                }
                if !crowd.is_first(at, step) {
                    let message = "multiple matches for labels: grouping labels must ensure unique matches";
                    self.fail(step, |_| message.to_owned());
                    return;
                }
                any_matched = true;
            }
            if one.is_some() && self.fill_many.is_some() && !any_matched {
                let at = crowd.place(None, one, || self.result_labels(None, one));
                self.element_at(step, None, one, &mut crowd.pairs[at].column);
            }
        }
        for CrowdPair { labels, column, .. } in crowd.pairs {
            self.push(labels, column);
        }
    }

    /// The series of the "one" side at a step. `None` outside when there are two, which is an error unless the other
    /// side has nothing at all at that step.
    #[expect(clippy::option_option, reason = "no answer, and the answer that there is none")]
    fn only_one(&mut self, meeting: &Meeting, step: usize) -> Option<Option<usize>> {
        let mut present = meeting.one.iter().copied().filter(|at| self.one[*at].column.has(step));
        let first = present.next();
        let second = present.next();
        let (Some(first), Some(second)) = (first, second) else { return Some(first) };
        let fills = self.fill_many.is_some() || self.fill_one.is_some();
        if !fills && !self.many.iter().any(|series| series.column.has(step)) {
            return Some(Some(first));
        }
        self.fail(step, |run| run.duplicates(first, second));
        None
    }

    fn duplicates(&self, first: usize, second: usize) -> String {
        let side = if self.swapped { "left" } else { "right" };
        let labels = |at: usize| metrics_labels(&self.one[at].labels);
        let group = signature(&self.one[second].labels, &self.matching.labels, self.matching.on);
        let group = metrics_labels(&group);
        let (mut a, mut b) = (labels(first), labels(second));
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{a}, {b}];\
             many-to-many matching not allowed: matching labels must be unique on one side"
        )
    }

    /// The operator at one step, where a missing series is filled in. Returns whether the elements have met at all.
    fn element_at(&mut self, step: usize, many: Option<usize>, one: Option<usize>, column: &mut Column) -> bool {
        let many_point = many.and_then(|at| self.many[at].column.get(step)).or(self.fill_many.map(Point::Float));
        let one_point = one.and_then(|at| self.one[at].column.get(step)).or(self.fill_one.map(Point::Float));
        let (Some(many_point), Some(one_point)) = (many_point, one_point) else { return false };
        let (left, right) = if self.swapped { (one_point, many_point) } else { (many_point, one_point) };
        let Outcome { value, keep, problem, reconciled } = element(self.binary.op, left, right);
        let place = many.unwrap_or(usize::MAX);
        if let Some(problem) = problem {
            self.remark(step, place, Remarked::Problem(problem));
            return false;
        }
        if let Some(operation) = reconciled {
            self.remark(step, place, Remarked::Reconciled(operation));
        }
        if self.binary.return_bool {
            column.push_float(step, f64::from(u8::from(keep)));
        } else if keep && let Some(value) = value {
            column.push(step, value);
        }
        true
    }

    /// Of the remarks at a step the original keeps the last.
    fn remark(&mut self, step: usize, place: usize, remarked: Remarked) {
        let slot = self.remarks.entry(step).or_insert((place, remarked));
        if place >= slot.0 {
            *slot = (place, remarked);
        }
    }

    /// Labels that stand for a series that is filled in: those that have matched.
    fn filled_labels(&self, other: &Labels) -> Labels {
        signature(other, &self.matching.labels, self.matching.on)
    }

    fn result_labels(&self, many: Option<usize>, one: Option<usize>) -> Labels {
        let (many_labels, one_labels) = match (many, one) {
            (Some(many), Some(one)) => (self.many[many].labels.clone(), self.one[one].labels.clone()),
            (Some(many), None) => {
                let labels = self.many[many].labels.clone();
                let filled = self.filled_labels(&labels);
                (labels, filled)
            }
            (None, Some(one)) => {
                let labels = self.one[one].labels.clone();
                (self.filled_labels(&labels), labels)
            }
            (None, None) => (Labels::empty(), Labels::empty()),
        };
        let mut labels = if self.drops_name { without_metadata(&many_labels) } else { many_labels };
        if self.matching.cardinality == Cardinality::OneToOne {
            let listed = |name: &str| self.matching.labels.iter().any(|label| label == name);
            let on = self.matching.on;
            labels = Labels::from_sorted(labels.iter().filter(|(name, _)| listed(name) == on));
        }
        if self.matching.include.is_empty() {
            return labels;
        }
        let mut builder = labels.to_builder();
        for label in &self.matching.include {
            builder.set(label, one_labels.get_or_empty(label));
        }
        builder.build()
    }

    fn push(&mut self, labels: Labels, column: Column) {
        if !column.is_empty() {
            self.results.push(VectorSeries { labels, drop_name: self.binary.return_bool, column });
        }
    }
}

/// A label set as the original writes it in errors: every label, the name among them, in braces.
fn metrics_labels(labels: &Labels) -> String {
    use metrics_model::labels::Quoted;
    let parts: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            if metrics_model::name::is_legacy_label_name(name) {
                format!("{name}={}", Quoted(value))
            } else {
                format!("{}={}", Quoted(name), Quoted(value))
            }
        })
        .collect();
    format!("{{{}}}", parts.join(", "))
}
