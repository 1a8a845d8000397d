//! Tokens to trees, with the original's error messages.

use std::sync::Arc;

use super::lexer::{Token, TokenKind, lex};
use super::node::{Arm, Choice, Node, Number, Operand, Pipe, Range, Term, Tree};
use crate::error::TemplateError;
use crate::functions::Functions;
use crate::text::{quote, unquote};

mod pipeline;

/// How deep blocks and parentheses may lie within each other, together. People stay below ten.
const NESTING_MAX: usize = 100;

/// Parses `text`, which errors call `name`. The trees are the text itself, under that name, and what it defines.
pub(crate) fn parse(name: &str, text: &str, functions: &Functions) -> Result<Vec<Tree>, TemplateError> {
    let (tokens, error) = lex(text);
    let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut parser = Parser {
        name,
        functions,
        tokens,
        lexer_error: error.unwrap_or_default(),
        line_starts,
        next: 0,
        furthest: 0,
        nesting: 0,
        trees: Vec::new(),
        scope: Scope::default(),
    };
    parser.parse_text()?;
    Ok(parser.trees)
}

type Parsed<T> = Result<T, TemplateError>;

struct Parser<'t> {
    name: &'t str,
    functions: &'t Functions,
    /// Ends with an end-of-text or an error token.
    tokens: Vec<Token<'t>>,
    lexer_error: String,
    line_starts: Arc<[usize]>,
    next: usize,
    /// The last token that was looked at: its line is where errors are said to be.
    furthest: usize,
    nesting: usize,
    trees: Vec<Tree>,
    scope: Scope<'t>,
}

/// What belongs to the definition at hand and not to those around it.
#[derive(Default)]
struct Scope<'t> {
    variables: Vec<&'t str>,
    range_depth: usize,
    /// The line in which the action at hand starts.
    action_line: Option<usize>,
}

impl Scope<'_> {
    fn new() -> Self {
        Self { variables: vec!["$"], ..Self::default() }
    }
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    End,
    Else,
}

impl Terminator {
    fn as_str(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Terminator(Terminator),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choosing {
    If,
    With,
}

impl<'t> Parser<'t> {
    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let line = self.tokens[self.furthest].line;
        Err(TemplateError::Parse { name: self.name.to_owned(), line, message: message.into() })
    }

    fn unexpected<T>(&self, token: Token<'_>, context: &str) -> Parsed<T> {
        if token.kind != TokenKind::Error {
            return self.error(format!("unexpected {} in {context}", describe(token)));
        }
        let mut message = self.lexer_error.clone();
        if let Some(line) = self.scope.action_line.filter(|line| *line != token.line) {
            let link = if message.ends_with(" action") { "" } else { " in action" };
            message.push_str(&format!("{link} started at {}:{line}", self.name));
        }
        self.error(message)
    }

    /// The last token stands for all that would come after it.
    fn token(&self, index: usize) -> Token<'t> {
        self.tokens[index.min(self.tokens.len() - 1)]
    }

