//! From the written to the checked sections: defaults, inheritance from `global`, and what cannot be, in the original's
//! words.

use std::sync::Arc;
use std::time::Duration;

use config_file::{DurationText, RelabelText};
use metrics_model::Labels;
use metrics_model::exposition::{EscapingScheme, ScrapeProtocol};
use metrics_model::name::NameScheme;
use metrics_model::relabel::RelabelConfig;

use super::values::NameSchemeText;
use super::{
    BODY_BYTES_MAX_DEFAULT, ConfigError, GlobalConfig, Limits, RawGlobal, RawScrape, RawScrapeFields, ScrapeConfig,
};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

fn refuse<T>(key: &str, message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { key: key.to_owned(), message: message.into() })
}

pub(super) fn global(mut raw: RawGlobal) -> Result<GlobalConfig, ConfigError> {
    let name_scheme = raw.metric_name_validation_scheme.0.unwrap_or_default();
    raw.metric_name_validation_scheme = NameSchemeText(Some(name_scheme));
    for name in raw.external_labels.keys() {
        if !name_scheme.is_label_name(name) {
            return refuse("global.external_labels", format!("{name:?} is not a valid label name"));
        }
    }
    or_set(&mut raw.scrape_interval, INTERVAL_DEFAULT);
    if raw.scrape_timeout > raw.scrape_interval {
        return refuse("global.scrape_timeout", "global scrape timeout greater than scrape interval");
    }
    let interval = raw.scrape_interval.0;
    or_set(&mut raw.scrape_timeout, TIMEOUT_DEFAULT.min(interval));
    or_set(&mut raw.evaluation_interval, INTERVAL_DEFAULT);
    if let Some(names) = &raw.scrape_protocols {
        let in_global = |message| ConfigError {
            key: "global.scrape_protocols".to_owned(),
            message: format!("{message} for global config"),
        };
        protocols(names).map_err(in_global)?;
    }
    if raw.metric_name_escaping_scheme.is_empty() {
        escaping_default(name_scheme).as_str().clone_into(&mut raw.metric_name_escaping_scheme);
    } else if raw.metric_name_escaping_scheme.parse::<EscapingScheme>().is_err() {
        let given = &raw.metric_name_escaping_scheme;
        return refuse("global.metric_name_escaping_scheme", unknown_escaping("global", given));
    }
    Ok(GlobalConfig {
        scrape_interval: raw.scrape_interval.0,
        scrape_timeout: raw.scrape_timeout.0,
        evaluation_interval: raw.evaluation_interval.0,
        rule_query_offset: raw.rule_query_offset.0,
        external_labels: Labels::from_pairs(&raw.external_labels),
        name_scheme,
        written: raw,
    })
}

/// Keys of the error start within the section.
pub(super) fn scrape(mut raw: RawScrape, global: &GlobalConfig) -> Result<ScrapeConfig, ConfigError> {
    let job = raw.own.job_name.clone();
    if job.is_empty() {
        return refuse("job_name", "job_name is empty");
    }
    if raw.own.relabel_configs.is_empty()
        && let Some(address) = raw.group.second.bad_static_address()
    {
        return refuse("static_configs", format!("{address:?} is not a valid hostname"));
    }
    let inherits_failure_log = raw.own.scrape_failure_log_file.is_empty();
    intervals(&mut raw.own, global)?;
    inherit(&mut raw.own, &global.written);
    let protocols = wanted_protocols(&mut raw.own, &global.written)?;
    let fallback_protocol = match raw.own.fallback_scrape_protocol.as_str() {
        "" => None,
        name => Some(name.parse::<ScrapeProtocol>().map_err(|error| ConfigError {
            key: "fallback_scrape_protocol".to_owned(),
            message: format!("invalid fallback_scrape_protocol for scrape config with job name {job:?}: {error}"),
        })?),
    };
    let (name_scheme, escaping) = naming(&mut raw.own, &global.written)?;
    Ok(ScrapeConfig {
        relabel: steps("relabel_configs", "target", &raw.own.relabel_configs, name_scheme)?,
        metric_relabel: steps("metric_relabel_configs", "metric", &raw.own.metric_relabel_configs, name_scheme)?,
        job_name: job,
        interval: raw.own.scrape_interval.0,
        timeout: raw.own.scrape_timeout.0,
        protocols,
        fallback_protocol,
        name_scheme,
        escaping,
        limits: limits(&raw.own),
        inherits_failure_log,
        extra_metrics: raw.own.extra_scrape_metrics.unwrap_or(false),
        written: raw,
    })
}

fn intervals(fields: &mut RawScrapeFields, global: &GlobalConfig) -> Result<(), ConfigError> {
    or_set(&mut fields.scrape_interval, global.scrape_interval);
    if fields.scrape_timeout > fields.scrape_interval {
        let job = &fields.job_name;
        let message = format!("scrape timeout greater than scrape interval for scrape config with job name {job:?}");
        return refuse("scrape_timeout", message);
    }
    let interval = fields.scrape_interval.0;
    or_set(&mut fields.scrape_timeout, global.scrape_timeout.min(interval));
    Ok(())
}

