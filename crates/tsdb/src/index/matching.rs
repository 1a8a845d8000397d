//! From matchers to series.
//!
//! A matcher that an absent label satisfies takes series away: those of the values that do not match. Any other
//! intersects with the series of the values that do. The cheap ones go first, so that the dear ones meet few series; one
//! that would have to look at more values than there are series left looks at the series instead.

use metrics_model::{MatchOp, Matcher};
use roaring::RoaringBitmap;

use crate::index::Index;
use crate::index::postings::{LabelIndex, Posting};
use crate::index::symbols::Symbol;
use crate::index::table::SeriesId;

/// Looking at the labels of one series takes about as long as matching so many values.
const VALUES_PER_SERIES: u64 = 4;

impl Index {
    /// The series that satisfy all matchers.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let mut ordered: Vec<&Matcher> = matchers.iter().collect();
        ordered.sort_by_key(|matcher| (matcher.matches_empty(), self.price(matcher)));
        let mut found: Option<RoaringBitmap> = None;
        for matcher in ordered {
            let narrowed = match found {
                Some(found) if found.is_empty() => return found,
                Some(found) => self.narrow(found, matcher),
                None if matcher.matches_empty() => self.narrow(self.postings.all().clone(), matcher),
                None => self.matching(matcher),
            };
            found = Some(narrowed);
        }
        found.unwrap_or_else(|| self.postings.all().clone())
    }

    fn label(&self, name: &str) -> Option<&LabelIndex> {
        self.table.symbols.find(name).and_then(|name| self.postings.label(name))
    }

    fn posting(&self, name: &str, value: &str) -> Option<&Posting> {
        self.label(name)?.get(self.table.symbols.find(value)?)
    }

    /// How many values or series a matcher has to touch, about.
    fn price(&self, matcher: &Matcher) -> u64 {
        let values = || self.label(matcher.name()).map_or(0, LabelIndex::len) as u64;
        match (matcher.op(), matcher.pattern()) {
            (MatchOp::Equal | MatchOp::NotEqual, _) | (_, None) => 0,
            (_, Some(pattern)) => match pattern.literals() {
                Some(literals) => literals.len() as u64,
                None => values(),
            },
        }
    }

    /// Those of `found` that satisfy the matcher.
    fn narrow(&self, mut found: RoaringBitmap, matcher: &Matcher) -> RoaringBitmap {
        let Some((name, label)) =
            self.table.symbols.find(matcher.name()).and_then(|name| Some((name, self.postings.label(name)?)))
        else {
            return if matcher.matches_empty() { found } else { RoaringBitmap::new() };
        };
        let is_scan = matcher.pattern().is_some_and(|pattern| pattern.literals().is_none());
        if is_scan && found.len().saturating_mul(VALUES_PER_SERIES) < label.len() as u64 {
            return self.filter(found, name, matcher);
        }
        if matcher.matches_empty() {
            found - self.union(label, matcher, false)
        } else if let (MatchOp::Equal, Some(posting)) = (matcher.op(), self.posting(matcher.name(), matcher.value())) {
            match posting {
                Posting::Many(ids) => found &= ids,
                Posting::Few(_) => found &= posting.to_bitmap(),
            }
            found
        } else {
            found & self.union(label, matcher, true)
        }
    }

    /// Asks each series for its value.
    fn filter(&self, found: RoaringBitmap, name: Symbol, matcher: &Matcher) -> RoaringBitmap {
        found
            .into_iter()
            .filter(|id| {
                let value = self.table.value(SeriesId(*id), name);
                matcher.matches(value.map_or("", |value| self.table.symbols.text(value)))
            })
            .collect()
    }

    /// The series that satisfy a matcher which needs the label.
    fn matching(&self, matcher: &Matcher) -> RoaringBitmap {
        self.label(matcher.name()).map_or_else(RoaringBitmap::new, |label| self.union(label, matcher, true))
    }

    /// The series of all values for which the matcher answers `wanted`.
    fn union(&self, label: &LabelIndex, matcher: &Matcher, wanted: bool) -> RoaringBitmap {
        // The values that the matcher names: with a negated operator those that do not match.
        let is_named = wanted != matcher.op().is_negative();
        let mut ids = RoaringBitmap::new();
        let mut add = |value: &str| {
            if let Some(posting) = self.table.symbols.find(value).and_then(|value| label.get(value)) {
                posting.add_to(&mut ids);
            }
        };
        match matcher.pattern() {
            None if is_named => add(matcher.value()),
            Some(pattern) if is_named && pattern.literals().is_some() => {
                pattern.literals().unwrap_or_default().iter().for_each(|value| add(value));
            }
            Some(pattern) if is_named && pattern.prefix().is_some() => {
                let prefix = pattern.prefix().unwrap_or_default();
                let symbols = &self.table.symbols;
                let sorted = label.sorted(symbols);
                let from = sorted.partition_point(|value| symbols.text(*value) < prefix);
                for value in sorted[from..].iter().take_while(|value| symbols.text(**value).starts_with(prefix)) {
                    if let Some(posting) = label.get(*value) {
                        posting.add_to(&mut ids);
                    }
                }
            }
            _ => {
                for (value, posting) in label.iter() {
                    if matcher.matches(self.table.symbols.text(value)) == wanted {
                        posting.add_to(&mut ids);
                    }
                }
            }
        }
        ids
    }
}
