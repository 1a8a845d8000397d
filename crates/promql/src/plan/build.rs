//! Builds a [`Plan`] from an [`Expr`].

use storage::{SelectHints, TimeRange};

use super::duration::QueryTimes;
use super::{
    AggregatePlan, BinaryPlan, CallPlan, InfoPlan, InstantSelector, Op, Plan, PlanId, PlanNode, RangeSelector, Source,
    Steps, SubqueryPlan, Text, TimeShift,
};
use crate::functions::FunctionId;
use crate::parser::ast::{At, Binary, BinaryOp, Expr, Extension, NodeId, NodeKind, Subquery, VectorSelector};

/// What building a plan takes besides the expression.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildOptions {
    pub(crate) steps: Steps,
    /// The step a user gave: none for instant queries.
    pub(crate) query_step_ms: i64,
    pub(crate) lookback_ms: i64,
    /// Step of subqueries without one.
    pub(crate) subquery_step_ms: i64,
}

/// Builds the plan of `expr`.
///
/// The error is the original's text about a duration that cannot be.
pub(crate) fn build(expr: &Expr, options: BuildOptions) -> Result<Plan, String> {
    let steps = options.steps;
    let times = QueryTimes {
        step_s: options.query_step_ms as f64 / 1000.0,
        range_s: steps.end_ms.saturating_sub(steps.start_ms) as f64 / 1000.0,
    };
    let mut builder = Builder { expr, options, times, nodes: Vec::new(), sources: Vec::new(), extra: None };
    let built = builder
        .node(expr.root(), Surroundings { function: "", use_of: HistogramUse::default(), outer: Outer::default() })?;
    let root = if built.wrap { builder.invariant(built.id) } else { built.id };
    Ok(Plan { nodes: builder.nodes, root, steps, sources: builder.sources, extra: builder.extra })
}

/// What surrounds a node.
#[derive(Debug, Clone, Copy)]
struct Surroundings {
    /// The closest function or aggregation around, up to the next operator.
    function: &'static str,
    use_of: HistogramUse,
    outer: Outer,
}

/// What is done with native histograms.
#[derive(Debug, Clone, Copy, Default)]
struct HistogramUse {
    /// Their count or sum is asked for.
    stats: bool,
    /// Their buckets are asked for, or may be.
    buckets: bool,
}

impl HistogramUse {
    fn within_call(self, function: FunctionId) -> Self {
        match function {
            FunctionId::HistogramCount | FunctionId::HistogramSum | FunctionId::HistogramAvg => {
                Self { stats: true, ..self }
            }
            FunctionId::HistogramQuantile | FunctionId::HistogramQuantiles | FunctionId::HistogramFraction => {
                Self { buckets: true, ..self }
            }
            _ => self,
        }
    }

    fn is_stats_only(self) -> bool {
        self.stats && !self.buckets
    }
}

/// The subqueries around a node, taken together.
#[derive(Debug, Clone, Copy, Default)]
struct Outer {
    offset_ms: i64,
    range_ms: i64,
    at_ms: Option<i64>,
    /// Step of the innermost one.
    step_ms: Option<i64>,
}

/// A built node.
#[derive(Debug, Clone, Copy)]
struct Built {
    id: PlanId,
    /// Whether its value is the same at each step.
    invariant: bool,
    /// Whether evaluating it once is worth a node of its own.
    wrap: bool,
}

struct Builder<'a> {
    expr: &'a Expr,
    options: BuildOptions,
    times: QueryTimes,
    nodes: Vec<PlanNode>,
    sources: Vec<Source>,
    extra: Option<TimeRange>,
}

