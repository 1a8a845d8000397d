//! The flags of collectors: declared where the collector is, in a `const` table, and read by name when it is built.
//! `cli.rs` of an exporter puts the tables together.

use std::collections::HashMap;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Id};
use metrics_model::duration::parse_duration;
use metrics_model::pattern::{PatternError, compile_unanchored};
use regex::Regex;

/// One flag.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// The name without dashes, as `collector.cpu.guest`.
    pub name: &'static str,
    /// The help text.
    pub help: &'static str,
    /// What it takes.
    pub kind: FlagKind,
    /// Whether `--help` leaves it out.
    pub hidden: bool,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy)]
pub enum FlagKind {
    /// Nothing: `--name` and `--no-name`.
    Switch {
        /// Whether it is on when neither is given.
        default: bool,
    },
    /// One value.
    Text {
        /// The value when it is not given.
        default: &'static str,
    },
    /// A value each time it is given.
    List,
}

impl Flag {
    /// A switch with its `--no-` form.
    #[must_use]
    pub const fn switch(name: &'static str, default: bool, help: &'static str) -> Self {
        Self { name, help, kind: FlagKind::Switch { default }, hidden: false }
    }

    /// A flag with one value.
    #[must_use]
    pub const fn text(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: FlagKind::Text { default }, hidden: false }
    }

    /// A flag that may be repeated.
    #[must_use]
    pub const fn list(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: FlagKind::List, hidden: false }
    }

    /// The same flag, left out of `--help`.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Adds the flag to a command line.
    #[must_use]
    pub fn add_to(&self, command: Command) -> Command {
        let arg = Arg::new(self.name).long(self.name).help(self.help).hide(self.hidden);
        match self.kind {
            FlagKind::Switch { .. } => {
                let negated = negated(self.name);
                let forms = || [Id::from(self.name), Id::from(negated.clone())];
                let no = Arg::new(negated.clone()).long(negated.clone()).hide(true).action(ArgAction::SetTrue);
                command
                    .arg(arg.action(ArgAction::SetTrue).overrides_with_all(forms()))
                    .arg(no.overrides_with_all(forms()))
            }
            FlagKind::Text { default } => {
                command.arg(arg.default_value(default).hide_default_value(default.is_empty()).allow_hyphen_values(true))
            }
            FlagKind::List => command.arg(arg.action(ArgAction::Append).allow_hyphen_values(true)),
        }
    }
}

fn negated(name: &str) -> String {
    format!("no-{name}")
}

/// Why a flag's value cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FlagError {
    /// Not a regular expression.
    #[error("--{flag}: {value:?} is not a regular expression")]
    Regex {
        /// The flag.
        flag: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        #[source]
        source: PatternError,
    },
    /// Not a duration.
    #[error("--{flag}: {value:?} is not a duration such as 5s or 1m30s")]
    Duration {
        /// The flag.
        flag: String,
        /// Its value.
        value: String,
    },
    /// Not a number.
    #[error("--{flag}: {value:?} is not a whole number")]
    Number {
        /// The flag.
        flag: String,
        /// Its value.
        value: String,
    },
    /// Not one of the words that the flag takes.
    #[error("--{flag}: {value:?} is unknown; known are: {known}")]
    Word {
        /// The flag.
        flag: String,
        /// Its value.
        value: String,
        /// What it takes.
        known: String,
    },
    /// A flag whose feature is not there.
    #[error("--{flag} is not supported yet")]
    Unsupported {
        /// The flag.
        flag: String,
    },
    /// Two flags that exclude each other.
    #[error("--{first} and --{second} are mutually exclusive")]
    Exclusive {
        /// One flag.
        first: String,
        /// The other.
        second: String,
    },
}

/// The values of flags.
#[derive(Debug, Clone, Default)]
pub struct Values {
    values: HashMap<&'static str, Value>,
}

#[derive(Debug, Clone, Default)]
struct Value {
    given: bool,
    texts: Vec<String>,
}

const ON: &str = "true";
const OFF: &str = "false";

impl Values {
    /// The values of `flags` when none is given.
    pub fn defaults<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Self {
        let default = |flag: &Flag| match flag.kind {
            FlagKind::Switch { default } => vec![if default { ON } else { OFF }.to_owned()],
            FlagKind::Text { default } => vec![default.to_owned()],
            FlagKind::List => Vec::new(),
        };
        let values = flags.into_iter().map(|flag| (flag.name, Value { given: false, texts: default(flag) }));
        Self { values: values.collect() }
    }

