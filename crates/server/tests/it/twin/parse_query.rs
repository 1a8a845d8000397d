//! The trees of `/api/v1/parse_query`: what both can parse has the same tree.

use serde_json::{Map, Value};

use crate::original::Original;
use crate::server::{Folder, Server, shared};

/// What the tree has only since a newer version than the one at hand.
const NEWER: [&str; 5] = ["fillValues", "rangeExpr", "offsetExpr", "stepExpr", "smoothed"];

/// What the version at hand takes and the newer one refuses.
const NO_LONGER: [&str; 4] = ["foo[5s s 5s]", "foo[5s x 5s]", "some_metric @ end()[5m]", "some_metric @ start() [5m]"];

const SELECTORS: [&str; 12] = [
    "x",
    "{__name__=\"x\"}",
    "{\"x y\", \"a.b\"=\"c\"}",
    "x{a=\"1\",b!=\"2\",c=~\"3\",d!~\"4\"}",
    "x{a=\"\\\"\\u00e9\"}",
    "x offset 5m",
    "x offset -1h30m",
    "x @ 1.5",
    "x @ start()",
    "x @ end() offset 1ms",
    "(x)",
    "-x",
];

const RANGES: [&str; 7] = [
    "x[5m]",
    "x{a=\"b\"}[90]",
    "x[1h] offset 1d",
    "x[1m] @ 10",
    "x[5m:]",
    "x[5m:10s] @ end()",
    "(x + 1)[1h:1m] offset -1m",
];

const MATCHINGS: [&str; 8] = [
    "",
    "on()",
    "on(a, b)",
    "ignoring(a)",
    "on(a) group_left()",
    "on(a) group_left(b)",
    "ignoring(a, b) group_right(c)",
    "on(\"a b\") group_right(\"c.d\")",
];

const OPERATORS: [&str; 16] =
    ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"];

/// Expressions with every kind of node.
fn expressions() -> Vec<String> {
    let mut all: Vec<String> = SELECTORS.iter().chain(&RANGES).map(|text| (*text).to_owned()).collect();
    for number in ["1", "-1.5", "1e3", "0x1F", "1h30m", "Inf", "-Inf", "NaN", "1_000", "1e-320", "123456789012"] {
        all.push(number.to_owned());
        all.push(format!("{number} + 1"));
    }
    all.extend(["\"text\"", "'it''s'", "`raw\\n`", "\"\\x41\\n<&>\"", "time()", "pi()"].map(str::to_owned));
    for operator in OPERATORS {
        for matching in MATCHINGS {
            all.push(format!("x {operator} {matching} y"));
        }
        all.push(format!("x {operator} bool y"));
        all.push(format!("x {operator} 2"));
        all.push(format!("1 {operator} bool 2"));
        all.push(format!("a {operator} b {operator} c"));
        all.push(format!("a + b {operator} c * d"));
    }
    for operator in ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"] {
        for grouping in ["", "by (a, \"b c\")", "without ()", "by ()", "without (a)"] {
            all.push(format!("{operator} {grouping} (x)"));
        }
    }
    for operator in ["topk", "bottomk", "quantile", "limitk", "limit_ratio"] {
        all.push(format!("{operator}(2, x)"));
        all.push(format!("{operator} by (a) (scalar(y), x)"));
    }
    all.push("count_values(\"v\", x)".to_owned());
    for function in [
        "abs",
        "absent",
        "ceil",
        "day_of_month",
        "exp",
        "histogram_count",
        "label",
        "ln",
        "round",
        "scalar",
        "sgn",
        "sort",
        "sort_desc",
        "timestamp",
        "year",
        "histogram_avg",
        "info",
        "start_timestamp",
    ] {
        all.push(format!("{function}(x)"));
    }
    for function in [
        "rate",
        "irate",
        "increase",
        "delta",
        "deriv",
        "changes",
        "resets",
        "avg_over_time",
        "last_over_time",
        "absent_over_time",
        "mad_over_time",
        "ts_of_max_over_time",
        "first_over_time",
    ] {
        all.extend(RANGES.map(|range| format!("{function}({range})")));
    }
    all.extend(
        [
            "clamp(x, 1, 2)",
            "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")",
            "label_join(x, \"a\", \",\", \"b\", \"c\")",
            "label_join(x, \"a\", \",\")",
            "sort_by_label(x, \"a\", \"b\")",
            "predict_linear(x[5m], 60)",
            "quantile_over_time(0.5, x[5m])",
            "double_exponential_smoothing(x[5m], 0.5, 0.5)",
            "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
            "histogram_fraction(0, 1, x)",
            "info(x, {a=~\".+\"})",
            "hour()",
            "vector(1)",
            "sum(",
            "x[5m",
            "nope(x)",
            "rate(x)",
            "sum(x[5m])",
            "x{",
            "x @ y",
        ]
        .map(str::to_owned),
    );
    if let Some(shared) = shared() {
        let rows =
            std::fs::read_to_string(shared.join("conformance/promql-parser/expressions.jsonl")).unwrap_or_default();
        let inputs = rows
            .lines()
            .filter_map(|row| serde_json::from_str::<Value>(row).ok()?["input"].as_str().map(str::to_owned));
        all.extend(inputs);
    }
    // In a URL.
    all.retain(|expression| expression.len() < 2_000 && !NO_LONGER.contains(&expression.as_str()));
    all.sort();
    all.dedup();
    all
}

/// Takes out what only the newer version has.
fn without_newer(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_newer).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(key, _)| !NEWER.contains(&key.as_str()) && key != "anchored");
            Value::Object(fields.map(|(key, value)| (key, without_newer(value))).collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[tokio::test]
async fn trees_equal_those_of_the_original() {
    const FEATURES: &str = "--enable-feature=promql-experimental-functions";
    let folder = Folder::new("");
    let Some(original) = Original::start(&folder, "prometheus.yml", &[FEATURES]).await else { return };
    let server = Server::in_memory(&folder, &[FEATURES]).await;
    let (mut same, mut newer, mut differ) = (0, 0, Vec::new());
    for expression in expressions() {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", &expression).finish();
        let path = format!("/api/v1/parse_query?{query}");
        let (status, theirs) = original.get(&path).await.unwrap_or_else(|| panic!("no answer to {expression:?}"));
        let ours = server.get(&path).await;
        // Texts of errors are compared elsewhere; and the newer version can parse more.
        if status != 200 {
            newer += usize::from(ours.status == 200);
            same += usize::from(ours.status == status);
            continue;
        }
        let theirs: Value = serde_json::from_str(&theirs).expect("an answer in JSON");
        let (ours, theirs) = (without_newer(ours.json()), without_newer(theirs));
        if ours == theirs {
            same += 1;
        } else {
            differ.push(format!("{expression}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    eprintln!("{same} same, {newer} of a newer version, {} different", differ.len());
    server.stop().await;
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