impl Builder<'_> {
    fn push(&mut self, op: Op, of: NodeId) -> PlanId {
        let node = self.expr.node(of);
        self.nodes.push(PlanNode { op, value_type: node.value_type, position: node.range.start });
        PlanId(self.nodes.len() - 1)
    }

    fn invariant(&mut self, inner: PlanId) -> PlanId {
        let PlanNode { value_type, position, .. } = self.nodes[inner.0];
        self.nodes.push(PlanNode { op: Op::Invariant(inner), value_type, position });
        PlanId(self.nodes.len() - 1)
    }

    /// The node, wrapped when it is to be evaluated once.
    fn settled(&mut self, built: Built) -> PlanId {
        if built.wrap { self.invariant(built.id) } else { built.id }
    }

    fn node(&mut self, id: NodeId, around: Surroundings) -> Result<Built, String> {
        let fixed = |id: PlanId| Built { id, invariant: true, wrap: false };
        match &self.expr.node(id).kind {
            NodeKind::Number(number) => Ok(fixed(self.push(Op::Number(number.value), id))),
            NodeKind::String(literal) => {
                let text = Text {
                    text: literal.text().into_owned(),
                    is_utf8: std::str::from_utf8(&literal.bytes).is_ok(),
                    literal: self.expr.text(id),
                };
                Ok(fixed(self.push(Op::Text(text), id)))
            }
            NodeKind::Paren(inner) => self.node(*inner, around),
            NodeKind::Unary(unary) => {
                let built = self.node(unary.expr, around)?;
                let op = Op::Unary { negative: unary.negative, expr: built.id };
                Ok(Built { id: self.push(op, id), ..built })
            }
            NodeKind::Binary(_) => self.binary(id, around),
            NodeKind::Call(_) => self.call(id, around),
            NodeKind::Aggregate(aggregate) => {
                let around = Surroundings { function: aggregate.op.as_str(), ..around };
                let inner = self.node(aggregate.expr, around)?;
                let param = match aggregate.param {
                    // Only the aggregated vector decides whether the whole is the same at each step.
                    Some(param) => Some(self.node(param, around)?.id),
                    None => None,
                };
                let mut grouping = aggregate.grouping.clone();
                grouping.sort_unstable();
                let (op, without) = (aggregate.op, aggregate.without);
                let position = self.expr.node(id).range.start;
                let plan = AggregatePlan { op, expr: inner.id, param, grouping, without, position };
                Ok(Built { id: self.push(Op::Aggregate(plan), id), ..inner })
            }
            NodeKind::Vector(selector) => {
                let shift = self.shift(selector)?;
                let source = self.source(id, selector, None, around)?;
                let invariant = shift.at_ms.is_some();
                let stats_only = around.use_of.is_stats_only();
                let op = Op::Instant(InstantSelector { source, shift, extension: selector.extension, stats_only });
                Ok(Built { id: self.push(op, id), invariant, wrap: invariant })
            }
            NodeKind::Matrix(matrix) => {
                let NodeKind::Vector(selector) = &self.expr.node(matrix.selector).kind else {
                    return Err("ranges only allowed for vector selectors".to_owned());
                };
                let range_ms = self.times.milliseconds(self.expr, matrix.range, false)?;
                let shift = self.shift(selector)?;
                let source = self.source(id, selector, Some(range_ms), around)?;
                let extension = selector.extension;
                let stats_only = around.use_of.is_stats_only();
                let op = Op::Range(RangeSelector { source, range_ms, shift, extension, stats_only });
                Ok(Built { id: self.push(op, id), invariant: shift.at_ms.is_some(), wrap: false })
            }
            NodeKind::Subquery(subquery) => self.subquery(id, subquery, around),
            NodeKind::Duration(_) => Err("unexpected duration expression".to_owned()),
        }
    }

    /// Chains of operators lean to the left and can be long, so they are built in a loop.
    fn binary(&mut self, id: NodeId, around: Surroundings) -> Result<Built, String> {
        let expr = self.expr;
        let mut chain: Vec<(NodeId, &Binary)> = Vec::new();
        let mut leftmost = id;
        while let NodeKind::Binary(binary) = &expr.node(leftmost).kind {
            chain.push((leftmost, binary));
            leftmost = binary.lhs;
        }
        // Trimming looks at buckets, those of what is left of it as well.
        let trims = |binary: &Binary| matches!(binary.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        let mut trimmed = around.use_of.buckets || chain.iter().any(|(_, binary)| trims(binary));
        let within = |trimmed| {
            let use_of = HistogramUse { buckets: trimmed, ..around.use_of };
            Surroundings { function: "", use_of, ..around }
        };
        let mut left = self.node(leftmost, within(trimmed))?;
        for (at, (id, binary)) in chain.iter().enumerate().rev() {
            trimmed = around.use_of.buckets || chain[..=at].iter().any(|(_, binary)| trims(binary));
            let right = self.node(binary.rhs, within(trimmed))?;
            let invariant = left.invariant && right.invariant;
            let (lhs, rhs) = if invariant { (left.id, right.id) } else { (self.settled(left), self.settled(right)) };
            let plan = BinaryPlan {
                op: binary.op,
                lhs,
                rhs,
                matching: binary.matching.clone(),
                return_bool: binary.return_bool,
            };
            left = Built { id: self.push(Op::Binary(plan), *id), invariant, wrap: invariant };
        }
        Ok(left)
    }

    fn call(&mut self, id: NodeId, around: Surroundings) -> Result<Built, String> {
        let expr = self.expr;
        let NodeKind::Call(call) = &expr.node(id).kind else {
            return Err("not a call".to_owned());
        };
        let function = call.function.id;
        if let Some(value) = self.query_constant(function) {
            return Ok(Built { id: self.push(Op::Number(value), id), invariant: true, wrap: false });
        }
        if function == FunctionId::Info {
            return self.info(id, &call.args, around);
        }
        let use_of = around.use_of.within_call(function);
        let around = Surroundings { function: call.function.name, use_of, ..around };
        let args = call.args.iter().map(|arg| self.node(*arg, around)).collect::<Result<Vec<_>, _>>()?;
        let all_invariant = args.iter().all(|arg| arg.invariant);
        // The time of a sample that `@` pins is the same at each step, other than that of anything computed.
        let pinned_timestamp = function == FunctionId::Timestamp
            && all_invariant
            && args.iter().all(|arg| matches!(self.nodes[arg.id.0].op, Op::Instant(_)));
        let invariant = (all_invariant && !depends_on_time(function)) || pinned_timestamp;
        let args = args.into_iter().map(|arg| if invariant { arg.id } else { self.settled(arg) }).collect();
        let position = expr.node(id).range.start;
        let plan = CallPlan { function, name: call.function.name, args, position };
        Ok(Built { id: self.push(Op::Call(plan), id), invariant, wrap: invariant })
    }

    fn info(&mut self, id: NodeId, args: &[NodeId], around: Surroundings) -> Result<Built, String> {
        let Some((expr, selector)) = args.split_first() else {
            return Err("not a call".to_owned());
        };
        let shift = self.first_shift(*expr)?;
        let inner = self.node(*expr, Surroundings { function: "info", ..around })?;
        let matchers = match selector.first().map(|arg| &self.expr.node(*arg).kind) {
            Some(NodeKind::Vector(selector)) => selector.matchers.clone(),
            _ => Vec::new(),
        };
        let needed = self.looked_back(shift, around.outer);
        self.extra = Some(self.extra.map_or(needed, |known| TimeRange {
            start_ms: known.start_ms.min(needed.start_ms),
            end_ms: known.end_ms.max(needed.end_ms),
        }));
        // A selector for labels has no time of its own, so it decides whether the whole changes from step to step.
        let invariant = inner.invariant && selector.is_empty();
        let expr = if invariant { inner.id } else { self.settled(inner) };
        let op = Op::Info(InfoPlan { expr, matchers, shift });
        Ok(Built { id: self.push(op, id), invariant, wrap: invariant })
    }

    /// The time of the first selector below a node: its own, or that of the subqueries around it.
    fn first_shift(&self, id: NodeId) -> Result<TimeShift, String> {
        let mut stack = vec![(id, TimeShift::default())];
        while let Some((id, mut outer)) = stack.pop() {
            match &self.expr.node(id).kind {
                NodeKind::Vector(selector) => {
                    let own = self.shift(selector)?;
                    if own.at_ms.is_some() {
                        return Ok(own);
                    }
                    let offset_ms = own.offset_ms.saturating_add(outer.offset_ms);
                    return Ok(TimeShift { at_ms: outer.at_ms, offset_ms });
                }
                NodeKind::Subquery(subquery) => {
                    let offset_ms = self.times.milliseconds(self.expr, subquery.offset, true)?;
                    outer = match self.at_ms(subquery.at) {
                        Some(at_ms) => TimeShift { at_ms: Some(at_ms), offset_ms },
                        None => TimeShift { offset_ms: outer.offset_ms.saturating_add(offset_ms), ..outer },
                    };
                }
                _ => {}
            }
            stack.extend(self.expr.children(id).into_iter().rev().map(|child| (child, outer)));
        }
        Ok(TimeShift::default())
    }

    /// The value of functions that are constants of the query.
    fn query_constant(&self, function: FunctionId) -> Option<f64> {
        let steps = self.options.steps;
        match function {
            FunctionId::Start => Some(steps.start_ms as f64 / 1000.0),
            FunctionId::End => Some(steps.end_ms as f64 / 1000.0),
            FunctionId::Range => Some(self.times.range_s),
            FunctionId::Step if steps.is_instant() => Some(0.0),
            FunctionId::Step => Some(self.times.step_s),
            _ => None,
        }
    }

    fn subquery(&mut self, id: NodeId, subquery: &Subquery, around: Surroundings) -> Result<Built, String> {
        let range_ms = self.times.milliseconds(self.expr, subquery.range, false)?;
        let offset_ms = self.times.milliseconds(self.expr, subquery.offset, true)?;
        let step_ms = match subquery.step {
            Some(step) => self.times.milliseconds(self.expr, step, false)?.max(1),
            None => self.options.subquery_step_ms,
        };
        let shift = TimeShift { at_ms: self.at_ms(subquery.at), offset_ms };
        let outer = match shift.at_ms {
            // A fixed time makes what is around irrelevant.
            Some(_) => Outer { offset_ms, range_ms, at_ms: shift.at_ms, step_ms: Some(step_ms) },
            None => Outer {
                offset_ms: around.outer.offset_ms.saturating_add(offset_ms),
                range_ms: around.outer.range_ms.saturating_add(range_ms),
                at_ms: around.outer.at_ms,
                step_ms: Some(step_ms),
            },
        };
        // Resets between the steps of a subquery show in buckets.
        let use_of = HistogramUse { buckets: true, ..around.use_of };
        let inner = self.node(subquery.expr, Surroundings { outer, use_of, ..around })?;
        let expr = if inner.invariant { self.invariant(inner.id) } else { inner.id };
        let op = Op::Subquery(SubqueryPlan { expr, range_ms, step_ms, shift });
        Ok(Built { id: self.push(op, id), invariant: shift.at_ms.is_some(), wrap: false })
    }

    fn at_ms(&self, at: Option<At>) -> Option<i64> {
        match at? {
            At::Timestamp(at_ms) => Some(at_ms),
            At::Start => Some(self.options.steps.start_ms),
            At::End => Some(self.options.steps.end_ms),
        }
    }

    fn shift(&self, selector: &VectorSelector) -> Result<TimeShift, String> {
        let offset_ms = self.times.milliseconds(self.expr, selector.offset, true)?;
        Ok(TimeShift { at_ms: self.at_ms(selector.at), offset_ms })
    }

    /// Adds what a selector reads; the same as another one reads is read once.
    fn source(
        &mut self,
        id: NodeId,
        selector: &VectorSelector,
        range_ms: Option<i64>,
        around: Surroundings,
    ) -> Result<usize, String> {
        let range = self.needed(selector, range_ms, around.outer)?;
        let hints = SelectHints {
            function: around.function.to_owned(),
            step_ms: around.outer.step_ms.unwrap_or(self.options.query_step_ms),
            range_ms: range_ms.unwrap_or(0),
            limit: 0,
            labels_only: false,
        };
        let same = |source: &Source| {
            source.matchers == selector.matchers
                && source.hints.function == hints.function
                && source.hints.range_ms == hints.range_ms
                && source.hints.step_ms == hints.step_ms
        };
        if let Some(at) = self.sources.iter().position(same) {
            let known = &mut self.sources[at].range;
            known.start_ms = known.start_ms.min(range.start_ms);
            known.end_ms = known.end_ms.max(range.end_ms);
            return Ok(at);
        }
        let text = self.expr.text(id);
        self.sources.push(Source { matchers: selector.matchers.clone(), hints, range, text });
        Ok(self.sources.len() - 1)
    }

    /// The time that lookups need.
    fn looked_back(&self, shift: TimeShift, outer: Outer) -> TimeRange {
        let at = self.looked_at(shift, outer);
        TimeRange { start_ms: at.start_ms.saturating_sub(self.options.lookback_ms - 1), ..at }
    }

    /// The time that is looked at, lookbacks and ranges aside.
    fn looked_at(&self, shift: TimeShift, outer: Outer) -> TimeRange {
        let steps = self.options.steps;
        let (start_ms, end_ms) = match (shift.at_ms, outer.at_ms) {
            (Some(at_ms), _) => (at_ms, at_ms),
            (None, at_ms) => (
                at_ms.unwrap_or(steps.start_ms).saturating_sub(outer.offset_ms).saturating_sub(outer.range_ms),
                at_ms.unwrap_or(steps.end_ms).saturating_sub(outer.offset_ms),
            ),
        };
        TimeRange { start_ms: start_ms.saturating_sub(shift.offset_ms), end_ms: end_ms.saturating_sub(shift.offset_ms) }
    }

    /// The time from which a selector needs samples.
    fn needed(&self, selector: &VectorSelector, range_ms: Option<i64>, outer: Outer) -> Result<TimeRange, String> {
        let TimeRange { start_ms, mut end_ms } = self.looked_at(self.shift(selector)?, outer);
        let lookback_ms = self.options.lookback_ms;
        // The millisecond at the far end is outside, of lookbacks as of ranges.
        let back_ms = match (range_ms, selector.extension) {
            (None, _) => lookback_ms,
            (Some(range_ms), None) => range_ms,
            (Some(range_ms), Some(_)) => range_ms.saturating_add(lookback_ms),
        };
        if selector.extension == Some(Extension::Smoothed) {
            end_ms = end_ms.saturating_add(lookback_ms);
        }
        Ok(TimeRange { start_ms: start_ms.saturating_sub(back_ms - 1), end_ms })
    }
}

/// Functions whose value depends on the time of evaluation even when their arguments do not.
pub(crate) fn depends_on_time(function: FunctionId) -> bool {
    matches!(
        function,
        FunctionId::DaysInMonth
            | FunctionId::DayOfMonth
            | FunctionId::DayOfWeek
            | FunctionId::DayOfYear
            | FunctionId::Hour
            | FunctionId::Minute
            | FunctionId::Month
            | FunctionId::Year
            | FunctionId::PredictLinear
            | FunctionId::Time
            | FunctionId::Timestamp
            | FunctionId::End
            | FunctionId::Range
            | FunctionId::Start
            | FunctionId::Step
    )
}
