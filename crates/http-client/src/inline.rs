//! Groups of keys that stand among an owner's own keys in one YAML map.
//!
//! A scrape section holds its own keys, those of the HTTP client and those of service discovery side by side.
//! `#[serde(flatten)]` could express that, but it cannot refuse unknown keys and loses the position of errors. So the
//! owner writes a struct of its own keys with `#[serde(deny_unknown_fields)]` and reads [`WithKeys<Own, Group>`]: keys
//! that the group owns go to the group while they are read, all others go to the owner's struct, which refuses what it
//! does not know. Two groups are [`Both`].

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Keys that can stand inside another section.
pub trait KeyGroup: Default {
    /// Whether the group has a key of this name.
    fn owns(key: &str) -> bool;

    /// Reads the value of `key`, which the group owns, from `map`.
    ///
    /// # Errors
    /// Whatever is wrong with the value.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;

    /// Checks the whole group after its last key.
    ///
    /// # Errors
    /// What does not go together.
    fn finish(&mut self) -> Result<(), String>;
}

/// Two groups in one section.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Both<G, H> {
    /// The keys of the one.
    #[serde(flatten)]
    pub first: G,
    /// The keys of the other.
    #[serde(flatten)]
    pub second: H,
}

impl<G: KeyGroup, H: KeyGroup> KeyGroup for Both<G, H> {
    fn owns(key: &str) -> bool {
        G::owns(key) || H::owns(key)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if G::owns(key) { self.first.read(key, map) } else { self.second.read(key, map) }
    }

    fn finish(&mut self) -> Result<(), String> {
        self.first.finish()?;
        self.second.finish()
    }
}

/// An owner's keys and a group's keys, read from (and written to) one map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WithKeys<T, G> {
    /// The owner's own keys.
    pub own: T,
    /// The group's keys.
    pub group: G,
}

impl<'de, T: Deserialize<'de>, G: KeyGroup> Deserialize<'de> for WithKeys<T, G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut group = G::default();
        let own = T::deserialize(Splitting { inner: deserializer, group: &mut group })?;
        Ok(Self { own, group })
    }
}

impl<T: Serialize, G: Serialize> Serialize for WithKeys<T, G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Joined<'a, T, G> {
            #[serde(flatten)]
            own: &'a T,
            #[serde(flatten)]
            group: &'a G,
        }
        Joined { own: &self.own, group: &self.group }.serialize(serializer)
    }
}

/// Reads a map of the group's keys alone, for a group that stands in a section of its own.
///
/// # Errors
/// Unknown and doubled keys, and whatever the group finds wrong.
pub fn deserialize_alone<'de, G: KeyGroup, D: Deserializer<'de>>(deserializer: D) -> Result<G, D::Error> {
    /// The owner without keys.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    WithKeys::<Nothing, G>::deserialize(deserializer).map(|both| both.group)
}

/// Hands the owner's visitor a map without the group's keys.
struct Splitting<'g, D, G> {
    inner: D,
    group: &'g mut G,
}

impl<'de, D: Deserializer<'de>, G: KeyGroup> Deserializer<'de> for Splitting<'_, D, G> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(SplitVisitor { visitor, group: self.group, value: PhantomData })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct SplitVisitor<'g, V, G, T> {
    visitor: V,
    group: &'g mut G,
    value: PhantomData<T>,
}

impl<'de, V: Visitor<'de, Value = T>, G: KeyGroup, T> Visitor<'de> for SplitVisitor<'_, V, G, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let mut split = SplitMap { map, group: &mut *self.group, seen: BTreeSet::new() };
        let value = self.visitor.visit_map(&mut split)?;
        self.group.finish().map_err(de::Error::custom)?;
        Ok(value)
    }

    /// An empty section: no keys at all.
    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        let nothing = de::value::MapDeserializer::new(std::iter::empty::<(&str, &str)>());
        let value = self.visitor.visit_map(nothing)?;
        self.group.finish().map_err(de::Error::custom)?;
        Ok(value)
    }
}

/// A map whose group keys are read on the way.
struct SplitMap<'g, A, G> {
    map: A,
    group: &'g mut G,
    seen: BTreeSet<String>,
}

impl<'de, A: MapAccess<'de>, G: KeyGroup> MapAccess<'de> for &mut SplitMap<'_, A, G> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let mut seed = seed;
        loop {
            match self.map.next_key_seed(KeySeed::<K, G> { seed, group: PhantomData })? {
                None => return Ok(None),
                Some(Key::Own(key)) => return Ok(Some(key)),
                Some(Key::Group(key, unused)) => {
                    self.group.read(&key, &mut self.map)?;
                    if !self.seen.insert(key.clone()) {
                        return Err(de::Error::custom(format!("duplicate field `{key}`")));
                    }
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads one key and decides whose it is. The owner's seed runs inside the reader, so that a key which the owner refuses
/// is refused with its position.
struct KeySeed<K, G> {
    seed: K,
    group: PhantomData<G>,
}

enum Key<V, K> {
    Own(V),
    /// With the owner's seed, for the next key.
    Group(String, K),
}

impl<'de, K: DeserializeSeed<'de>, G: KeyGroup> DeserializeSeed<'de> for KeySeed<K, G> {
    type Value = Key<K::Value, K>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>, G: KeyGroup> Visitor<'de> for KeySeed<K, G> {
    type Value = Key<K::Value, K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        if G::owns(key) {
            return Ok(Key::Group(key.to_owned(), self.seed));
        }
        self.seed.deserialize(key.into_deserializer()).map(Key::Own)
    }
}