/// Takes from `global` what the section leaves out.
fn inherit(fields: &mut RawScrapeFields, global: &RawGlobal) {
    or_take(&mut fields.body_size_limit, &global.body_size_limit);
    or_take(&mut fields.sample_limit, &global.sample_limit);
    or_take(&mut fields.target_limit, &global.target_limit);
    or_take(&mut fields.label_limit, &global.label_limit);
    or_take(&mut fields.label_name_length_limit, &global.label_name_length_limit);
    or_take(&mut fields.label_value_length_limit, &global.label_value_length_limit);
    or_take(&mut fields.keep_dropped_targets, &global.keep_dropped_targets);
    or_take(&mut fields.scrape_failure_log_file, &global.scrape_failure_log_file);
    or_take(&mut fields.scrape_native_histograms, &global.scrape_native_histograms);
    or_take(&mut fields.extra_scrape_metrics, &global.extra_scrape_metrics);
    or_take(&mut fields.convert_classic_histograms_to_nhcb, &Some(global.convert_classic_histograms_to_nhcb));
    or_take(&mut fields.always_scrape_classic_histograms, &Some(global.always_scrape_classic_histograms));
}

fn wanted_protocols(fields: &mut RawScrapeFields, global: &RawGlobal) -> Result<Vec<ScrapeProtocol>, ConfigError> {
    let names = fields.scrape_protocols.get_or_insert_with(|| {
        global.scrape_protocols.clone().unwrap_or_else(|| {
            // Native histograms come by protocol buffers only.
            let is_native = fields.scrape_native_histograms == Some(true);
            let default = if is_native { &ScrapeProtocol::PROTOBUF_FIRST[..] } else { &ScrapeProtocol::DEFAULT };
            default.iter().map(|protocol| protocol.as_str().to_owned()).collect()
        })
    });
    protocols(names).map_err(|message| ConfigError {
        key: "scrape_protocols".to_owned(),
        message: format!("{message} for scrape config with job name {:?}", fields.job_name),
    })
}

fn protocols(names: &[String]) -> Result<Vec<ScrapeProtocol>, String> {
    if names.is_empty() {
        return Err("scrape_protocols cannot be empty".to_owned());
    }
    let mut protocols = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(format!("duplicated protocol in scrape_protocols, got [{}]", names.join(" ")));
        }
        protocols.push(name.parse::<ScrapeProtocol>().map_err(|error| format!("scrape_protocols: {error}"))?);
    }
    Ok(protocols)
}

fn naming(fields: &mut RawScrapeFields, global: &RawGlobal) -> Result<(NameScheme, EscapingScheme), ConfigError> {
    let key = "metric_name_escaping_scheme";
    let own_scheme = fields.metric_name_validation_scheme.0;
    let name_scheme = own_scheme.or(global.metric_name_validation_scheme.0).unwrap_or_default();
    fields.metric_name_validation_scheme = NameSchemeText(Some(name_scheme));
    if fields.metric_name_escaping_scheme.is_empty() {
        // A section with an alphabet of its own does not take an escaping that may not fit from `global`.
        fields.metric_name_escaping_scheme = match own_scheme {
            None => global.metric_name_escaping_scheme.clone(),
            Some(scheme) => escaping_default(scheme).as_str().to_owned(),
        };
    }
    let given = &fields.metric_name_escaping_scheme;
    let Ok(escaping) = given.parse() else {
        return refuse(key, unknown_escaping("scrape config", given));
    };
    if escaping == EscapingScheme::AllowUtf8 && name_scheme != NameScheme::Utf8 {
        return refuse(key, "utf8 metric names requested but validation scheme is not set to UTF8");
    }
    Ok((name_scheme, escaping))
}

fn escaping_default(scheme: NameScheme) -> EscapingScheme {
    match scheme {
        NameScheme::Utf8 => EscapingScheme::AllowUtf8,
        NameScheme::Legacy => EscapingScheme::Underscores,
    }
}

fn unknown_escaping(section: &str, given: &str) -> String {
    format!(
        "unknown {section} name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or \
         'values', got {given:?}"
    )
}

fn steps(
    key: &str,
    kind: &str,
    written: &[Option<RelabelText>],
    scheme: NameScheme,
) -> Result<Arc<[RelabelConfig]>, ConfigError> {
    let check = |(index, step): (usize, &Option<RelabelText>)| {
        let key = format!("{key}[{index}]");
        match step {
            None => refuse(&key, format!("empty or null {kind} relabeling rule in scrape config")),
            Some(step) => {
                step.check(scheme).map_err(|error| ConfigError { key, message: http_client::error_chain(&error) })
            }
        }
    };
    written.iter().enumerate().map(check).collect()
}

fn limits(fields: &RawScrapeFields) -> Limits {
    Limits {
        body_bytes: match fields.body_size_limit.0 {
            0 => BODY_BYTES_MAX_DEFAULT,
            // The original counts a body of exactly the limit as over it.
            bytes => bytes - 1,
        },
        samples: fields.sample_limit,
        targets: fields.target_limit,
        labels: fields.label_limit,
        label_name_bytes: fields.label_name_length_limit,
        label_value_bytes: fields.label_value_length_limit,
        dropped_targets_kept: fields.keep_dropped_targets,
    }
}

fn or_set(duration: &mut DurationText, default: Duration) {
    if duration.0.is_zero() {
        duration.0 = default;
    }
}

fn or_take<T: Default + PartialEq + Clone>(own: &mut T, global: &T) {
    if *own == T::default() {
        global.clone_into(own);
    }
}
