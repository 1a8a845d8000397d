//! `alert`: query and add.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use metrics_model::MatchOp;
use serde_json::{Map, Value, json};

use super::{Output, Session, format};
use crate::matcher::{Syntax, parse_matcher};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Alert {
    #[command(subcommand)]
    command: Option<AlertCommand>,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum AlertCommand {
    /// View and search through current alerts. Without flags only active ones are shown.
    Query(Query),
    /// Add a new alert.
    Add(Add),
    /// Say why an alert is told, or is not.
    Explain(super::ask::Explain),
}

#[derive(Debug, Args)]
struct Query {
    /// Show inhibited alerts.
    #[arg(short, long)]
    inhibited: bool,
    /// Show silenced alerts.
    #[arg(short, long)]
    silenced: bool,
    /// Show active alerts.
    #[arg(short, long)]
    active: bool,
    /// Show unprocessed alerts.
    #[arg(short, long)]
    unprocessed: bool,
    /// Show alerts matching receiver (a regular expression).
    #[arg(short, long, default_value = "")]
    receiver: String,
    /// Matchers; a first word without an operator is the name of an alert.
    matchers: Vec<String>,
}

#[derive(Debug, Args)]
struct Add {
    /// Labels; a first word without an operator is the name of the alert.
    labels: Vec<String>,
    /// The URL of the source that generated the alert.
    #[arg(long, default_value = "")]
    generator_url: String,
    /// When the alert should start, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    start: Option<String>,
    /// When the alert should end, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    end: Option<String>,
    /// An annotation to be included with the alert.
    #[arg(long)]
    annotation: Vec<String>,
}

impl Alert {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<()> {
        match self.command {
            None => self.query.run(session).await,
            Some(AlertCommand::Query(query)) => query.run(session).await,
            Some(AlertCommand::Add(add)) => add.run(session).await,
            Some(AlertCommand::Explain(explain)) => explain.run(session).await,
        }
    }
}

/// Makes a first word without an operator the name of an alert.
pub(super) fn with_alert_name(mut words: Vec<String>, syntax: Syntax) -> Vec<String> {
    if let Some(first) = words.first_mut().filter(|first| parse_matcher(first, syntax).is_err()) {
        *first = format!("alertname={}", crate::text::quoted(first));
    }
    words
}

/// `name=value` words as an object.
pub(super) fn pairs(words: &[String], what: &str, syntax: Syntax) -> Result<Map<String, Value>> {
    let mut pairs = Map::new();
    for word in words {
        let matcher = parse_matcher(word, syntax)?;
        if matcher.op() != MatchOp::Equal {
            bail!("{what} must be specified as key=value pairs");
        }
        pairs.insert(matcher.name().to_owned(), matcher.value().into());
    }
    Ok(pairs)
}

impl Query {
    async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let matchers = with_alert_name(self.matchers, session.syntax);
        let active = self.active || !(self.silenced || self.inhibited || self.unprocessed);
        let switch = |on: bool| if on { "true" } else { "false" };
        let mut query = vec![
            ("active", switch(active)),
            ("inhibited", switch(self.inhibited)),
            ("silenced", switch(self.silenced)),
            ("unprocessed", switch(self.unprocessed)),
        ];
        if !self.receiver.is_empty() {
            query.push(("receiver", &self.receiver));
        }
        query.extend(matchers.iter().map(|matcher| ("filter", matcher.as_str())));
        let alerts = session.remote()?.query("alerts", &query).await?;
        show(session, alerts)
    }
}

fn show(session: &mut Session<'_>, alerts: Value) -> Result<()> {
    if session.output == Output::Json {
        return format::json(session.out, &alerts);
    }
    let mut alerts = alerts.as_array().cloned().unwrap_or_default();
    // The API's dates are all of one length and zone, so they compare as texts.
    alerts.sort_by(|left, right| left["startsAt"].as_str().cmp(&right["startsAt"].as_str()));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let heads: &[&str] = match session.output {
        Output::Extended => &["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"],
        _ => &["Alertname", "Starts At", "Summary", "State"],
    };
    let mut rows = vec![heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()];
    for alert in &alerts {
        let starts = session.dates.show(&alert["startsAt"]);
        let state = text(&alert["status"]["state"]);
        rows.push(match session.output {
            Output::Extended => vec![
                in_order(&alert["labels"]),
                in_order(&alert["annotations"]),
                starts,
                session.dates.show(&alert["endsAt"]),
                text(&alert["generatorURL"]),
                state,
            ],
            _ => vec![text(&alert["labels"]["alertname"]), starts, text(&alert["annotations"]["summary"]), state],
        });
    }
    format::columns(session.out, &rows, true)
}

/// `a="1" b="2"`
fn in_order(pairs: &Value) -> String {
    let pairs = pairs.as_object().into_iter().flatten();
    let mut shown: Vec<String> =
        pairs.map(|(name, value)| format!("{name}=\"{}\"", value.as_str().unwrap_or_default())).collect();
    shown.sort_unstable();
    shown.join(" ")
}

impl Add {
    async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let labels = pairs(&with_alert_name(self.labels, session.syntax), "labels", session.syntax)?;
        let annotations = pairs(&self.annotation, "annotations", session.syntax)?;
        let mut alert = json!({"labels": labels, "annotations": annotations, "generatorURL": self.generator_url});
        for (key, time) in [("startsAt", self.start), ("endsAt", self.end)] {
            if let Some(time) = time {
                crate::time::parse(&time)?;
                alert[key] = time.into();
            }
        }
        session.remote()?.post("alerts", &json!([alert])).await?;
        Ok(())
    }
}
