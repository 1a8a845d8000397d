//! Lists and maps, and the descriptions of their types.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use metrics_model::Labels;

use super::{Method, Value};

/// What the members of a list or map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Values of any type; the missing one is nil.
    Any,
    /// Texts; the missing one is empty.
    String,
    /// Of one type other than these; the missing one is nil.
    Typed,
}

/// A type of lists.
pub struct ListType {
    /// Its name in error messages.
    pub name: &'static str,
    /// What it is made of: `[]string`, where the name is another.
    pub underlying: &'static str,
    /// What its members are.
    pub element: Element,
    /// What can be called on it.
    pub methods: &'static [Method],
    /// What it prints as, if it isn't printed member by member.
    pub text: Option<fn(&List) -> String>,
}

impl ListType {
    /// `[]string`
    pub const STRINGS: &'static Self =
        &Self { name: "[]string", underlying: "[]string", element: Element::String, methods: &[], text: None };
    /// `[]interface {}`
    pub const ANYS: &'static Self =
        &Self { name: "[]interface {}", underlying: "[]interface {}", element: Element::Any, methods: &[], text: None };
}

impl fmt::Debug for ListType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A sequence of values.
#[derive(Debug, Clone)]
pub struct List {
    /// `None` is the nil list: it behaves as an empty one, but `toJson` writes `null`.
    items: Option<Arc<[Value]>>,
    list_type: &'static ListType,
    depth: u16,
}

impl List {
    /// A list of `items`.
    pub fn new(list_type: &'static ListType, items: impl Into<Arc<[Value]>>) -> Self {
        let items = items.into();
        let depth = items.iter().map(Value::depth).max().unwrap_or(0).saturating_add(1);
        Self { items: Some(items), list_type, depth }
    }

    /// The nil list.
    #[must_use]
    pub fn nil(list_type: &'static ListType) -> Self {
        Self { items: None, list_type, depth: 1 }
    }

    /// A list of texts.
    pub fn strings<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::new(ListType::STRINGS, items.into_iter().map(Into::into).collect::<Vec<_>>())
    }

    /// A list of anything.
    pub fn anys(items: impl Into<Arc<[Value]>>) -> Self {
        Self::new(ListType::ANYS, items)
    }

    /// The members.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        self.items.as_deref().unwrap_or(&[])
    }

    /// Whether it is the nil list.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// The type.
    #[must_use]
    pub fn list_type(&self) -> &'static ListType {
        self.list_type
    }

    /// How many levels of lists and maps there are, this one included.
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.depth
    }
}

/// A type of maps. Keys are texts.
pub struct MapType {
    /// Its name in error messages.
    pub name: &'static str,
    /// What its values are.
    pub element: Element,
    /// What can be called on it.
    pub methods: &'static [Method],
    /// What it prints as, if it isn't printed member by member.
    pub text: Option<fn(&Map) -> String>,
}

impl MapType {
    /// `map[string]string`
    pub const STRINGS: &'static Self =
        &Self { name: "map[string]string", element: Element::String, methods: &[], text: None };
    /// `map[string]interface {}`
    pub const ANYS: &'static Self =
        &Self { name: "map[string]interface {}", element: Element::Any, methods: &[], text: None };
}

impl fmt::Debug for MapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Keys and values, sorted by key.
#[derive(Debug, Clone)]
pub struct Map {
    entries: Entries,
    map_type: &'static MapType,
    depth: u16,
}

#[derive(Debug, Clone)]
enum Entries {
    /// The nil map: it behaves as an empty one, but `toJson` writes `null`.
    Nil,
    Owned(Arc<BTreeMap<Arc<str>, Value>>),
    /// Label sets are read where they lie.
    Labels(Labels),
}

impl Map {
    /// A map of `entries`.
    #[must_use]
    pub fn new(map_type: &'static MapType, entries: BTreeMap<Arc<str>, Value>) -> Self {
        let depth = entries.values().map(Value::depth).max().unwrap_or(0).saturating_add(1);
        Self { entries: Entries::Owned(Arc::new(entries)), map_type, depth }
    }

    /// The nil map.
    #[must_use]
    pub fn nil(map_type: &'static MapType) -> Self {
        Self { entries: Entries::Nil, map_type, depth: 1 }
    }

    /// A map of texts.
    pub fn strings<K: AsRef<str>, V: AsRef<str>>(
        map_type: &'static MapType,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (Arc::from(key.as_ref()), Value::from(value.as_ref())));
        Self { entries: Entries::Owned(Arc::new(entries.collect())), map_type, depth: 1 }
    }

    /// A label set as a map of texts.
    #[must_use]
    pub fn labels(map_type: &'static MapType, labels: Labels) -> Self {
        Self { entries: Entries::Labels(labels), map_type, depth: 1 }
    }

    /// The value at `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        match &self.entries {
            Entries::Nil => None,
            Entries::Owned(entries) => entries.get(key).cloned(),
            Entries::Labels(labels) => labels.get(key).map(Value::from),
        }
    }

    /// The value at `key`, or what the type has for a missing one.
    #[must_use]
    pub fn get_or_zero(&self, key: &str) -> Value {
        self.get(key).unwrap_or_else(|| match self.map_type.element {
            Element::String => Value::from(""),
            Element::Any | Element::Typed => Value::Nil,
        })
    }

    /// Keys and values, sorted by key.
    #[must_use]
    pub fn entries(&self) -> Vec<(Arc<str>, Value)> {
        match &self.entries {
            Entries::Nil => Vec::new(),
            Entries::Owned(entries) => entries.iter().map(|(key, value)| (Arc::clone(key), value.clone())).collect(),
            Entries::Labels(labels) => {
                labels.iter().map(|(name, value)| (Arc::from(name), Value::from(value))).collect()
            }
        }
    }

    /// Whether it is the nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self.entries, Entries::Nil)
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Nil => 0,
            Entries::Owned(entries) => entries.len(),
            Entries::Labels(labels) => labels.len(),
        }
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type.
    #[must_use]
    pub fn map_type(&self) -> &'static MapType {
        self.map_type
    }

    /// How many levels of lists and maps there are, this one included.
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.depth
    }
}
