//! The grammar of what stands in braces and behind operators: matchers, groupings, matching modifiers.

use std::ops::Range;

use metrics_model::labels::Quoted;
use metrics_model::name::METRIC_NAME;
use metrics_model::{MatchOp, Matcher};

use super::ast::{BinaryOp, Cardinality, DurationSpec, VectorMatching, VectorSelector};
use super::grammar::{Parsed, Parser, Stop, starts_expression};
use super::text::unquote;
use super::token::{Keyword, Token, TokenKind};

impl Parser<'_> {
    /// A selector whose name, if it has one, is read; braces follow or, behind a name, not.
    pub(super) fn selector(&mut self, name: Option<Token>) -> Parsed<(VectorSelector, Range<usize>)> {
        let mut range = match name {
            Some(token) => token.range(),
            None => self.peek()?.range(),
        };
        let mut matchers = Vec::new();
        if self.peek()?.kind == TokenKind::LeftBrace {
            self.next()?;
            let parsed = self.matchers();
            matchers = self.caught(parsed, "label matching", "identifier or \"}\"")?;
            range.end = self.expect(TokenKind::RightBrace)?.end;
        }
        let name = name.map(|token| self.query[token.range()].to_owned());
        if let Some(name) = &name {
            matchers.push(Matcher::equal(METRIC_NAME, name));
        }
        let selector = VectorSelector {
            name,
            matchers,
            offset: DurationSpec::ZERO,
            at: None,
            extension: None,
            matches_anything: false,
        };
        Ok((selector, range))
    }

    /// Matchers up to, and without, the closing brace.
    fn matchers(&mut self) -> Parsed<Vec<Matcher>> {
        let mut matchers = Vec::new();
        while self.peek()?.kind != TokenKind::RightBrace {
            matchers.extend(self.matcher()?);
            let token = self.peek()?;
            match token.kind {
                TokenKind::Comma => self.next()?,
                TokenKind::RightBrace => break,
                _ => return self.caught(Err(Stop::Unexpected(token)), "label matching", "\",\" or \"}\""),
            };
        }
        Ok(matchers)
    }

    /// One matcher; `None` when its pattern is invalid, which is reported.
    fn matcher(&mut self) -> Parsed<Option<Matcher>> {
        const CONTEXT: &str = "label matching";
        let label = self.peek()?;
        let name = match label.kind {
            TokenKind::Identifier => self.query[label.range()].to_owned(),
            TokenKind::String => unquote(&self.query[label.range()]),
            _ => return self.caught(Err(Stop::Unexpected(label)), CONTEXT, "identifier or \"}\""),
        };
        self.next()?;
        let operator = self.peek()?;
        let op = match operator.kind {
            TokenKind::Equal => MatchOp::Equal,
            TokenKind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            TokenKind::EqualRegex => MatchOp::Regex,
            TokenKind::NotRegex => MatchOp::NotRegex,
            // A string alone is the metric name.
            _ if label.kind == TokenKind::String => return Ok(Some(Matcher::equal(METRIC_NAME, &name))),
            _ => return self.caught(Err(Stop::Unexpected(operator)), CONTEXT, "label matching operator"),
        };
        self.next()?;
        let parsed = self.expect(TokenKind::String);
        let value = self.caught(parsed, CONTEXT, "string")?;
        match Matcher::new(&name, op, &unquote(&self.query[value.range()])) {
            Ok(matcher) => Ok(Some(matcher)),
            Err(error) => {
                self.report(label.start..value.end, pattern_problem(&error));
                Ok(None)
            }
        }
    }

    /// Labels in parentheses, behind `by`, `on` and their like.
    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        let parsed = self.grouping_list();
        self.caught(parsed, "grouping opts", "label")
    }

    fn grouping_list(&mut self) -> Parsed<Vec<String>> {
        const CONTEXT: &str = "grouping opts";
        let parsed = self.expect(TokenKind::LeftParen);
        self.caught(parsed, CONTEXT, "\"(\"")?;
        let mut labels = Vec::new();
        while self.take(TokenKind::RightParen)?.is_none() {
            labels.push(self.grouping_label()?);
            let token = self.peek()?;
            match token.kind {
                TokenKind::Comma => {
                    self.next()?;
                }
                TokenKind::RightParen => {}
                _ => return self.caught(Err(Stop::Unexpected(token)), CONTEXT, "\",\" or \")\""),
            }
        }
        Ok(labels)
    }

    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.peek()?;
        let label = match token.kind {
            TokenKind::String => unquote(&self.query[token.range()]),
            // The only word that is none here, as in the original.
            TokenKind::Keyword(Keyword::Without) => {
                return self.caught(Err(Stop::Unexpected(token)), "grouping opts", "label");
            }
            TokenKind::Identifier
            | TokenKind::MetricIdentifier
            | TokenKind::Aggregator(_)
            | TokenKind::Keyword(_)
            | TokenKind::Operator(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::Atan2) => {
                self.query[token.range()].to_owned()
            }
            _ => return self.caught(Err(Stop::Unexpected(token)), "grouping opts", "label"),
        };
        self.next()?;
        if label.is_empty() {
            self.report(token.range(), format!("invalid label name for grouping: {}", Quoted(&label)));
        }
        Ok(label)
    }

    /// What can stand between an operator and its right side.
    pub(super) fn binary_modifiers(&mut self) -> Parsed<(bool, VectorMatching)> {
        let mut matching = VectorMatching::default();
        let return_bool = self.take(TokenKind::Keyword(Keyword::Bool))?.is_some();
        let clause = self.peek()?.kind;
        if let TokenKind::Keyword(word @ (Keyword::On | Keyword::Ignoring)) = clause {
            self.next()?;
            matching.on = word == Keyword::On;
            matching.labels = self.grouping_labels()?;
            self.group_modifier(&mut matching)?;
        }
        self.fill_modifiers(&mut matching)?;
        Ok((return_bool, matching))
    }

    fn group_modifier(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        matching.cardinality = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            TokenKind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.next()?;
        let token = self.peek()?;
        match token.kind {
            TokenKind::LeftParen => matching.include = self.grouping_labels()?,
            kind if starts_expression(kind) => {}
            _ => return self.caught(Err(Stop::Unexpected(token)), "grouping opts", "\"(\""),
        }
        Ok(())
    }

    fn fill_modifiers(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        match self.peek()?.kind {
            TokenKind::Keyword(Keyword::Fill) => {
                self.next()?;
                let value = self.fill_value()?;
                (matching.fill_left, matching.fill_right) = (Some(value), Some(value));
            }
            TokenKind::Keyword(Keyword::FillLeft) => {
                self.next()?;
                matching.fill_left = Some(self.fill_value()?);
                if self.take(TokenKind::Keyword(Keyword::FillRight))?.is_some() {
                    matching.fill_right = Some(self.fill_value()?);
                }
            }
            TokenKind::Keyword(Keyword::FillRight) => {
                self.next()?;
                matching.fill_right = Some(self.fill_value()?);
                if self.take(TokenKind::Keyword(Keyword::FillLeft))?.is_some() {
                    matching.fill_left = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A number with an optional sign, in parentheses.
    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect(TokenKind::LeftParen)?;
        let sign = match self.peek()?.kind {
            TokenKind::Operator(BinaryOp::Sub) => -1.0,
            TokenKind::Operator(BinaryOp::Add) => 1.0,
            _ => 0.0,
        };
        if sign != 0.0 {
            self.next()?;
        }
        let token = self.peek()?;
        if !matches!(token.kind, TokenKind::Number | TokenKind::Duration) {
            return Err(Stop::Unexpected(token));
        }
        self.next()?;
        let value = self.number(token).value;
        self.expect(TokenKind::RightParen)?;
        Ok(if sign < 0.0 { -value } else { value })
    }
}

fn pattern_problem(error: &metrics_model::matcher::PatternError) -> String {
    error.to_string()
}
