//! Types: what each kind of node evaluates to, and the checks that need a whole tree.

use std::ops::Range;

use metrics_model::labels::Quoted;

use super::ast::{Aggregate, AggregateOp, Binary, Call, Cardinality, Node, NodeId, NodeKind, VectorSelector};
use super::lexer::is_space;
use crate::functions::FunctionId;
use crate::functions::table::Variadic;
use crate::value::ValueType;

/// The type of a node whose children are in `nodes` already.
pub(crate) fn type_of_kind(nodes: &[Node], kind: &NodeKind) -> ValueType {
    match kind {
        NodeKind::Aggregate(_) | NodeKind::Vector(_) => ValueType::Vector,
        NodeKind::Matrix(_) | NodeKind::Subquery(_) => ValueType::Matrix,
        NodeKind::Number(_) | NodeKind::Duration(_) => ValueType::Scalar,
        NodeKind::String(_) => ValueType::String,
        NodeKind::Call(call) => call.function.returns,
        NodeKind::Paren(inner) => nodes[inner.index()].value_type,
        NodeKind::Unary(unary) => nodes[unary.expr.index()].value_type,
        NodeKind::Binary(binary) => {
            let is_scalar = |id: NodeId| nodes[id.index()].value_type == ValueType::Scalar;
            if is_scalar(binary.lhs) && is_scalar(binary.rhs) { ValueType::Scalar } else { ValueType::Vector }
        }
    }
}

/// An error found by [`check`].
pub(crate) type Finding = (Range<usize>, String);

/// Checks the whole tree below `root`, and settles what depends on types: the matching of binary operators.
pub(crate) fn check(query: &str, nodes: &mut [Node], root: NodeId) -> Vec<Finding> {
    let mut checker = Checker { query, nodes, findings: Vec::new() };
    checker.run(root);
    checker.findings
}

struct Checker<'a> {
    query: &'a str,
    nodes: &'a mut [Node],
    findings: Vec<Finding>,
}

/// A step of the walk. The walk keeps its own stack, because trees can be deep, and reports in the original's order.
enum Step {
    /// Look at a node: complain about what does not depend on its children, then look at those.
    Enter(NodeId),
    /// All children are looked at.
    Leave(NodeId),
    /// The child at the first place is looked at: is its type the wanted one?
    Expect(NodeId, ValueType, String),
}

impl Checker<'_> {
    fn run(&mut self, root: NodeId) {
        let mut stack = vec![Step::Enter(root)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Enter(id) => self.enter(id, &mut stack),
                Step::Leave(id) => self.leave(id),
                Step::Expect(id, wanted, context) => {
                    let found = self.nodes[id.index()].value_type;
                    if found != wanted {
                        let message =
                            format!("expected type {} in {context}, got {}", wanted.documented(), found.documented());
                        self.report(id, message);
                    }
                }
            }
        }
    }

    fn report(&mut self, id: NodeId, message: String) {
        self.findings.push((self.nodes[id.index()].range.clone(), message));
    }

    fn enter(&mut self, id: NodeId, stack: &mut Vec<Step>) {
        let mut steps = Vec::new();
        match &self.nodes[id.index()].kind {
            NodeKind::Aggregate(aggregate) => steps = aggregate_steps(aggregate),
            NodeKind::Binary(binary) => {
                steps = vec![Step::Enter(binary.lhs), Step::Enter(binary.rhs), Step::Leave(id)];
            }
            NodeKind::Call(call) => {
                let call = call.clone();
                self.check_argument_count(id, &call);
                if call.function.id == FunctionId::Info {
                    self.check_info(id, &call);
                }
                steps = call_steps(&call);
            }
            NodeKind::Paren(inner) => steps.push(Step::Enter(*inner)),
            NodeKind::Unary(unary) => steps = vec![Step::Enter(unary.expr), Step::Leave(id)],
            NodeKind::Subquery(subquery) => steps = vec![Step::Enter(subquery.expr), Step::Leave(id)],
            NodeKind::Matrix(matrix) => steps.push(Step::Enter(matrix.selector)),
            NodeKind::Vector(selector) => {
                if let Some(message) = selector_problem(selector) {
                    self.report(id, message);
                }
            }
            NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Duration(_) => {}
        }
        stack.extend(steps.into_iter().rev());
    }

    fn leave(&mut self, id: NodeId) {
        match &self.nodes[id.index()].kind {
            NodeKind::Binary(binary) => {
                let mut binary = binary.clone();
                self.check_binary(id, &mut binary);
                self.nodes[id.index()].kind = NodeKind::Binary(binary);
            }
            NodeKind::Unary(unary) => {
                let found = self.nodes[unary.expr.index()].value_type;
                if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                        Quoted(found.documented())
                    );
                    self.report(id, message);
                }
            }
            NodeKind::Subquery(subquery) => {
                let found = self.nodes[subquery.expr.index()].value_type;
                if found != ValueType::Vector {
                    self.report(id, format!("subquery is only allowed on instant vector, got {found} instead"));
                }
            }
            _ => {}
        }
    }

    fn check_argument_count(&mut self, id: NodeId, call: &Call) {
        let (listed, given) = (call.function.args.len(), call.args.len());
        let name = Quoted(call.function.name);
        let message = match call.function.variadic {
            Variadic::No if listed != given => format!("expected {listed} argument(s) in call to {name}, got {given}"),
            Variadic::UpTo(_) | Variadic::Any if listed - 1 > given => {
                format!("expected at least {} argument(s) in call to {name}, got {given}", listed - 1)
            }
            Variadic::UpTo(more) if listed - 1 + more < given => {
                format!("expected at most {} argument(s) in call to {name}, got {given}", listed - 1 + more)
            }
            _ => return,
        };
        self.report(id, message);
    }

    /// The second argument of `info` is a selector for labels of info metrics, not an expression.
    fn check_info(&mut self, id: NodeId, call: &Call) {
        let Some(second) = call.args.get(1).copied() else { return };
        let found = self.nodes[second.index()].value_type;
        if found != ValueType::Vector {
            let wanted = ValueType::Vector.documented();
            self.report(id, format!("expected type {wanted} in call to function \"info\", got {}", found.documented()));
        }
        let problem = match &mut self.nodes[second.index()].kind {
            NodeKind::Vector(selector) if selector.name.is_some() => {
                "expected label selectors only, got vector selector instead"
            }
            NodeKind::Vector(selector) => {
                selector.matches_anything = true;
                return;
            }
            _ => "expected label selectors only",
        };
        self.report(second, problem.to_owned());
    }

    /// The operator with its modifiers, without blanks around.
    fn operator_range(&self, binary: &Binary) -> Range<usize> {
        let bytes = self.query.as_bytes();
        let blank = |at: usize| bytes.get(at).is_some_and(|byte| is_space(char::from(*byte)));
        let mut start = self.nodes[binary.lhs.index()].range.end;
        while blank(start) {
            start += 1;
        }
        // The original ends one byte early.
        let mut end = self.nodes[binary.rhs.index()].range.start.saturating_sub(1);
        while end > start && blank(end) {
            end -= 1;
        }
        start..end
    }

    fn check_binary(&mut self, id: NodeId, binary: &mut Binary) {
        let op = binary.op;
        let left = self.nodes[binary.lhs.index()].value_type;
        let right = self.nodes[binary.rhs.index()].value_type;
        let both = |wanted: ValueType| left == wanted && right == wanted;
        if binary.return_bool && !op.is_comparison() {
            let range = self.operator_range(binary);
            self.findings.push((range, "bool modifier can only be used on comparison operators".to_owned()));
        }
        if op.is_comparison() && !binary.return_bool && both(ValueType::Scalar) {
            let range = self.operator_range(binary);
            self.findings.push((range, "comparisons between scalars must use BOOL modifier".to_owned()));
        }
        self.check_include(binary);
        for (side, found) in [(binary.lhs, left), (binary.rhs, right)] {
            if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                self.report(side, message.to_owned());
            }
        }
        for message in settle_matching(binary, both(ValueType::Vector)) {
            self.report(id, message);
        }
        if (left == ValueType::Scalar || right == ValueType::Scalar) && op.is_set() {
            let name = Quoted(op.as_str());
            self.report(id, format!("set operator {name} not allowed in binary scalar expression"));
        }
    }

    fn check_include(&mut self, binary: &Binary) {
        let Some(matching) = binary.matching.as_ref().filter(|matching| matching.on) else { return };
        for label in &matching.labels {
            for _ in matching.include.iter().filter(|included| *included == label) {
                let message = format!("label {} must not occur in ON and GROUP clause at once", Quoted(label));
                let range = self.operator_range(binary);
                self.findings.push((range, message));
            }
        }
    }
}

