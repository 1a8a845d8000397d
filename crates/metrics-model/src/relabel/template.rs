//! Replacements: text in which `$1`, `$name` and `${name}` stand for groups of a match.
//!
//! A name is the longest run of letters, digits and underscores, so `$1x` is the group named `1x`. `$$` is a dollar, and
//! so is one that nothing valid follows. Groups that do not exist or did not take part are empty.

use regex::{Captures, Regex};

#[derive(Debug, Clone)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// Takes `source` apart; names are looked up in `regex`.
    pub(super) fn new(source: &str, regex: Option<&Regex>) -> Self {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find('$') {
            push_text(&mut pieces, &rest[..at]);
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('$') {
                push_text(&mut pieces, "$");
                rest = tail;
            } else if let Some((name, tail)) = reference(rest) {
                pieces.extend(group(name, regex).map(Piece::Group));
                rest = tail;
            } else {
                push_text(&mut pieces, "$");
            }
        }
        push_text(&mut pieces, rest);
        Self { pieces }
    }

    /// The text, when it refers to no group.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills in the groups of a match.
    pub(super) fn expand(&self, captures: &Captures<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Group(index) => captures.get(*index).map_or("", |group| group.as_str()),
            });
        }
        text
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Splits the group reference off the text after a dollar.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (body, is_braced) = text.strip_prefix('{').map_or((text, false), |body| (body, true));
    let end = body.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(body.len());
    let (name, tail) = body.split_at(end);
    let tail = if is_braced { tail.strip_prefix('}')? } else { tail };
    (!name.is_empty()).then_some((name, tail))
}

/// The index of a group that is given by number (without leading zeros) or by name.
fn group(name: &str, regex: Option<&Regex>) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    if is_number {
        return name.parse().ok();
    }
    regex?.capture_names().position(|candidate| candidate == Some(name))
}
