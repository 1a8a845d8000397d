//! What stands inside an action: pipelines, commands, operands.

use super::super::node::Command;
use super::super::number;
use super::{Number, Operand, Parsed, Parser, Pipe, Term, Token, TokenKind, quote, unquote};

impl<'t> Parser<'t> {
    /// Declarations and commands up to `end`, which is taken too.
    pub(super) fn parse_pipeline(&mut self, context: &str, end: TokenKind) -> Parsed<Pipe> {
        let at = self.peek_non_space().at;
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.parse_declarations(&mut pipe, context)?;
        loop {
            let token = self.take_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Complex
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Identifier
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::String
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    self.next -= 1;
                    pipe.commands.push(self.parse_command()?);
                }
                _ => return self.unexpected(token, context),
            }
        }
    }

    /// `$x :=`, `$x =`, in ranges also `$i, $x :=`.
    fn parse_declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != TokenKind::Variable {
                return Ok(());
            }
            let before = self.next;
            self.take();
            let next = self.peek_non_space();
            match next.kind {
                TokenKind::Assign | TokenKind::Declare => {
                    pipe.assigns = next.kind == TokenKind::Assign;
                    self.take();
                    self.declare(pipe, variable);
                    return Ok(());
                }
                TokenKind::Char if next.text == "," => {
                    self.take();
                    self.declare(pipe, variable);
                    if context != "range" || pipe.variables.len() >= 2 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    let follows = self.peek_non_space().kind;
                    if !matches!(follows, TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                // An argument, not a declaration.
                _ => {
                    self.next = before;
                    return Ok(());
                }
            }
        }
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: Token<'t>) {
        pipe.variables.push(variable.text.to_owned());
        self.scope.variables.push(variable.text);
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        // Only the first command may be something that cannot take an argument.
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if matches!(first, Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String { .. })) {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    /// Operands with spaces between, up to a pipe sign, which is taken, or an end, which is not.
    fn parse_command(&mut self) -> Parsed<Command> {
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.parse_operand()? {
                operands.push(operand);
            }
            let token = self.take();
            match token.kind {
                TokenKind::Space => {}
                TokenKind::RightDelim | TokenKind::RightParen => {
                    self.next -= 1;
                    break;
                }
                TokenKind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        if operands.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { operands })
    }

    /// A term and the fields after it.
    fn parse_operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.parse_term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(operand));
        }
        let at = self.peek().at;
        let mut fields = Vec::new();
        while self.peek().kind == TokenKind::Field {
            fields.push(self.take().text[1..].to_owned());
        }
        match &mut operand.term {
            Term::Field(names) | Term::Variable(names) => names.append(&mut fields),
            Term::Bool(_) | Term::String { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                return self.error(format!("unexpected . after term {}", quote(&operand.to_string())));
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                operand = Operand { at, term: Term::Chain(Box::new(operand), fields) };
            }
        }
        // As in the original, errors about a chain point to its second part.
        operand.at = at;
        Ok(Some(operand))
    }

    /// `None`: the next token starts no term.
    fn parse_term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.take_non_space();
        let term = match token.kind {
            TokenKind::Identifier => match self.functions.get(token.text) {
                Some(function) => Term::Function(function),
                None => return self.error(format!("function {} not defined", quote(token.text))),
            },
            TokenKind::Dot => Term::Dot,
            TokenKind::Nil => Term::Nil,
            TokenKind::Variable => {
                if !self.scope.variables.contains(&token.text) {
                    return self.error(format!("undefined variable {}", quote(token.text)));
                }
                Term::Variable(vec![token.text.to_owned()])
            }
            TokenKind::Field => Term::Field(vec![token.text[1..].to_owned()]),
            TokenKind::Bool => Term::Bool(token.text == "true"),
            TokenKind::CharConstant | TokenKind::Complex | TokenKind::Number => Term::Number(self.number(token)?),
            TokenKind::LeftParen => {
                self.nest()?;
                let pipe = self.parse_pipeline("parenthesized pipeline", TokenKind::RightParen)?;
                self.nesting -= 1;
                let at = pipe.at;
                return Ok(Some(Operand { at, term: Term::Pipe(pipe) }));
            }
            TokenKind::String | TokenKind::RawString => match unquote(token.text) {
                Some(text) => Term::String { quoted: token.text.to_owned(), text: text.into() },
                None => return self.error("invalid syntax"),
            },
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.at, term }))
    }

    fn number(&self, token: Token<'_>) -> Parsed<Number> {
        let number = match token.kind {
            TokenKind::CharConstant => number::character(token.text),
            TokenKind::Complex => number::complex(token.text),
            _ => number::real(token.text),
        };
        number.or_else(|message| self.error(message))
    }
}