    fn peek(&mut self) -> Token<'t> {
        self.furthest = self.furthest.max(self.next.min(self.tokens.len() - 1));
        self.token(self.next)
    }

    fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn peek_non_space(&mut self) -> Token<'t> {
        while self.peek().kind == TokenKind::Space {
            self.next += 1;
        }
        self.peek()
    }

    fn take_non_space(&mut self) -> Token<'t> {
        self.peek_non_space();
        self.take()
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Parsed<Token<'t>> {
        let token = self.take_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn nest(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return self.error(format!("blocks and parentheses are nested more than {NESTING_MAX} deep"));
        }
        Ok(())
    }

    /// The whole text: nodes and definitions.
    fn parse_text(&mut self) -> Parsed<()> {
        self.scope = Scope::new();
        let mut nodes = Vec::new();
        while self.peek().kind != TokenKind::Eof {
            if self.peek().kind == TokenKind::LeftDelim {
                let before = self.next;
                self.take();
                if self.take_non_space().kind == TokenKind::Define {
                    self.parse_definition()?;
                    continue;
                }
                self.next = before;
            }
            match self.parse_item()? {
                Item::Node(node) => nodes.push(node),
                Item::Terminator(terminator) => return self.error(format!("unexpected {}", terminator.as_str())),
            }
        }
        self.add_tree(self.name.to_owned(), nodes)
    }

    /// A definition of the same name replaces one that is empty; an empty one replaces none.
    fn add_tree(&mut self, name: String, nodes: Vec<Node>) -> Parsed<()> {
        let tree = Tree { name, source_name: self.name.to_owned(), line_starts: Arc::clone(&self.line_starts), nodes };
        match self.trees.iter_mut().find(|other| other.name == tree.name) {
            None => self.trees.push(tree),
            Some(other) if other.is_empty() => *other = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                return self.error(format!("template: multiple definition of template {}", quote(&tree.name)));
            }
        }
        Ok(())
    }

    fn parse_definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let token = self.take_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(TokenKind::RightDelim, CONTEXT)?;
        self.parse_template_body(name, CONTEXT)?;
        self.scope = outer;
        Ok(())
    }

    fn parse_template_body(&mut self, name: String, context: &str) -> Parsed<()> {
        let (nodes, terminator) = self.parse_list()?;
        if terminator != Terminator::End {
            return self.error(format!("unexpected {} in {context}", terminator.as_str()));
        }
        self.add_tree(name, nodes)
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn parse_list(&mut self) -> Parsed<(Vec<Node>, Terminator)> {
        self.nest()?;
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != TokenKind::Eof {
            match self.parse_item()? {
                Item::Node(node) => nodes.push(node),
                Item::Terminator(terminator) => {
                    self.nesting -= 1;
                    return Ok((nodes, terminator));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn parse_item(&mut self) -> Parsed<Item> {
        let token = self.take_non_space();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node::Text { at: token.at, text: token.text.to_owned() })),
            TokenKind::LeftDelim => {
                self.scope.action_line = Some(token.line);
                let item = self.parse_action()?;
                self.scope.action_line = None;
                Ok(item)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn parse_action(&mut self) -> Parsed<Item> {
        let token = self.peek_non_space();
        let keyword = token.kind;
        self.next += 1;
        let node = match keyword {
            TokenKind::Block => self.parse_block()?,
            TokenKind::Break => self.parse_leave("{{break}}", Node::Break)?,
            TokenKind::Continue => self.parse_leave("{{continue}}", Node::Continue)?,
            TokenKind::Else => return self.parse_else(),
            TokenKind::End => {
                self.expect(TokenKind::RightDelim, "end")?;
                return Ok(Item::Terminator(Terminator::End));
            }
            TokenKind::If => Node::If(self.parse_choice(Choosing::If)?),
            TokenKind::With => Node::With(self.parse_choice(Choosing::With)?),
            TokenKind::Range => self.parse_range()?,
            TokenKind::Template => self.parse_template()?,
            _ => {
                self.next -= 1;
                Node::Action { at: token.at, pipe: self.parse_pipeline("command", TokenKind::RightDelim)? }
            }
        };
        Ok(Item::Node(node))
    }

    fn parse_leave(&mut self, spelling: &str, node: Node) -> Parsed<Node> {
        self.expect(TokenKind::RightDelim, spelling)?;
        if self.scope.range_depth == 0 {
            return self.error(format!("{spelling} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `{{else}}`; of `{{else if ...}}` the rest is left for whoever the `else` belongs to.
    fn parse_else(&mut self) -> Parsed<Item> {
        if !matches!(self.peek_non_space().kind, TokenKind::If | TokenKind::With) {
            self.expect(TokenKind::RightDelim, "else")?;
        }
        Ok(Item::Terminator(Terminator::Else))
    }

    fn parse_choice(&mut self, choosing: Choosing) -> Parsed<Choice> {
        let (context, keyword) = match choosing {
            Choosing::If => ("if", TokenKind::If),
            Choosing::With => ("with", TokenKind::With),
        };
        let variables = self.scope.variables.len();
        let mut choice = Choice { arms: Vec::new(), otherwise: Vec::new() };
        loop {
            let pipe = self.parse_pipeline(context, TokenKind::RightDelim)?;
            let (body, terminator) = self.parse_list()?;
            choice.arms.push(Arm { pipe, body });
            if terminator == Terminator::End {
                break;
            }
            if self.peek().kind == keyword {
                self.take();
                continue;
            }
            choice.otherwise = self.parse_otherwise()?;
            break;
        }
        self.scope.variables.truncate(variables);
        Ok(choice)
    }

    fn parse_otherwise(&mut self) -> Parsed<Vec<Node>> {
        let (nodes, terminator) = self.parse_list()?;
        if terminator != Terminator::End {
            return self.error(format!("expected end; found {}", terminator.as_str()));
        }
        Ok(nodes)
    }

    fn parse_range(&mut self) -> Parsed<Node> {
        let variables = self.scope.variables.len();
        let pipe = self.parse_pipeline("range", TokenKind::RightDelim)?;
        self.scope.range_depth += 1;
        let (body, terminator) = self.parse_list()?;
        self.scope.range_depth -= 1;
        let otherwise = match terminator {
            Terminator::End => Vec::new(),
            Terminator::Else => self.parse_otherwise()?,
        };
        self.scope.variables.truncate(variables);
        Ok(Node::Range(Box::new(Range { pipe, body, otherwise })))
    }

    /// A definition and its use in one.
    fn parse_block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.take_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.parse_pipeline(CONTEXT, TokenKind::RightDelim)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        self.parse_template_body(name.clone(), CONTEXT)?;
        self.scope = outer;
        Ok(Node::Template { at: token.at, name, pipe: Some(pipe) })
    }

    fn parse_template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.take_non_space();
        let name = self.template_name(token, CONTEXT)?;
        if self.peek_non_space().kind == TokenKind::RightDelim {
            self.take();
            return Ok(Node::Template { at: token.at, name, pipe: None });
        }
        let pipe = self.parse_pipeline(CONTEXT, TokenKind::RightDelim)?;
        Ok(Node::Template { at: token.at, name, pipe: Some(pipe) })
    }

    fn template_name(&mut self, token: Token<'_>, context: &str) -> Parsed<String> {
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return self.unexpected(token, context);
        }
        match unquote(token.text) {
            Some(name) => Ok(name),
            None => self.error("invalid syntax"),
        }
    }
}

/// A token as error messages show it.
fn describe(token: Token<'_>) -> String {
    if token.kind == TokenKind::Eof {
        return "EOF".to_owned();
    }
    if token.kind.is_keyword() {
        return format!("<{}>", token.text);
    }
    if token.text.len() > 10 {
        return format!("{}...", quote(&token.text.chars().take(10).collect::<String>()));
    }
    quote(token.text)
}
