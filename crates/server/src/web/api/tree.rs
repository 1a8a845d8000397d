//! The tree of an expression as `/parse_query` shows it.

use metrics_model::number::format_fixed;
use promql::functions::Variadic;
use promql::parser::ast::{At, Binary, DurationArithmetic, DurationSpec, Extension, VectorSelector};
use promql::parser::{Expr, NodeId, NodeKind};

use super::json::{Fields, Json};

/// Writes the node `id` of `expr` and all below it.
pub(crate) fn write(json: &mut Json, expr: &Expr, id: NodeId) {
    json.object(|fields| match &expr.node(id).kind {
        NodeKind::Aggregate(aggregate) => {
            fields.string("type", "aggregation");
            fields.string("op", aggregate.op.as_str());
            child(fields, "expr", expr, Some(aggregate.expr));
            child(fields, "param", expr, aggregate.param);
            fields.strings("grouping", &aggregate.grouping);
            fields.boolean("without", aggregate.without);
        }
        NodeKind::Binary(binary) => write_binary(fields, expr, binary),
        NodeKind::Call(call) => {
            fields.string("type", "call");
            fields.key("func").object(|fields| {
                fields.string("name", call.function.name);
                fields.strings("argTypes", call.function.args.iter().map(|kind| kind.as_str()));
                fields.integer("variadic", variadic(call.function.variadic));
                fields.string("returnType", call.function.returns.as_str());
            });
            fields.key("args").array(|elements| {
                for arg in &call.args {
                    write(elements.next(), expr, *arg);
                }
            });
        }
        NodeKind::Duration(arithmetic) => write_arithmetic(fields, expr, arithmetic),
        NodeKind::Matrix(matrix) => {
            fields.string("type", "matrixSelector");
            if let NodeKind::Vector(selector) = &expr.node(matrix.selector).kind {
                write_selector(fields, expr, selector);
            }
            write_duration(fields, "range", expr, matrix.range);
        }
        NodeKind::Subquery(subquery) => {
            fields.string("type", "subquery");
            child(fields, "expr", expr, Some(subquery.expr));
            write_duration(fields, "range", expr, subquery.range);
            write_duration(fields, "offset", expr, subquery.offset);
            write_duration(fields, "step", expr, subquery.step.unwrap_or(DurationSpec::Fixed(0)));
            write_at(fields, subquery.at);
        }
        NodeKind::Number(number) => {
            fields.string("type", "numberLiteral");
            fields.string("val", &format_fixed(number.value));
        }
        NodeKind::Paren(inner) => {
            fields.string("type", "parenExpr");
            child(fields, "expr", expr, Some(*inner));
        }
        NodeKind::String(literal) => {
            fields.string("type", "stringLiteral");
            fields.string("val", &literal.text());
        }
        NodeKind::Unary(unary) => {
            fields.string("type", "unaryExpr");
            fields.string("op", if unary.negative { "-" } else { "+" });
            child(fields, "expr", expr, Some(unary.expr));
        }
        NodeKind::Vector(selector) => {
            fields.string("type", "vectorSelector");
            write_selector(fields, expr, selector);
        }
    });
}

/// How many arguments more than listed: of the last one any number is -1.
fn variadic(variadic: Variadic) -> i64 {
    match variadic {
        Variadic::No => 0,
        Variadic::UpTo(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Variadic::Any => -1,
    }
}

fn child(fields: &mut Fields<'_>, name: &str, expr: &Expr, id: Option<NodeId>) {
    match id {
        Some(id) => write(fields.key(name), expr, id),
        None => fields.key(name).raw("null"),
    }
}

fn write_binary(fields: &mut Fields<'_>, expr: &Expr, binary: &Binary) {
    fields.string("type", "binaryExpr");
    fields.string("op", binary.op.as_str());
    child(fields, "lhs", expr, Some(binary.lhs));
    child(fields, "rhs", expr, Some(binary.rhs));
    let json = fields.key("matching");
    match &binary.matching {
        None => json.raw("null"),
        Some(matching) => json.object(|fields| {
            fields.string("card", matching.cardinality.as_str());
            fields.strings("labels", &matching.labels);
            fields.boolean("on", matching.on);
            fields.strings("include", &matching.include);
            fields.key("fillValues").object(|fields| {
                for (side, value) in [("lhs", matching.fill_left), ("rhs", matching.fill_right)] {
                    match value {
                        Some(value) => fields.float(side, value),
                        None => fields.key(side).raw("null"),
                    }
                }
            });
        }),
    }
    fields.boolean("bool", binary.return_bool);
}

fn write_selector(fields: &mut Fields<'_>, expr: &Expr, selector: &VectorSelector) {
    fields.string("name", selector.name.as_deref().unwrap_or(""));
    write_duration(fields, "offset", expr, selector.offset);
    fields.key("matchers").array(|elements| {
        for matcher in &selector.matchers {
            elements.object(|fields| {
                fields.string("name", matcher.name());
                fields.string("value", matcher.value());
                fields.string("type", matcher.op().as_str());
            });
        }
    });
    write_at(fields, selector.at);
    fields.boolean("anchored", selector.extension == Some(Extension::Anchored));
    fields.boolean("smoothed", selector.extension == Some(Extension::Smoothed));
}

fn write_at(fields: &mut Fields<'_>, at: Option<At>) {
    match at {
        Some(At::Timestamp(timestamp_ms)) => fields.integer("timestamp", timestamp_ms),
        Some(At::Start | At::End) | None => fields.key("timestamp").raw("null"),
    }
    match at {
        Some(At::Start) => fields.string("startOrEnd", "start"),
        Some(At::End) => fields.string("startOrEnd", "end"),
        Some(At::Timestamp(_)) | None => fields.key("startOrEnd").raw("null"),
    }
}

/// A literal in milliseconds. Arithmetic is not known before the query runs: it shows as 0, and as a tree beside.
fn write_duration(fields: &mut Fields<'_>, name: &str, expr: &Expr, duration: DurationSpec) {
    let (milliseconds, arithmetic) = match duration {
        DurationSpec::Fixed(nanoseconds) => (nanoseconds / 1_000_000, None),
        DurationSpec::Computed(id) => (0, Some(id)),
    };
    fields.integer(name, milliseconds);
    duration_child(fields, &format!("{name}Expr"), expr, arithmetic);
}

fn write_arithmetic(fields: &mut Fields<'_>, expr: &Expr, arithmetic: &DurationArithmetic) {
    fields.string("type", "durationExpr");
    fields.string("op", arithmetic.op.as_str());
    duration_child(fields, "lhs", expr, arithmetic.lhs);
    duration_child(fields, "rhs", expr, arithmetic.rhs);
    fields.boolean("wrapped", arithmetic.wrapped);
}

/// As [`child`]; a number within arithmetic says whether it was written as a duration.
fn duration_child(fields: &mut Fields<'_>, name: &str, expr: &Expr, id: Option<NodeId>) {
    let number = id.and_then(|id| match &expr.node(id).kind {
        NodeKind::Number(number) => Some(number),
        _ => None,
    });
    let Some(number) = number else { return child(fields, name, expr, id) };
    fields.key(name).object(|fields| {
        fields.string("type", "numberLiteral");
        fields.string("val", &format_fixed(number.value));
        fields.boolean("duration", number.is_duration);
    });
}
