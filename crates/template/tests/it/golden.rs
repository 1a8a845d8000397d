//! Whole files against what the original makes of them, byte for byte.

use template::{Environment, Escaping, Functions, TemplateSet};

use crate::data;

fn render(file: &str, text: &str, escaping: Escaping) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
    set.add(file, &std::fs::read_to_string(path).expect("the fixture is there")).expect("the fixture is a template");
    set.execute_text(text, &data(), escaping, &Environment::default()).expect("the fixture can be carried out")
}

#[test]
fn a_chat_message() {
    let text = "{{ template \"chat.title\" . }}\n{{ template \"chat.body\" . }}{{ template \"chat.count\" . }}\n";
    assert_eq!(render("chat.tmpl", text, Escaping::None), include_str!("../golden/chat.txt"));
}

#[test]
fn a_page_with_scripts_and_styles() {
    let text = "{{ template \"page.html.tmpl\" . }}";
    assert_eq!(render("page.html.tmpl", text, Escaping::Html), include_str!("../golden/page.html"));
}
