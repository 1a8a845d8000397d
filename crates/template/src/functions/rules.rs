//! The functions of alerting rules and console pages, as the original's `template` package has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::samples::{self, SAMPLE_TYPE};
use super::{Call, Function, humanize, network, regexp, text};
use crate::html::escapers::url_query;
use crate::text::{title, to_lower, to_upper};
use crate::value::{List, Map, MapType, Parameter, SafeKind, Value};

const QUERY_RESULT: Parameter = Parameter::Named("template.queryResult");
const SAMPLE: Parameter = Parameter::Named(SAMPLE_TYPE);

pub(super) static FUNCTIONS: &[Function] = &[
    Function::at_least("args", 0, args),
    Function::new("externalURL", &[], |call, _| Ok(call.environment().external_url.into())),
    Function::new("first", &[QUERY_RESULT], |_, values| {
        let first = items(values, 0).first().cloned();
        first.ok_or_else(|| "first() called on vector with no elements".to_owned())
    }),
    Function::strings("graphLink", 1, |_, values| Ok(expression_link(text(values, 0), 0))),
    Function::any("humanize", 1, |_, values| humanize::metric(&values[0]).map(Value::from)),
    Function::any("humanize1024", 1, |_, values| humanize::binary(&values[0]).map(Value::from)),
    Function::any("humanizeDuration", 1, |_, values| humanize::duration(&values[0]).map(Value::from)),
    Function::any("humanizePercentage", 1, |_, values| humanize::percentage(&values[0]).map(Value::from)),
    Function::any("humanizeTimestamp", 1, |_, values| humanize::timestamp(&values[0]).map(Value::from)),
    Function::new("label", &[Parameter::String, SAMPLE], |_, values| Ok(sample_label(values.get(1), text(values, 0)))),
    Function::strings("match", 2, matches),
    Function::new("now", &[], |call, _| {
        let now = call.now()?;
        Ok(Value::Float(now.unix_ns().div_euclid(1_000_000) as f64 / 1000.0))
    }),
    Function::strings("parseDuration", 1, |_, values| parse_duration(text(values, 0)).map(Value::Float)),
    Function::new("pathPrefix", &[], |call, _| Ok(call.environment().path_prefix.into())),
    Function::strings("query", 1, query),
    Function::strings("reReplaceAll", 3, replace_all),
    Function::strings("safeHtml", 1, |_, values| Ok(Value::Safe(SafeKind::Html, Arc::from(text(values, 0))))),
    Function::new("sortByLabel", &[Parameter::String, QUERY_RESULT], sort_by_label),
    Function::strings("stripDomain", 1, |_, values| Ok(network::strip_domain(text(values, 0)).into())),
    Function::strings("stripPort", 1, |_, values| Ok(network::strip_port(text(values, 0)).into())),
    Function::new("strvalue", &[SAMPLE], |_, values| Ok(sample_label(values.first(), "__value__"))),
    Function::strings("tableLink", 1, |_, values| Ok(expression_link(text(values, 0), 1))),
    Function::strings("title", 1, |_, values| Ok(title(text(values, 0), false).into())),
    Function::any("toDuration", 1, |_, values| humanize::seconds(&values[0])),
    Function::strings("toLower", 1, |_, values| Ok(to_lower(text(values, 0)).into())),
    Function::any("toTime", 1, |_, values| humanize::time(&values[0]).map(Value::Time)),
    Function::strings("toUpper", 1, |_, values| Ok(to_upper(text(values, 0)).into())),
    Function::strings("urlQueryEscape", 1, |_, values| Ok(url_query(text(values, 0)).into())),
    Function::new("value", &[SAMPLE], |_, values| match values.first() {
        Some(Value::Object(sample)) => Ok(sample.field(1)),
        _ => Err("value() called on nothing".to_owned()),
    }),
];

pub(super) static CONSOLE_FUNCTIONS: &[Function] =
    &[Function::new("tmpl", &[Parameter::String, Parameter::Any], |call, values| {
        let data = values.get(1).cloned().unwrap_or_default();
        let html = call.render(text(values, 0), &data).map_err(|error| error.to_string())?;
        Ok(Value::Safe(SafeKind::Html, html.into()))
    })];

fn items(values: &[Value], index: usize) -> &[Value] {
    match values.get(index) {
        Some(Value::List(list)) => list.items(),
        _ => &[],
    }
}

/// Arguments under the names `arg0`, `arg1`, for templates that take several.
fn args(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let entries: BTreeMap<Arc<str>, Value> =
        values.iter().enumerate().map(|(index, value)| (Arc::from(format!("arg{index}")), value.clone())).collect();
    Ok(Value::Map(Map::new(MapType::ANYS, entries)))
}

fn query(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let query = call.environment().query.ok_or("queries are not answered here")?;
    query(text(values, 0)).map(samples::list)
}

fn sample_label(sample: Option<&Value>, name: &str) -> Value {
    match sample {
        Some(Value::Object(sample)) => match sample.field(0) {
            Value::Map(labels) => labels.get_or_zero(name),
            _ => Value::from(""),
        },
        _ => Value::from(""),
    }
}

fn sort_by_label(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let name = text(values, 0);
    let mut sorted = items(values, 1).to_vec();
    sorted.sort_by_cached_key(|sample| sample_label(Some(sample), name).as_str().unwrap_or_default().to_owned());
    Ok(Value::List(List::new(&samples::SAMPLES, sorted)))
}

pub(super) fn matches(_: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(regexp::compile(text(values, 0))?.is_match(text(values, 1))))
}

pub(super) fn replace_all(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Value, String> {
    let regex = regexp::must_compile(text(values, 0))?;
    regexp::replace_all(&regex, text(values, 2), text(values, 1), call.text_bytes_max()).map(Value::from)
}

/// Where the expression browser shows `expression`, as a graph (0) or a table (1).
fn expression_link(expression: &str, tab: u8) -> Value {
    format!("/graph?g0.expr={}&g0.tab={tab}", url_query(expression)).into()
}

/// `-1h30m` in seconds.
fn parse_duration(text: &str) -> Result<f64, String> {
    let (sign, magnitude) = text.strip_prefix('-').map_or((1.0, text), |magnitude| (-1.0, magnitude));
    let duration = metrics_model::duration::parse_duration(magnitude).map_err(|error| error.to_string())?;
    Ok(sign * duration.as_secs_f64())
}
