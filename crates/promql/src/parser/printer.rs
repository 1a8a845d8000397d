//! Tree to text in one line: the canonical form, which parses to the same tree.

use std::fmt::{self, Write};

use metrics_model::MatchOp;
use metrics_model::duration::format_duration;
use metrics_model::labels::Quoted;
use metrics_model::name::{METRIC_NAME, is_legacy_label_name};
use metrics_model::number::{format_fixed, format_general};

use super::ast::{
    Aggregate, At, Binary, Cardinality, DurationArithmetic, DurationOp, DurationSpec, Expr, Matrix, NodeId, NodeKind,
    Number, Subquery, VectorSelector, unsigned,
};
use super::text::quote_bytes;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.root)
    }
}

impl Expr {
    /// The canonical form of one part of the expression.
    #[must_use]
    pub fn text(&self, id: NodeId) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, id);
        text
    }

    pub(super) fn write(&self, out: &mut dyn Write, id: NodeId) -> fmt::Result {
        match &self.node(id).kind {
            NodeKind::Aggregate(aggregate) => {
                out.write_str(&aggregate_head(aggregate))?;
                out.write_str("(")?;
                if let Some(param) = aggregate.param {
                    self.write(out, param)?;
                    out.write_str(", ")?;
                }
                self.write(out, aggregate.expr)?;
                out.write_str(")")
            }
            NodeKind::Binary(_) => self.write_binary(out, id),
            NodeKind::Call(call) => {
                write!(out, "{}(", call.function.name)?;
                for (at, arg) in call.args.iter().enumerate() {
                    if at > 0 {
                        out.write_str(", ")?;
                    }
                    self.write(out, *arg)?;
                }
                out.write_str(")")
            }
            NodeKind::Duration(arithmetic) => self.write_duration(out, arithmetic),
            NodeKind::Matrix(matrix) => self.write_matrix(out, matrix),
            NodeKind::Subquery(subquery) => {
                self.write(out, subquery.expr)?;
                out.write_str(&self.subquery_suffix(subquery))
            }
            NodeKind::Number(number) => out.write_str(&number_text(*number)),
            NodeKind::Paren(inner) => {
                out.write_str("(")?;
                self.write(out, *inner)?;
                out.write_str(")")
            }
            NodeKind::String(literal) => out.write_str(&quote_bytes(&literal.bytes)),
            NodeKind::Unary(unary) => {
                out.write_str(if unary.negative { "-" } else { "+" })?;
                self.write(out, unary.expr)
            }
            NodeKind::Vector(selector) => {
                out.write_str(&selector_head(selector))?;
                out.write_str(&at_text(selector.at))?;
                if let Some(extension) = selector.extension {
                    write!(out, " {}", extension.as_str())?;
                }
                out.write_str(&self.offset_text(selector.offset))
            }
        }
    }

    /// Chains of operators lean to the left and can be long, so they are written in a loop.
    fn write_binary(&self, out: &mut dyn Write, id: NodeId) -> fmt::Result {
        let mut chain = Vec::new();
        let mut leftmost = id;
        while let NodeKind::Binary(binary) = &self.node(leftmost).kind {
            chain.push(binary);
            leftmost = binary.lhs;
        }
        self.write(out, leftmost)?;
        for binary in chain.into_iter().rev() {
            write!(out, " {} ", operator_text(binary))?;
            self.write(out, binary.rhs)?;
        }
        Ok(())
    }

    fn write_duration(&self, out: &mut dyn Write, arithmetic: &DurationArithmetic) -> fmt::Result {
        if arithmetic.wrapped {
            out.write_str("(")?;
        }
        let name = arithmetic.op.as_str();
        match (arithmetic.op, arithmetic.lhs, arithmetic.rhs) {
            (DurationOp::MinOf | DurationOp::MaxOf, Some(lhs), Some(rhs)) => {
                write!(out, "{name}(")?;
                self.write(out, lhs)?;
                out.write_str(", ")?;
                self.write(out, rhs)?;
                out.write_str(")")?;
            }
            (_, Some(lhs), Some(rhs)) => {
                self.write(out, lhs)?;
                write!(out, " {name} ")?;
                self.write(out, rhs)?;
            }
            (op, _, Some(rhs)) => {
                if op == DurationOp::Sub {
                    out.write_str(name)?;
                }
                self.write(out, rhs)?;
            }
            _ => write!(out, "{name}()")?,
        }
        if arithmetic.wrapped {
            out.write_str(")")?;
        }
        Ok(())
    }

    fn write_matrix(&self, out: &mut dyn Write, matrix: &Matrix) -> fmt::Result {
        let NodeKind::Vector(selector) = &self.node(matrix.selector).kind else {
            return self.write(out, matrix.selector);
        };
        write!(out, "{}[{}]", selector_head(selector), self.spec_text(matrix.range))?;
        if let Some(extension) = selector.extension {
            write!(out, " {}", extension.as_str())?;
        }
        out.write_str(&at_text(selector.at))?;
        out.write_str(&self.offset_text(selector.offset))
    }

    /// `[range:step] @ time offset duration`
    pub(super) fn subquery_suffix(&self, subquery: &Subquery) -> String {
        let step = subquery.step.map(|step| self.spec_text(step)).unwrap_or_default();
        let range = self.spec_text(subquery.range);
        format!("[{range}:{step}]{}{}", at_text(subquery.at), self.offset_text(subquery.offset))
    }

    fn spec_text(&self, spec: DurationSpec) -> String {
        match spec {
            DurationSpec::Fixed(nanoseconds) => format_duration(unsigned(nanoseconds)),
            DurationSpec::Computed(id) => self.text(id),
        }
    }

    fn offset_text(&self, offset: DurationSpec) -> String {
        match offset {
            DurationSpec::Fixed(0) => String::new(),
            DurationSpec::Fixed(nanoseconds) => {
                let sign = if nanoseconds < 0 { "-" } else { "" };
                format!(" offset {sign}{}", format_duration(unsigned(nanoseconds)))
            }
            DurationSpec::Computed(id) => format!(" offset {}", self.text(id)),
        }
    }
}

