//! What the writer writes.

use super::Json;

fn written(write: impl FnOnce(&mut Json)) -> String {
    let mut json = Json::new();
    write(&mut json);
    String::from_utf8(json.into_bytes()).expect("JSON is text")
}

#[test]
fn strings_are_escaped() {
    let check = |text: &str, expected: &str| assert_eq!(written(|json| json.string(text)), expected);
    check("", r#""""#);
    check("grüße \"a\\b\"", r#""grüße \"a\\b\"""#);
    check("a\nb\r\t\u{1}\u{1f}\u{7f}", "\"a\\nb\\r\\t\\u0001\\u001f\u{7f}\"");
    check("<b>&amp;</b>", r#""\u003cb\u003e\u0026amp;\u003c/b\u003e""#);
}

#[test]
fn timestamps_have_three_decimals_or_none() {
    let check = |ms: i64, expected: &str| assert_eq!(written(|json| json.timestamp(ms)), expected);
    check(0, "0");
    check(1_795_467_200_000, "1795467200");
    check(1_795_467_200_117, "1795467200.117");
    check(1_100, "1.100");
    check(7, "0.007");
    check(-1_500, "-1.500");
}

#[test]
fn points_quote_their_values() {
    assert_eq!(written(|json| json.point(1_000, 0.5)), r#"[1,"0.5"]"#);
    assert_eq!(written(|json| json.point(1_500, f64::NAN)), r#"[1.500,"NaN"]"#);
    assert_eq!(written(|json| json.point(0, f64::NEG_INFINITY)), r#"[0,"-Inf"]"#);
}

#[test]
fn objects_and_arrays_nest() {
    let text = written(|json| {
        json.object(|fields| {
            fields.string("a", "b");
            fields.key("c").array(|elements| {
                elements.object(|_| {});
                elements.next().integer(-1);
            });
            fields.boolean("d", false);
            fields.strings("e", ["f", "g"]);
        });
    });
    assert_eq!(text, r#"{"a":"b","c":[{},-1],"d":false,"e":["f","g"]}"#);
}
