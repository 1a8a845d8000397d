//! Escaping by place.

use template::Escaping;

use crate::run;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(run(text, Escaping::Html).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(run(text, Escaping::Html).as_ref().map_err(String::as_str), Err(expected), "{text}");
}

#[test]
fn text_and_elements_of_text() {
    check("{{ `a<b>&'\"+` }}", "a&lt;b&gt;&amp;&#39;&#34;&#43;");
    check("{{ `<b>` | safeHtml }}", "<b>");
    check(
        "<title>{{ `</title>` }}</title><textarea>{{ `<x>&amp;` | safeHtml }}</textarea>",
        "<title>&lt;/title&gt;</title><textarea>&lt;x&gt;&amp;</textarea>",
    );
    check("a < b {{ 1 }} <3 <!DOCTYPE html>", "a &lt; b 1 &lt;3 <!DOCTYPE html>");
    check("{{ .CommonLabels.nope }}{{ (index (list nil) 0) }}", "");
}

#[test]
fn comments_go_and_what_is_in_them() {
    check("a<!-- {{ `-->` }} -->b", "ab");
    check("<script>/* {{ 1 }} */x // {{ 2 }}\ny</script>", "<script>  x \ny</script>");
    check("<style>/* {{ 1 }} */p {}</style>", "<style>  p {}</style>");
}

#[test]
fn attributes() {
    check("<p title=\"{{ `\"'<>&` }}\">", "<p title=\"&#34;&#39;&lt;&gt;&amp;\">");
    check("<p title={{ `a b=c` }} id='{{ `'` }}'>", "<p title=a&#32;b&#61;c id='&#39;'>");
    check("<p title={{ `` }}>", "<p title=ZgotmplZ>");
    check("<p title=\"{{ `<i>a</i> &amp;` | safeHtml }}\">", "<p title=\"a &amp;\">");
    check("<p {{ `title` }}=\"x\" {{ `onclick` }}=\"y\" {{ `a b` }}>", "<p title=\"x\" ZgotmplZ=\"y\" ZgotmplZ>");
}

#[test]
fn urls() {
    check("<a href=\"{{ `javascript:alert(1)` }}\">", "<a href=\"#ZgotmplZ\">");
    check("<a href=\"{{ `http://x/a b?c&d` }}\">", "<a href=\"http://x/a%20b?c&amp;d\">");
    check(
        "<a href=\"/p/{{ `javascript:x` }}?q={{ `a&b=c/d` }}#{{ `e f` }}\">",
        "<a href=\"/p/javascript:x?q=a%26b%3dc%2fd#e%20f\">",
    );
    check("<a href=\"?q={{ `a%20b` | safeUrl }}\">", "<a href=\"?q=a%20b\">");
    check("<a href=\"{{ `JaVaScRiPt:x` | safeUrl }}\">", "<a href=\"JaVaScRiPt:x\">");
    check("<img srcset=\"{{ `a.png 1x, javascript:x 2x` }}\">", "<img srcset=\"a.png 1x,#ZgotmplZ\">");
    check(
        "<p data-href=\"{{ `vbscript:x` }}\" xlink:href=\"{{ `data:x` }}\">",
        "<p data-href=\"#ZgotmplZ\" xlink:href=\"#ZgotmplZ\">",
    );
    check("<meta content=\"5;url={{ `javascript:1` }}\">", "<meta content=\"5;url=#ZgotmplZ\">");
}

#[test]
fn scripts() {
    check(
        "<script>f({{ `</script>` }}, {{ 1 }}, {{ .CommonLabels }})</script>",
        r#"<script>f("\u003c/script\u003e",  1 , "alertname=DiskFull, severity=page")</script>"#,
    );
    check(
        "<script>f(\"{{ `\"</script>` }}\", '{{ `'` }}')</script>",
        r#"<script>f("\u0022\u003c\/script\u003e", '\u0027')</script>"#,
    );
    check(
        "<script>x = /{{ `a.b/` }}/; y = 4 / {{ 2 }} / 1</script>",
        r"<script>x = /a\.b\//; y = 4 /  2  / 1</script>",
    );
    check("<script>`{{ `${x}` }}${ {{ `a` }} }`</script>", "<script>`\\u0024\\u007bx\\u007d${ \"a\" }`</script>");
    check("<a onclick=\"f({{ `\"x` }}, '{{ `'` }}')\">", r#"<a onclick="f(&#34;\&#34;x&#34;, '\u0027')">"#);
    check("<script type=\"text/x-tmpl\">{{ `<b>` }}</script>", "<script type=\"text/x-tmpl\">&lt;b&gt;</script>");
    check("<script>{{ 1i }}</script>", "<script> /* json: unsupported type: complex128 */null </script>");
}

#[test]
fn styles() {
    check(
        "<p style=\"color: {{ `red` }}; width: {{ `expression(1)` }}\">",
        "<p style=\"color: red; width: ZgotmplZ\">",
    );
    check("<style>p { background: url({{ `/a b` }}) }</style>", "<style>p { background: url(/a%20b) }</style>");
    check("<style>p:after { content: \"{{ `\"}` }}\" }</style>", "<style>p:after { content: \"\\22\\7d \" }</style>");
}

#[test]
fn escaping_that_templates_do_themselves() {
    check("{{ `<` | html }}{{ html `<` }}<p title=\"{{ `<` | html }}\">", "&lt;&lt;<p title=\"&lt;\">");
    check("<a href=\"?q={{ `a&b` | urlquery }}\">{{ `<` | urlquery }}", "<a href=\"?q=a%26b\">%3C");
    check("<a href=\"{{ `javascript:x` | urlquery }}\">", "<a href=\"%23ZgotmplZ\">");
    check_error("{{ `a` | html | print }}", "html/template:t:1:3: predefined escaper \"html\" disallowed in template");
}

#[test]
fn html_that_cannot_be_made_safe_is_refused() {
    check_error("x\n<p a\"b>", "html/template:t:1:0: \"\\\"\" in attribute name: \"a\\\"b>\"");
    check_error("<a href=\"{{ 1 }}", "html/template:t: ends in a non-text context: a URL in an attribute");
    check_error("<script>x = '\\", "html/template:t:1:0: unfinished escape sequence in JS string: \"\\\\\"");
    check_error("<p title=a'{{ 1 }}>", "html/template:t:1:0: \"'\" in unquoted attr: \"a'\"");
}
