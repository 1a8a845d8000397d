//! The labels at the start of a series description: `metric{label="value"}`.

use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, LabelsBuilder};

use super::ParserOptions;
use super::error::ParseErrors;
use super::grammar::{Parsed, Parser, Stop};
use super::text::unquote;
use super::token::TokenKind;

/// The labels that `line` starts with, and where they end.
pub(super) fn parse(line: &str) -> Result<(Labels, usize), ParseErrors> {
    // What comes behind the labels is written in another language, so nothing may look at it here.
    let mut end = name_end(line);
    let has_braces = line[end..].starts_with('{') && !line[end..].starts_with("{{");
    let mut builder = LabelsBuilder::default();
    if has_braces {
        let mut parser = Parser::new(&line[end..], ParserOptions::default());
        let parsed = parser.label_set(&mut builder);
        let offset = end;
        end += parser.finish(parsed).map_err(|errors| errors.moved(line, offset))?;
    }
    let name = &line[..name_end(line)];
    if !name.is_empty() {
        builder.set(METRIC_NAME, name);
    }
    Ok((builder.build(), end))
}

/// Where the metric name ends that `line` starts with.
fn name_end(line: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    line.find(|c: char| !is_name(c)).unwrap_or(line.len())
}

impl Parser<'_> {
    /// A set of labels in braces; where it ends.
    fn label_set(&mut self, builder: &mut LabelsBuilder) -> Parsed<usize> {
        const CONTEXT: &str = "label set";
        self.expect(TokenKind::LeftBrace)?;
        loop {
            let token = self.peek()?;
            match token.kind {
                TokenKind::RightBrace => return Ok(self.next()?.end),
                TokenKind::Identifier | TokenKind::String => self.label_set_item(builder)?,
                _ => return self.caught(Err(Stop::Unexpected(token)), CONTEXT, "identifier or \"}\""),
            }
            let token = self.peek()?;
            match token.kind {
                TokenKind::Comma => {
                    self.next()?;
                }
                TokenKind::RightBrace => {}
                _ => return self.caught(Err(Stop::Unexpected(token)), CONTEXT, "\",\" or \"}\""),
            }
        }
    }

    fn label_set_item(&mut self, builder: &mut LabelsBuilder) -> Parsed<()> {
        const CONTEXT: &str = "label set";
        let label = self.next()?;
        let is_string = label.kind == TokenKind::String;
        let text = &self.query[label.range()];
        let name = if is_string { unquote(text) } else { text.to_owned() };
        let operator = self.peek()?;
        if operator.kind != TokenKind::Equal {
            if is_string {
                builder.set(METRIC_NAME, &name);
                return Ok(());
            }
            return self.caught(Err(Stop::Unexpected(operator)), CONTEXT, "\"=\"");
        }
        self.next()?;
        let parsed = self.expect(TokenKind::String);
        let value = self.caught(parsed, CONTEXT, "string")?;
        builder.set(&name, &unquote(&self.query[value.range()]));
        Ok(())
    }
}
