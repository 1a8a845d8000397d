//! Finds the position of a key in a YAML document, for errors that come up after parsing.
//!
//! The YAML reader tells positions only in its errors. So this reads the document once more with a visitor that walks
//! down the key and then refuses the value it finds there; the refusal carries the position.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step of `scrape_configs[0].job_name`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Line and column of the value that `key` names, or of the deepest part of it that is there.
pub(crate) fn position(text: &str, key: &str) -> Option<(usize, usize)> {
    let steps = steps(key);
    // A missing last step falls back to the value around it.
    (0..=steps.len()).rev().find_map(|depth| {
        let document = serde_yaml::Deserializer::from_str(text);
        let error = Walk { steps: &steps[..depth] }.deserialize(document).err()?;
        let found = error.to_string().contains(FOUND);
        error.location().filter(|_| found).map(|location| (location.line(), location.column()))
    })
}

fn steps(key: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in key.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split('[');
        if let Some(name) = pieces.next().filter(|name| !name.is_empty()) {
            steps.push(Step::Key(name));
        }
        let indexes = pieces.filter_map(|piece| piece.trim_end_matches(']').parse().ok());
        steps.extend(indexes.map(Step::Index));
    }
    steps
}

const FOUND: &str = "\u{1}here\u{1}";

struct Walk<'a> {
    steps: &'a [Step<'a>],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.steps.first() {
            None => deserializer.deserialize_any(Refuse),
            Some(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or list on the way to the key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match self.steps.first() {
                Some(Step::Key(wanted)) if *wanted == name => map.next_value_seed(Walk { steps: &self.steps[1..] })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        loop {
            match self.steps.first() {
                Some(Step::Index(wanted)) if *wanted == at => {
                    if list.next_element_seed(Walk { steps: &self.steps[1..] })?.is_none() {
                        return Ok(());
                    }
                }
                _ => {
                    if list.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(());
                    }
                }
            }
            at += 1;
        }
    }
}

/// Refuses whatever it meets, so that the reader says where it is.
struct Refuse;

macro_rules! refuse {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E: de::Error>(self, _: $kind) -> Result<(), E> {
            Err(E::custom(FOUND))
        })*
    };
}

impl<'de> Visitor<'de> for Refuse {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FOUND)
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Err(E::custom(FOUND))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(de::Error::custom(FOUND))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(de::Error::custom(FOUND))
    }
}
