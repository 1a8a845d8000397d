//! Labels and annotations of rules, and console pages.

use metrics_model::Labels;
use template::consoles::{Request, expand, expand_html};
use template::functions::{Sample, opaque};
use template::rules::alert_data;
use template::{Environment, RuleTemplate, Time, Value};

fn run(text: &str) -> Result<String, String> {
    let query = |query: &str| match query {
        "bad" => Err("no such thing".to_owned()),
        "none" => Ok(Vec::new()),
        _ => Ok(["z", "a", "m"]
            .iter()
            .enumerate()
            .map(|(index, name)| Sample {
                labels: Labels::from_pairs([("l", *name), ("__value__", "v")]),
                value: Value::Float(index as f64),
            })
            .collect()),
    };
    let environment = Environment {
        now: Some(Time::from_unix_ms(1_704_096_930_500)),
        query: Some(&query),
        external_url: "http://prom:9090/p",
        path_prefix: "/p",
        ..Environment::default()
    };
    let labels = Labels::from_pairs([("instance", "host.example.com:9100"), ("job", "node")]);
    let data =
        alert_data(labels, Labels::from_pairs([("region", "eu")]), "http://prom:9090/p", Value::Float(1234.5678));
    let template = RuleTemplate::parse("__alert_A", text).map_err(|error| error.to_string())?;
    template.expand(&data, &environment).map_err(|error| error.to_string())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(run(text).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(run(text).as_ref().map_err(String::as_str), Err(expected), "{text}");
}

#[test]
fn variables_of_rules() {
    check("plain", "plain");
    check(
        "{{ $labels.instance }} {{ $labels }} {{ $labels.no }}|",
        "host.example.com:9100 map[instance:host.example.com:9100 job:node] |",
    );
    check(
        "{{ $value }} {{ .Value }} {{ $externalLabels.region }} {{ $externalURL }}",
        "1234.5678 1234.5678 eu http://prom:9090/p",
    );
    check("{{ $value | humanize }} {{ printf `%.1f` $value }} {{ len $labels }}", "1.235k 1234.6 2");
}

#[test]
fn queries() {
    check("{{ range query `up` | sortByLabel `l` }}{{ .Labels.l }}={{ .Value }};{{ end }}", "a=1;m=2;z=0;");
    check(
        "{{ with query `up` }}{{ . | first | value }}{{ . | first | label `l` }}{{ . | first | strvalue }}{{ end }}",
        "0zv",
    );
    check("{{ len (query `none`) }}", "0");
    check_error(
        "{{ query `none` | first | value }}",
        "error executing template __alert_A: template: __alert_A:1:130: executing \"__alert_A\" at <first>: \
         error calling first: first() called on vector with no elements",
    );
    check_error(
        "{{ query `bad` }}",
        "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at <query `bad`>: \
         error calling query: no such thing",
    );
}

#[test]
fn hosts_links_and_spans() {
    check(
        "{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain `10.0.0.1:80` }}",
        "host.example.com host:9100 10.0.0.1:80",
    );
    check(
        "{{ graphLink `up == 1` }} {{ tableLink `x` }} {{ pathPrefix }}",
        "/graph?g0.expr=up+%3D%3D+1&g0.tab=0 /graph?g0.expr=x&g0.tab=1 /p",
    );
    check("{{ parseDuration `1h30m` }} {{ parseDuration `-5m` }} {{ toDuration 90 }}", "5400 -300 1m30s");
    check(
        "{{ now }} {{ (now | toTime).Format `15:04:05` }} {{ humanizeTimestamp 1.5 }}",
        "1.7040969305e+09 08:15:30 1970-01-01 00:00:01.5 +0000 UTC",
    );
    check("{{ title `hELLO it's` }} {{ urlQueryEscape `a b` }} {{ args 1 `a` }}", "HELLO It's a+b map[arg0:1 arg1:a]");
}

#[test]
fn columns_can_be_told_in_the_users_text() {
    let data = alert_data(Labels::empty(), Labels::empty(), "", Value::Float(1.0));
    let template = RuleTemplate::parse("r", "ab {{ .Nope }}").unwrap();
    let error = template.expand(&data, &Environment::default()).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(1), Some(6)));
    let template = RuleTemplate::parse("r", "ab\n{{ .Nope }}").unwrap();
    let error = template.expand(&data, &Environment::default()).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
}

#[test]
fn histograms_print_as_their_text() {
    let value = opaque("*histogram.FloatHistogram", "{count:3, sum:2}".to_owned());
    let data = alert_data(Labels::empty(), Labels::empty(), "", value);
    let template = RuleTemplate::parse("r", "{{ $value }}").unwrap();
    assert_eq!(template.expand(&data, &Environment::default()).unwrap(), "{count:3, sum:2}");
    let template = RuleTemplate::parse("r", "{{ $value | humanize }}").unwrap();
    let error = template.expand(&data, &Environment::default()).unwrap_err().to_string();
    assert!(error.ends_with("can't convert *histogram.FloatHistogram to float"), "{error}");
}

#[test]
fn console_pages_have_libraries() {
    let library = ("lib.html".to_owned(), "{{ define `head` }}<h1>{{ . }}</h1>{{ end }}".to_owned());
    let page = "{{ template `head` `a<b` }}{{ tmpl `head` `c` }}<a href=\"{{ pathPrefix }}/x?q={{ `a b` }}\">";
    let environment = Environment { path_prefix: "/p", ..Environment::default() };
    let html = expand_html("page.html", page, &[library], &Value::Nil, &environment).unwrap();
    assert_eq!(html, "<h1>a&lt;b</h1><h1>c</h1><a href=\"/p/x?q=a%20b\">");
    let request = Request {
        path: "page.html".to_owned(),
        params: vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())],
        external_labels: Labels::from_pairs([("region", "eu")]),
    };
    let page = "{{ $params.a }}{{ $params.b }} {{ $rawParams.a }} {{ $rawParams.Get `a` }} {{ $path }} {{ $externalLabels.region }}";
    let html = expand(page, &[], &request, &environment).unwrap();
    assert_eq!(html, "1 [1 2] 1 page.html eu");
    let error = expand_html("page.html", "{{ nope }}", &[], &Value::Nil, &environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error parsing template page.html: template: page.html:1: function \"nope\" not defined"
    );
}
