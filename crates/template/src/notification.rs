//! What notification templates get: the alerts of a group, and what these have in common.

use std::sync::Arc;

use crate::time::Time;
use crate::value::{Element, Field, List, ListType, Map, MapType, Method, Object, Parameter, Value};

/// A group of alerts on its way to a receiver.
#[derive(Debug, Clone)]
pub struct Data {
    /// The name of the receiver, as a regular expression that matches it.
    pub receiver: String,
    /// `firing` while any of the alerts is, else `resolved`.
    pub status: String,
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// Why this is sent now.
    pub notification_reason: String,
    /// The labels that the alerts are grouped by; made by [`kv`].
    pub group_labels: Map,
    /// The labels that all alerts have.
    pub common_labels: Map,
    /// The annotations that all alerts have.
    pub common_annotations: Map,
    /// The labels of the route.
    pub route_labels: Map,
    /// Where users reach this server.
    pub external_url: String,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            receiver: String::new(),
            status: String::new(),
            alerts: Vec::new(),
            notification_reason: String::new(),
            group_labels: nil_kv(),
            common_labels: nil_kv(),
            common_annotations: nil_kv(),
            route_labels: nil_kv(),
            external_url: String::new(),
        }
    }
}

/// An alert as templates see it.
#[derive(Debug, Clone)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    /// Its labels; made by [`kv`].
    pub labels: Map,
    /// Its annotations; made by [`kv`].
    pub annotations: Map,
    /// Since when it fires.
    pub starts_at: Time,
    /// Until when it fires.
    pub ends_at: Time,
    /// Where it comes from.
    pub generator_url: String,
    /// What tells it from others.
    pub fingerprint: String,
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            status: String::new(),
            labels: nil_kv(),
            annotations: nil_kv(),
            starts_at: Time::zero(),
            ends_at: Time::zero(),
            generator_url: String::new(),
            fingerprint: String::new(),
        }
    }
}

/// Keys and values with the methods that templates know of labels and annotations.
pub fn kv<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Map {
    Map::strings(&KV, pairs)
}

/// Keys and values that were never set: `toJson` writes `null`.
#[must_use]
pub fn nil_kv() -> Map {
    Map::nil(&KV)
}

impl Data {
    /// The value for templates. The alerts are turned into values once, not at every look.
    #[must_use]
    pub fn into_value(self) -> Value {
        let alerts = self.alerts.into_iter().map(|alert| Value::Object(Arc::new(alert))).collect::<Vec<_>>();
        Value::Object(Arc::new(DataValue {
            fields: [
                self.receiver.into(),
                self.status.into(),
                Value::List(List::new(&ALERTS, alerts)),
                self.notification_reason.into(),
                Value::Map(self.group_labels),
                Value::Map(self.common_labels),
                Value::Map(self.common_annotations),
                Value::Map(self.route_labels),
                self.external_url.into(),
            ],
        }))
    }
}

#[derive(Debug)]
struct DataValue {
    fields: [Value; 9],
}

impl Object for DataValue {
    fn type_name(&self) -> &'static str {
        "*template.Data"
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field; 9] = &[
            Field::new("Receiver", "receiver"),
            Field::new("Status", "status"),
            Field::new("Alerts", "alerts"),
            Field::new("NotificationReason", "notification_reason"),
            Field::new("GroupLabels", "groupLabels"),
            Field::new("CommonLabels", "commonLabels"),
            Field::new("CommonAnnotations", "commonAnnotations"),
            Field::new("RouteLabels", "routeLabels"),
            Field::new("ExternalURL", "externalURL"),
        ];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        self.fields.get(index).cloned().unwrap_or_default()
    }
}

impl Object for Alert {
    fn type_name(&self) -> &'static str {
        "template.Alert"
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field] = &[
            Field::new("Status", "status"),
            Field::new("Labels", "labels"),
            Field::new("Annotations", "annotations"),
            Field::new("StartsAt", "startsAt"),
            Field::new("EndsAt", "endsAt"),
            Field::new("GeneratorURL", "generatorURL"),
            Field::new("Fingerprint", "fingerprint"),
        ];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        match index {
            0 => self.status.as_str().into(),
            1 => Value::Map(self.labels.clone()),
            2 => Value::Map(self.annotations.clone()),
            3 => self.starts_at.clone().into(),
            4 => self.ends_at.clone().into(),
            5 => self.generator_url.as_str().into(),
            _ => self.fingerprint.as_str().into(),
        }
    }
}

