//! `/rules`, `/alerts` and `/alertmanagers`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use metrics_model::{Labels, Matcher};
use promql::PointValue;
use rules::selectors::Unmatched;
use rules::{ActiveAlert, AlertState, AlertingRule, Group, Rule, RuleStatus};

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::json::{Elements, Fields, Json};
use crate::web::api::params::Params;
use crate::web::api::respond::success;
use crate::web::api::text::{format_exponent, format_time};

pub(super) async fn rules(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let filter = Filter::new(&params)?;
    let groups = web.rules.groups();
    let mut groups: Vec<(&Group, Vec<&Rule>)> =
        groups.iter().filter(|group| filter.takes_group(group)).map(|group| (&**group, filter.rules(group))).collect();
    groups.retain(|(_, rules)| !rules.is_empty());
    let next = filter.page(&mut groups)?;
    Ok(success(|json| {
        json.object(|fields| {
            fields.key("groups").array(|elements| {
                for (group, rules) in &groups {
                    elements.object(|fields| write_group(fields, group, rules, filter.exclude_alerts));
                }
            });
            if let Some(token) = next {
                fields.string("groupNextToken", &token);
            }
        });
    }))
}

pub(super) async fn alerts(State(web): State<Arc<Web>>) -> Response {
    let groups = web.rules.groups();
    let rules = groups.iter().flat_map(|group| group.rules());
    let alerts = rules.filter_map(|rule| match rule {
        Rule::Alerting(rule) => Some(rule.alerts()),
        Rule::Recording(_) => None,
    });
    let alerts: Vec<ActiveAlert> = alerts.flatten().collect();
    success(|json| json.object(|fields| fields.key("alerts").array(|elements| write_alerts(elements, &alerts))))
}

pub(super) async fn alertmanagers(State(web): State<Arc<Web>>) -> Response {
    let (active, dropped) = web.notifier.alertmanagers();
    let list = |json: &mut Json, urls: &[String]| {
        json.array(|elements| {
            for url in urls {
                elements.object(|fields| fields.string("url", url));
            }
        });
    };
    success(|json| {
        json.object(|fields| {
            list(fields.key("activeAlertmanagers"), &active);
            list(fields.key("droppedAlertmanagers"), &dropped);
        });
    })
}

/// Which rules are asked for.
struct Filter {
    recording: bool,
    alerting: bool,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    selectors: Vec<Vec<Matcher>>,
    exclude_alerts: bool,
    group_limit: usize,
    group_token: String,
}

impl Filter {
    fn new(params: &Params) -> Result<Self, ApiError> {
        let (recording, alerting) = match params.get("type") {
            "" => (true, true),
            "record" => (true, false),
            "alert" => (false, true),
            other => return Err(ApiError::parameter("type", format!("not supported value {other:?}"))),
        };
        let exclude_alerts = match params.get("exclude_alerts") {
            "" | "false" | "0" | "f" => false,
            "true" | "1" | "t" => true,
            other => {
                let message = format!("cannot convert {other:?} to a boolean");
                return Err(ApiError::parameter("exclude_alerts", message));
            }
        };
        let group_limit = match params.get("group_limit") {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| ApiError::parameter("group_limit", "group_limit needs to be a valid number above zero"))?,
        };
        let group_token = params.get("group_next_token").to_owned();
        if !group_token.is_empty() && group_limit == 0 {
            let message = "group_limit needs to be present in order to paginate over the groups";
            return Err(ApiError::parameter("group_next_token", message));
        }
        let texts = |name| params.all(name).map(str::to_owned).collect();
        Ok(Self {
            recording,
            alerting,
            names: texts("rule_name[]"),
            groups: texts("rule_group[]"),
            files: texts("file[]"),
            selectors: params.selectors()?,
            exclude_alerts,
            group_limit,
            group_token,
        })
    }

    fn takes_group(&self, group: &Group) -> bool {
        let takes = |wanted: &[String], text: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == text);
        takes(&self.groups, &group.config().name) && takes(&self.files, &group.config().file)
    }

    fn rules<'a>(&self, group: &'a Group) -> Vec<&'a Rule> {
        group.rules().iter().filter(|rule| self.takes_rule(rule)).collect()
    }

    fn takes_rule(&self, rule: &Rule) -> bool {
        let takes_kind = match rule {
            Rule::Recording(_) => self.recording,
            Rule::Alerting(_) => self.alerting,
        };
        let config = rule.config();
        takes_kind
            && (self.names.is_empty() || self.names.contains(&config.name))
            && (self.selectors.is_empty() || {
                let labels = Labels::from_pairs(config.labels.iter().map(|(name, value)| (name, value)));
                let satisfies =
                    |selector: &Vec<Matcher>| selector.iter().all(|matcher| matcher.matches_labels(&labels));
                self.selectors.iter().any(satisfies)
            })
    }

    /// Cuts `groups` to the page that is asked for; gives the token of the next page.
    fn page(&self, groups: &mut Vec<(&Group, Vec<&Rule>)>) -> Result<Option<String>, ApiError> {
        if self.group_limit == 0 {
            return Ok(None);
        }
        if !self.group_token.is_empty() {
            let start = groups.iter().position(|(group, _)| token(group) == self.group_token).ok_or_else(|| {
                let message = format!("invalid group_next_token '{}'. were rule groups changed?", self.group_token);
                ApiError::BadData(message)
            })?;
            groups.drain(..start);
        }
        let next = groups.get(self.group_limit).map(|(group, _)| token(group));
        groups.truncate(self.group_limit);
        Ok(next)
    }
}

