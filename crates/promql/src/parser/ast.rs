//! The tree: nodes in one list, children before their parents, the root last. So walks need no recursion where order
//! does not matter, and dropping a tree never recurses, however deep it is.

mod operators;

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use metrics_model::Matcher;
use metrics_model::matcher::MatchOp;
use metrics_model::name::METRIC_NAME;

use crate::functions::Function;
use crate::value::ValueType;

pub use operators::{AggregateOp, BinaryOp};

/// Where a node is in its [`Expr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A parsed and type-checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The bytes of the query it was read from.
    pub range: Range<usize>,
    /// The type of its value.
    pub value_type: ValueType,
    /// How deep evaluating it recurses.
    pub(crate) depth: u32,
}

/// The kinds of nodes.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// `sum by (job) (x)`
    Aggregate(Aggregate),
    /// `a + b`
    Binary(Binary),
    /// `rate(x[5m])`
    Call(Call),
    /// Arithmetic in a duration; only below ranges, steps and offsets.
    Duration(DurationArithmetic),
    /// `x[5m]`
    Matrix(Matrix),
    /// `x[5m:1m]`
    Subquery(Subquery),
    /// `1`, `5m`
    Number(Number),
    /// `(x)`
    Paren(NodeId),
    /// `"text"`
    String(StringLiteral),
    /// `-x`
    Unary(Unary),
    /// `x{job="node"}`
    Vector(VectorSelector),
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which one.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: NodeId,
    /// The parameter of those that take one.
    pub param: Option<NodeId>,
    /// Labels of the `by` or `without` clause.
    pub grouping: Vec<String>,
    /// Whether the clause is `without`.
    pub without: bool,
}

/// An operator between two expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// Which one.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: NodeId,
    /// Right operand.
    pub rhs: NodeId,
    /// How elements find each other; only between two vectors.
    pub matching: Option<VectorMatching>,
    /// Whether a comparison gives 0 or 1 instead of filtering.
    pub return_bool: bool,
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which function.
    pub function: &'static Function,
    /// Its arguments in order.
    pub args: Vec<NodeId>,
}

/// Arithmetic in a duration. Its leaves are [`NodeKind::Number`]s.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationArithmetic {
    /// The operator.
    pub op: DurationOp,
    /// Left operand; unary operators have none.
    pub lhs: Option<NodeId>,
    /// Right operand; `step()` and `range()` have none.
    pub rhs: Option<NodeId>,
    /// Whether it stands in parentheses.
    pub wrapped: bool,
}

/// Operators in durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationOp {
    /// `+`, also unary.
    Add,
    /// `-`, also unary.
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `min_of(a, b)`
    MinOf,
    /// `max_of(a, b)`
    MaxOf,
}

impl DurationOp {
    /// The operator as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Step => "step",
            Self::Range => "range",
            Self::MinOf => "min_of",
            Self::MaxOf => "max_of",
        }
    }
}

/// A range, step or offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationSpec {
    /// A literal, in nanoseconds; negative only in offsets.
    Fixed(i64),
    /// Arithmetic, known when the query's step and range are.
    Computed(NodeId),
}

impl DurationSpec {
    pub(crate) const ZERO: Self = Self::Fixed(0);

    pub(crate) fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

/// A range selector.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The [`NodeKind::Vector`] the range is of; it carries offset and `@`.
    pub selector: NodeId,
    /// How long.
    pub range: DurationSpec,
}

/// A subquery.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// What is evaluated at each of its steps.
    pub expr: NodeId,
    /// How long.
    pub range: DurationSpec,
    /// Its step; `None` means the engine's default.
    pub step: Option<DurationSpec>,
    /// `offset`
    pub offset: DurationSpec,
    /// `@`
    pub at: Option<At>,
}

/// The time of an `@` modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since the Unix epoch.
    Timestamp(i64),
    /// `start()` of the query.
    Start,
    /// `end()` of the query.
    End,
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// Its value; a duration's in seconds.
    pub value: f64,
    /// Whether it was written as a duration.
    pub is_duration: bool,
}

/// Bit for bit, so that `NaN` equals itself.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits() && self.is_duration == other.is_duration
    }
}

