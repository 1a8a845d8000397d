//! The matcher syntax that lasts: names and values are either in double quotes, or bare words without any of
//! ``{}!=~,\"'` `` and spaces. Positions in errors count characters from 0.

mod lexer;

use metrics_model::MatchOp;

use super::{Matcher, MatcherError};
use lexer::{Kind, Lexer, Token};

pub(crate) use lexer::is_reserved;

/// Reads any number of matchers, in braces or without. A comma may follow the last one.
///
/// # Errors
/// [`MatcherError`] says where the text leaves the grammar and what was expected there.
pub fn parse_matchers(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    Parser { lexer: Lexer::new(input), matchers: Vec::new() }.parse().map_err(MatcherError::new)
}

/// Reads exactly one matcher.
///
/// # Errors
/// [`MatcherError`] as for [`parse_matchers`], and when there are none or several.
pub fn parse_matcher(input: &str) -> Result<Matcher, MatcherError> {
    let mut matchers = parse_matchers(input)?;
    match (matchers.pop(), matchers.len()) {
        (None, _) => Err(MatcherError::new("no matchers")),
        (Some(matcher), 0) => Ok(matcher),
        (Some(_), others) => Err(MatcherError::new(format!("expected 1 matcher, found {}", others + 1))),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    matchers: Vec<Matcher>,
}

const NAME_OR_VALUE: &[Kind] = &[Kind::Quoted, Kind::Unquoted];
const OPERATORS: &[Kind] = &[Kind::Equals, Kind::NotEquals, Kind::Matches, Kind::NotMatches];

impl Parser<'_> {
    fn parse(mut self) -> Result<Vec<Matcher>, String> {
        let Some(first) = self.lexer.peek()? else {
            return Ok(self.matchers);
        };
        let in_braces = first.kind == Kind::OpenBrace;
        if in_braces {
            self.lexer.scan()?;
        }
        // Whether another matcher must or may follow decides the error; after a comma the list may also end.
        let mut more = self.lexer.peek()?.is_some_and(|token| token.kind != Kind::CloseBrace);
        while more {
            self.matcher()?;
            more = self.comma()?;
        }
        self.close(in_braces)?;
        match self.lexer.scan().map_err(|error| format!("{error}: expected end of input"))? {
            None => Ok(self.matchers),
            Some(token) => Err(format!("{token}: expected end of input")),
        }
    }

    fn matcher(&mut self) -> Result<(), String> {
        let name = self.expect(NAME_OR_VALUE).map_err(|error| format!("{error}: expected label name"))?;
        let name = name.unquoted()?;
        let op = self
            .expect(OPERATORS)
            .map_err(|error| format!("{error}: expected an operator such as '=', '!=', '=~' or '!~'"))?;
        let op = match op.kind {
            Kind::NotEquals => MatchOp::NotEqual,
            Kind::Matches => MatchOp::Regex,
            Kind::NotMatches => MatchOp::NotRegex,
            _ => MatchOp::Equal,
        };
        let value = self.expect(NAME_OR_VALUE).map_err(|error| format!("{error}: expected label value"))?;
        let value = value.unquoted()?;
        let matcher = Matcher::new(&name, op, &value).map_err(|error| format!("failed to create matcher: {error}"))?;
        self.matchers.push(matcher);
        Ok(())
    }

    /// Reads a comma, if one is there. Whether another matcher follows.
    fn comma(&mut self) -> Result<bool, String> {
        let after_matcher = |error| format!("{error}: expected a comma or close brace");
        match self.lexer.peek().map_err(after_matcher)? {
            None => return Ok(false),
            Some(token) if token.kind == Kind::CloseBrace => return Ok(false),
            Some(token) if token.kind == Kind::Comma => self.lexer.scan()?,
            Some(token) => return Err(after_matcher(token.unexpected())),
        };
        let after_comma = |error| format!("{error}: expected a matcher or close brace after comma");
        match self.lexer.peek().map_err(after_comma)? {
            None => Ok(false),
            Some(token) if token.kind == Kind::CloseBrace => Ok(false),
            Some(token) if NAME_OR_VALUE.contains(&token.kind) => Ok(true),
            Some(token) => Err(after_comma(token.unexpected())),
        }
    }

    /// A brace must close if and only if one opened.
    fn close(&mut self, in_braces: bool) -> Result<(), String> {
        let closing = self.expect(&[Kind::CloseBrace]);
        let column = self.lexer.column();
        match (in_braces, closing) {
            (true, Err(error)) => Err(format!("0:{column}: {error}: expected close brace")),
            (false, Ok(_)) => Err(format!("0:{column}: }}: expected opening brace")),
            (true, Ok(_)) | (false, Err(_)) => Ok(()),
        }
    }

    /// The next token, if it is one of `kinds`; otherwise nothing is consumed.
    fn expect(&mut self, kinds: &[Kind]) -> Result<Token, String> {
        match self.lexer.peek()? {
            None => Err("end of input".to_owned()),
            Some(token) if kinds.contains(&token.kind) => {
                self.lexer.scan()?;
                Ok(token)
            }
            Some(token) => Err(token.unexpected()),
        }
    }
}