/// What names a group in `group_next_token`; clients hand it back as it is.
fn token(group: &Group) -> String {
    group.key().bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn write_group(fields: &mut Fields<'_>, group: &Group, rules: &[&Rule], exclude_alerts: bool) {
    fields.string("name", &group.config().name);
    fields.string("file", &group.config().file);
    fields.key("rules").array(|elements| {
        for rule in rules {
            elements.object(|fields| match rule {
                Rule::Recording(recording) => {
                    fields.string("name", &recording.config().name);
                    fields.string("query", recording.query());
                    if !recording.config().labels.is_empty() {
                        pairs(fields, "labels", &recording.config().labels);
                    }
                    write_status(fields, &rule.status(), "recording");
                    write_unmatched(fields, &group.unmatched_selectors(rule));
                }
                Rule::Alerting(alerting) => {
                    write_alerting(fields, alerting, exclude_alerts);
                    write_status(fields, &rule.status(), "alerting");
                    write_unmatched(fields, &group.unmatched_selectors(rule));
                }
            });
        }
    });
    fields.float("interval", group.interval().as_secs_f64());
    fields.count("limit", group.config().limit);
    fields.float("evaluationTime", group.evaluation_time().as_secs_f64());
    fields.string("lastEvaluation", &format_time(group.last_evaluation_ms()));
}

fn write_alerting(fields: &mut Fields<'_>, rule: &AlertingRule, exclude_alerts: bool) {
    fields.string("state", rule.state().map_or("unknown", AlertState::as_str));
    fields.string("name", &rule.config().name);
    fields.string("query", rule.query());
    fields.float("duration", rule.hold().as_secs_f64());
    fields.float("keepFiringFor", rule.keep_firing().as_secs_f64());
    pairs(fields, "labels", &rule.config().labels);
    fields.key("annotations").object(|fields| {
        for (name, template) in rule.annotations() {
            fields.string(name, template.as_str());
        }
    });
    if exclude_alerts {
        fields.key("alerts").raw("null");
    } else {
        fields.key("alerts").array(|elements| write_alerts(elements, &rule.alerts()));
    }
}

fn write_status(fields: &mut Fields<'_>, status: &RuleStatus, kind: &str) {
    fields.string("health", status.health.as_str());
    if !status.last_error.is_empty() {
        fields.string("lastError", &status.last_error);
    }
    fields.float("evaluationTime", status.evaluation_time.as_secs_f64());
    fields.string("lastEvaluation", &format_time(status.last_evaluation_ms));
    fields.string("type", kind);
}

/// Selectors without series, for rules that have some: the original has no such field.
fn write_unmatched(fields: &mut Fields<'_>, unmatched: &[Unmatched]) {
    if unmatched.is_empty() {
        return;
    }
    fields.key("unmatchedSelectors").array(|elements| {
        for Unmatched { selector, since_ms } in unmatched {
            elements.object(|fields| {
                fields.string("selector", selector);
                fields.string("since", &format_time(Some(*since_ms)));
            });
        }
    });
}

fn write_alerts(elements: &mut Elements<'_>, alerts: &[ActiveAlert]) {
    for alert in alerts {
        elements.object(|fields| {
            fields.labels("labels", &alert.labels);
            fields.labels("annotations", &alert.annotations);
            fields.string("state", alert.state.as_str());
            fields.string("activeAt", &format_time(Some(alert.active_at_ms)));
            if let Some(since_ms) = alert.keep_firing_since_ms {
                fields.string("keepFiringSince", &format_time(Some(since_ms)));
            }
            let value = match &alert.value {
                PointValue::Float(value) => *value,
                PointValue::Histogram(_) => 0.0,
            };
            fields.string("value", &format_exponent(value));
        });
    }
}

fn pairs(fields: &mut Fields<'_>, name: &str, pairs: &[(String, String)]) {
    fields.key(name).object(|fields| {
        for (name, value) in pairs {
            fields.string(name, value);
        }
    });
}
