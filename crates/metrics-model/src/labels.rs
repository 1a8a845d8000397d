//! Label sets: immutable, sorted by name, one allocation, cheap to clone, hash and compare.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::name::{METRIC_NAME, is_legacy_label_name, is_legacy_metric_name};

/// A sorted set of labels. Names are unique; labels with an empty value do not exist.
///
/// All labels lie in one string: for each the length of the name, the name, the length of the value, the value. Lengths
/// are base-64 digits, least significant first, one ASCII byte each, with bit 6 set when another digit follows. So the
/// whole stays valid UTF-8, equality is one comparison of bytes, and a clone is one reference count.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    packed: Arc<str>,
}

impl Labels {
    /// The set without labels.
    #[must_use]
    pub fn empty() -> Self {
        Self { packed: Arc::from("") }
    }

    /// Builds a set from pairs in any order. Of pairs with the same name the last wins; empty values are dropped.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds a set from pairs that are already sorted by name, unique and without empty values. (Only the metrics of an
    /// exposition may have empty values, which pages show; readers of pages drop them.)
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        // Most sets fit, so that the text does not move while it grows.
        Self::from_sorted_in(pairs, &mut String::with_capacity(256))
    }

    /// The same, packed in a buffer of the caller's: for many sets.
    pub fn from_sorted_in<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, buffer: &mut String) -> Self {
        buffer.clear();
        for (name, value) in pairs {
            push_pair(buffer, name, value);
        }
        Self { packed: Arc::from(buffer.as_str()) }
    }

    /// Builds the set that a page shows: from pairs in any order, empty values kept. Of pairs with the same name the first
    /// wins.
    #[must_use]
    pub fn as_shown(mut pairs: Vec<(&str, &str)>) -> Self {
        pairs.sort_by_key(|(name, _)| *name);
        pairs.dedup_by_key(|(name, _)| *name);
        Self::from_sorted(pairs)
    }

    /// The labels in order of their names.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.packed }
    }

    /// The value of label `name`, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// The value of label `name`, or the empty string: for matching, the two are the same.
    #[must_use]
    pub fn get_or_empty(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The metric name, or the empty string.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        self.get_or_empty(METRIC_NAME)
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// The bytes that identify this set: equal sets have equal bytes. For hashing and storage keys.
    #[must_use]
    pub fn as_packed(&self) -> &str {
        &self.packed
    }

    /// A builder that starts with these labels.
    #[must_use]
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { labels: self.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// The set without its metric name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        self.filtered(|name| name != METRIC_NAME)
    }

    /// The set of the labels whose names `keep` wants.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut ranges = self.ranges(keep);
        let Some((start, end)) = ranges.next() else { return Self::empty() };
        match ranges.next() {
            None if end - start == self.packed.len() => self.clone(),
            None => Self { packed: Arc::from(&self.packed[start..end]) },
            Some(second) => {
                let mut packed = String::with_capacity(self.packed.len());
                packed.push_str(&self.packed[start..end]);
                std::iter::once(second)
                    .chain(ranges)
                    .for_each(|(start, end)| packed.push_str(&self.packed[start..end]));
                Self { packed: Arc::from(packed) }
            }
        }
    }

    /// Appends to `packed` the bytes that identify the set of the labels whose names `keep` wants: what
    /// [`Labels::filtered`] has as [`Labels::as_packed`], without an allocation of its own.
    pub fn pack_filtered(&self, packed: &mut String, keep: impl Fn(&str) -> bool) {
        self.ranges(keep).for_each(|(start, end)| packed.push_str(&self.packed[start..end]));
    }

    /// Where in the packed text the labels are whose names `keep` wants: start and end of as many as are side by side.
    fn ranges(&self, keep: impl Fn(&str) -> bool) -> impl Iterator<Item = (usize, usize)> {
        let length = self.packed.len();
        let mut labels = self.iter();
        std::iter::from_fn(move || {
            let mut range: Option<(usize, usize)> = None;
            loop {
                let start = length - labels.rest.len();
                let Some((name, _)) = labels.next() else { return range };
                match (&mut range, keep(name)) {
                    (Some((_, end)), true) => *end = length - labels.rest.len(),
                    (None, true) => range = Some((start, length - labels.rest.len())),
                    (Some(_), false) => return range,
                    (None, false) => {}
                }
            }
        })
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Label by label, by name and then value; a set that is a prefix of another comes first.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.packed.as_bytes(), other.packed.as_bytes());
        let Some(differs_at) = first_difference(ours, theirs) else {
            // One is the other with labels appended.
            return ours.len().cmp(&theirs.len());
        };
        // The texts before the one that differs are the same, and so end at the same places.
        let mut at = 0;
        loop {
            let (mut our_rest, mut their_rest) = (&self.packed[at..], &other.packed[at..]);
            let (Some(our_text), Some(their_text)) = (take_text(&mut our_rest), take_text(&mut their_rest)) else {
                return ours.len().cmp(&theirs.len());
            };
            let end = ours.len() - our_rest.len();
            if differs_at < end {
                return our_text.cmp(their_text);
            }
            at = end;
        }
    }
}

