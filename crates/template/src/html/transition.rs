//! How the template's own text moves through HTML: tags, attributes, elements with content of their own.

use super::attributes::attribute_of;
use super::{Attribute, Context, Delimiter, Element, State, UrlPart};

pub(super) const SPACES: [char; 5] = [' ', '\t', '\n', '\u{c}', '\r'];

impl Element {
    fn of_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "script" => Self::Script,
            "style" => Self::Style,
            "textarea" => Self::Textarea,
            "title" => Self::Title,
            "meta" => Self::Meta,
            _ => Self::Other,
        }
    }

    fn content_state(self) -> State {
        match self {
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Textarea | Self::Title => State::Rcdata,
            Self::Other | Self::Meta => State::Text,
        }
    }

    /// The tag that alone ends the content of the element.
    fn end_tag(self) -> Option<&'static str> {
        match self {
            Self::Script => Some("</script"),
            Self::Style => Some("</style"),
            Self::Textarea => Some("</textarea"),
            Self::Title => Some("</title"),
            Self::Other | Self::Meta => None,
        }
    }
}

impl Context {
    /// Reads the start of `text`. How much of it.
    pub(super) fn step(&mut self, text: &str) -> Result<usize, String> {
        if self.delimiter != Delimiter::None {
            return self.step_value(text);
        }
        match self.element.end_tag().and_then(|tag| find_end_tag(text, tag)) {
            Some(0) => {
                *self = Self::default();
                Ok(0)
            }
            end => self.transition(&text[..end.unwrap_or(text.len())]),
        }
    }

    /// As [`Context::step`], with scripts and styles counting as text.
    pub(super) fn step_as_text(&mut self, text: &str) -> Result<usize, String> {
        if matches!(self.state, State::Js | State::Css) && self.delimiter == Delimiter::None {
            self.state = State::Rcdata;
        }
        self.step(text)
    }

    /// Reads the value of an attribute, or as much of it as there is.
    fn step_value(&mut self, text: &str) -> Result<usize, String> {
        let end = match self.delimiter {
            Delimiter::Double => text.find('"'),
            Delimiter::Single => text.find('\''),
            _ => text.find(|c| SPACES.contains(&c) || c == '>'),
        };
        let value = &text[..end.unwrap_or(text.len())];
        // Browsers differ on what these do in a value without quotes.
        if self.delimiter == Delimiter::Space
            && let Some(c) = value.chars().find(|c| matches!(c, '"' | '\'' | '<' | '=' | '`'))
        {
            return Err(format!(
                "{} in unquoted attr: {}",
                crate::text::quote(&c.to_string()),
                crate::text::quote(value)
            ));
        }
        let Some(end) = end else {
            let decoded = decode_entities(text);
            let mut rest = decoded.as_str();
            while !rest.is_empty() {
                let before = self.clone();
                let read = self.transition(rest)?;
                if read == 0 && *self == before {
                    break;
                }
                rest = &rest[read..];
            }
            return Ok(text.len());
        };
        // A script of another type is text to us.
        let element = if self.state == State::Attr && self.attribute == Attribute::ScriptType && !is_script_type(value)
        {
            Element::Other
        } else {
            self.element
        };
        let quote = usize::from(self.delimiter != Delimiter::Space);
        *self = Self { state: State::Tag, element, ..Self::default() };
        Ok(end + quote)
    }

    /// Reads the start of `text`, which the end of the place at hand does not lie in. How much of it.
    fn transition(&mut self, text: &str) -> Result<usize, String> {
        match self.state {
            State::Text => Ok(self.text(text)),
            State::Tag => self.tag(text),
            State::AttrName => {
                let end = attribute_name_end(text)?;
                if end < text.len() {
                    self.state = State::AfterName;
                }
                Ok(end)
            }
            State::AfterName => Ok(self.after_name(text)),
            State::BeforeValue => Ok(self.before_value(text)),
            State::Comment => Ok(match text.find("-->") {
                Some(end) => {
                    *self = Self::default();
                    end + 3
                }
                None => text.len(),
            }),
            State::Attr | State::Rcdata => Ok(text.len()),
            State::Url | State::Srcset => {
                self.advance_url(text);
                Ok(text.len())
            }
            State::MetaContent => {
                let url = text.to_ascii_lowercase().find("url=");
                if url.is_some() {
                    self.state = State::MetaUrl;
                }
                Ok(url.map_or(text.len(), |at| at + 4))
            }
            State::MetaUrl => {
                let end = text.find(';');
                if end.is_some() {
                    self.state = State::MetaContent;
                }
                Ok(end.map_or(text.len(), |at| at + 1))
            }
            State::Js
            | State::JsDouble
            | State::JsSingle
            | State::JsTemplate
            | State::JsRegexp
            | State::JsBlockComment
            | State::JsLineComment => self.script(text),
            _ => self.style(text),
        }
    }

    pub(super) fn advance_url(&mut self, text: &str) {
        if text.contains(['#', '?']) {
            self.url_part = UrlPart::QueryOrFragment;
        } else if self.url_part == UrlPart::Start && !text.trim_start_matches(SPACES).is_empty() {
            self.url_part = UrlPart::BeforeQuery;
        }
    }

