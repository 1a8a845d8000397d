//! Tree to plan: everything that can be settled before samples are read.
//!
//! Durations become milliseconds, `start()` and `end()` times, parentheses go, parts whose value is the same at every
//! step are marked, and each selector knows which time it needs from the store.

mod build;
pub(crate) mod duration;

use metrics_model::Matcher;
use storage::{SelectHints, TimeRange};

use crate::functions::FunctionId;
use crate::parser::ast::{AggregateOp, BinaryOp, Extension, VectorMatching};
use crate::value::ValueType;

pub(crate) use build::{BuildOptions, build, depends_on_time};

/// The times at which something is evaluated: `start`, `start + step`, ... up to and including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// Above zero, also when there is only one step.
    pub(crate) step_ms: i64,
}

impl Steps {
    /// One step.
    pub(crate) fn at(time_ms: i64) -> Self {
        Self { start_ms: time_ms, end_ms: time_ms, step_ms: 1 }
    }

    /// How many there are.
    pub(crate) fn count(self) -> usize {
        if self.end_ms < self.start_ms {
            return 0;
        }
        let span = self.end_ms.abs_diff(self.start_ms);
        usize::try_from(span / self.step_ms.unsigned_abs().max(1)).map_or(usize::MAX, |steps| steps.saturating_add(1))
    }

    /// The time of a step.
    pub(crate) fn time_ms(self, step: usize) -> i64 {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.start_ms.saturating_add(self.step_ms.saturating_mul(step))
    }

    /// Whether this is one point in time: what an instant query is, and the inside of a part that never changes.
    pub(crate) fn is_instant(self) -> bool {
        self.start_ms == self.end_ms
    }

    /// The time of the last step.
    pub(crate) fn last_ms(self) -> i64 {
        self.time_ms(self.count().saturating_sub(1))
    }
}

/// How `@` and `offset` move the time that a selector looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TimeShift {
    pub(crate) at_ms: Option<i64>,
    pub(crate) offset_ms: i64,
}

impl TimeShift {
    /// The time that is looked at for an evaluation at `time_ms`.
    pub(crate) fn apply(self, time_ms: i64) -> i64 {
        self.at_ms.unwrap_or(time_ms).saturating_sub(self.offset_ms)
    }
}

/// Where a node is in its [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanId(usize);

/// A query ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    nodes: Vec<PlanNode>,
    pub(crate) root: PlanId,
    pub(crate) steps: Steps,
    /// What is read from the store.
    pub(crate) sources: Vec<Source>,
    /// What calls of `info` may need besides.
    extra: Option<TimeRange>,
}

impl Plan {
    pub(crate) fn node(&self, id: PlanId) -> &PlanNode {
        &self.nodes[id.0]
    }

    /// The time that all sources together need.
    pub(crate) fn time_range(&self) -> TimeRange {
        let ranges = || self.sources.iter().map(|source| source.range).chain(self.extra);
        let start_ms = ranges().map(|range| range.start_ms).min().unwrap_or(0);
        let end_ms = ranges().map(|range| range.end_ms).max().unwrap_or(0);
        TimeRange { start_ms, end_ms }
    }
}

/// Series to be selected.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) hints: SelectHints,
    pub(crate) range: TimeRange,
    /// As a user would write it, for errors.
    pub(crate) text: String,
}

impl Source {
    /// Whether all series have the same name, so that they differ without it as well.
    pub(crate) fn has_one_name(&self) -> bool {
        self.matchers.iter().any(|matcher| {
            matcher.op() == metrics_model::MatchOp::Equal && matcher.name() == metrics_model::name::METRIC_NAME
        })
    }
}

/// One node of a plan.
#[derive(Debug, Clone)]
pub(crate) struct PlanNode {
    pub(crate) op: Op,
    pub(crate) value_type: ValueType,
    /// Where it starts in the query, for annotations.
    pub(crate) position: usize,
}

/// What a node does.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Number(f64),
    Text(Text),
    Instant(InstantSelector),
    Range(RangeSelector),
    Subquery(SubqueryPlan),
    Call(CallPlan),
    Info(InfoPlan),
    Aggregate(AggregatePlan),
    Binary(BinaryPlan),
    Unary {
        negative: bool,
        expr: PlanId,
    },
    /// The same at each step: evaluated at the first one.
    Invariant(PlanId),
}

/// A string.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// With replacement characters where it is not UTF-8.
    pub(crate) text: String,
    /// Whether it is UTF-8, as names of labels must be.
    pub(crate) is_utf8: bool,
    /// As written, for errors.
    pub(crate) literal: String,
}

impl Text {
    /// Whether this can be the name of a label.
    pub(crate) fn is_label_name(&self) -> bool {
        self.is_utf8 && !self.text.is_empty()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct InstantSelector {
    pub(crate) source: usize,
    pub(crate) shift: TimeShift,
    pub(crate) extension: Option<Extension>,
    /// Of histograms only count, sum and resets matter.
    pub(crate) stats_only: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct RangeSelector {
    pub(crate) source: usize,
    pub(crate) range_ms: i64,
    pub(crate) shift: TimeShift,
    pub(crate) extension: Option<Extension>,
    /// Of histograms only count, sum and resets matter.
    pub(crate) stats_only: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct SubqueryPlan {
    pub(crate) expr: PlanId,
    pub(crate) range_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) shift: TimeShift,
}

#[derive(Debug, Clone)]
pub(crate) struct CallPlan {
    pub(crate) function: FunctionId,
    pub(crate) name: &'static str,
    pub(crate) args: Vec<PlanId>,
    /// Where the call starts: the name of the function.
    pub(crate) position: usize,
}

/// A call of `info`.
#[derive(Debug, Clone)]
pub(crate) struct InfoPlan {
    pub(crate) expr: PlanId,
    /// Which info metrics and which of their labels; nothing means all labels of `target_info`.
    pub(crate) matchers: Vec<Matcher>,
    /// When info metrics are looked at.
    pub(crate) shift: TimeShift,
}

#[derive(Debug, Clone)]
pub(crate) struct AggregatePlan {
    pub(crate) op: AggregateOp,
    pub(crate) expr: PlanId,
    pub(crate) param: Option<PlanId>,
    /// Sorted.
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
    /// Where the aggregation starts: its name.
    pub(crate) position: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct BinaryPlan {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: PlanId,
    pub(crate) rhs: PlanId,
    pub(crate) matching: Option<VectorMatching>,
    pub(crate) return_bool: bool,
}
