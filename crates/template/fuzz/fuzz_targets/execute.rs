//! Any text as a template, as plain text and as HTML: it may be refused, but must not panic, hang or fill the memory.

#![no_main]

use libfuzzer_sys::fuzz_target;

use template::notification::{Alert, Data, kv};
use template::{Environment, Escaping, Functions, Limits, Template, Time};

fuzz_target!(|text: &str| {
    let limits = Limits { steps_max: 10_000, output_bytes_max: 1 << 20, work_bytes_max: 8 << 20, ..Limits::default() };
    let alert = Alert { labels: kv([("alertname", "A"), ("<b>", "\"'")]), ..Alert::default() };
    let data = Data { alerts: vec![alert], ..Data::default() }.into_value();
    let environment = Environment { now: Some(Time::zero()), ..Environment::default() };
    for functions in [Functions::NOTIFICATIONS, Functions::CONSOLES] {
        let Ok(template) = Template::parse("fuzz", text, functions) else { continue };
        let template = template.with_limits(limits);
        for escaping in [Escaping::None, Escaping::Html] {
            let _ = template.execute(&data, escaping, &environment);
        }
    }
});
