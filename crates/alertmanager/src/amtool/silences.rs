//! `silence`: add, expire, import, query, update.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{ArgAction, Args, Subcommand};
use jiff::Timestamp;
use metrics_model::MatchOp;
use metrics_model::duration::parse_duration;
use serde_json::{Value, json};

use super::alerts::{pairs, with_alert_name};
use super::remote::Refused;
use super::{Output, Session, Settings, format, go_duration};
use crate::matcher::{Matcher, Matchers, parse_matcher};
use crate::time;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Silence {
    #[command(subcommand)]
    command: Option<SilenceCommand>,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Add a new silence.
    Add(Add),
    /// Expire silences.
    Expire {
        /// Ids of silences to expire.
        ids: Vec<String>,
    },
    /// Import silences from a JSON file, as `silence query -o json` makes it, or from standard input.
    Import(Import),
    /// Query silences.
    Query(Query),
    /// Update silences.
    Update(Update),
}

#[derive(Debug, Args)]
struct Add {
    /// Username for CreatedBy field.
    #[arg(short, long)]
    author: Option<String>,
    /// Whether a comment must be given.
    #[arg(long, hide = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    require_comment: Option<bool>,
    /// Accepts silences without a comment.
    #[arg(long, hide = true)]
    no_require_comment: bool,
    /// Duration of silence.
    #[arg(short, long, default_value = "1h")]
    duration: String,
    /// When the silence should start, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    start: Option<String>,
    /// When the silence should end (overwrites duration), as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    end: Option<String>,
    /// A comment to help describe the silence.
    #[arg(short, long, default_value = "")]
    comment: String,
    /// An annotation to be included with the silence.
    #[arg(long)]
    annotation: Vec<String>,
    /// Matchers; a first word without an operator is the name of an alert.
    matchers: Vec<String>,
}

#[derive(Debug, Args)]
struct Import {
    /// Add new silences even if they exist already.
    #[arg(short, long)]
    force: bool,
    /// Accepted for compatibility: silences are added one after the other.
    #[arg(short = 'w', long, default_value_t = 8, hide = true)]
    worker: u32,
    /// JSON file with silences.
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Query {
    /// Show expired silences instead of active ones.
    #[arg(long)]
    expired: bool,
    /// Only show silence ids.
    #[arg(short, long)]
    quiet: bool,
    /// Show silences that belong to this creator.
    #[arg(long, default_value = "")]
    created_by: String,
    /// Get a single silence by its id.
    #[arg(long, default_value = "")]
    id: String,
    /// Show silences that will expire or have expired within a duration.
    #[arg(long, value_parser = go_duration)]
    within: Option<Duration>,
    /// Matchers; a first word without an operator is the name of an alert.
    matchers: Vec<String>,
}

#[derive(Debug, Args)]
struct Update {
    /// Only show silence ids.
    #[arg(short, long)]
    quiet: bool,
    /// Duration of silence.
    #[arg(short, long)]
    duration: Option<String>,
    /// When the silence should start, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    start: Option<String>,
    /// When the silence should end (overwrites duration), as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    end: Option<String>,
    /// A comment to help describe the silence.
    #[arg(short, long)]
    comment: Option<String>,
    /// Ids of silences to update.
    ids: Vec<String>,
}

impl Silence {
    pub(super) async fn run(self, session: &mut Session<'_>, settings: &Settings) -> Result<()> {
        match self.command {
            None => self.query.run(session).await,
            Some(SilenceCommand::Add(add)) => add.run(session, settings).await,
            Some(SilenceCommand::Expire { ids }) => expire(session, &ids).await,
            Some(SilenceCommand::Import(import)) => import.run(session).await,
            Some(SilenceCommand::Query(query)) => query.run(session).await,
            Some(SilenceCommand::Update(update)) => update.run(session).await,
        }
    }
}

async fn expire(session: &Session<'_>, ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        bail!("no silence IDs specified");
    }
    for id in ids {
        session.remote()?.delete(&format!("silence/{id}")).await?;
    }
    Ok(())
}

