//! Answers of the API, printed as the query language writes values or as the JSON they came in.

use serde_json::Value;

use super::Format;

/// The answer to an instant or range query.
pub(super) fn value(data: &Value, format: Format) {
    let result = &data["result"];
    if format == Format::Json {
        println!("{result}");
        return;
    }
    match data["resultType"].as_str() {
        Some("vector") => {
            for series in result.as_array().into_iter().flatten() {
                let shown = match &series["histogram"] {
                    Value::Null => point(&series["value"]),
                    sample => histogram_point(sample),
                };
                println!("{} => {shown}", metric(&series["metric"]));
            }
        }
        Some("matrix") => {
            for series in result.as_array().into_iter().flatten() {
                println!("{} =>", metric(&series["metric"]));
                series["values"].as_array().into_iter().flatten().for_each(|value| println!("{}", point(value)));
                let histograms = series["histograms"].as_array().into_iter().flatten();
                histograms.for_each(|sample| println!("{}", histogram_point(sample)));
            }
        }
        Some("scalar") => println!("scalar: {}", point(result)),
        _ => println!("{}", result[1].as_str().unwrap_or_default()),
    }
}

/// A list, one line an element.
pub(super) fn list(data: &Value, format: Format, shown: impl Fn(&Value) -> String) {
    if format == Format::Json {
        println!("{data}");
        return;
    }
    data.as_array().into_iter().flatten().for_each(|element| println!("{}", shown(element)));
}

/// `value @[time]`
fn point(point: &Value) -> String {
    format!("{} @[{}]", point[1].as_str().unwrap_or_default(), point[0])
}

/// `Count: 3, Sum: 4.5, Buckets: [[0.5,1):3] @[time]`
fn histogram_point(point: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let histogram = &point[1];
    let buckets = histogram["buckets"].as_array().into_iter().flatten().map(|bucket| {
        // The first number says which bounds belong to the bucket.
        let (open, close) = match bucket[0].as_u64() {
            Some(0) => ('(', ']'),
            Some(1) => ('[', ')'),
            Some(2) => ('(', ')'),
            _ => ('[', ']'),
        };
        format!("{open}{},{}{close}:{}", text(&bucket[1]), text(&bucket[2]), text(&bucket[3]))
    });
    let buckets = buckets.collect::<Vec<_>>().join(" ");
    format!(
        "Count: {}, Sum: {}, Buckets: [{buckets}] @[{}]",
        text(&histogram["count"]),
        text(&histogram["sum"]),
        point[0]
    )
}

/// `name{label="value"}`
pub(super) fn metric(labels: &Value) -> String {
    let name = labels["__name__"].as_str().unwrap_or_default();
    let set = pairs(labels, true);
    if set.is_empty() && !name.is_empty() { name.to_owned() } else { format!("{name}{{{set}}}") }
}

/// `{__name__="name", label="value"}`
pub(super) fn label_set(labels: &Value) -> String {
    format!("{{{}}}", pairs(labels, false))
}

fn pairs(labels: &Value, without_name: bool) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let shown = labels.filter(|(name, _)| !without_name || *name != "__name__");
    shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}
