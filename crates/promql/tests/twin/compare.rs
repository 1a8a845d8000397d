//! Answers of both as the same kind of JSON, and whether they are the same.

#[path = "compare/remarks.rs"]
mod remarks;

use metrics_model::FloatHistogram;
use metrics_model::number::format_float;
use promql::{InstantSample, PointValue, QueryError, QueryOutput, RangeSeries, Value as Answer};
use serde_json::{Value, json};

/// Numbers may differ by this part of their size: sums are added up in another order.
const TOLERANCE: f64 = 1e-9;

/// Our answer as the original's API would give it.
pub(crate) fn to_json(query: &str, outcome: &Result<QueryOutput, QueryError>) -> Value {
    let output = match outcome {
        Ok(output) => output,
        Err(error) => {
            let kind = match error {
                QueryError::Parse(_) => "bad_data",
                QueryError::Timeout { .. } => "timeout",
                QueryError::Canceled { .. } => "canceled",
                QueryError::Storage(_) => "internal",
                QueryError::TooManySamples { .. } | QueryError::TooMuchMemory { .. } | QueryError::Execution { .. } => {
                    "execution"
                }
            };
            return json!({"status": "error", "errorType": kind, "error": error.to_string()});
        }
    };
    let result = match &output.value {
        Answer::Scalar { value, .. } => json!(format_float(*value)),
        Answer::String { text, .. } => json!(text),
        Answer::Vector(vector) => vector.iter().map(sample).collect(),
        Answer::Matrix(matrix) => matrix.iter().map(series).collect(),
    };
    let mut answer = json!({
        "status": "success",
        "data": {"resultType": output.value.value_type().as_str(), "result": result},
        "warnings": output.annotations.warnings(query),
        "infos": output.annotations.infos(query),
    });
    sort_remarks(query, &mut answer);
    answer
}

fn metric(labels: &metrics_model::Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<serde_json::Map<_, _>>().into()
}

fn sample(sample: &InstantSample) -> Value {
    match &sample.value {
        PointValue::Float(value) => json!({"metric": metric(&sample.labels), "value": format_float(*value)}),
        PointValue::Histogram(value) => json!({"metric": metric(&sample.labels), "histogram": histogram(value)}),
    }
}

fn series(series: &RangeSeries) -> Value {
    let floats: Vec<Value> = series.floats.iter().map(|(time, value)| json!([time, format_float(*value)])).collect();
    let histograms: Vec<Value> =
        series.histograms.iter().map(|(time, value)| json!([time, histogram(value)])).collect();
    json!({"metric": metric(&series.labels), "values": floats, "histograms": histograms})
}

fn histogram(value: &FloatHistogram) -> Value {
    let buckets: Vec<Value> = value
        .buckets()
        .iter()
        .filter(|bucket| bucket.count != 0.0)
        .map(|bucket| {
            let borders = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (true, true) => 3,
                (true, false) => 1,
                (false, true) => 0,
                (false, false) => 2,
            };
            json!([borders, format_float(bucket.lower), format_float(bucket.upper), format_float(bucket.count)])
        })
        .collect();
    json!({"count": format_float(value.count), "sum": format_float(value.sum), "buckets": buckets})
}

/// The original's answer in the same form: times in milliseconds, points without theirs.
pub(crate) fn normalized(query: &str, answer: &Value) -> Value {
    let mut answer = answer.clone();
    sort_remarks(query, &mut answer);
    let kind = answer["data"]["resultType"].as_str().unwrap_or_default().to_owned();
    let result = &mut answer["data"]["result"];
    match kind.as_str() {
        "scalar" | "string" => *result = result[1].clone(),
        "vector" => {
            for sample in result.as_array_mut().unwrap() {
                for field in ["value", "histogram"] {
                    if !sample[field].is_null() {
                        sample[field] = with_buckets(&sample[field][1]);
                    } else if let Some(fields) = sample.as_object_mut() {
                        fields.remove(field);
                    }
                }
            }
        }
        "matrix" => {
            for series in result.as_array_mut().unwrap() {
                for field in ["values", "histograms"] {
                    let points = series[field].as_array().into_iter().flatten();
                    let points: Vec<Value> = points
                        .map(|point| {
                            let milliseconds = (point[0].as_f64().unwrap() * 1000.0).round() as i64;
                            json!([milliseconds, with_buckets(&point[1])])
                        })
                        .collect();
                    series[field] = json!(points);
                }
            }
        }
        _ => {}
    }
    answer
}

