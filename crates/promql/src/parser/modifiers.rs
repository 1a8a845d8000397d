//! The grammar of what stands behind a selector: `@`, `anchored`, `smoothed`. Offsets are durations and with those.

use super::ast::{At, BinaryOp, DurationSpec, Extension, NodeId, NodeKind};
use super::grammar::{Parsed, Parser, Stop, round_to_i64};
use super::token::{Keyword, Token, TokenKind};

impl Parser<'_> {
    pub(super) fn at_modifier(&mut self, target: NodeId) -> Parsed<NodeId> {
        self.next()?;
        let parsed = self.at_value(target);
        let at = self.caught(parsed, "@", "timestamp")?;
        let end = self.last_closing;
        let range = self.nodes[target.index()].range.clone();
        let problem = match self.time_modifiers(target) {
            Err(problem) => Some(problem),
            Ok((slot, _)) if slot.is_some() => Some("@ <timestamp> may not be set multiple times"),
            Ok((slot, _)) => {
                *slot = Some(at);
                None
            }
        };
        match problem {
            Some("") => {
                let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a \
                               subquery";
                self.report(range, message.to_owned());
            }
            Some(problem) => self.report(range, problem.to_owned()),
            None => self.nodes[target.index()].range.end = end,
        }
        Ok(target)
    }

    /// The time behind an `@`.
    fn at_value(&mut self, target: NodeId) -> Parsed<At> {
        let mut token = self.next_or_unexpected()?;
        let preprocessor = match token.kind {
            TokenKind::Keyword(Keyword::Start) => Some(At::Start),
            TokenKind::Keyword(Keyword::End) => Some(At::End),
            _ => None,
        };
        if let Some(at) = preprocessor {
            self.expect(TokenKind::LeftParen)?;
            self.expect(TokenKind::RightParen)?;
            return Ok(at);
        }
        let negative = token.kind == TokenKind::Operator(BinaryOp::Sub);
        if negative || token.kind == TokenKind::Operator(BinaryOp::Add) {
            token = self.next_or_unexpected()?;
        }
        if !matches!(token.kind, TokenKind::Number | TokenKind::Duration) {
            return Err(Stop::Unexpected(token));
        }
        let value = self.number(token).value;
        let seconds = if negative { -value } else { value };
        // 2^63, the first number of seconds that does not fit.
        if seconds.is_nan() || seconds.abs() >= 9_223_372_036_854_775_808.0 {
            let shown = if seconds.is_finite() {
                format!("{seconds:.6}")
            } else {
                metrics_model::number::format_fixed(seconds)
            };
            let range = self.nodes[target.index()].range.clone();
            self.report(range, format!("timestamp out of bounds for @ modifier: {shown}"));
        }
        Ok(At::Timestamp(round_to_i64(seconds * 1000.0)))
    }

    fn next_or_unexpected(&mut self) -> Parsed<Token> {
        let token = self.peek()?;
        if token.kind == TokenKind::Eof { Err(Stop::Unexpected(token)) } else { self.next() }
    }

    /// Where a node keeps its `@` and offset. The error says why there is no such place; an empty one that this is not
    /// a kind of node with modifiers.
    pub(super) fn time_modifiers(
        &mut self,
        target: NodeId,
    ) -> Result<(&mut Option<At>, &mut DurationSpec), &'static str> {
        let holder = match &self.nodes[target.index()].kind {
            NodeKind::Matrix(matrix) => matrix.selector,
            _ => target,
        };
        let is_matrix = holder != target;
        match &mut self.nodes[holder.index()].kind {
            NodeKind::Vector(selector) => Ok((&mut selector.at, &mut selector.offset)),
            NodeKind::Subquery(subquery) if !is_matrix => Ok((&mut subquery.at, &mut subquery.offset)),
            _ if is_matrix => Err("ranges only allowed for vector selectors"),
            _ => Err(""),
        }
    }

    pub(super) fn extension(&mut self, target: NodeId, extension: Extension) -> Parsed<NodeId> {
        self.next()?;
        let word = extension.as_str();
        let range = self.nodes[target.index()].range.clone();
        if !self.options.features.extended_range_selectors {
            self.report(range, format!("{word} modifier is experimental and not enabled"));
            return Ok(target);
        }
        let holder = match &self.nodes[target.index()].kind {
            NodeKind::Matrix(matrix) => matrix.selector,
            _ => target,
        };
        let problem = match &mut self.nodes[holder.index()].kind {
            NodeKind::Vector(selector) => {
                let both = selector.extension.is_some_and(|other| other != extension);
                selector.extension = Some(extension);
                both.then(|| "anchored and smoothed modifiers cannot be used together".to_owned())
            }
            NodeKind::Subquery(_) if holder == target => {
                Some(format!("{word} modifier is not supported for subqueries"))
            }
            _ if holder != target => None,
            _ => Some(format!("{word} modifier not implemented")),
        };
        if let Some(problem) = problem {
            self.report(range, problem);
        }
        Ok(target)
    }
}
