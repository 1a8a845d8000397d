//! What attributes hold, by their names.

use super::{Attribute, Element};

const URLS: &[&str] = &[
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xmlns",
];

/// Attributes that change how a page is read or sent: values may not name them.
const GUARDED: &[&str] = &[
    "accept-charset",
    "async",
    "challenge",
    "charset",
    "content",
    "crossorigin",
    "defer",
    "enctype",
    "form",
    "formenctype",
    "formmethod",
    "formnovalidate",
    "http-equiv",
    "keytype",
    "language",
    "method",
    "novalidate",
    "pattern",
    "rel",
    "sandbox",
    "srcdoc",
    "type",
    "value",
];

/// Names that contain `src`, `uri` or `url`, or start with `on`, and are harmless all the same.
const HARMLESS: &[&str] = &["srclang", "open"];

/// What the attribute called `name`, in lower case, holds in `element`.
pub(super) fn attribute_of(name: &str, element: Element) -> Attribute {
    match (element, name) {
        (Element::Script, "type") => return Attribute::ScriptType,
        (Element::Meta, "content") => return Attribute::MetaContent,
        _ => {}
    }
    // `data-href` and `xlink:href` are taken for what they are likely to become.
    let name = match name.strip_prefix("data-") {
        Some(own) => own,
        None => match name.split_once(':') {
            Some(("xmlns", _)) => return Attribute::Url,
            Some((_, own)) => own,
            None => name,
        },
    };
    match name {
        "style" => Attribute::Style,
        "srcset" => Attribute::Srcset,
        name if URLS.contains(&name) => Attribute::Url,
        name if GUARDED.contains(&name) || HARMLESS.contains(&name) => Attribute::Plain,
        name if name.starts_with("on") => Attribute::Script,
        name if name.contains("src") || name.contains("uri") || name.contains("url") => Attribute::Url,
        _ => Attribute::Plain,
    }
}

/// Whether a value may be the name, in lower case, of an attribute.
pub(super) fn may_be_named(name: &str) -> bool {
    let own = name.strip_prefix("data-").or_else(|| name.split_once(':').map(|(_, own)| own)).unwrap_or(name);
    attribute_of(name, Element::Other) == Attribute::Plain && !GUARDED.contains(&own)
}
