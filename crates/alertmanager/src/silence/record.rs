//! A silence on disk.

use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics_model::MatchOp;
use serde::{Deserialize, Serialize};

use super::Silence;
use crate::matcher::{Matcher, Matchers, PatternError};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    matchers: Vec<MatcherRecord>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    updated_at: Timestamp,
    created_by: String,
    comment: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    /// From when on it may be forgotten.
    pub(super) expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct MatcherRecord {
    name: String,
    op: String,
    value: String,
}

impl Record {
    pub(super) fn new(silence: &Silence, expires_at: Timestamp) -> Self {
        let matcher = |matcher: &Matcher| MatcherRecord {
            name: matcher.name().to_owned(),
            op: matcher.op().as_str().to_owned(),
            value: matcher.value().to_owned(),
        };
        Self {
            id: silence.id.clone(),
            matchers: silence.matchers.iter().map(matcher).collect(),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            updated_at: silence.updated_at,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            annotations: silence.annotations.clone(),
            expires_at,
        }
    }

    /// The silence. Fails only for expressions that an older version could compile and this one cannot.
    pub(super) fn into_silence(self) -> Result<Silence, PatternError> {
        let matcher = |record: MatcherRecord| {
            let ops = [MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
            let op = ops.into_iter().find(|op| op.as_str() == record.op).unwrap_or(MatchOp::Equal);
            Matcher::new(&record.name, op, &record.value)
        };
        Ok(Silence {
            id: self.id,
            matchers: Matchers::in_order(self.matchers.into_iter().map(matcher).collect::<Result<_, _>>()?),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            updated_at: self.updated_at,
            created_by: self.created_by,
            comment: self.comment,
            annotations: self.annotations,
        })
    }
}
