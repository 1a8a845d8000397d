//! Escaping by place: what is harmless in text can be a script in an attribute.
//!
//! A [`Context`] follows the template's own text through HTML, scripts and styles, so that at every value it is known
//! in which kind of place the value lies, and what must not stand there. Values never change the place; whatever they
//! hold, they cannot end the text, attribute or string around them. The rules are those of Go's `html/template`, with
//! one difference: it judges a template before it is carried out, we do so along the way that is taken.

use crate::gotmpl::fmt;
use crate::value::{SafeKind, Value};

mod attributes;
pub(crate) mod escapers;
mod filters;
mod script;
mod style;
mod transition;

/// What the output is within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    /// Within a tag, before or between attributes.
    Tag,
    AttrName,
    AfterName,
    BeforeValue,
    Comment,
    /// Text of `title` and `textarea`, where tags do not count.
    Rcdata,
    /// The value of an attribute without any special meaning.
    Attr,
    Url,
    Srcset,
    /// The `content` of a `meta`, which may hold a URL.
    MetaContent,
    MetaUrl,
    Js,
    JsDouble,
    JsSingle,
    JsTemplate,
    JsRegexp,
    JsBlockComment,
    JsLineComment,
    Css,
    CssDouble,
    CssSingle,
    CssDoubleUrl,
    CssSingleUrl,
    CssUrl,
    CssBlockComment,
    CssLineComment,
}

impl State {
    fn is_comment(self) -> bool {
        matches!(
            self,
            Self::Comment | Self::JsBlockComment | Self::JsLineComment | Self::CssBlockComment | Self::CssLineComment
        )
    }
}

/// What ends an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Delimiter {
    /// Not within a value.
    #[default]
    None,
    Double,
    Single,
    /// The value has no quotes: a space or the end of the tag.
    Space,
}

/// How far a URL has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum UrlPart {
    /// Nothing of it is there: a value could bring its own scheme.
    #[default]
    Start,
    BeforeQuery,
    QueryOrFragment,
}

/// What a slash means in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Slash {
    #[default]
    Regexp,
    Division,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Attribute {
    #[default]
    Plain,
    Script,
    /// The `type` of a `script`.
    ScriptType,
    Style,
    Url,
    Srcset,
    MetaContent,
}

impl Attribute {
    fn value_state(self) -> State {
        match self {
            Self::Plain | Self::ScriptType => State::Attr,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Url => State::Url,
            Self::Srcset => State::Srcset,
            Self::MetaContent => State::MetaContent,
        }
    }
}

/// Elements whose content is not plain text, and `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Element {
    #[default]
    Other,
    Script,
    Style,
    Textarea,
    Title,
    Meta,
}

/// Escaping that templates can ask for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Html,
    UrlQuery,
}

impl Own {
    /// The escaping that a function does.
    pub(crate) fn of_function(name: &str) -> Option<Self> {
        match name {
            "html" => Some(Self::Html),
            "urlquery" => Some(Self::UrlQuery),
            _ => None,
        }
    }

    /// Why it may not stand where it stands.
    pub(crate) fn disallowed(self) -> String {
        let name = if self == Self::Html { "html" } else { "urlquery" };
        format!("predefined escaper \"{name}\" disallowed in template")
    }

    fn apply(self, text: &str) -> String {
        match self {
            Self::Html => escapers::html(text),
            Self::UrlQuery => escapers::url_query(text),
        }
    }
}

/// Where in HTML the output has got to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Context {
    state: State,
    delimiter: Delimiter,
    url_part: UrlPart,
    slash: Slash,
    /// For every `${` of a template literal that is open: the braces open within it.
    braces: Vec<u32>,
    attribute: Attribute,
    element: Element,
}

