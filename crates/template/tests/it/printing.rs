//! How values print, and `printf`.

use crate::check;

#[test]
fn values_print_as_in_go() {
    check(
        "{{ 1.0 }} {{ 1e21 }} {{ 123456789.0 }} {{ 0.0001 }} {{ 0.00001 }} {{ 100000.0 }}",
        "1 1e+21 1.23456789e+08 0.0001 1e-05 100000",
    );
    check("{{ list 1 `a` nil 2.5 true }} {{ list }} {{ stringSlice `a` `b` }}", "[1 a <nil> 2.5 true] [] [a b]");
    check("{{ dict `b` 1 `a` (list 1) `c` nil }} {{ dict }}", "map[a:[1] b:1 c:<nil>] map[]");
    check(
        "{{ .CommonLabels }} | {{ .CommonLabels.SortedPairs }} | {{ .CommonLabels.Names }}",
        "alertname=DiskFull, severity=page | alertname=DiskFull, severity=page | [alertname severity]",
    );
    check("{{ index .CommonLabels.SortedPairs 0 }}", "{alertname DiskFull}");
    check("{{ (index .Alerts 0).StartsAt }}", "2024-03-05 16:07:09.12045 +0000 UTC");
    check("{{ (index .Alerts 1).StartsAt }}", "2024-01-01 00:00:00 +0200 +0200");
    check("{{ ((index .Alerts 0).StartsAt.Sub (index .Alerts 1).StartsAt) }}", "1554h7m9.12045s");
    check("{{ (index .Alerts 0).StartsAt.Month }} {{ (index .Alerts 0).StartsAt.Weekday }}", "March Tuesday");
}

#[test]
fn print_separates_what_is_not_text() {
    check("{{ print 1 2 `a` 3 4 nil }}|{{ println 1 `a` 2 }}", "1 2a3 4 <nil>|1 a 2\n");
}

/// `%verb` and its arguments, and what comes of it.
fn format(format: &str, arguments: &str, expected: &str) {
    check(&format!("{{{{ printf {format:?} {arguments} }}}}"), expected);
}

#[test]
fn verbs_for_integers() {
    format("%d|%5d|%-5d|%05d|%+d|% d", "42 42 42 42 42 42", "42|   42|42   |00042|+42| 42");
    format("%b %o %O %#o %x %X %#x", "5 8 8 8 255 255 255", "101 10 0o10 010 ff FF 0xff");
    format("%c %q %U %#U", "233 10 128512 233", "é '\\n' U+1F600 U+00E9 'é'");
    format("%.5d %8.3d|%.0d|", "-42 7 0", "-00042      007||");
}

#[test]
fn verbs_for_floats() {
    format(
        "%f %.2f %8.2f %-8.1f| %+.1f %06.1f",
        "1.5 3.14159 3.14159 2.25 2.0 -2.5",
        "1.500000 3.14     3.14 2.2     | +2.0 -002.5",
    );
    format(
        "%e %E %.0e %g %G %.3g",
        "1500.0 1500.0 1500.0 1e-7 1e-7 1234.5",
        "1.500000e+03 1.500000E+03 2e+03 1e-07 1E-07 1.23e+03",
    );
    format("%x %b %#g %#.0f", "1.5 1.0 1.0 2.0", "0x1.8p+00 4503599627370496p-52 1.00000 2.");
}

#[test]
fn verbs_for_texts() {
    format(
        "%s|%5s|%-5s|%.2s|%q|%#q|%+q",
        "`ab` `ab` `ab` `abc` `a\"b` `ab` `é`",
        "ab|   ab|ab   |ab|\"a\\\"b\"|`ab`|\"\\u00e9\"",
    );
    format("%x % x %#x %X", "`hey` `hey` `hey` `hey`", "686579 68 65 79 0x686579 686579");
    format("%t %v %5t", "true false true", "true false  true");
}

#[test]
fn verbs_for_anything() {
    format("%v %+v %#v %T", "`a` `a` `a` `a`", "a a \"a\" string");
    format("%v %d %q %T", "(list 1 2) (list 1 2) (stringSlice `a`) (list 1)", "[1 2] [1 2] [\"a\"] []interface {}");
    format(
        "%#v %#v",
        "(dict `a` nil) (list 1 `b`)",
        "map[string]interface {}{\"a\":interface {}(nil)} []interface {}{1, \"b\"}",
    );
    format("%+v", "(index .CommonLabels.SortedPairs 0)", "{Name:alertname Value:DiskFull}");
    format(
        "%s %d %T",
        "((index .Alerts 0).StartsAt.Month) ((index .Alerts 0).StartsAt.Month) .CommonLabels",
        "March 3 template.KV",
    );
}

#[test]
fn arguments_by_number_and_sizes_from_arguments() {
    format("%[2]d %[1]d", "1 2", "2 1");
    format("%[3]*.[2]*[1]f", "12.0 2 6", " 12.00");
    format("%*d|%-*d|%.*f", "5 42 4 7 1 2.55", "   42|7   |2.5");
}

#[test]
fn very_many_decimals() {
    for (verb, argument, len) in [
        ("f", "1.5", 100_002),
        ("e", "1.5", 100_006),
        ("g", "1.5", 3),
        ("x", "1.5", 100_008),
        ("d", "1", 100_000),
        ("U", "1", 100_002),
    ] {
        check(&format!("{{{{ len (printf \"%.100000{verb}\" {argument}) }}}}"), &len.to_string());
    }
    check("{{ printf `%.20f` 0.1 }}", "0.10000000000000000555");
}

#[test]
fn mistakes_show() {
    format("%d", "`x`", "%!d(string=x)");
    format("%d %d", "1", "1 %!d(MISSING)");
    format("%d", "1 2 `c`", "1%!(EXTRA int=2, string=c)");
    format("%z %!", "1", "%!z(int=1) %!!(MISSING)");
    format("%", "1", "%!(NOVERB)%!(EXTRA int=1)");
    format("%[5]d %[x]d", "1", "%!d(BADINDEX) %!d(BADINDEX)");
    format("%*d %.*d", "`a` 1 `b` 2", "%!(BADWIDTH)1 %!(BADPREC)2");
    format("%d %s 100%%", "nil nil", "%!d(<nil>) %!s(<nil>) 100%");
    format("%t", "((index .Alerts 0).StartsAt.Month)", "%!t(time.Month=3)");
}
