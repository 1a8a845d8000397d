//! The text that INFO answers: sections of `field:value` lines. Also CLUSTER INFO, which has no sections.

/// A parsed INFO. Lines that are no field are left out; of a field that stands there twice the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    fields: Vec<Field>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The section's name, as `Memory`.
    pub section: String,
    /// The field's name.
    pub name: String,
    /// Everything after the colon.
    pub value: String,
}

impl Info {
    /// Parses a text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut section = String::new();
        let mut fields = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(title) = line.strip_prefix('#') {
                section = title.trim().to_owned();
            } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| !name.is_empty()) {
                fields.push(Field { section: section.clone(), name: name.to_owned(), value: value.to_owned() });
            }
        }
        Self { fields }
    }

    /// All fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// The value of a field that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.trim().parse().ok()
    }

    /// What follows `prefix` in a field's name, with the value's `name=value` parts.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, Parts<'a>)> {
        self.fields
            .iter()
            .filter_map(move |field| field.name.strip_prefix(prefix).map(|rest| (rest, Parts { text: &field.value })))
    }
}

/// A value of the form `calls=1,usec=2`.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    text: &'a str,
}

impl<'a> Parts<'a> {
    /// Reads a value.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Names and values in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.text.split(',').filter_map(|part| part.split_once('='))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// The value of a name, if it is a number.
    #[must_use]
    pub fn number(self, name: &str) -> Option<f64> {
        self.get(name)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Info;

    #[test]
    fn fields_know_their_sections() {
        let info =
            Info::parse("# Server\r\nredis_version:7.0.15\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=5\r\n");
        assert_eq!(info.get("redis_version"), Some("7.0.15"));
        assert_eq!(info.fields()[1].section, "Keyspace");
        let (database, parts) = info.with_prefix("db").next().expect("a database");
        assert_eq!((database, parts.number("keys"), parts.number("avg_ttl")), ("0", Some(1.0), Some(5.0)));
    }

    #[test]
    fn odd_texts_are_no_trouble() {
        for text in ["", ":", "a", "#", "# \n::\n:b", "db0:keys=,=,==1", "a:\u{0}\n"] {
            let info = Info::parse(text);
            for (_, parts) in info.with_prefix("db") {
                assert_eq!(parts.number("keys"), None);
            }
        }
    }
}
