//! What `query` returns, and values that only print.

use std::sync::Arc;

use metrics_model::Labels;

use crate::value::{Element, Field, List, ListType, Map, MapType, Object, Value};

/// One series of the answer to a query.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its labels, the metric name among them.
    pub labels: Labels,
    /// A float, or for histograms what [`opaque`] makes.
    pub value: Value,
}

pub(super) const SAMPLE_TYPE: &str = "*template.sample";

pub(super) static SAMPLES: ListType = ListType {
    name: "template.queryResult",
    underlying: "template.queryResult",
    element: Element::Typed,
    methods: &[],
    text: None,
};

impl Object for Sample {
    fn type_name(&self) -> &'static str {
        SAMPLE_TYPE
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field] = &[Field::new("Labels", "Labels"), Field::any("Value", "Value")];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        match index {
            0 => Value::Map(Map::labels(MapType::STRINGS, self.labels.clone())),
            _ => self.value.clone(),
        }
    }
}

pub(super) fn list(samples: Vec<Sample>) -> Value {
    let items: Vec<Value> = samples.into_iter().map(|sample| Value::Object(Arc::new(sample))).collect();
    Value::List(List::new(&SAMPLES, items))
}

/// A value without fields that prints as `text`, such as a histogram (`*histogram.FloatHistogram`).
#[must_use]
pub fn opaque(type_name: &'static str, text: String) -> Value {
    Value::Object(Arc::new(Opaque { type_name, text }))
}

#[derive(Debug)]
struct Opaque {
    type_name: &'static str,
    text: String,
}

impl Object for Opaque {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn field(&self, _: usize) -> Value {
        Value::Nil
    }

    fn text(&self) -> Option<String> {
        Some(self.text.clone())
    }
}
