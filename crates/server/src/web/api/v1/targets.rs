//! `/targets`, `/targets/metadata`, `/metadata` and `/scrape_pools`: what is scraped, and what targets say about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use metrics_model::Matcher;
use scrape::{ActiveTarget, TargetsSnapshot};
use url::Url;

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::json::{Elements, Fields};
use crate::web::api::params::Params;
use crate::web::api::respond::success;
use crate::web::api::text::format_time;

pub(super) async fn scrape_pools(State(web): State<Arc<Web>>) -> Response {
    let pools = web.scrape.upgrade().map(|scrape| scrape.pools()).unwrap_or_default();
    success(|json| json.object(|fields| fields.strings("scrapePools", &pools)))
}

pub(super) async fn targets(State(web): State<Arc<Web>>, params: Params) -> Response {
    let snapshot = snapshot(&web);
    let pool = params.get("scrapePool");
    let takes = |name: &str| pool.is_empty() || pool == name;
    // As in the original, any other word means both.
    let (active, dropped) = match params.get("state").to_ascii_lowercase().as_str() {
        "active" => (true, false),
        "dropped" => (false, true),
        _ => (true, true),
    };
    success(|json| {
        json.object(|fields| {
            fields.key("activeTargets").array(|elements| {
                let pools = snapshot.active.iter().filter(|(name, _)| active && takes(name));
                for target in pools.flat_map(|(_, targets)| targets) {
                    elements.object(|fields| write_active(fields, target, &web.settings.external_url));
                }
            });
            fields.key("droppedTargets").array(|elements| {
                let pools = snapshot.dropped.iter().filter(|(name, _)| dropped && takes(name));
                for target in pools.flat_map(|(_, targets)| targets) {
                    elements.object(|fields| {
                        fields.labels("discoveredLabels", &target.discovered_labels);
                        fields.string("scrapePool", &target.scrape_pool);
                    });
                }
            });
            let counts = fields.key("droppedTargetCounts");
            if dropped {
                counts.object(|fields| {
                    for (name, count) in snapshot.dropped_counts.iter().filter(|(name, _)| takes(name)) {
                        fields.count(name, *count);
                    }
                });
            } else {
                counts.raw("null");
            }
        });
    })
}

pub(super) async fn target_metadata(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let limit = metadata_limit(&params)?;
    let matchers: Vec<Matcher> = match params.get("match_target") {
        "" => Vec::new(),
        text => promql::parser::parse_selector(text).map_err(|error| ApiError::parameter("match_target", error))?,
    };
    let metric = params.get("metric");
    let snapshot = snapshot(&web);
    let mut left = limit;
    Ok(success(|json| {
        json.array(|elements| {
            for target in snapshot.active.values().flatten() {
                if left == 0 {
                    break;
                }
                if matchers.iter().all(|matcher| matcher.matches_labels(&target.labels)) {
                    // The limit is one of targets, as in the original; a target's families come together.
                    left -= 1;
                    write_target_metadata(elements, target, metric);
                }
            }
        });
    }))
}

fn write_target_metadata(elements: &mut Elements<'_>, target: &ActiveTarget, metric: &str) {
    let one_family = !metric.is_empty();
    for metadata in target.metadata.list() {
        if one_family && metadata.family != metric {
            continue;
        }
        elements.object(|fields| {
            fields.labels("target", &target.labels);
            if !one_family {
                fields.string("metric", &metadata.family);
            }
            fields.string("type", metadata.kind.as_str());
            fields.string("help", &metadata.help);
            fields.string("unit", &metadata.unit);
        });
    }
}

pub(super) async fn metadata(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let limit = metadata_limit(&params)?;
    let limit_per_metric = match params.get("limit_per_metric") {
        "" => usize::MAX,
        text => text
            .parse::<i64>()
            .map_err(|_| ApiError::BadData("limit_per_metric must be a number".to_owned()))
            .map(|limit| usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX))?,
    };
    let metric = params.get("metric");
    // What differs between targets is told once for each form: kind, unit, help.
    let mut families: BTreeMap<String, BTreeSet<(&'static str, String, String)>> = BTreeMap::new();
    for target in snapshot(&web).active.values().flatten() {
        for metadata in target.metadata.list() {
            if metric.is_empty() || metadata.family == metric {
                let entry = (metadata.kind.as_str(), metadata.unit, metadata.help);
                let known = families.entry(metadata.family).or_default();
                if known.len() < limit_per_metric {
                    known.insert(entry);
                }
            }
        }
    }
    // What senders of remote write say stands beside it; the original forgets that.
    let received = web.receiver.iter().flat_map(|receiver| receiver.metadata().list());
    for (name, entry) in received.filter(|(name, _)| metric.is_empty() || name == metric) {
        let known = families.entry(name).or_default();
        if known.len() < limit_per_metric {
            known.insert((entry.kind.as_str(), entry.unit, entry.help));
        }
    }
    Ok(success(|json| {
        json.object(|fields| {
            for (name, entries) in families.iter().take(limit) {
                fields.key(name).array(|elements| {
                    for (kind, unit, help) in entries {
                        elements.object(|fields| {
                            fields.string("type", kind);
                            fields.string("unit", unit);
                            fields.string("help", help);
                        });
                    }
                });
            }
        });
    }))
}

fn snapshot(web: &Web) -> TargetsSnapshot {
    web.scrape.upgrade().map(|scrape| scrape.targets()).unwrap_or_default()
}

/// Negative means no limit, as in the original.
fn metadata_limit(params: &Params) -> Result<usize, ApiError> {
    match params.get("limit") {
        "" => Ok(usize::MAX),
        text => text
            .parse::<i64>()
            .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
            .map_err(|_| ApiError::BadData("limit must be a number".to_owned())),
    }
}

fn write_active(fields: &mut Fields<'_>, target: &ActiveTarget, external_url: &str) {
    fields.labels("discoveredLabels", &target.discovered_labels);
    fields.labels("labels", &target.labels);
    fields.string("scrapePool", &target.scrape_pool);
    fields.string("scrapeUrl", &target.scrape_url);
    fields.string("globalUrl", &global_url(&target.scrape_url, external_url));
    fields.string("lastError", &target.last_error);
    fields.string("lastScrape", &format_time(target.last_scrape_ms));
    fields.float("lastScrapeDuration", target.last_scrape_duration.as_secs_f64());
    fields.string("health", target.health.as_str());
    fields.string("scrapeInterval", &target.scrape_interval);
    fields.string("scrapeTimeout", &target.scrape_timeout);
}

/// The address of a target as people elsewhere reach it: what is on this machine is on the machine they know.
fn global_url(scrape_url: &str, external_url: &str) -> String {
    let (Ok(mut url), Ok(external)) = (Url::parse(scrape_url), Url::parse(external_url)) else {
        return scrape_url.to_owned();
    };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if is_local && let Some(host) = external.host_str() {
        if url.port_or_known_default() == external.port_or_known_default() && url.set_scheme(external.scheme()).is_err()
        {
            return scrape_url.to_owned();
        }
        if url.set_host(Some(host)).is_err() {
            return scrape_url.to_owned();
        }
    }
    url.to_string()
}