impl Context {
    /// Reads text of the template itself; returns what of it is written: all but comments.
    pub(crate) fn advance(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let mut next = self.clone();
            let read = next.step(rest)?;
            if read == 0 && next == *self {
                return Err("the HTML cannot be understood".to_owned());
            }
            self.write_step(&next, &rest[..read], rest, &mut out);
            rest = &rest[read..];
            *self = next;
        }
        Ok(out)
    }

    /// Writes `read`, the start of `rest`, which led from here to `next`.
    fn write_step(&self, next: &Self, read: &str, rest: &str, out: &mut String) {
        if self.state.is_comment() && self.delimiter == Delimiter::None {
            // A comment counts as space, or as a line break if it has one.
            match self.state {
                State::JsBlockComment if read.contains(['\n', '\r', '\u{2028}', '\u{2029}']) => out.push('\n'),
                State::JsBlockComment | State::CssBlockComment => out.push(' '),
                _ => {}
            }
            return;
        }
        let opener = match next.state {
            _ if next.delimiter != Delimiter::None || next.state == self.state => 0,
            state if state.is_comment() && read.ends_with("<!--") => 4,
            state if state.is_comment() && read.ends_with("-->") => 3,
            state if state.is_comment() => 2,
            _ => 0,
        };
        let kept = &read[..read.len() - opener.min(read.len())];
        if !matches!(self.state, State::Text | State::Rcdata) {
            out.push_str(kept);
            return;
        }
        // A sign that starts no tag is written so that it cannot come to start one.
        let tag = if next.state == self.state { kept.len() } else { kept.rfind('<').unwrap_or(kept.len()) };
        let tag = if opener > 0 { kept.len() } else { tag };
        let mut written = 0;
        for (at, _) in kept[..tag].match_indices('<') {
            let doctype = rest.get(at..at + 9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
            if !doctype {
                out.push_str(&kept[written..at]);
                out.push_str("&lt;");
                written = at + 1;
            }
        }
        out.push_str(&kept[written..]);
    }

    /// The text of a value, escaped for this place. `own` is the escaping that the template asks for itself; where it does
    /// what the place needs, it is done instead, else before.
    pub(crate) fn escape(&mut self, value: &Value, own: Option<Own>, bytes_max: usize) -> Result<String, String> {
        self.nudge();
        let quoted = matches!(self.delimiter, Delimiter::Double | Delimiter::Single);
        let instead = match own {
            Some(Own::Html) if self.state == State::Attr && self.delimiter == Delimiter::Space => {
                return Err(Own::Html.disallowed());
            }
            Some(Own::Html) => quoted || matches!(self.state, State::Text | State::Rcdata),
            Some(Own::UrlQuery) => {
                matches!(self.state, State::Url | State::CssDoubleUrl | State::CssSingleUrl | State::CssUrl)
            }
            None => true,
        };
        // A URL that starts with nothing is empty; elsewhere the template's own escaping has words for nothing.
        let is_url_start = instead && self.url_part == UrlPart::Start && own == Some(Own::UrlQuery);
        let nothing = Value::from("<no value>");
        let value = match value {
            Value::Nil if own.is_some() && !is_url_start => &nothing,
            value => value,
        };
        match own {
            Some(own) if !instead => {
                let text = own.apply(&plain_text(value, bytes_max)?.0);
                self.escape_for_place(&text.into(), None, bytes_max)
            }
            own => self.escape_for_place(value, own, bytes_max),
        }
    }

    fn escape_for_place(&mut self, value: &Value, own: Option<Own>, bytes_max: usize) -> Result<String, String> {
        if self.state == State::Js {
            self.slash = Slash::Division;
            return Ok(self.escape_attribute(&script::value(value, bytes_max), None, own));
        }
        let (text, kind) = plain_text(value, bytes_max)?;
        let inner = match self.state {
            State::Url | State::CssDoubleUrl | State::CssSingleUrl | State::CssUrl => self.escape_url(&text, kind, own),
            State::CssDouble | State::CssSingle => match self.url_part {
                UrlPart::Start => filters::css_string(&filters::url(&text, kind)),
                UrlPart::BeforeQuery => filters::css_string(&text),
                UrlPart::QueryOrFragment => filters::url_part(&text, kind),
            },
            State::JsDouble | State::JsSingle => filters::js_string(&text),
            State::JsTemplate => filters::js_template(&text),
            State::JsRegexp => filters::js_regexp(&text),
            State::Css => filters::css_value(&text),
            State::Text | State::Rcdata if own.is_some() => return Ok(escapers::html(&text)),
            State::Text if kind == Some(SafeKind::Html) => return Ok(text),
            State::Rcdata if kind == Some(SafeKind::Html) => return Ok(filters::html_normalized(&text)),
            State::Text | State::Rcdata => return Ok(filters::html(&text)),
            State::Attr | State::MetaContent => return Ok(self.escape_attribute(&text, kind, own)),
            State::MetaUrl => filters::url(&text, kind),
            State::AttrName | State::Tag => {
                self.state = State::AttrName;
                return Ok(filters::attribute_name(&text, kind));
            }
            State::Srcset => filters::srcset(&text, kind),
            // Nothing is written into comments.
            _ => return Ok(String::new()),
        };
        Ok(self.escape_attribute(&inner, None, own))
    }

    fn escape_url(&self, text: &str, kind: Option<SafeKind>, own: Option<Own>) -> String {
        let filtered = match self.url_part {
            UrlPart::Start => filters::url(text, kind),
            UrlPart::BeforeQuery | UrlPart::QueryOrFragment => text.to_owned(),
        };
        match (own, self.url_part) {
            (Some(Own::UrlQuery), _) => escapers::url_query(&filtered),
            (_, UrlPart::QueryOrFragment) => filters::url_part(&filtered, kind),
            _ => filters::url_normalized(&filtered),
        }
    }

    /// Escapes for the value of an attribute, if this is one.
    fn escape_attribute(&self, text: &str, kind: Option<SafeKind>, own: Option<Own>) -> String {
        let html = kind == Some(SafeKind::Html);
        match self.delimiter {
            Delimiter::None => text.to_owned(),
            Delimiter::Space if html => filters::unquoted_normalized(&strip_tags(text)),
            Delimiter::Space => filters::unquoted(text),
            _ if own == Some(Own::Html) => escapers::html(text),
            _ if html => filters::html_normalized(&strip_tags(text)),
            _ => filters::html(text),
        }
    }

    /// What the next character would do to the context without being read: after `<a href=` a value begins.
    fn nudge(&mut self) {
        match self.state {
            State::Tag => self.state = State::AttrName,
            State::BeforeValue => {
                self.state = self.attribute.value_state();
                self.delimiter = Delimiter::Space;
                self.attribute = Attribute::Plain;
            }
            State::AfterName => {
                self.state = State::AttrName;
                self.attribute = Attribute::Plain;
            }
            _ => {}
        }
    }

    /// What the output ends within, if it isn't plain text.
    pub(crate) fn unfinished(&self) -> Option<String> {
        let place = match self.state {
            State::Text => return None,
            State::Tag | State::AttrName | State::AfterName | State::BeforeValue => "a tag",
            State::Comment => "a comment",
            State::Rcdata => "a title or textarea",
            State::Attr | State::MetaContent => "an attribute",
            State::Url | State::Srcset | State::MetaUrl => "a URL in an attribute",
            State::CssDoubleUrl | State::CssSingleUrl | State::CssUrl => "a URL in a style",
            State::Css | State::CssDouble | State::CssSingle | State::CssBlockComment | State::CssLineComment => {
                "a style"
            }
            _ => "a script",
        };
        Some(place.to_owned())
    }
}

/// The text of markup, without tags and comments.
fn strip_tags(markup: &str) -> String {
    let mut context = Context::default();
    let mut out = String::new();
    let mut rest = markup;
    while !rest.is_empty() {
        let before = context.state;
        let Ok(read) = context.step_as_text(rest) else { break };
        if read == 0 && context.state == before {
            break;
        }
        if matches!(before, State::Text | State::Rcdata) {
            let kept = &rest[..read];
            let end = if context.state == before { read } else { kept.rfind('<').unwrap_or(read) };
            out.push_str(&kept[..end]);
        }
        rest = &rest[read..];
    }
    out
}

/// A value as text, and what it was declared safe for. Nothing at all is the empty text.
fn plain_text(value: &Value, bytes_max: usize) -> Result<(String, Option<SafeKind>), String> {
    match value {
        Value::Nil => Ok((String::new(), None)),
        Value::String(text) => Ok((text.to_string(), None)),
        Value::Safe(kind, text) => Ok((text.to_string(), Some(*kind))),
        value => fmt::print_action(value, bytes_max).map(|text| (text, None)),
    }
}