/// The end of a silence that begins at `start`.
fn end(start: Timestamp, end: Option<&str>, duration: &str) -> Result<Timestamp> {
    let end = match end {
        Some(end) => time::parse(end)?,
        None => {
            let duration = parse_duration(duration)?;
            if duration.is_zero() {
                bail!("silence duration must be greater than 0");
            }
            time::after(start, duration)
        }
    };
    if start > end {
        bail!("silence cannot start after it ends");
    }
    Ok(end)
}

impl Add {
    async fn run(self, session: &mut Session<'_>, settings: &Settings) -> Result<()> {
        let words = with_alert_name(self.matchers, session.syntax);
        if words.is_empty() {
            bail!("no matchers specified");
        }
        let matchers = words.iter().map(|word| Ok(posted(&parse_matcher(word, session.syntax)?)));
        let matchers: Vec<Value> = matchers.collect::<Result<_>>()?;
        let starts_at = match &self.start {
            Some(start) => time::parse(start)?,
            None => Timestamp::now(),
        };
        let ends_at = end(starts_at, self.end.as_deref(), &self.duration)?;
        let required = self.require_comment.unwrap_or_else(|| settings.get("require-comment") != Some("false"));
        if required && !self.no_require_comment && self.comment.is_empty() {
            bail!("comment required by config");
        }
        let author = self.author.as_deref().or(settings.get("author")).unwrap_or(&settings.user);
        let mut silence = json!({
            "matchers": matchers,
            "startsAt": time::to_millis(starts_at),
            "endsAt": time::to_millis(ends_at),
            "createdBy": author,
            "comment": self.comment,
        });
        if !self.annotation.is_empty() {
            silence["annotations"] = pairs(&self.annotation, "annotations", session.syntax)?.into();
        }
        let made = session.remote()?.post("silences", &silence).await?;
        writeln!(session.out, "{}", made["silenceID"].as_str().unwrap_or_default())?;
        Ok(())
    }
}

/// A matcher as the API takes it.
fn posted(matcher: &Matcher) -> Value {
    json!({
        "name": matcher.name(),
        "value": matcher.value(),
        "isEqual": !matcher.op().is_negative(),
        "isRegex": matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
    })
}

impl Import {
    async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let file = self.file.unwrap_or_else(|| PathBuf::from("/dev/stdin"));
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let silences: Vec<Value> = serde_json::from_str(&text).context("couldn't unmarshal input data, is it JSON?")?;
        let mut failed = 0;
        for mut silence in silences {
            let id = silence["id"].as_str().unwrap_or_default().to_owned();
            if self.force {
                silence["id"] = "".into();
            }
            let mut made = session.remote()?.post("silences", &silence).await;
            let is_unknown =
                |error: &anyhow::Error| error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 404);
            if made.as_ref().is_err_and(is_unknown) {
                // It does not exist here yet.
                silence["id"] = "".into();
                made = session.remote()?.post("silences", &silence).await;
            }
            match made {
                Ok(made) => writeln!(session.out, "{}", made["silenceID"].as_str().unwrap_or_default())?,
                Err(error) => {
                    eprintln!("Error adding silence id='{id}': {error:#}");
                    failed += 1;
                }
            }
        }
        if failed > 0 {
            bail!("couldn't import {failed} out of the silences");
        }
        Ok(())
    }
}