/// `{__name__="up", job="node"}`: every label, in order, as `Debug` of Rust's strings.
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The way users write a series: `up{job="node"}`, names outside the legacy alphabet in quotes.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric_name();
        let metric_outside = is_legacy_metric_name(metric);
        if metric_outside {
            f.write_str(metric)?;
        }
        let mut labels = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if labels.peek().is_none() && metric_outside {
            return Ok(());
        }
        f.write_str("{")?;
        let mut separator = "";
        if !metric.is_empty() && !metric_outside {
            write!(f, "{}", Quoted(metric))?;
            separator = ", ";
        }
        for (name, value) in labels {
            f.write_str(separator)?;
            if is_legacy_label_name(name) {
                f.write_str(name)?;
            } else {
                write!(f, "{}", Quoted(name))?;
            }
            write!(f, "={}", Quoted(value))?;
            separator = ", ";
        }
        f.write_str("}")
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// A string in double quotes with Go's escapes, as the original prints label values.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\u{7}' => f.write_str("\\a")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{b}' => f.write_str("\\v")?,
                '\u{c}' => f.write_str("\\f")?,
                c if (c as u32) < 0x20 || c == '\u{7f}' => write!(f, "\\x{:02x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        f.write_str("\"")
    }
}

/// Iterates over labels in order of their names.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iter<'a> {
    /// The pairs that [`push_pair`] wrote, one after the other.
    pub(crate) fn of_packed(packed: &'a str) -> Self {
        Self { rest: packed }
    }
}

/// Appends a pair in packed form.
pub(crate) fn push_pair(packed: &mut String, name: &str, value: &str) {
    push_text(packed, name);
    push_text(packed, value);
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = take_text(&mut self.rest)?;
        let value = take_text(&mut self.rest)?;
        Some((name, value))
    }
}

/// Where two texts first differ. `None` if one is the start of the other.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    const STEP: usize = 16;
    let length = a.len().min(b.len());
    let mut at = 0;
    while at + STEP <= length && a[at..at + STEP] == b[at..at + STEP] {
        at += STEP;
    }
    (at..length).find(|at| a[*at] != b[*at])
}

fn push_text(packed: &mut String, text: &str) {
    let mut length = text.len();
    while length >= 0x40 {
        packed.push(char::from((length & 0x3f) as u8 | 0x40));
        length >>= 6;
    }
    packed.push(char::from(length as u8));
    packed.push_str(text);
}

/// Splits the first length-prefixed text off `rest`. `None` cannot happen for strings that [`push_text`] made.
fn take_text<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let bytes = rest.as_bytes();
    let mut length = 0_usize;
    let mut digits = 0_usize;
    loop {
        let digit = *bytes.get(digits)?;
        length |= usize::from(digit & 0x3f) << (6 * digits);
        digits += 1;
        if digit & 0x40 == 0 {
            break;
        }
    }
    let text = rest.get(digits..digits + length)?;
    *rest = rest.get(digits + length..)?;
    Some(text)
}

/// Collects labels and packs them. Setting an empty value deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelsBuilder {
    /// Sorted by name.
    labels: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// Sets `name` to `value`; an empty value deletes the label.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.position(name) {
            Ok(at) if value.is_empty() => {
                self.labels.remove(at);
            }
            Ok(at) => value.clone_into(&mut self.labels[at].1),
            Err(_) if value.is_empty() => {}
            Err(at) => self.labels.insert(at, (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes the label `name`.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        if let Ok(at) = self.position(name) {
            self.labels.remove(at);
        }
        self
    }

    /// Keeps only labels for which `keep(name, value)` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        self.labels.retain(|(name, value)| keep(name, value));
        self
    }

    /// The value of `name`, if set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.position(name).ok().map(|at| self.labels[at].1.as_str())
    }

    /// The labels in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Packs the labels.
    #[must_use]
    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.labels.binary_search_by(|(candidate, _)| candidate.as_str().cmp(name))
    }
}
