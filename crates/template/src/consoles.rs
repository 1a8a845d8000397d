//! Console pages: HTML that users write as templates, with the functions of rules and libraries of definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_model::Labels;

use crate::functions::{Environment, Functions};
use crate::rules::RuleError;
use crate::set::{Escaping, TemplateSet};
use crate::value::{Element, Field, List, Map, MapType, Method, Object, Parameter, Value};

/// Declares the variables that console pages know.
pub const PREAMBLE: &str =
    "{{$rawParams := .RawParams }}{{$params := .Params}}{{$path := .Path}}{{$externalLabels := .ExternalLabels}}";

/// What a console page is asked for with.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The path of the page below the folder of pages, without a slash before it.
    pub path: String,
    /// Names and values of the query, in order.
    pub params: Vec<(String, String)>,
    /// The external labels of the server.
    pub external_labels: Labels,
}

/// Carries out a console page, with the definitions of `libraries` (file name and text) at hand.
///
/// # Errors
/// [`RuleError`] names line, column and part of the template, and what is wrong there.
pub fn expand(
    text: &str,
    libraries: &[(String, String)],
    request: &Request,
    environment: &Environment<'_>,
) -> Result<String, RuleError> {
    let name = format!("__console_/{}", request.path);
    expand_html(&name, &format!("{PREAMBLE}{text}"), libraries, &request.value(), environment)
}

/// Carries out `text` as HTML with any data and without [`PREAMBLE`].
///
/// # Errors
/// [`RuleError`] names line, column and part of the template, and what is wrong there.
pub fn expand_html(
    name: &str,
    text: &str,
    libraries: &[(String, String)],
    data: &Value,
    environment: &Environment<'_>,
) -> Result<String, RuleError> {
    let parse_error = |cause| RuleError::Parse { name: name.to_owned(), cause: Box::new(cause) };
    let mut set = TemplateSet::new(Functions::CONSOLES);
    set.add(name, text).map_err(parse_error)?;
    for (file, library) in libraries {
        set.add(file, library).map_err(parse_error)?;
    }
    let execute_error = |cause| RuleError::Execute { name: name.to_owned(), cause: Box::new(cause) };
    set.execute(name, data, Escaping::Html, environment).map_err(execute_error)
}

impl Request {
    fn value(&self) -> Value {
        let mut all: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        for (name, value) in &self.params {
            all.entry(Arc::from(name.as_str())).or_default().push(value.as_str().into());
        }
        let first = all.iter().map(|(name, values)| (&**name, values[0].as_str().unwrap_or_default()));
        let params = Map::strings(MapType::STRINGS, first);
        let raw = all.into_iter().map(|(name, values)| (name, Value::List(List::strings(values)))).collect();
        let fields = [
            Value::Map(Map::new(&URL_VALUES, raw)),
            Value::Map(params),
            self.path.as_str().into(),
            Value::Map(Map::labels(MapType::STRINGS, self.external_labels.clone())),
        ];
        Value::Object(Arc::new(ConsoleData { fields }))
    }
}

static URL_VALUES: MapType = MapType {
    name: "url.Values",
    element: Element::Typed,
    methods: &[
        Method {
            name: "Get",
            parameters: &[Parameter::String],
            body: |receiver, arguments| {
                Ok(values_of(receiver, arguments)
                    .and_then(|values| values.items().first().cloned())
                    .unwrap_or("".into()))
            },
        },
        Method {
            name: "Has",
            parameters: &[Parameter::String],
            body: |receiver, arguments| Ok(values_of(receiver, arguments).is_some().into()),
        },
    ],
    text: None,
};

fn values_of(receiver: &Value, arguments: &[Value]) -> Option<List> {
    let name = arguments.first().and_then(Value::as_str)?;
    match receiver {
        Value::Map(map) => match map.get(name)? {
            Value::List(values) => Some(values),
            _ => None,
        },
        _ => None,
    }
}

#[derive(Debug)]
struct ConsoleData {
    fields: [Value; 4],
}

impl Object for ConsoleData {
    fn type_name(&self) -> &'static str {
        "struct { RawParams url.Values; Params map[string]string; Path string; ExternalLabels map[string]string }"
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field; 4] = &[
            Field::new("RawParams", "RawParams"),
            Field::new("Params", "Params"),
            Field::new("Path", "Path"),
            Field::new("ExternalLabels", "ExternalLabels"),
        ];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        self.fields.get(index).cloned().unwrap_or_default()
    }
}
