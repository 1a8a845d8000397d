//! No text makes the parser or the executor panic, and output in HTML keeps to its place.

use proptest::prelude::*;

use template::{Environment, Escaping, Functions, Limits, Template, Time, Value};

use crate::data;

/// What templates and pages are made of.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "\n",
    "(",
    ")",
    "|",
    ".",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    "if ",
    "else ",
    "end",
    "range ",
    "with ",
    "define ",
    "template ",
    "block ",
    "break",
    "continue",
    "nil",
    "true",
    "1",
    "-2.5e3",
    "0x1p-2",
    "1i",
    "\"a\"",
    "`b`",
    "'c'",
    ".Alerts",
    ".CommonLabels",
    ".Status",
    ".StartsAt",
    "printf ",
    "print ",
    "len ",
    "index ",
    "slice ",
    "eq ",
    "and ",
    "list ",
    "dict ",
    "toJson ",
    "reReplaceAll ",
    "date ",
    "tz ",
    "humanizeDuration ",
    "\"%*[2]d%v%+q\"",
    "{{/*",
    "*/}}",
    "é",
    "<a href=\"",
    "<script>",
    "</script>",
    "<style>",
    "'",
    "\"",
    ">",
    "<!--",
    "`",
];

/// Pieces in any order.
fn template_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

fn execute(text: &str, data: &Value, escaping: Escaping) -> Result<String, String> {
    let limits = Limits { steps_max: 2_000, output_bytes_max: 100_000, work_bytes_max: 1_000_000, nesting_max: 60 };
    let environment = Environment { now: Some(Time::zero()), ..Environment::default() };
    let template = Template::parse("p", text, Functions::NOTIFICATIONS).map_err(|error| error.to_string())?;
    template.with_limits(limits).execute(data, escaping, &environment).map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces(text in template_text()) {
        let _ = execute(&text, &data(), Escaping::None);
        let _ = execute(&text, &data(), Escaping::Html);
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        let _ = execute(&text, &data(), Escaping::None);
        let _ = execute(&format!("{{{{ {text} }}}}"), &data(), Escaping::Html);
    }

    #[test]
    fn any_format(format in "[%+# 0-9.*\\[\\]a-zA-Z]{0,12}", number in any::<i64>(), float in any::<f64>(), text in "\\PC{0,8}") {
        let arguments = format!("{number} {float:?} {text:?}");
        if !arguments.contains(['N', 'i', '{']) {
            let _ = execute(&format!("{{{{ printf {format:?} {arguments} }}}}"), &data(), Escaping::None);
        }
    }

    #[test]
    fn any_layout(layout in "[0-9A-Za-z_ .,:+-]{0,20}", unix_ms in -60_000_000_000_000_i64..250_000_000_000_000) {
        let time = Time::from_unix_ms(unix_ms);
        let _ = Time::parse(&layout, &time.format(&layout));
    }

    #[test]
    fn times_come_back(unix_ms in -60_000_000_000_000_i64..250_000_000_000_000) {
        let time = Time::from_unix_ms(unix_ms);
        prop_assert_eq!(Time::from_rfc3339(&time.format(Time::RFC3339_NANO)).unwrap(), time);
    }

    #[test]
    fn values_stay_in_their_places(value in "\\PC{0,30}") {
        let data = Value::from(value);
        let text = execute("<p>{{ . }}</p>", &data, Escaping::Html).unwrap();
        prop_assert!(!text[3..text.len() - 4].contains(['<', '>', '"', '\'']), "{}", text);
        let text = execute("<p title=\"{{ . }}\">", &data, Escaping::Html).unwrap();
        prop_assert_eq!(text.matches(['"', '<', '>']).count(), 4, "{}", text);
        let text = execute("<a href='{{ . }}'>", &data, Escaping::Html).unwrap();
        prop_assert_eq!(text.matches(['\'', '<', '>']).count(), 4, "{}", text);
        prop_assert!(!text.to_lowercase().contains("'javascript:"), "{}", text);
        let text = execute("<p title={{ . }}>", &data, Escaping::Html).unwrap();
        prop_assert!(!text[9..text.len() - 1].contains([' ', '\t', '\n', '>', '<', '"', '\'', '`', '=']), "{}", text);
        let text = execute("<script>f(\"{{ . }}\")</script>", &data, Escaping::Html).unwrap();
        prop_assert_eq!(text.matches(['"', '<', '\n']).count(), 4, "{}", text);
        let text = execute("<script>f({{ . }})</script>", &data, Escaping::Html).unwrap();
        prop_assert_eq!(text.matches('<').count(), 2, "{}", text);
        let text = execute("<style>p { color: {{ . }} }</style>", &data, Escaping::Html).unwrap();
        prop_assert_eq!(text.matches(['{', '}', '<', ';', '"', '(']).count(), 4, "{}", text);
    }
}