static KV: MapType = MapType {
    name: "template.KV",
    element: Element::String,
    methods: &[
        Method { name: "Names", parameters: &[], body: |receiver, _| Ok(column(receiver, 0)) },
        Method { name: "Remove", parameters: &[Parameter::Strings], body: remove },
        Method { name: "SortedPairs", parameters: &[], body: |receiver, _| Ok(sorted_pairs(receiver)) },
        Method {
            name: "String",
            parameters: &[],
            body: |receiver, _| Ok(pairs_text(items(&sorted_pairs(receiver))).into()),
        },
        Method { name: "Values", parameters: &[], body: |receiver, _| Ok(column(receiver, 1)) },
    ],
    text: Some(|map| pairs_text(items(&sorted_pairs(&Value::Map(map.clone()))))),
};

static PAIRS: ListType = ListType {
    name: "template.Pairs",
    underlying: "[]template.Pair",
    element: Element::Typed,
    methods: &[
        Method { name: "Names", parameters: &[], body: |receiver, _| Ok(column_of(items(receiver), 0)) },
        Method { name: "String", parameters: &[], body: |receiver, _| Ok(pairs_text(items(receiver)).into()) },
        Method { name: "Values", parameters: &[], body: |receiver, _| Ok(column_of(items(receiver), 1)) },
    ],
    text: Some(|list| pairs_text(list.items())),
};

static STRINGS: ListType = ListType {
    name: "template.Strings",
    underlying: "[]string",
    element: Element::String,
    methods: &[Method {
        name: "Join",
        parameters: &[Parameter::String],
        body: |receiver, arguments| {
            let separator = arguments.first().and_then(Value::as_str).unwrap_or_default();
            let texts: Vec<&str> = items(receiver).iter().filter_map(Value::as_str).collect();
            Ok(texts.join(separator).into())
        },
    }],
    text: None,
};

static ALERTS: ListType = ListType {
    name: "template.Alerts",
    underlying: "[]template.Alert",
    element: Element::Typed,
    methods: &[
        Method { name: "Firing", parameters: &[], body: |receiver, _| Ok(with_status(receiver, "firing")) },
        Method { name: "Resolved", parameters: &[], body: |receiver, _| Ok(with_status(receiver, "resolved")) },
    ],
    text: None,
};

static SOME_ALERTS: ListType = ListType {
    name: "[]template.Alert",
    underlying: "[]template.Alert",
    element: Element::Typed,
    methods: &[],
    text: None,
};

/// A name and its value.
#[derive(Debug)]
struct Pair {
    name: Arc<str>,
    value: Value,
}

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "template.Pair"
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field] = &[Field::new("Name", "Name"), Field::new("Value", "Value")];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        match index {
            0 => Value::String(Arc::clone(&self.name)),
            _ => self.value.clone(),
        }
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(list) => list.items(),
        _ => &[],
    }
}

/// The pairs by name, the name of the alert first.
fn sorted_pairs(receiver: &Value) -> Value {
    let mut entries = match receiver {
        Value::Map(map) => map.entries(),
        _ => Vec::new(),
    };
    entries.sort_by_key(|(name, _)| &**name != "alertname");
    let pairs = entries.into_iter().map(|(name, value)| Value::Object(Arc::new(Pair { name, value })));
    Value::List(List::new(&PAIRS, pairs.collect::<Vec<_>>()))
}

fn column_of(pairs: &[Value], field: usize) -> Value {
    let texts = pairs.iter().filter_map(|pair| match pair {
        Value::Object(pair) => Some(pair.field(field)),
        _ => None,
    });
    Value::List(List::new(&STRINGS, texts.collect::<Vec<_>>()))
}

fn column(receiver: &Value, field: usize) -> Value {
    column_of(items(&sorted_pairs(receiver)), field)
}

fn pairs_text(pairs: &[Value]) -> String {
    let texts: Vec<String> = pairs
        .iter()
        .filter_map(|pair| match pair {
            Value::Object(pair) => Some(format!(
                "{}={}",
                pair.field(0).as_str().unwrap_or_default(),
                pair.field(1).as_str().unwrap_or_default()
            )),
            _ => None,
        })
        .collect();
    texts.join(", ")
}

/// The pairs whose names are not among those given.
fn remove(receiver: &Value, arguments: &[Value]) -> Result<Value, String> {
    let Value::Map(map) = receiver else { return Err("not a set of labels".to_owned()) };
    let removed: Vec<&str> = arguments.first().map_or(&[][..], items).iter().filter_map(Value::as_str).collect();
    let kept = map.entries().into_iter().filter(|(name, _)| !removed.contains(&&**name)).collect();
    Ok(Value::Map(Map::new(&KV, kept)))
}

fn with_status(receiver: &Value, status: &str) -> Value {
    let has_status = |alert: &&Value| match alert {
        Value::Object(alert) => alert.field(0).as_str() == Some(status),
        _ => false,
    };
    let alerts: Vec<Value> = items(receiver).iter().filter(has_status).cloned().collect();
    Value::List(List::new(&SOME_ALERTS, alerts))
}
