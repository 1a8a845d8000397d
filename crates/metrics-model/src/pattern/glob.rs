//! Texts with gaps, matched by comparing and searching bytes.

use memchr::memmem::Finder;
use rustc_hash::FxHashSet;

use super::shape::{Item, common_prefix};

/// Texts that match whole, and globs; either is enough.
#[derive(Debug, Clone)]
pub(super) struct Globs {
    /// Sorted, without doubles.
    literals: Vec<String>,
    /// The same, when they are too many to search.
    hashed: Option<FxHashSet<String>>,
    globs: Vec<Glob>,
}

/// From this many literals on a hash is quicker than a search.
const HASHED_FROM: usize = 16;

impl Globs {
    pub(super) fn new(mut literals: Vec<String>, globs: Vec<Glob>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        let hashed = (literals.len() >= HASHED_FROM).then(|| literals.iter().cloned().collect());
        Self { literals, hashed, globs }
    }

    #[inline]
    pub(super) fn is_match(&self, text: &str) -> bool {
        let is_literal = match &self.hashed {
            Some(hashed) => hashed.contains(text),
            None => self.literals.iter().any(|literal| literal == text),
        };
        is_literal || self.globs.iter().any(|glob| glob.is_match(text))
    }

    /// The literals, when there is nothing else.
    pub(super) fn literals(&self) -> Option<&[String]> {
        self.globs.is_empty().then_some(&*self.literals)
    }

    /// The only glob, when there is nothing else.
    pub(super) fn only_glob(&self) -> Option<&Glob> {
        match (self.literals.as_slice(), self.globs.as_slice()) {
            ([], [glob]) => Some(glob),
            _ => None,
        }
    }

    /// What every match begins with.
    pub(super) fn common_start(&self) -> String {
        let starts = self.literals.iter().map(String::as_str).chain(self.globs.iter().map(|glob| &*glob.start));
        starts.reduce(|a, b| common_prefix(a, b)).unwrap_or("").to_owned()
    }
}

/// A text at the start, texts somewhere between in order, and a text at the end, with gaps between them.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    pub(super) start: String,
    middle: Vec<Middle>,
    /// The least number of characters before `end`.
    last_gap: usize,
    end: String,
}

#[derive(Debug, Clone)]
struct Middle {
    /// The least number of characters before the text.
    gap: usize,
    finder: Finder<'static>,
}

impl Glob {
    /// Joins `items`. Those without a gap are a literal, which is given as the error.
    pub(super) fn new(items: Vec<Item>) -> Result<Self, String> {
        let mut start = String::new();
        // Each gap with the text after it.
        let mut rest: Vec<(usize, String)> = Vec::new();
        for item in items {
            match (item, rest.last_mut()) {
                (Item::Text(text), None) => start.push_str(&text),
                (Item::Text(text), Some((_, after))) => after.push_str(&text),
                (Item::Gap(more), Some((gap, after))) if after.is_empty() => *gap += more,
                (Item::Gap(gap), _) => rest.push((gap, String::new())),
            }
        }
        let Some((last_gap, end)) = rest.pop() else { return Err(start) };
        let middle = rest.into_iter().map(|(gap, text)| Middle { gap, finder: Finder::new(&text).into_owned() });
        Ok(Self { start, middle: middle.collect(), last_gap, end })
    }

    #[inline]
    pub(super) fn is_match(&self, text: &str) -> bool {
        let Some(rest) = without(text, &self.start, |text, part| text.strip_prefix(part)) else { return false };
        let Some(mut rest) = without(rest, &self.end, |text, part| text.strip_suffix(part)) else { return false };
        // The first place that fits leaves the most for what comes after.
        for middle in &self.middle {
            let found = skip_chars(rest, middle.gap).and_then(|rest| {
                let at = middle.finder.find(rest.as_bytes())?;
                rest.get(at + middle.finder.needle().len()..)
            });
            match found {
                Some(after) => rest = after,
                None => return false,
            }
        }
        self.last_gap == 0 || skip_chars(rest, self.last_gap).is_some()
    }

    /// The start, when every text with that start matches.
    pub(super) fn whole_prefix(&self) -> Option<&str> {
        let is_open = self.middle.is_empty() && self.last_gap == 0 && self.end.is_empty();
        is_open.then_some(self.start.as_str())
    }

    /// Whether this is `.+`, or else `.*`.
    pub(super) fn is_any_with(&self, least: usize) -> bool {
        self.start.is_empty() && self.middle.is_empty() && self.last_gap == least && self.end.is_empty()
    }
}

/// `text` without `part` at the end where `strip` looks. Comparing with nothing is left out: some processors take longer
/// for that, at the address of an empty string, than for all the rest.
#[inline]
fn without<'a>(text: &'a str, part: &str, strip: impl Fn(&'a str, &str) -> Option<&'a str>) -> Option<&'a str> {
    if part.is_empty() { Some(text) } else { strip(text, part) }
}

/// `text` without its first `count` characters, if it has so many.
fn skip_chars(text: &str, count: usize) -> Option<&str> {
    let mut chars = text.chars();
    for _ in 0..count {
        chars.next()?;
    }
    Some(chars.as_str())
}
