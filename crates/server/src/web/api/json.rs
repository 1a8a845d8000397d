//! Writes JSON straight into bytes: answers can have millions of points, and a tree of values in between would cost
//! more than the query. Callers keep to the grammar; this keeps commas and quotes.

use metrics_model::Labels;
use metrics_model::number::push_float;

/// A JSON text in the making.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    /// Whether `<`, `>` and `&` stay as they are.
    is_plain: bool,
}

/// The fields of an object in the making.
pub(crate) struct Fields<'a> {
    json: &'a mut Json,
    is_first: bool,
}

/// The elements of an array in the making.
pub(crate) struct Elements<'a> {
    json: &'a mut Json,
    is_first: bool,
}

impl Json {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// For where no browser reads it, and people search in it.
    pub(crate) fn plain() -> Self {
        Self { is_plain: true, ..Self::default() }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes what is written so far out.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text).into_bytes()
    }

    /// Appends text that is JSON already, or a part of it.
    pub(crate) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn object(&mut self, fields: impl FnOnce(&mut Fields<'_>)) {
        self.text.push('{');
        fields(&mut Fields { json: self, is_first: true });
        self.text.push('}');
    }

    /// Adds fields to an object that was opened with [`Json::raw`] and has fields already.
    pub(crate) fn continue_object(&mut self, fields: impl FnOnce(&mut Fields<'_>)) {
        fields(&mut Fields { json: self, is_first: false });
    }

    pub(crate) fn array(&mut self, elements: impl FnOnce(&mut Elements<'_>)) {
        self.text.push('[');
        elements(&mut Elements { json: self, is_first: true });
        self.text.push(']');
    }

    /// A string with JSON's escapes. `<`, `>` and `&` are escaped too, as the original does: an answer that a browser
    /// takes for a page is then still none. Not so in [`Json::plain`].
    pub(crate) fn string(&mut self, text: &str) {
        self.text.push('"');
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape: &str = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                b'<' if !self.is_plain => "\\u003c",
                b'>' if !self.is_plain => "\\u003e",
                b'&' if !self.is_plain => "\\u0026",
                0..0x20 => {
                    self.text.push_str(&text[written..at]);
                    self.text.push_str(&format!("\\u{byte:04x}"));
                    written = at + 1;
                    continue;
                }
                _ => continue,
            };
            self.text.push_str(&text[written..at]);
            self.text.push_str(escape);
            written = at + 1;
        }
        self.text.push_str(&text[written..]);
        self.text.push('"');
    }

    pub(crate) fn integer(&mut self, value: i64) {
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    /// A sample's value: a number in quotes, since JSON has neither NaN nor infinities.
    pub(crate) fn quoted_float(&mut self, value: f64) {
        self.text.push('"');
        push_float(&mut self.text, value);
        self.text.push('"');
    }

    /// A plain number; one that JSON lacks is written as 0.
    pub(crate) fn float(&mut self, value: f64) {
        push_float(&mut self.text, if value.is_finite() { value } else { 0.0 });
    }

    /// A time in seconds, with three decimals where it is not whole.
    pub(crate) fn timestamp(&mut self, timestamp_ms: i64) {
        if timestamp_ms < 0 {
            self.text.push('-');
        }
        let milliseconds = timestamp_ms.unsigned_abs();
        self.text.push_str(itoa::Buffer::new().format(milliseconds / 1_000));
        let fraction = milliseconds % 1_000;
        if fraction != 0 {
            for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
                self.text.push(char::from(b'0' + digit as u8));
            }
            let point = self.text.len() - 3;
            self.text.insert(point, '.');
        }
    }

    /// `[time,"value"]`
    pub(crate) fn point(&mut self, timestamp_ms: i64, value: f64) {
        self.text.push('[');
        self.timestamp(timestamp_ms);
        self.text.push(',');
        self.quoted_float(value);
        self.text.push(']');
    }

    pub(crate) fn labels(&mut self, labels: &Labels) {
        self.object(|fields| {
            for (name, value) in labels {
                fields.string(name, value);
            }
        });
    }
}

impl Fields<'_> {
    /// Writes the key and lets the caller write the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Json {
        if !std::mem::take(&mut self.is_first) {
            self.json.text.push(',');
        }
        self.json.string(name);
        self.json.text.push(':');
        self.json
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.key(name).string(value);
    }

    pub(crate) fn integer(&mut self, name: &str, value: i64) {
        self.key(name).integer(value);
    }

    pub(crate) fn count(&mut self, name: &str, value: usize) {
        self.integer(name, i64::try_from(value).unwrap_or(i64::MAX));
    }

    pub(crate) fn float(&mut self, name: &str, value: f64) {
        self.key(name).float(value);
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.key(name).raw(if value { "true" } else { "false" });
    }

    pub(crate) fn labels(&mut self, name: &str, labels: &Labels) {
        self.key(name).labels(labels);
    }

    pub(crate) fn strings<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        self.key(name).array(|elements| {
            for value in values {
                elements.next().string(value.as_ref());
            }
        });
    }
}

impl Elements<'_> {
    /// The place for the next element, which the caller writes.
    pub(crate) fn next(&mut self) -> &mut Json {
        if !std::mem::take(&mut self.is_first) {
            self.json.text.push(',');
        }
        self.json
    }

    pub(crate) fn object(&mut self, fields: impl FnOnce(&mut Fields<'_>)) {
        self.next().object(fields);
    }
}

#[cfg(test)]
mod tests;
