//! The grammar of durations: ranges and steps in brackets, offsets, and arithmetic in both.

use super::ast::{BinaryOp, DurationArithmetic, DurationOp, DurationSpec, Matrix, NodeId, NodeKind, Number, Subquery};
use super::grammar::{Parsed, Parser, Stop, round_to_i64};
use super::token::{Keyword, Token, TokenKind};

const NANOSECONDS: f64 = 1e9;

/// 2^63 nanoseconds in seconds: literals beyond do not fit the original's durations.
const SECONDS_MAX: f64 = 9_223_372_036_854_775_808.0 / NANOSECONDS;

impl Parser<'_> {
    /// A range or subquery behind `target`.
    pub(super) fn brackets(&mut self, target: NodeId) -> Parsed<NodeId> {
        let open = self.next()?;
        let parsed = self.positive_duration();
        let range = self.caught(parsed, "subquery or range selector", "number, duration, step(), or range()")?;
        let token = self.peek()?;
        match token.kind {
            TokenKind::RightBracket => {
                let close = self.next()?;
                Ok(self.range_selector(target, range, open.start..close.end))
            }
            TokenKind::Colon => {
                self.next()?;
                self.subquery(target, range)
            }
            _ => self.caught(Err(Stop::Unexpected(token)), "subquery or range", "\":\" or \"]\""),
        }
    }

    fn range_selector(&mut self, selector: NodeId, range: DurationSpec, brackets: std::ops::Range<usize>) -> NodeId {
        let problem = match &self.nodes[selector.index()].kind {
            NodeKind::Vector(vector) if !vector.offset.is_zero() => Some("no offset modifiers allowed before range"),
            NodeKind::Vector(vector) if vector.at.is_some() => Some("no @ modifiers allowed before range"),
            NodeKind::Vector(_) => None,
            _ => Some("ranges only allowed for vector selectors"),
        };
        if let Some(problem) = problem {
            self.report(brackets.clone(), problem.to_owned());
        }
        let start = self.nodes[selector.index()].range.start;
        self.push(NodeKind::Matrix(Matrix { selector, range }), start..brackets.end)
    }

    /// The rest of a subquery behind its colon.
    fn subquery(&mut self, expr: NodeId, range: DurationSpec) -> Parsed<NodeId> {
        const CONTEXT: &str = "subquery selector";
        let mut step = None;
        if self.peek()?.kind != TokenKind::RightBracket {
            let parsed = self.positive_duration();
            step = Some(self.caught(parsed, CONTEXT, "number, duration, step(), range(), or \"]\"")?);
        }
        let parsed = self.expect(TokenKind::RightBracket);
        let close = self.caught(parsed, CONTEXT, "\"]\"")?;
        let start = self.nodes[expr.index()].range.start;
        // A step of no time is no step.
        let step = step.filter(|step| !step.is_zero());
        let subquery = Subquery { expr, range, step, offset: DurationSpec::ZERO, at: None };
        Ok(self.push(NodeKind::Subquery(subquery), start..close.end))
    }

    pub(super) fn offset_modifier(&mut self, target: NodeId) -> Parsed<NodeId> {
        self.next()?;
        let parsed = self.offset_duration();
        let duration = self.caught(parsed, "offset", "number, duration, step(), or range()")?;
        let offset = self.spec(duration);
        let end = self.last_closing;
        let range = self.nodes[target.index()].range.clone();
        let problem = match self.time_modifiers(target) {
            Err("") => Some(
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            ),
            Err(problem) => Some(problem),
            Ok((_, slot)) if slot.is_zero() => {
                *slot = offset;
                None
            }
            Ok(_) => Some("offset may not be set multiple times"),
        };
        if let Some(problem) = problem {
            self.report(range, problem.to_owned());
        } else {
            self.nodes[target.index()].range.end = end;
        }
        Ok(target)
    }

    /// What a parsed duration comes to.
    fn spec(&self, duration: NodeId) -> DurationSpec {
        match &self.nodes[duration.index()].kind {
            NodeKind::Number(number) => DurationSpec::Fixed(round_to_i64(number.value * NANOSECONDS)),
            _ => DurationSpec::Computed(duration),
        }
    }

    fn positive_duration(&mut self) -> Parsed<DurationSpec> {
        let duration = self.duration(0)?;
        let node = &self.nodes[duration.index()];
        if let NodeKind::Number(number) = &node.kind
            && number.value <= 0.0
        {
            self.report(node.range.clone(), "duration must be greater than 0".to_owned());
            return Ok(DurationSpec::ZERO);
        }
        Ok(self.spec(duration))
    }

    /// A duration behind `offset`. Unlike in brackets, a literal or call stands for itself, so that
    /// `x offset 5m * 2` multiplies `x`.
    fn offset_duration(&mut self) -> Parsed<NodeId> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                let sign = self.next()?;
                match self.peek()?.kind {
                    TokenKind::Operator(_) => {
                        let operand = self.duration(BinaryOp::Pow.precedence().0)?;
                        let signed = self.signed_duration(sign, operand);
                        self.duration_operators(signed, 0)
                    }
                    TokenKind::LeftParen => {
                        let operand = self.duration_atom()?;
                        Ok(self.signed_duration(sign, operand))
                    }
                    TokenKind::Number | TokenKind::Duration => {
                        let operand = self.next()?;
                        let operand = self.duration_literal(operand, sign);
                        Ok(self.signed_duration(sign, operand))
                    }
                    _ => {
                        let operand = self.duration_atom()?;
                        Ok(self.signed_duration(sign, operand))
                    }
                }
            }
            TokenKind::LeftParen => {
                let inner = self.duration_atom()?;
                self.duration_operators(inner, 0)
            }
            _ => self.duration_atom(),
        }
    }

    /// Arithmetic of operators that bind at least as strongly as `binding_min`.
    fn duration(&mut self, binding_min: u8) -> Parsed<NodeId> {
        self.nested(|parser| {
            let token = parser.peek()?;
            let left = match token.kind {
                TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                    let sign = parser.next()?;
                    let operand = parser.duration(BinaryOp::Pow.precedence().0)?;
                    parser.signed_duration(sign, operand)
                }
                _ => parser.duration_atom()?,
            };
            parser.duration_operators(left, binding_min)
        })
    }

    fn duration_operators(&mut self, mut left: NodeId, binding_min: u8) -> Parsed<NodeId> {
        loop {
            let token = self.peek()?;
            let TokenKind::Operator(operator) = token.kind else { return Ok(left) };
            let op = match operator {
                BinaryOp::Add => DurationOp::Add,
                BinaryOp::Sub => DurationOp::Sub,
                BinaryOp::Mul => DurationOp::Mul,
                BinaryOp::Div => DurationOp::Div,
                BinaryOp::Mod => DurationOp::Mod,
                BinaryOp::Pow => DurationOp::Pow,
                _ => return Ok(left),
            };
            let (binding, from_right) = operator.precedence();
            if binding < binding_min {
                return Ok(left);
            }
            self.next()?;
            let right = self.duration(binding + u8::from(!from_right))?;
            left = self.duration_binary(token, op, left, right);
        }
    }

    fn duration_binary(&mut self, operator: Token, op: DurationOp, lhs: NodeId, rhs: NodeId) -> NodeId {
        self.require_arithmetic(lhs);
        let divisor_is_zero = match (op, &self.nodes[rhs.index()].kind) {
            (DurationOp::Div | DurationOp::Mod, NodeKind::Number(number)) => number.value == 0.0,
            _ => false,
        };
        if divisor_is_zero {
            let what = if op == DurationOp::Div { "division" } else { "modulo" };
            self.report(operator.range(), format!("{what} by zero"));
            return self.zero();
        }
        let range = self.nodes[lhs.index()].range.start..self.nodes[rhs.index()].range.end;
        let arithmetic = DurationArithmetic { op, lhs: Some(lhs), rhs: Some(rhs), wrapped: false };
        self.push(NodeKind::Duration(arithmetic), range)
    }

    /// A literal, a call or a parenthesis.
    fn duration_atom(&mut self) -> Parsed<NodeId> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                self.next()?;
                Ok(self.duration_literal(token, token))
            }
            TokenKind::Keyword(word @ (Keyword::Step | Keyword::Range)) => {
                self.next()?;
                self.expect(TokenKind::LeftParen)?;
                let end = self.expect(TokenKind::RightParen)?.end;
                let op = if word == Keyword::Step { DurationOp::Step } else { DurationOp::Range };
                let arithmetic = DurationArithmetic { op, lhs: None, rhs: None, wrapped: false };
                let id = self.push(NodeKind::Duration(arithmetic), token.start..end);
                self.require_arithmetic(id);
                Ok(id)
            }
            TokenKind::Keyword(word @ (Keyword::MinOf | Keyword::MaxOf)) => {
                self.next()?;
                self.expect(TokenKind::LeftParen)?;
                let lhs = self.duration(0)?;
                self.expect(TokenKind::Comma)?;
                let rhs = self.duration(0)?;
                self.expect(TokenKind::RightParen)?;
                let op = if word == Keyword::MinOf { DurationOp::MinOf } else { DurationOp::MaxOf };
                let arithmetic = DurationArithmetic { op, lhs: Some(lhs), rhs: Some(rhs), wrapped: false };
                let range = self.nodes[lhs.index()].range.start..self.nodes[rhs.index()].range.end;
                let id = self.push(NodeKind::Duration(arithmetic), range);
                self.require_arithmetic(id);
                Ok(id)
            }
            TokenKind::LeftParen => {
                self.next()?;
                let inner = self.duration(0)?;
                self.expect(TokenKind::RightParen)?;
                self.require_arithmetic(inner);
                Ok(self.wrapped(inner, token.start))
            }
            _ => Err(Stop::Unexpected(token)),
        }
    }

    /// A number or duration; one that is too large is reported at `blamed`.
    fn duration_literal(&mut self, token: Token, blamed: Token) -> NodeId {
        let number = self.number(token);
        if number.value.abs() > SECONDS_MAX {
            self.report(blamed.range(), "duration out of range".to_owned());
            return self.zero();
        }
        self.push(NodeKind::Number(number), token.range())
    }

    /// Marks a duration as standing in parentheses. A literal has no place for the mark, so it gets a plus sign that
    /// is never printed.
    fn wrapped(&mut self, inner: NodeId, start: usize) -> NodeId {
        let node = &mut self.nodes[inner.index()];
        if let NodeKind::Duration(arithmetic) = &mut node.kind {
            arithmetic.wrapped = true;
            return inner;
        }
        let range = start..node.range.end;
        let plus = DurationArithmetic { op: DurationOp::Add, lhs: None, rhs: Some(inner), wrapped: true };
        self.push(NodeKind::Duration(plus), range)
    }

    fn signed_duration(&mut self, sign: Token, operand: NodeId) -> NodeId {
        let negative = sign.kind == TokenKind::Operator(BinaryOp::Sub);
        let node = &mut self.nodes[operand.index()];
        if let NodeKind::Number(number) = &mut node.kind {
            if negative {
                number.value = -number.value;
            }
            node.range.start = sign.start;
            return operand;
        }
        if !negative {
            return operand;
        }
        let range = sign.start..node.range.end;
        let minus = DurationArithmetic { op: DurationOp::Sub, lhs: None, rhs: Some(operand), wrapped: false };
        self.push(NodeKind::Duration(minus), range)
    }

    fn require_arithmetic(&mut self, at: NodeId) {
        if !self.options.features.duration_expressions {
            let range = self.nodes[at.index()].range.clone();
            self.report(range, "experimental duration expression is not enabled".to_owned());
        }
    }

    /// What stands for a duration that is complained about.
    fn zero(&mut self) -> NodeId {
        self.push(NodeKind::Number(Number { value: 0.0, is_duration: false }), 0..0)
    }
}
