//! Finds the simple shape of an expression: a few texts, or texts with `.*` or `.+` between them.
//!
//! Most expressions that people write are of that shape once groups, small classes and `?` are multiplied out; matching
//! them takes comparisons of bytes, and an index can look them up instead of trying every value.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

use super::glob::{Glob, Globs};

/// The most alternatives that an expression is multiplied out to.
const ALTERNATIVES_MAX: usize = 1024;

/// The most alternatives with gaps: each is tried in turn, which the automaton does better for many.
const GLOBS_MAX: usize = 32;

/// The most characters of a class that is taken apart.
const CLASS_CHARS_MAX: usize = 64;

/// The most times that a repeated part is written out.
const REPEATS_MAX: u32 = 8;

/// How letters are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// As they are.
    Exact,
    /// Texts of ASCII only are compared in lower case; the expression must not tell cases apart.
    AsciiFolded,
}

/// One alternative: texts and gaps, in order.
type Alternative = Vec<Item>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Text(String),
    /// At least so many characters.
    Gap(usize),
}

/// The globs that match what `hir` matches, if it is of that shape.
pub(super) fn globs(hir: &Hir, case: Case) -> Option<Globs> {
    let alternatives = expand(without_anchors(hir)?, case)?;
    let mut literals = Vec::new();
    let mut globs = Vec::new();
    for items in alternatives {
        match Glob::new(items) {
            Ok(glob) => globs.push(glob),
            Err(literal) => literals.push(literal),
        }
    }
    (globs.len() <= GLOBS_MAX).then(|| Globs::new(literals, globs))
}

/// The text that every match begins with, as far as it is easily seen.
pub(super) fn leading_text(hir: &Hir) -> String {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).unwrap_or_default(),
        HirKind::Capture(capture) => leading_text(&capture.sub),
        HirKind::Concat(parts) => {
            let mut text = String::new();
            for part in parts {
                match part.kind() {
                    HirKind::Look(Look::Start) => {}
                    HirKind::Literal(_) => text.push_str(&leading_text(part)),
                    _ => {
                        text.push_str(&leading_text(part));
                        break;
                    }
                }
            }
            text
        }
        HirKind::Alternation(parts) => {
            parts.iter().map(leading_text).reduce(|a, b| common_prefix(&a, &b).to_owned()).unwrap_or_default()
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => String::new(),
    }
}

/// What two texts begin with.
pub(super) fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let len = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    &a[..len]
}

/// The parts without `^` before and `$` after them, which say nothing new. `None`: they stand elsewhere.
fn without_anchors(hir: &Hir) -> Option<&[Hir]> {
    let HirKind::Concat(parts) = hir.kind() else { return Some(std::slice::from_ref(hir)) };
    let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    let start = parts.iter().take_while(|part| is(part, Look::Start)).count();
    let end = parts.iter().rev().take_while(|part| is(part, Look::End)).count();
    parts.get(start..parts.len() - end)
}

/// The alternatives of `parts` one after the other.
fn expand(parts: &[Hir], case: Case) -> Option<Vec<Alternative>> {
    let mut product = vec![Vec::new()];
    for part in parts {
        product = multiply(&product, &alternatives(part, case)?)?;
    }
    Some(product)
}

fn multiply(before: &[Alternative], after: &[Alternative]) -> Option<Vec<Alternative>> {
    if before.len() * after.len() > ALTERNATIVES_MAX {
        return None;
    }
    let pairs = before.iter().flat_map(|before| after.iter().map(move |after| [before, after]));
    Some(pairs.map(|pair| pair.into_iter().flatten().cloned().collect()).collect())
}

fn alternatives(hir: &Hir, case: Case) -> Option<Vec<Alternative>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.to_vec()).ok()?;
            // In an expression that does not tell cases apart, letters are classes.
            let is_caseless = text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_alphabetic());
            (case == Case::Exact || is_caseless).then(|| vec![vec![Item::Text(text)]])
        }
        HirKind::Class(Class::Unicode(class)) => class_chars(class, case),
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => None,
        HirKind::Capture(capture) => alternatives(&capture.sub, case),
        HirKind::Concat(parts) => expand(parts, case),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(alternatives(part, case)?);
                if all.len() > ALTERNATIVES_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).ok()?;
            match repetition.max {
                None if is_anything(&repetition.sub) => Some(vec![vec![Item::Gap(least)]]),
                Some(most) if most <= REPEATS_MAX => {
                    let once = alternatives(&repetition.sub, case)?;
                    let mut power = vec![Vec::new()];
                    let mut all = if least == 0 { power.clone() } else { Vec::new() };
                    for count in 1..=most {
                        power = multiply(&power, &once)?;
                        if count >= repetition.min {
                            all.extend(power.iter().cloned());
                        }
                    }
                    (all.len() <= ALTERNATIVES_MAX).then_some(all)
                }
                _ => None,
            }
        }
    }
}

/// Whether `hir` is any one character, newlines too.
fn is_anything(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Class(Class::Unicode(class))
        if class.ranges().len() == 1 && class.ranges()[0].start() == '\0' && class.ranges()[0].end() == char::MAX)
}

/// Each character of a small class.
fn class_chars(class: &ClassUnicode, case: Case) -> Option<Vec<Alternative>> {
    if class.ranges().iter().map(|range| range.len()).sum::<usize>() > CLASS_CHARS_MAX {
        return None;
    }
    let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let mut texts: Vec<String> = match case {
        Case::Exact => chars.map(String::from).collect(),
        Case::AsciiFolded => {
            let mut folded = class.clone();
            folded.try_case_fold_simple().ok()?;
            if folded != *class {
                return None;
            }
            // Other characters are only in texts that are not compared this way.
            chars.filter(char::is_ascii).map(|c| c.to_ascii_lowercase().to_string()).collect()
        }
    };
    texts.sort_unstable();
    texts.dedup();
    Some(texts.into_iter().map(|text| vec![Item::Text(text)]).collect())
}
