//! `receiver test` and `template preview`: whether a notification arrives, and what it says.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::alerts::pairs;
use super::{Output, Session, format};

#[derive(Debug, Subcommand)]
pub(super) enum Receiver {
    /// Send a notification, marked as a test, to the integrations of a receiver. Fails if one cannot be told.
    Test(Test),
}

/// The alert to try with; without labels and fingerprint it is a sample.
#[derive(Debug, Args)]
struct Subject {
    /// An alert that there is, by its fingerprint.
    #[arg(long)]
    fingerprint: Option<String>,
    /// A label of the alert, as name=value.
    #[arg(long)]
    label: Vec<String>,
    /// An annotation of the alert, as name=value.
    #[arg(long)]
    annotation: Vec<String>,
    /// The alert is over.
    #[arg(long)]
    resolved: bool,
}

impl Subject {
    fn body(&self, session: &Session<'_>) -> Result<Value> {
        let mut body = json!({"resolved": self.resolved});
        if let Some(fingerprint) = &self.fingerprint {
            body["fingerprint"] = fingerprint.as_str().into();
        }
        if !self.label.is_empty() {
            body["labels"] = pairs(&self.label, "labels", session.syntax)?.into();
            body["annotations"] = pairs(&self.annotation, "annotations", session.syntax)?.into();
        }
        Ok(body)
    }
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The receiver's name.
    receiver: String,
    /// Only integrations of this kind, such as slack.
    #[arg(long)]
    integration: Option<String>,
    /// Only the integration at this position among those of its kind.
    #[arg(long)]
    index: Option<usize>,
    #[command(flatten)]
    subject: Subject,
}

impl Receiver {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<ExitCode> {
        let Self::Test(test) = self;
        let mut body = test.subject.body(session)?;
        body["receiver"] = test.receiver.as_str().into();
        if let Some(integration) = &test.integration {
            body["integration"] = integration.as_str().into();
        }
        if let Some(index) = test.index {
            body["index"] = index.into();
        }
        let outcomes = session.remote()?.post("receivers/test", &body).await?;
        let all_ok = outcomes.as_array().into_iter().flatten().all(|outcome| outcome["ok"] == true);
        if session.output == Output::Json {
            format::json(session.out, &outcomes)?;
        } else {
            let mut rows = vec![["Integration", "Outcome", "Milliseconds", "Error"].map(str::to_owned).to_vec()];
            for outcome in outcomes.as_array().into_iter().flatten() {
                rows.push(vec![
                    format!("{}[{}]", outcome["integration"].as_str().unwrap_or_default(), outcome["index"]),
                    if outcome["ok"] == true { "sent" } else { "failed" }.to_owned(),
                    outcome["milliseconds"].to_string(),
                    outcome["error"].as_str().unwrap_or_default().to_owned(),
                ]);
            }
            format::columns(session.out, &rows, false)?;
        }
        Ok(if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Of one text, or of all texts of a receiver.
#[derive(Debug, Args)]
pub(super) struct Preview {
    /// The text to render with the daemon's templates.
    #[arg(long = "template.text", value_name = "TEXT", required_unless_present = "receiver")]
    text: Option<String>,
    /// The type of the text: text or html.
    #[arg(long = "template.type", default_value = "text", value_parser = ["text", "html"])]
    kind: String,
    /// The receiver whose name the text sees or, without a text, whose texts are all rendered.
    #[arg(long)]
    receiver: Option<String>,
    #[command(flatten)]
    subject: Subject,
}

impl Preview {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<ExitCode> {
        let mut body = self.subject.body(session)?;
        body["html"] = (self.kind == "html").into();
        if let Some(receiver) = &self.receiver {
            body["receiver"] = receiver.as_str().into();
        }
        if let Some(text) = &self.text {
            body["template"] = text.as_str().into();
        }
        let answer = session.remote()?.post("templates/preview", &body).await?;
        if session.output == Output::Json {
            format::json(session.out, &answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(text) = answer["text"].as_str() {
            write!(session.out, "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut failed = false;
        for one in answer.as_array().into_iter().flatten() {
            let name = one["integration"].as_str().unwrap_or_default();
            writeln!(session.out, "{name}[{}]  {}", one["index"], one["template"].as_str().unwrap_or_default())?;
            match (one["text"].as_str(), one["error"].as_str()) {
                (Some(text), _) => writeln!(session.out, "    {}", text.replace('\n', "\n    "))?,
                (None, error) => {
                    failed = true;
                    writeln!(session.out, "    FAILED: {}", error.unwrap_or_default())?;
                }
            }
        }
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
