//! The grammar of expressions: recursive descent, precedence climbing for binary operators.
//!
//! The original is a generated parser whose messages depend on which of its rules catch errors. Here every function
//! that stands for such a rule turns [`Stop::Unexpected`] of what it called into the rule's message; others pass it on.

use std::ops::Range;

use metrics_model::Matcher;
use metrics_model::labels::Quoted;

use super::ParserOptions;
use super::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, DurationSpec, Expr, Extension, Node, NodeId, NodeKind, Number,
    StringLiteral, Unary, VectorSelector,
};
use super::error::{ParseError, ParseErrors};
use super::lexer::Lexer;
use super::text::{parse_number, unquote_bytes};
use super::token::{Keyword, Token, TokenKind};
use super::types;
use crate::functions::table::function;

/// Why parsing cannot go on here.
#[derive(Debug)]
pub(super) enum Stop {
    /// This token fits nowhere; nobody has complained yet.
    Unexpected(Token),
    /// The lexer cannot go on and has said so. To the rules around it this is the end of the text.
    Lexical,
    /// The complaint is made.
    Reported,
}

pub(super) type Parsed<T> = Result<T, Stop>;

/// The state of parsing one text.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) query: &'a str,
    pub(super) options: ParserOptions,
    lexer: Lexer<'a>,
    lookahead: Option<Token>,
    /// End of the last token that can close an expression.
    pub(super) last_closing: usize,
    pub(super) errors: Vec<ParseError>,
    pub(super) nodes: Vec<Node>,
    nesting: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(query: &'a str, options: ParserOptions) -> Self {
        Self {
            query,
            options,
            lexer: Lexer::new(query),
            lookahead: None,
            last_closing: 0,
            errors: Vec::new(),
            nodes: Vec::new(),
            nesting: 0,
        }
    }

    /// A text that is one expression.
    pub(super) fn expression_only(mut self) -> Result<Expr, ParseErrors> {
        let parsed = self.whole_expression();
        let root = self.finish(parsed)?;
        let findings = types::check(self.query, &mut self.nodes, root);
        for (range, message) in findings {
            self.report(range, message);
        }
        let depth = self.nodes[root.index()].depth as usize;
        if self.errors.is_empty() && depth > self.options.nesting_max {
            self.report(0..self.query.len(), self.too_deep());
        }
        if self.errors.is_empty() { Ok(Expr { nodes: self.nodes, root }) } else { Err(ParseErrors(self.errors)) }
    }

    /// A text that is one selector without modifiers.
    pub(super) fn selector_only(mut self) -> Result<Vec<Matcher>, ParseErrors> {
        let parsed = self.whole_selector();
        self.finish(parsed).map(|selector| selector.matchers)
    }

    fn whole_expression(&mut self) -> Parsed<NodeId> {
        if self.peek()?.kind == TokenKind::Eof {
            self.report(0..0, "no expression found in input".to_owned());
            return Err(Stop::Reported);
        }
        let root = self.expression(0)?;
        self.expect(TokenKind::Eof)?;
        Ok(root)
    }

    fn whole_selector(&mut self) -> Parsed<VectorSelector> {
        let first = self.peek()?;
        let selector = match first.kind {
            TokenKind::LeftBrace => self.selector(None)?.0,
            kind if is_metric_name(kind) => {
                self.next()?;
                self.selector(Some(first))?.0
            }
            _ => return Err(Stop::Unexpected(first)),
        };
        self.expect(TokenKind::Eof)?;
        Ok(selector)
    }

    /// The outermost rule: complains about whatever nobody else has caught.
    pub(super) fn finish<T>(&mut self, parsed: Parsed<T>) -> Result<T, ParseErrors> {
        match parsed {
            Ok(value) if self.errors.is_empty() => return Ok(value),
            Ok(_) | Err(Stop::Lexical | Stop::Reported) => {}
            Err(Stop::Unexpected(token)) => self.unexpected(token, "", ""),
        }
        Err(ParseErrors(std::mem::take(&mut self.errors)))
    }

    pub(super) fn report(&mut self, range: Range<usize>, message: String) {
        self.errors.push(ParseError::new(self.query, range, message));
    }

    pub(super) fn unexpected(&mut self, token: Token, context: &str, expected: &str) {
        let mut message = format!("unexpected {}", token.describe(self.query));
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.report(token.range(), message);
    }

    /// Complains in the words of one rule about what `parsed` stumbled over.
    pub(super) fn caught<T>(&mut self, parsed: Parsed<T>, context: &str, expected: &str) -> Parsed<T> {
        match parsed {
            Err(Stop::Unexpected(token)) => {
                self.unexpected(token, context, expected);
                Err(Stop::Reported)
            }
            Err(Stop::Lexical) => Err(Stop::Reported),
            other => other,
        }
    }

    /// The next token, left where it is.
    pub(super) fn peek(&mut self) -> Parsed<Token> {
        if let Some(token) = self.lookahead {
            return Ok(token);
        }
        match self.lexer.next_token() {
            Ok(token) => {
                self.lookahead = Some(token);
                Ok(token)
            }
            Err(error) => {
                self.report(error.start..self.query.len(), error.message);
                Err(Stop::Lexical)
            }
        }
    }

    pub(super) fn next(&mut self) -> Parsed<Token> {
        let token = self.peek()?;
        self.lookahead = None;
        if matches!(
            token.kind,
            TokenKind::RightBrace
                | TokenKind::RightParen
                | TokenKind::RightBracket
                | TokenKind::Duration
                | TokenKind::Number
        ) {
            self.last_closing = token.end;
        }
        Ok(token)
    }

    /// Takes the next token, which must be of this kind.
    pub(super) fn expect(&mut self, kind: TokenKind) -> Parsed<Token> {
        let token = self.peek()?;
        if token.kind == kind { self.next() } else { Err(Stop::Unexpected(token)) }
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn take(&mut self, kind: TokenKind) -> Parsed<Option<Token>> {
        if self.peek()?.kind == kind { self.next().map(Some) } else { Ok(None) }
    }

    fn too_deep(&self) -> String {
        format!("expression is nested more than {} levels deep", self.options.nesting_max)
    }

    /// Runs `parse` one level deeper, unless that is too deep.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= self.options.nesting_max {
            let token = self.peek()?;
            self.report(token.range(), self.too_deep());
            return Err(Stop::Reported);
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// Adds a node; its children are there already.
    pub(super) fn push(&mut self, kind: NodeKind, range: Range<usize>) -> NodeId {
        let value_type = types::type_of_kind(&self.nodes, &kind);
        let depth = self.depth_of(&kind);
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { kind, range, value_type, depth });
        id
    }

    /// How deep recursion over a node goes. A chain of operators that lean to the left is walked in a loop, so it
    /// counts once, however long it is.
    fn depth_of(&self, kind: &NodeKind) -> u32 {
        let depth = |id: NodeId| self.nodes[id.index()].depth;
        match kind {
            NodeKind::Binary(binary) => {
                let chained = matches!(self.nodes[binary.lhs.index()].kind, NodeKind::Binary(_));
                (depth(binary.lhs) + u32::from(!chained)).max(depth(binary.rhs) + 1)
            }
            NodeKind::Aggregate(aggregate) => 1 + depth(aggregate.expr).max(aggregate.param.map_or(0, depth)),
            NodeKind::Call(call) => 1 + call.args.iter().copied().map(depth).max().unwrap_or(0),
            NodeKind::Duration(arithmetic) => 1 + arithmetic.lhs.map_or(0, depth).max(arithmetic.rhs.map_or(0, depth)),
            NodeKind::Matrix(matrix) => 1 + self.spec_depth(matrix.range).max(depth(matrix.selector)),
            NodeKind::Subquery(subquery) => {
                let specs = [Some(subquery.range), subquery.step, Some(subquery.offset)];
                let deepest = specs.into_iter().flatten().map(|spec| self.spec_depth(spec)).max().unwrap_or(0);
                1 + depth(subquery.expr).max(deepest)
            }
            NodeKind::Paren(inner) => 1 + depth(*inner),
            NodeKind::Unary(unary) => 1 + depth(unary.expr),
            NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Vector(_) => 1,
        }
    }

    fn spec_depth(&self, spec: DurationSpec) -> u32 {
        match spec {
            DurationSpec::Fixed(_) => 0,
            DurationSpec::Computed(id) => self.nodes[id.index()].depth,
        }
    }

    /// An expression of operators that bind at least as strongly as `binding_min`.
    pub(super) fn expression(&mut self, binding_min: u8) -> Parsed<NodeId> {
        self.nested(|parser| {
            let mut left = parser.prefix()?;
            loop {
                let token = parser.peek()?;
                left = match token.kind {
                    TokenKind::LeftBracket => parser.brackets(left)?,
                    TokenKind::At => parser.at_modifier(left)?,
                    TokenKind::Keyword(Keyword::Offset) => parser.offset_modifier(left)?,
                    TokenKind::Keyword(Keyword::Anchored) => parser.extension(left, Extension::Anchored)?,
                    TokenKind::Keyword(Keyword::Smoothed) => parser.extension(left, Extension::Smoothed)?,
                    TokenKind::Operator(op) if op.precedence().0 >= binding_min => parser.binary(left, op)?,
                    _ => return Ok(left),
                };
            }
        })
    }

    fn binary(&mut self, lhs: NodeId, op: BinaryOp) -> Parsed<NodeId> {
        self.next()?;
        let (return_bool, matching) = self.binary_modifiers()?;
        let (binding, from_right) = op.precedence();
        let rhs = self.expression(binding + u8::from(!from_right))?;
        let range = self.nodes[lhs.index()].range.start..self.nodes[rhs.index()].range.end;
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if fills && !self.options.features.binop_fill_modifiers {
            self.report(range.clone(), "binop fill modifiers are experimental and not enabled".to_owned());
        }
        let binary = Binary { op, lhs, rhs, matching: Some(matching), return_bool };
        Ok(self.push(NodeKind::Binary(binary), range))
    }

    /// What can stand at the start of an expression.
    fn prefix(&mut self) -> Parsed<NodeId> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => self.unary(),
            TokenKind::Number | TokenKind::Duration => {
                self.next()?;
                let number = self.number(token);
                Ok(self.push(NodeKind::Number(number), token.range()))
            }
            TokenKind::String => {
                self.next()?;
                let literal = StringLiteral { bytes: unquote_bytes(&self.query[token.range()]) };
                Ok(self.push(NodeKind::String(literal), token.range()))
            }
            TokenKind::LeftParen => {
                self.next()?;
                let inner = self.expression(0)?;
                let end = self.expect(TokenKind::RightParen)?.end;
                Ok(self.push(NodeKind::Paren(inner), token.start..end))
            }
            TokenKind::LeftBrace => self.vector_selector(None),
            kind if is_metric_name(kind) => self.named(token),
            _ => Err(Stop::Unexpected(token)),
        }
    }

    fn unary(&mut self) -> Parsed<NodeId> {
        let sign = self.next()?;
        let negative = sign.kind == TokenKind::Operator(BinaryOp::Sub);
        // As strong as multiplication: only powers bind more.
        let expr = self.expression(BinaryOp::Pow.precedence().0)?;
        let node = &mut self.nodes[expr.index()];
        if let NodeKind::Number(number) = &mut node.kind {
            if negative {
                number.value = -number.value;
            }
            node.range.start = sign.start;
            return Ok(expr);
        }
        let range = sign.start..node.range.end;
        Ok(self.push(NodeKind::Unary(Unary { negative, expr }), range))
    }

    /// The value of a number or duration token.
    pub(super) fn number(&mut self, token: Token) -> Number {
        let text = &self.query[token.range()];
        if token.kind == TokenKind::Duration {
            let value = match metrics_model::duration::parse_duration(text) {
                Ok(duration) => duration.as_secs_f64(),
                Err(error) => {
                    self.report(token.range(), error.to_string());
                    0.0
                }
            };
            return Number { value, is_duration: true };
        }
        let value = parse_number(text).unwrap_or_else(|problem| {
            self.report(token.range(), format!("error parsing number: {problem}"));
            0.0
        });
        Number { value, is_duration: false }
    }

    /// A word: an aggregation, a function or a metric name, depending on what follows.
    fn named(&mut self, word: Token) -> Parsed<NodeId> {
        self.next()?;
        let following = self.peek()?.kind;
        let called = following == TokenKind::LeftParen;
        match word.kind {
            TokenKind::Aggregator(op)
                if called || matches!(following, TokenKind::Keyword(Keyword::By | Keyword::Without)) =>
            {
                self.aggregate(word, op)
            }
            TokenKind::Identifier if called => self.call(word),
            TokenKind::Keyword(keyword) if called && keyword.is_function() => self.call(word),
            _ => self.vector_selector(Some(word)),
        }
    }

    fn vector_selector(&mut self, name: Option<Token>) -> Parsed<NodeId> {
        let (selector, range) = self.selector(name)?;
        Ok(self.push(NodeKind::Vector(selector), range))
    }

    fn aggregate(&mut self, word: Token, op: AggregateOp) -> Parsed<NodeId> {
        let parsed = self.aggregate_parts();
        let nobody_complained = matches!(parsed, Err(Stop::Unexpected(_) | Stop::Lexical));
        let parsed = self.caught(parsed, "aggregation", "");
        if nobody_complained {
            let range = word.start..self.last_closing.max(word.start);
            self.report(range, "no arguments for aggregate expression provided".to_owned());
        }
        let (args, grouping, without) = parsed?;
        let range = word.start..self.last_closing;
        let placeholder =
            |parser: &mut Self| parser.push(NodeKind::Number(Number { value: 0.0, is_duration: false }), range.clone());
        let wanted = 1 + usize::from(op.takes_param());
        if args.is_empty() {
            self.report(range.clone(), "no arguments for aggregate expression provided".to_owned());
            return Ok(placeholder(self));
        }
        if op.is_experimental() && !self.options.features.experimental_functions {
            let name = op.as_str();
            let message = format!(
                "{name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            );
            self.report(range.clone(), message);
            return Ok(placeholder(self));
        }
        if args.len() != wanted {
            let given = args.len();
            let message =
                format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}");
            self.report(range.clone(), message);
            return Ok(placeholder(self));
        }
        let (param, expr) = if op.takes_param() { (Some(args[0]), args[1]) } else { (None, args[0]) };
        Ok(self.push(NodeKind::Aggregate(Aggregate { op, expr, param, grouping, without }), range))
    }

    /// What follows the name of an aggregation: arguments with the grouping before or behind them.
    fn aggregate_parts(&mut self) -> Parsed<(Vec<NodeId>, Vec<String>, bool)> {
        if let Some((grouping, without)) = self.grouping_clause()? {
            return Ok((self.call_body()?, grouping, without));
        }
        let args = self.call_body()?;
        let (grouping, without) = self.grouping_clause()?.unwrap_or_default();
        Ok((args, grouping, without))
    }

    fn grouping_clause(&mut self) -> Parsed<Option<(Vec<String>, bool)>> {
        let without = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::By) => false,
            TokenKind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next()?;
        Ok(Some((self.grouping_labels()?, without)))
    }

    fn call(&mut self, word: Token) -> Parsed<NodeId> {
        let args = self.call_body()?;
        let range = word.start..self.last_closing;
        let name = &self.query[word.range()];
        let Some(function) = function(name) else {
            self.report(word.range(), format!("unknown function with name {}", Quoted(name)));
            return Ok(self.push(NodeKind::Number(Number { value: 0.0, is_duration: false }), range));
        };
        if function.experimental && !self.options.features.experimental_functions {
            self.report(word.range(), format!("function {} is not enabled", Quoted(name)));
        }
        Ok(self.push(NodeKind::Call(Call { function, args }), range))
    }

    /// Arguments in parentheses.
    fn call_body(&mut self) -> Parsed<Vec<NodeId>> {
        self.expect(TokenKind::LeftParen)?;
        let mut args = Vec::new();
        if self.take(TokenKind::RightParen)?.is_some() {
            return Ok(args);
        }
        args.push(self.expression(0)?);
        while let Some(comma) = self.take(TokenKind::Comma)? {
            if starts_expression(self.peek()?.kind) {
                args.push(self.expression(0)?);
            } else {
                self.report(comma.range(), "trailing commas not allowed in function call args".to_owned());
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok(args)
    }
}

/// Kinds of tokens that can be a metric name where an expression starts.
pub(super) fn is_metric_name(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Identifier | TokenKind::MetricIdentifier | TokenKind::Aggregator(_) => true,
        TokenKind::Operator(op) => op.is_set(),
        TokenKind::Keyword(word) => {
            !matches!(word, Keyword::Bool | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Ignoring | Keyword::On)
        }
        _ => false,
    }
}

pub(super) fn starts_expression(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Number
            | TokenKind::Duration
            | TokenKind::String
            | TokenKind::LeftParen
            | TokenKind::LeftBrace
            | TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub)
    ) || is_metric_name(kind)
}

/// Rounds half away from zero; what does not fit becomes the smallest number, as the original's conversion has it.
pub(super) fn round_to_i64(value: f64) -> i64 {
    let rounded = value.round();
    if rounded.abs() < 9_223_372_036_854_775_808.0 { rounded as i64 } else { i64::MIN }
}