    /// Text up to the name of the first tag, or into the first comment.
    fn text(&mut self, text: &str) -> usize {
        let mut from = 0;
        while let Some(found) = text[from..].find('<') {
            let at = from + found;
            if text[at..].starts_with("<!--") {
                *self = Self { state: State::Comment, ..Self::default() };
                return at + 4;
            }
            let closes = text[at + 1..].starts_with('/');
            let name_at = at + 1 + usize::from(closes);
            let len = tag_name_len(&text[name_at..]);
            if len > 0 {
                let element = if closes { Element::Other } else { Element::of_name(&text[name_at..name_at + len]) };
                *self = Self { state: State::Tag, element, ..Self::default() };
                return name_at + len;
            }
            from = name_at;
        }
        text.len()
    }

    fn tag(&mut self, text: &str) -> Result<usize, String> {
        let spaces = text.len() - text.trim_start_matches(SPACES).len();
        let rest = &text[spaces..];
        if rest.is_empty() {
            return Ok(text.len());
        }
        if rest.starts_with('>') {
            *self = Self { state: self.element.content_state(), element: self.element, ..Self::default() };
            return Ok(spaces + 1);
        }
        let end = attribute_name_end(rest)?;
        if end == 0 {
            let shown = crate::text::quote(rest);
            return Err(format!("expected space, attr name, or end of tag, but got {shown}"));
        }
        self.attribute = attribute_of(&rest[..end].to_lowercase(), self.element);
        self.state = if end == rest.len() { State::AttrName } else { State::AfterName };
        Ok(spaces + end)
    }

    fn after_name(&mut self, text: &str) -> usize {
        let spaces = text.len() - text.trim_start_matches(SPACES).len();
        match text[spaces..].chars().next() {
            None => text.len(),
            Some('=') => {
                self.state = State::BeforeValue;
                spaces + 1
            }
            // The attribute has no value.
            Some(_) => {
                self.state = State::Tag;
                spaces
            }
        }
    }

    fn before_value(&mut self, text: &str) -> usize {
        let spaces = text.len() - text.trim_start_matches(SPACES).len();
        let (delimiter, quote) = match text[spaces..].chars().next() {
            None => return text.len(),
            Some('"') => (Delimiter::Double, 1),
            Some('\'') => (Delimiter::Single, 1),
            Some(_) => (Delimiter::Space, 0),
        };
        self.state = self.attribute.value_state();
        self.delimiter = delimiter;
        spaces + quote
    }
}

/// Where the end tag starts, in letters of any case and followed by something that ends its name.
fn find_end_tag(text: &str, tag: &str) -> Option<usize> {
    text.match_indices("</").map(|(at, _)| at).find(|at| {
        let end = at + tag.len();
        text.get(*at..end).is_some_and(|start| start.eq_ignore_ascii_case(tag))
            && text[end..].starts_with(['>', ' ', '\t', '\n', '\u{c}', '/'])
    })
}

/// The length of the tag name that `text` starts with: letters and digits, with single `-` and `:` between.
fn tag_name_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return 0;
    }
    let mut len = 1;
    while let Some(byte) = bytes.get(len) {
        if byte.is_ascii_alphanumeric() {
            len += 1;
        } else if matches!(byte, b':' | b'-') && bytes.get(len + 1).is_some_and(u8::is_ascii_alphanumeric) {
            len += 2;
        } else {
            break;
        }
    }
    len
}

/// Where the name of an attribute ends. Quotes in it would be the sign of a mistake before it.
fn attribute_name_end(text: &str) -> Result<usize, String> {
    for (at, c) in text.char_indices() {
        match c {
            '=' | '>' => return Ok(at),
            c if SPACES.contains(&c) => return Ok(at),
            '\'' | '"' | '<' => {
                let shown: String = text.chars().take(32).collect();
                let (sign, shown) = (crate::text::quote(&c.to_string()), crate::text::quote(&shown));
                return Err(format!("{sign} in attribute name: {shown}"));
            }
            _ => {}
        }
    }
    Ok(text.len())
}

/// Whether scripts of this type are scripts to a browser.
fn is_script_type(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((kind, name)) = essence.split_once('/') else { return essence == "module" };
    match kind {
        "application" => {
            matches!(name, "ecmascript" | "javascript" | "json" | "ld+json" | "x-ecmascript" | "x-javascript")
        }
        "text" => matches!(
            name,
            "ecmascript"
                | "javascript"
                | "javascript1.0"
                | "javascript1.1"
                | "javascript1.2"
                | "javascript1.3"
                | "javascript1.4"
                | "javascript1.5"
                | "jscript"
                | "livescript"
                | "x-ecmascript"
                | "x-javascript"
        ),
        _ => false,
    }
}

/// The characters that entities stand for, as far as they mean something in scripts and styles.
fn decode_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (c, len) = entity.unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[len..];
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    match name {
        "amp" => Some('&'),
        "apos" => Some('\''),
        "bsol" => Some('\\'),
        "colon" => Some(':'),
        "equals" => Some('='),
        "grave" => Some('`'),
        "gt" => Some('>'),
        "lbrace" | "lcub" => Some('{'),
        "lpar" => Some('('),
        "lt" => Some('<'),
        "nbsp" => Some('\u{a0}'),
        "NewLine" => Some('\n'),
        "num" => Some('#'),
        "quest" => Some('?'),
        "quot" => Some('"'),
        "rbrace" | "rcub" => Some('}'),
        "rpar" => Some(')'),
        "semi" => Some(';'),
        "sol" => Some('/'),
        "Tab" => Some('\t'),
        _ => None,
    }
}
