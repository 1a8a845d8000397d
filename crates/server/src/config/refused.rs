//! Sections of the original that Firewatch does not have yet. Refused while they are read, so that the error has their
//! position; empty ones ask for nothing and are taken.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// What the section would do, for the error.
pub(super) trait Section {
    /// Its name and what it would do.
    const WHAT: &'static str;
}

/// Declares sections.
macro_rules! sections {
    ($($name:ident: $what:literal;)*) => {
        $(
            #[derive(Debug, Clone, Copy, Default)]
            pub(super) struct $name;

            impl Section for $name {
                const WHAT: &'static str = $what;
            }
        )*
    };
}

sections! {
    RemoteWrite: "remote_write (sending samples to other systems)";
    RemoteRead: "remote_read (reading samples from other systems)";
    Tracing: "tracing";
    Otlp: "otlp (the OTLP receiver)";
    Sigv4: "sigv4 (signing requests for AWS)";
}

/// A section that must be empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refused<S>(std::marker::PhantomData<S>);

impl<S> Refused<S> {
    /// For `skip_serializing_if`: there is never anything to show.
    pub(super) fn is_never_shown(_: &Self) -> bool {
        true
    }
}

impl<S> Serialize for Refused<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, S: Section> Deserialize<'de> for Refused<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Empty::<S>(std::marker::PhantomData))
    }
}

struct Empty<S>(std::marker::PhantomData<S>);

impl<S: Section> Empty<S> {
    fn refuse<T, E: de::Error>() -> Result<T, E> {
        Err(E::custom(format!("{} is not supported by Firewatch yet", S::WHAT)))
    }
}

impl<'de, S: Section> Visitor<'de> for Empty<S> {
    type Value = Refused<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing: {} is not supported by Firewatch yet", S::WHAT)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Refused<S>, E> {
        Ok(Refused(std::marker::PhantomData))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Refused<S>, E> {
        if text.is_empty() { self.visit_unit() } else { Self::refuse() }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Refused<S>, A::Error> {
        match list.next_element::<de::IgnoredAny>()? {
            None => self.visit_unit(),
            Some(_) => Self::refuse(),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Refused<S>, A::Error> {
        match map.next_key::<String>()? {
            None => self.visit_unit(),
            Some(_) => Self::refuse(),
        }
    }
}