impl Query {
    async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let matchers = with_alert_name(self.matchers.clone(), session.syntax);
        let query: Vec<(&str, &str)> = matchers.iter().map(|matcher| ("filter", matcher.as_str())).collect();
        let found = session.remote()?.query("silences", &query).await?;
        let now = Timestamp::now();
        let wanted: Vec<Value> =
            found.as_array().into_iter().flatten().filter(|silence| self.wants(silence, now)).cloned().collect();
        show(session, wanted, self.quiet)
    }

    fn wants(&self, silence: &Value, now: Timestamp) -> bool {
        let Some(ends_at) = silence["endsAt"].as_str().and_then(|text| time::parse(text).ok()) else {
            return false;
        };
        let within = match self.within.filter(|within| !within.is_zero()) {
            None => true,
            Some(within) if self.expired => ends_at >= time::before(now, within),
            Some(within) => ends_at <= time::after(now, within),
        };
        let is = |key: &str, wanted: &String| wanted.is_empty() || silence[key] == wanted.as_str();
        let in_state = if self.expired { ends_at <= now } else { ends_at >= now };
        in_state && within && is("createdBy", &self.created_by) && is("id", &self.id)
    }
}

impl Update {
    async fn run(self, session: &mut Session<'_>) -> Result<()> {
        if self.ids.is_empty() {
            bail!("no silence IDs specified");
        }
        let mut updated = Vec::new();
        for id in &self.ids {
            let mut silence = session.remote()?.get(&format!("silence/{id}")).await?;
            if let Some(start) = &self.start {
                silence["startsAt"] = time::to_millis(time::parse(start)?).into();
            }
            let starts_at = time::parse(silence["startsAt"].as_str().unwrap_or_default())?;
            let ends_at = match (&self.end, &self.duration) {
                (None, None) => time::parse(silence["endsAt"].as_str().unwrap_or_default())?,
                (given, duration) => end(starts_at, given.as_deref(), duration.as_deref().unwrap_or("1h"))?,
            };
            if starts_at > ends_at {
                bail!("silence cannot start after it ends");
            }
            silence["endsAt"] = time::to_millis(ends_at).into();
            if let Some(comment) = &self.comment {
                silence["comment"] = comment.as_str().into();
            }
            let made = session.remote()?.post("silences", &silence).await?;
            silence["id"] = made["silenceID"].clone();
            updated.push(silence);
        }
        show(session, updated, self.quiet)
    }
}

fn show(session: &mut Session<'_>, mut silences: Vec<Value>, quiet: bool) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if quiet {
        for silence in &silences {
            writeln!(session.out, "{}", text(&silence["id"]))?;
        }
        return Ok(());
    }
    if session.output == Output::Json {
        return format::json(session.out, &silences.into());
    }
    silences.sort_by(|left, right| left["endsAt"].as_str().cmp(&right["endsAt"].as_str()));
    let is_extended = session.output == Output::Extended;
    let heads: &[&str] = if is_extended {
        &["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"]
    } else {
        &["ID", "Matchers", "Ends At", "Created By", "Comment"]
    };
    let mut rows = vec![heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()];
    for silence in &silences {
        let matchers = matchers_of(silence);
        let ends = session.dates.show(&silence["endsAt"]);
        let (by, comment) = (text(&silence["createdBy"]), text(&silence["comment"]));
        rows.push(if is_extended {
            let starts = session.dates.show(&silence["startsAt"]);
            let updated = session.dates.show(&silence["updatedAt"]);
            vec![text(&silence["id"]), matchers.to_string(), starts, ends, updated, by, comment]
        } else {
            let words: Vec<String> = matchers.iter().map(ToString::to_string).collect();
            vec![text(&silence["id"]), words.join(" "), ends, by, comment]
        });
    }
    format::columns(session.out, &rows, true)
}

/// The matchers of a silence; those that this version cannot compile are left out.
fn matchers_of(silence: &Value) -> Matchers {
    let matcher = |matcher: &Value| {
        let op = match (matcher["isEqual"].as_bool().unwrap_or(true), matcher["isRegex"].as_bool().unwrap_or(false)) {
            (true, false) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (false, true) => MatchOp::NotRegex,
        };
        Matcher::new(matcher["name"].as_str()?, op, matcher["value"].as_str()?).ok()
    };
    Matchers::in_order(silence["matchers"].as_array().into_iter().flatten().filter_map(matcher).collect())
}
