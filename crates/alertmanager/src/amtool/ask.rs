//! `alert explain` and `history`: what the daemon knows of why and when.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::alerts::{pairs, with_alert_name};
use super::{Output, Session, format};

/// Of an alert that there is, or that there might be.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// An alert that there is, by its fingerprint.
    #[arg(long)]
    fingerprint: Option<String>,
    /// For when the answer shall hold, as 2006-01-02T15:04:05-07:00; now without it.
    #[arg(long)]
    time: Option<String>,
    /// Labels; a first word without an operator is the name of the alert.
    labels: Vec<String>,
}

impl Explain {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let labels = pairs(&with_alert_name(self.labels, session.syntax), "labels", session.syntax)?;
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| {
                let quoted = crate::text::quoted;
                format!("{}={}", quoted(name), quoted(value.as_str().unwrap_or_default()))
            })
            .collect();
        let mut query: Vec<(&str, &str)> = labels.iter().map(|label| ("label", label.as_str())).collect();
        query.extend(self.fingerprint.iter().map(|text| ("fingerprint", text.as_str())));
        query.extend(self.time.iter().map(|text| ("time", text.as_str())));
        let answer = session.remote()?.query("explain", &query).await?;
        if session.output == Output::Json {
            return format::json(session.out, &answer);
        }
        for sentence in answer["summary"].as_array().into_iter().flatten() {
            writeln!(session.out, "{}", sentence.as_str().unwrap_or_default())?;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut rows = Vec::new();
        for (what, list) in [
            ("silence", &answer["silences"]["nearMisses"]),
            ("inhibition", &answer["inhibition"]["nearMisses"]),
            ("route", &answer["missedRoutes"]),
        ] {
            for miss in list.as_array().into_iter().flatten() {
                // Inhibition names the rule and what was wanted, the others the thing and the matcher.
                let name = if miss["what"].is_string() { &miss["what"] } else { &miss["rule"] };
                let wanted = if miss["matcher"].is_string() { &miss["matcher"] } else { &miss["wanted"] };
                rows.push(vec![what.to_owned(), text(name), text(&miss["label"]), text(wanted), text(&miss["value"])]);
            }
        }
        if !rows.is_empty() {
            writeln!(session.out, "\nMissed by one label:")?;
            let heads = ["Kind", "What", "Label", "Wanted", "Value"].map(str::to_owned).to_vec();
            rows.insert(0, heads);
            format::columns(session.out, &rows, true)?;
        }
        if session.output == Output::Extended {
            show_routes(session, &answer["routes"])?;
        }
        Ok(())
    }
}

fn show_routes(session: &mut Session<'_>, routes: &Value) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    writeln!(session.out)?;
    let heads = ["Receiver", "Integration", "Last Told", "Reason", "Next Send", "Group Key"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for route in routes.as_array().into_iter().flatten() {
        for one in route["integrations"].as_array().into_iter().flatten() {
            rows.push(vec![
                text(&route["receiver"]),
                format!("{}[{}]", text(&one["integration"]), one["index"]),
                session.dates.show(&one["lastTold"]),
                text(&one["reason"]),
                session.dates.show(&one["nextSend"]),
                text(&route["groupKey"]),
            ]);
        }
    }
    format::columns(session.out, &rows, true)
}

/// Of alerts, notifications and silences.
#[derive(Debug, Args)]
pub(super) struct History {
    /// Only events of this kind: alert, notification, silence.
    #[arg(long)]
    kind: Option<String>,
    /// Only events that concern this receiver.
    #[arg(long)]
    receiver: Option<String>,
    /// Only events with this outcome: firing, resolved, silenced, inhibited, active, sent, failed, created, updated,
    /// expired.
    #[arg(long)]
    outcome: Option<String>,
    /// Not before, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    start: Option<String>,
    /// Not after, as 2006-01-02T15:04:05-07:00.
    #[arg(long)]
    end: Option<String>,
    /// At most so many events, the latest.
    #[arg(long, default_value = "100")]
    limit: String,
    /// Matchers; a first word without an operator is the name of an alert.
    matchers: Vec<String>,
}

impl History {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<()> {
        let matchers = with_alert_name(self.matchers, session.syntax);
        let mut query: Vec<(&str, &str)> = matchers.iter().map(|matcher| ("filter", matcher.as_str())).collect();
        query.push(("limit", &self.limit));
        for (name, value) in [
            ("kind", &self.kind),
            ("receiver", &self.receiver),
            ("outcome", &self.outcome),
            ("start", &self.start),
            ("end", &self.end),
        ] {
            query.extend(value.iter().map(|value| (name, value.as_str())));
        }
        let events = session.remote()?.query("history", &query).await?;
        if session.output == Output::Json {
            return format::json(session.out, &events);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut rows = vec![["Time", "Kind", "Outcome", "Receiver", "What"].map(str::to_owned).to_vec()];
        for event in events.as_array().into_iter().flatten() {
            let outcome = ["state", "outcome", "change"].into_iter().find_map(|key| event[key].as_str());
            let what = match text(&event["kind"]).as_str() {
                "notification" => format!("{} {}", text(&event["groupKey"]), text(&event["error"])),
                "silence" => format!("{} {}", text(&event["id"]), text(&event["comment"])),
                _ => event["labels"].to_string(),
            };
            rows.push(vec![
                session.dates.show(&event["time"]),
                text(&event["kind"]),
                outcome.unwrap_or_default().to_owned(),
                text(&event["receiver"]),
                what.trim_end().to_owned(),
            ]);
        }
        format::columns(session.out, &rows, false)
    }
}