/// Puts warnings and infos into the form that both versions share.
fn sort_remarks(query: &str, answer: &mut Value) {
    for field in ["warnings", "infos"] {
        let texts = answer[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut texts: Vec<String> = texts.filter_map(|text| remarks::shared(query, text)).collect();
        texts.sort();
        texts.dedup();
        answer[field] = json!(texts);
    }
}

/// A histogram without buckets has no such field.
fn with_buckets(point: &Value) -> Value {
    let mut point = point.clone();
    if point.is_object() && point["buckets"].is_null() {
        point["buckets"] = json!([]);
    }
    point
}

/// Says how ours differs from the original's; `in_order` when the order of elements counts.
pub(crate) fn differ(ours: &Value, original: &Value, in_order: bool) -> Option<String> {
    if ours["status"] != original["status"] {
        return Some(format!("status: ours {ours:.1500}, original {original:.1500}"));
    }
    if ours["status"] == "error" {
        let same = ours["errorType"] == original["errorType"] && same_error(&ours["error"], &original["error"]);
        return (!same).then(|| format!("error: ours {ours}, original {original}"));
    }
    for field in ["warnings", "infos"] {
        let omitted = original[field].to_string().contains("more ");
        if ours[field] != original[field] && !omitted {
            return Some(format!("{field}: ours {}, original {}", ours[field], original[field]));
        }
    }
    if ours["data"]["resultType"] != original["data"]["resultType"] {
        return Some("result types differ".to_owned());
    }
    let (mut ours, mut original) = (ours["data"]["result"].clone(), original["data"]["result"].clone());
    if let (Some(ours), Some(original), false) = (ours.as_array_mut(), original.as_array_mut(), in_order) {
        ours.sort_by_key(|element| sort_key(&element["metric"]));
        original.sort_by_key(|element| sort_key(&element["metric"]));
    }
    difference(&ours, &original, "result")
}

fn sort_key(metric: &Value) -> String {
    let mut labels: Vec<String> =
        metric.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    labels.sort();
    labels.join(",")
}

/// Errors that name two series or parameters name them in the order they come in. The newer version of the original
/// accepts more in durations, and says so when it finds something else.
fn same_error(ours: &Value, original: &Value) -> bool {
    let (ours, original) = (ours.as_str().unwrap_or_default(), original.as_str().unwrap_or_default());
    let original = original.strip_prefix("invalid parameter \"query\": ").unwrap_or(original);
    let ours = ours.replace("number, duration, step(), or range()", "number or duration");
    let ours = ours.replace("number, duration, step(), range(), or", "number or duration or");
    let ours = ours.replace("subquery or range selector", "subquery selector");
    let original = original.replace("\"<Item 57400>\" ", "");
    ours == original || ours.split("the match group").next() == original.split("the match group").next()
}

fn difference(ours: &Value, original: &Value, place: &str) -> Option<String> {
    match (ours, original) {
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                let (a, b) = (a.len(), b.len());
                return Some(format!(
                    "{place}: {a} elements instead of {b}: ours {ours:.1500}, original {original:.1500}"
                ));
            }
            a.iter().zip(b).enumerate().find_map(|(at, (a, b))| difference(a, b, &format!("{place}[{at}]")))
        }
        (Value::Object(a), Value::Object(b)) => {
            if a.len() != b.len() {
                return Some(format!("{place}: ours {ours:.1500}, original {original:.1500}"));
            }
            b.iter().find_map(|(key, b)| {
                let a = a.get(key).unwrap_or(&Value::Null);
                difference(a, b, &format!("{place}.{key}"))
            })
        }
        (Value::String(a), Value::String(b)) => {
            let same = a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if close(a, b));
            (!same).then(|| format!("{place}: {a} instead of {b}"))
        }
        _ => (ours != original).then(|| format!("{place}: ours {ours:.1500}, original {original:.1500}")),
    }
}

fn close(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}