fn aggregate_steps(aggregate: &Aggregate) -> Vec<Step> {
    let parameter = || "aggregation parameter".to_owned();
    let expr = aggregate.expr;
    let mut steps = vec![Step::Enter(expr), Step::Expect(expr, ValueType::Vector, "aggregation expression".to_owned())];
    if let Some(param) = aggregate.param {
        let wanted = if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
        steps.push(Step::Enter(param));
        steps.push(Step::Expect(param, wanted, parameter()));
    }
    steps
}

fn call_steps(call: &Call) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, arg) in call.args.iter().enumerate() {
        let listed = call.function.args.get(at);
        if listed.is_none() && call.function.variadic == Variadic::No {
            break;
        }
        let Some(wanted) = listed.or(call.function.args.last()) else { break };
        steps.push(Step::Enter(*arg));
        steps.push(Step::Expect(*arg, *wanted, format!("call to function {}", Quoted(call.function.name))));
    }
    steps
}

/// Decides how the sides match now that their types are known, and says what is wrong with how they should.
fn settle_matching(binary: &mut Binary, between_vectors: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(matching) = &mut binary.matching else { return problems };
    if binary.op.is_set() && matching.cardinality == Cardinality::OneToOne {
        matching.cardinality = Cardinality::ManyToMany;
    }
    let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
    if !between_vectors {
        if !matching.labels.is_empty() {
            problems.push("vector matching only allowed between instant vectors".to_owned());
        }
        if fills {
            problems.push("filling in missing series only allowed between instant vectors".to_owned());
        }
        binary.matching = None;
    } else if binary.op.is_set() {
        if matches!(matching.cardinality, Cardinality::OneToMany | Cardinality::ManyToOne) {
            problems.push(format!("no grouping allowed for {} operation", Quoted(binary.op.as_str())));
        }
        if matching.cardinality != Cardinality::ManyToMany {
            problems.push("set operations must always be many-to-many".to_owned());
        }
        if fills {
            problems.push("filling in missing series not allowed for set operators".to_owned());
        }
    }
    problems
}

/// A selector must not select everything by accident, nor name its metric twice.
fn selector_problem(selector: &VectorSelector) -> Option<String> {
    if let Some(name) = &selector.name {
        let others = &selector.matchers[..selector.matchers.len().saturating_sub(1)];
        let other = others.iter().find(|matcher| matcher.name() == metrics_model::name::METRIC_NAME)?;
        let (name, other) = (Quoted(name), Quoted(other.value()));
        return Some(format!("metric name must not be set twice: {name} or {other}"));
    }
    let selects_all = selector.matchers.iter().all(metrics_model::Matcher::matches_empty);
    (selects_all && !selector.matches_anything)
        .then(|| "vector selector must contain at least one non-empty matcher".to_owned())
}
