//! What a server answered. Accessors give `None` for everything that is not what it should be: no answer, however odd, is
//! more than a missing metric.

use redis::Value;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Integer(i64),
    /// A fractional number.
    Double(f64),
    /// A text or any bytes.
    Text(Vec<u8>),
    /// A list; maps come as names and values in turn.
    List(Vec<Reply>),
}

impl Reply {
    /// The text, bytes that are none replaced.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Double(number) => Some(number.to_string()),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// The bytes of a text.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, also when it came as text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(bytes) => std::str::from_utf8(bytes).ok()?.trim().parse().ok(),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// The parts of a list; nothing else has parts.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(parts) => parts,
            _ => &[],
        }
    }

    /// Names and values of a list that is a map. An odd part at the end is left out.
    pub fn pairs(&self) -> impl Iterator<Item = (String, &Self)> {
        self.list().chunks_exact(2).filter_map(|pair| Some((pair[0].text()?, &pair[1])))
    }

    /// The value of a name in a list that is a map.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.pairs().find(|(candidate, _)| candidate == name).map(|(_, value)| value)
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Integer(number),
            Value::BulkString(bytes) => Self::Text(bytes),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Self::Text(text.into_bytes()),
            Value::Okay => Self::Text(b"OK".to_vec()),
            Value::Array(parts) | Value::Set(parts) | Value::Push { data: parts, .. } => {
                Self::List(parts.into_iter().map(Self::from).collect())
            }
            Value::Map(pairs) => {
                Self::List(pairs.into_iter().flat_map(|(name, value)| [name.into(), value.into()]).collect())
            }
            Value::Attribute { data, .. } => (*data).into(),
            Value::Double(number) => Self::Double(number),
            Value::Boolean(truth) => Self::Integer(i64::from(truth)),
            Value::BigNumber(digits) => Self::Text(digits),
            Value::Nil | Value::ServerError(_) => Self::Nil,
            // Kinds that a later library may add mean nothing here yet.
            _ => Self::Nil,
        }
    }
}
