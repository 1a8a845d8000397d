//! Tree to text in several lines, for people: what does not fit a line is split, two blanks a level.

use super::ast::{Expr, NodeId, NodeKind};
use super::printer::{aggregate_head, operator_text};

/// Longer parts are split.
const LINE_MAX: usize = 100;

impl Expr {
    /// The form of `format_query`: several lines where the canonical form is longer than 100 characters.
    #[must_use]
    pub fn pretty(&self) -> String {
        self.pretty_within(LINE_MAX)
    }

    /// The form of `format_query` for lines of other lengths.
    #[must_use]
    pub fn pretty_within(&self, line_max: usize) -> String {
        Pretty { expr: self, line_max }.node(self.root, 0)
    }
}

struct Pretty<'a> {
    expr: &'a Expr,
    line_max: usize,
}

impl Pretty<'_> {
    fn node(&self, id: NodeId, level: usize) -> String {
        let margin = indent(level);
        let text = self.expr.text(id);
        let fits = text.len() <= self.line_max;
        match &self.expr.node(id).kind {
            NodeKind::Unary(unary) => {
                let child = self.node(unary.expr, level);
                let sign = if unary.negative { "-" } else { "+" };
                format!("{margin}{sign}{}", child.trim())
            }
            // The original does not indent a subquery that fits its line.
            NodeKind::Subquery(_) if fits => text,
            NodeKind::Subquery(subquery) => {
                format!("{}{}", self.node(subquery.expr, level), self.expr.subquery_suffix(subquery))
            }
            _ if fits => format!("{margin}{text}"),
            NodeKind::Aggregate(aggregate) => {
                let param = aggregate.param.map(|param| format!("{},\n", self.node(param, level + 1)));
                let head = aggregate_head(aggregate);
                let body = self.node(aggregate.expr, level + 1);
                format!("{margin}{head}(\n{}{body}\n{margin})", param.unwrap_or_default())
            }
            NodeKind::Binary(_) => self.binary(id, level),
            NodeKind::Call(call) => {
                let args: Vec<String> = call.args.iter().map(|arg| self.node(*arg, level + 1)).collect();
                format!("{margin}{}(\n{}\n{margin})", call.function.name, args.join(",\n"))
            }
            NodeKind::Paren(inner) => format!("{margin}(\n{}\n{margin})", self.node(*inner, level + 1)),
            NodeKind::Duration(_)
            | NodeKind::Matrix(_)
            | NodeKind::Number(_)
            | NodeKind::String(_)
            | NodeKind::Vector(_) => format!("{margin}{text}"),
        }
    }

    /// A chain of operators that does not fit its line. Each step to the left is a level deeper, until the rest fits.
    fn binary(&self, id: NodeId, level: usize) -> String {
        let mut tails = Vec::new();
        let mut at = id;
        let mut depth = level;
        while let NodeKind::Binary(binary) = &self.expr.node(at).kind {
            if self.expr.text(at).len() <= self.line_max {
                break;
            }
            let margin = indent(depth);
            tails.push(format!("\n{margin}{}\n{}", operator_text(binary), self.node(binary.rhs, depth + 1)));
            at = binary.lhs;
            depth += 1;
        }
        let mut text = self.node(at, depth);
        for tail in tails.into_iter().rev() {
            text.push_str(&tail);
        }
        text
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}