    /// The values of `flags` on a command line.
    pub fn from_matches<'a>(flags: impl IntoIterator<Item = &'a Flag> + Clone, matches: &ArgMatches) -> Self {
        let mut values = Self::defaults(flags.clone());
        let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        for flag in flags {
            if let FlagKind::Switch { .. } = flag.kind {
                // The two forms override each other, so at most one of them is given.
                if given(flag.name) {
                    values.set(flag.name, [ON]);
                } else if given(&negated(flag.name)) {
                    values.set(flag.name, [OFF]);
                }
            } else if given(flag.name) {
                values.set(flag.name, matches.get_many::<String>(flag.name).into_iter().flatten());
            }
        }
        values
    }

    /// Sets a flag as if it had been given.
    pub fn set(&mut self, flag: &'static str, texts: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.values.insert(flag, Value { given: true, texts: texts.into_iter().map(Into::into).collect() });
        self
    }

    /// Which of a flag and its old name is in use.
    ///
    /// # Errors
    /// [`FlagError::Exclusive`] when both were given.
    pub fn renamed(&self, old: &'static str, new: &'static str) -> Result<&'static str, FlagError> {
        if self.text(old).is_empty() {
            return Ok(new);
        }
        if self.given(new) {
            return Err(FlagError::Exclusive { first: old.to_owned(), second: new.to_owned() });
        }
        tracing::warn!(flag = old, instead = new, "the flag is deprecated");
        Ok(old)
    }

    /// Sets a switch as if it had been given.
    pub fn switch(&mut self, flag: &'static str, on: bool) -> &mut Self {
        self.set(flag, [if on { ON } else { OFF }])
    }

    /// Whether the flag was given, in either form.
    #[must_use]
    pub fn given(&self, flag: &str) -> bool {
        self.values.get(flag).is_some_and(|value| value.given)
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn on(&self, flag: &str) -> bool {
        self.text(flag) == ON
    }

    /// The value of a flag with one value; empty for a flag that does not exist.
    #[must_use]
    pub fn text(&self, flag: &str) -> &str {
        self.list(flag).last().map_or("", String::as_str)
    }

    /// The values of a flag that may be repeated.
    #[must_use]
    pub fn list(&self, flag: &str) -> &[String] {
        self.values.get(flag).map_or(&[], |value| &value.texts)
    }

    /// The regular expression in a flag, if the flag is not empty. It may match anywhere in a text.
    ///
    /// # Errors
    /// [`FlagError::Regex`].
    pub fn regex(&self, flag: &str) -> Result<Option<Regex>, FlagError> {
        match self.text(flag) {
            "" => Ok(None),
            text => compile_unanchored(text).map(Some).map_err(|source| FlagError::Regex {
                flag: flag.to_owned(),
                value: text.to_owned(),
                source,
            }),
        }
    }

    /// The duration in a flag.
    ///
    /// # Errors
    /// [`FlagError::Duration`].
    pub fn duration(&self, flag: &str) -> Result<Duration, FlagError> {
        let text = self.text(flag);
        parse_duration(text).map_err(|_| FlagError::Duration { flag: flag.to_owned(), value: text.to_owned() })
    }

    /// The whole number in a flag.
    ///
    /// # Errors
    /// [`FlagError::Number`].
    pub fn number(&self, flag: &str) -> Result<u64, FlagError> {
        let text = self.text(flag);
        text.parse().map_err(|_| FlagError::Number { flag: flag.to_owned(), value: text.to_owned() })
    }
}

/// Which names of devices, mount points and the like are of interest.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Filter {
    /// The filter of a pair of flags. Given an include, the default of the exclude does not count; given both, they
    /// contradict each other.
    ///
    /// # Errors
    /// [`FlagError::Regex`] and [`FlagError::Exclusive`].
    pub fn from_flags(values: &Values, include: &str, exclude: &str) -> Result<Self, FlagError> {
        let included = values.regex(include)?;
        let mut excluded = values.regex(exclude)?;
        if included.is_some() && excluded.is_some() {
            if values.given(exclude) {
                return Err(FlagError::Exclusive { first: include.to_owned(), second: exclude.to_owned() });
            }
            excluded = None;
        }
        Ok(Self { include: included, exclude: excluded })
    }

    /// A filter that drops what `exclude` matches.
    #[must_use]
    pub fn excluding(exclude: Option<Regex>) -> Self {
        Self { include: None, exclude }
    }

    /// A filter that keeps only what `include` matches.
    #[must_use]
    pub fn including(include: Option<Regex>) -> Self {
        Self { include, exclude: None }
    }

    /// Whether the name is of interest.
    #[must_use]
    pub fn keeps(&self, name: &str) -> bool {
        !self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(name))
            && self.include.as_ref().is_none_or(|include| include.is_match(name))
    }
}

#[cfg(test)]
mod tests;
