//! Any text as a template of every kind, and several of them in one set: refused or taken, without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

use template::rules::RuleTemplate;
use template::{Functions, Template, TemplateSet};

fuzz_target!(|text: &str| {
    for functions in [Functions::BUILTINS, Functions::NOTIFICATIONS, Functions::CONSOLES] {
        drop(Template::parse("fuzz", text, functions));
    }
    drop(RuleTemplate::parse("fuzz", text));
    let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
    for part in text.split('\u{0}') {
        drop(set.add("fuzz", part));
    }
});