/// A text. Escapes can spell bytes that are not UTF-8, and printing gives them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringLiteral {
    /// What it stands for.
    pub bytes: Vec<u8>,
}

impl StringLiteral {
    /// The text, with replacement characters where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// A sign before an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unary {
    /// Whether it is a minus.
    pub negative: bool,
    /// What it is before.
    pub expr: NodeId,
}

/// A vector selector.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The metric name, when it stands before the braces; a matcher for it is then the last one.
    pub name: Option<String>,
    /// All conditions.
    pub matchers: Vec<Matcher>,
    /// `offset`
    pub offset: DurationSpec,
    /// `@`
    pub at: Option<At>,
    /// `anchored` or `smoothed`
    pub extension: Option<Extension>,
    /// Whether it may select everything: the second argument of `info`.
    pub matches_anything: bool,
}

/// How a range selector treats its borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The sample before the range counts as being at its start.
    Anchored,
    /// Values at both borders are interpolated.
    Smoothed,
}

impl Extension {
    /// The word as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

/// How elements of two vectors find each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectorMatching {
    /// How many on each side may match.
    pub cardinality: Cardinality,
    /// The labels of the `on` or `ignoring` clause.
    pub labels: Vec<String>,
    /// Whether the clause is `on`.
    pub on: bool,
    /// The labels that the "one" side gives to the result.
    pub include: Vec<String>,
    /// What stands in for a missing element of the left side.
    pub fill_left: Option<f64>,
    /// What stands in for a missing element of the right side.
    pub fill_right: Option<f64>,
}

/// How many elements on each side may match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cardinality {
    /// One and one.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

impl Cardinality {
    /// `one-to-one` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneToOne => "one-to-one",
            Self::ManyToOne => "many-to-one",
            Self::OneToMany => "one-to-many",
            Self::ManyToMany => "many-to-many",
        }
    }
}

impl Expr {
    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The type of the whole.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        self.type_of(self.root)
    }

    /// The type of a node.
    #[must_use]
    pub fn type_of(&self, id: NodeId) -> ValueType {
        self.node(id).value_type
    }

    /// The vector selectors of the expression, in the order they are written.
    pub fn selectors(&self) -> impl Iterator<Item = &VectorSelector> {
        let mut found: Vec<(usize, &VectorSelector)> = self
            .nodes
            .iter()
            .filter_map(|node| match &node.kind {
                NodeKind::Vector(selector) => Some((node.range.start, selector)),
                _ => None,
            })
            .collect();
        found.sort_by_key(|(start, _)| *start);
        found.into_iter().map(|(_, selector)| selector)
    }

    /// Changes the conditions of every vector selector. A selector whose metric name is not asked for any more loses it.
    pub fn edit_matchers(&mut self, mut change: impl FnMut(&mut Vec<Matcher>)) {
        for node in &mut self.nodes {
            let NodeKind::Vector(selector) = &mut node.kind else { continue };
            change(&mut selector.matchers);
            let is_name = |matcher: &Matcher| {
                matcher.name() == METRIC_NAME
                    && matcher.op() == MatchOp::Equal
                    && Some(matcher.value()) == selector.name.as_deref()
            };
            if !selector.matchers.iter().any(is_name) {
                selector.name = None;
            }
        }
    }

    /// The children of a node in the order the original lists them; arithmetic in durations is not among them.
    #[must_use]
    pub fn children(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).kind {
            NodeKind::Aggregate(aggregate) => [Some(aggregate.expr), aggregate.param].into_iter().flatten().collect(),
            NodeKind::Binary(binary) => vec![binary.lhs, binary.rhs],
            NodeKind::Call(call) => call.args.clone(),
            NodeKind::Matrix(matrix) => vec![matrix.selector],
            NodeKind::Subquery(subquery) => vec![subquery.expr],
            NodeKind::Paren(inner) => vec![*inner],
            NodeKind::Unary(unary) => vec![unary.expr],
            NodeKind::Duration(_) | NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Vector(_) => Vec::new(),
        }
    }
}

/// Nanoseconds as a duration without sign.
pub(crate) fn unsigned(nanoseconds: i64) -> Duration {
    Duration::from_nanos(nanoseconds.unsigned_abs())
}