/// `sum by (job) ` without the arguments.
pub(super) fn aggregate_head(aggregate: &Aggregate) -> String {
    let name = aggregate.op.as_str();
    if aggregate.without {
        format!("{name} without ({}) ", labels_text(&aggregate.grouping))
    } else if aggregate.grouping.is_empty() {
        name.to_owned()
    } else {
        format!("{name} by ({}) ", labels_text(&aggregate.grouping))
    }
}

/// The operator with its modifiers.
pub(super) fn operator_text(binary: &Binary) -> String {
    let mut text = binary.op.as_str().to_owned();
    if binary.return_bool {
        text.push_str(" bool");
    }
    let Some(matching) = &binary.matching else { return text };
    let group = match matching.cardinality {
        Cardinality::ManyToOne => Some("group_left"),
        Cardinality::OneToMany => Some("group_right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        let clause = if matching.on { "on" } else { "ignoring" };
        text.push_str(&format!(" {clause} ({})", labels_text(&matching.labels)));
    }
    if let Some(group) = group {
        text.push_str(&format!(" {group} ({})", labels_text(&matching.include)));
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left == right => text.push_str(&format!(" fill ({})", format_general(left))),
        (left, right) => {
            for (name, value) in [("fill_left", left), ("fill_right", right)] {
                if let Some(value) = value {
                    text.push_str(&format!(" {name} ({})", format_general(value)));
                }
            }
        }
    }
    text
}

fn labels_text(labels: &[String]) -> String {
    let quoted = |label: &String| {
        if is_legacy_label_name(label) { label.clone() } else { Quoted(label).to_string() }
    };
    labels.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

fn number_text(number: Number) -> String {
    if !number.is_duration {
        return format_fixed(number.value);
    }
    // The original keeps whole nanoseconds and prints whole milliseconds.
    let nanoseconds = (number.value.abs() * 1e9) as i64;
    let sign = if number.value < 0.0 { "-" } else { "" };
    format!("{sign}{}", format_duration(unsigned(nanoseconds)))
}

fn at_text(at: Option<At>) -> String {
    match at {
        None => String::new(),
        Some(At::Start) => " @ start()".to_owned(),
        Some(At::End) => " @ end()".to_owned(),
        Some(At::Timestamp(milliseconds)) => format!(" @ {:.3}", milliseconds as f64 / 1000.0),
    }
}

/// Name and matchers, those in order of their text.
fn selector_head(selector: &VectorSelector) -> String {
    let name = selector.name.as_deref().unwrap_or_default();
    let repeats_name = |matcher: &&metrics_model::Matcher| {
        matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal && matcher.value() == name && !name.is_empty()
    };
    let mut matchers: Vec<String> =
        selector.matchers.iter().filter(|matcher| !repeats_name(matcher)).map(ToString::to_string).collect();
    if matchers.is_empty() {
        // Without a name there is at least a pair of braces to read back.
        return if name.is_empty() { "{}".to_owned() } else { name.to_owned() };
    }
    matchers.sort_unstable();
    format!("{name}{{{}}}", matchers.join(","))
}
