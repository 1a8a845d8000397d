//! Silences: alerts that match one are not told while it is active.

mod record;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::{Labels, MatchOp};

use crate::matcher::{Matcher, Matchers};

pub use store::{Limits, SilenceError, Silences};

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// A UUID; empty in one that is to be made.
    pub id: String,
    /// Which alerts are silenced, in the order in which people wrote it.
    pub matchers: Matchers,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when, this moment included.
    pub ends_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Anything else worth knowing.
    pub annotations: BTreeMap<String, String>,
}

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In force.
    Active,
    /// Not yet in force.
    Pending,
    /// No longer in force.
    Expired,
}

impl State {
    /// The word in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

impl Silence {
    /// Where it is in its life at `now`.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> State {
        if now < self.starts_at {
            State::Pending
        } else if now > self.ends_at {
            State::Expired
        } else {
            State::Active
        }
    }

    /// Whether it is in force at `now` for an alert with these labels.
    #[must_use]
    pub fn silences(&self, labels: &Labels, now: Timestamp) -> bool {
        self.state_at(now) == State::Active && self.matchers.match_labels(labels)
    }

    /// Whether it can become `new` without rewriting history: what was silenced stays what was silenced.
    fn can_become(&self, new: &Self, now: Timestamp) -> bool {
        self.matchers == new.matchers
            && match self.state_at(now) {
                State::Active => self.starts_at.as_second() == new.starts_at.as_second() && new.ends_at >= now,
                State::Pending => new.starts_at >= now,
                State::Expired => false,
            }
    }

    /// Whether it holds for every alert that has the labels it names at all.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        matches_all(&self.matchers)
    }

    fn check(&self) -> Result<(), String> {
        if self.matchers.is_empty() {
            return Err("matcher set 0 is empty".to_owned());
        }
        for (at, matcher) in self.matchers.iter().enumerate() {
            if matcher.name().is_empty() {
                return Err(format!("invalid label matcher {at} in set 0: invalid label name \"\""));
            }
        }
        // A negative matcher that matches the absent label still says something; an empty positive one does not.
        if self.matchers.iter().all(|matcher| !matcher.op().is_negative() && matcher.matches("")) {
            return Err("matcher set 0: at least one matcher must not match the empty string".to_owned());
        }
        if self.ends_at < self.starts_at {
            return Err("end time must not be before start time".to_owned());
        }
        Ok(())
    }
}

/// Whether conditions hold for every alert that has the labels they name at all.
#[must_use]
pub fn matches_all(matchers: &Matchers) -> bool {
    matchers.iter().all(is_trivial)
}

/// Whether a condition only asks for a label to be there: no value of it would be left out.
fn is_trivial(matcher: &Matcher) -> bool {
    // Values that nobody had in mind: who lets all of them pass lets everything pass.
    const PROBES: [&str; 4] = ["q7x-Zk3.example:9100", "0", "a b/\u{e9}\u{d55c}", "Some sentence, with words!"];
    let asks_for_nothing = |value: &str| value.chars().all(|c| "^$()".contains(c));
    match matcher.op() {
        MatchOp::Equal => false,
        MatchOp::Regex => PROBES.iter().all(|probe| matcher.matches(probe)),
        MatchOp::NotEqual => matcher.value().is_empty(),
        MatchOp::NotRegex => asks_for_nothing(matcher.value()),
    }
}

/// A silence as the store hands it out.
pub type SharedSilence = Arc<Silence>;

#[cfg(test)]
mod tests;
