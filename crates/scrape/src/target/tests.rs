//! From discovered labels to targets.

use metrics_model::duration::parse_duration;

use super::*;
use crate::config::{GlobalConfig, RawGlobal};

/// The only job of a configuration.
fn config(yaml: &str) -> ScrapeConfig {
    let raw = config_file::parse("p.yml".as_ref(), yaml).unwrap_or_else(|error| panic!("{error}"));
    let global = GlobalConfig::new(RawGlobal::default()).unwrap();
    ScrapeConfig::check_at("s", Some(raw), &global).unwrap_or_else(|error| panic!("{error}"))
}

/// The target of an address, or what became of it.
fn target(config: &ScrapeConfig, own: &[(&str, &str)], group: &[(&str, &str)]) -> Result<Target, String> {
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    let discovered = discovered_labels(config, &labels(own), &labels(group));
    match populate(config, &discovered) {
        Ok(Some(labels)) => Ok(Target::new(config, labels, discovered)),
        Ok(None) => Err("dropped".to_owned()),
        Err(error) => Err(http_client::error_chain(&error)),
    }
}

#[test]
fn labels_and_address() {
    let config = config("{job_name: j, metrics_path: /a b, params: {x: ['1', '2'], y: ['é']}, scrape_interval: 90s}");
    let target = target(&config, &[("__address__", "h:80"), ("own", "1")], &[("own", "2"), ("env", "p")]).unwrap();
    assert_eq!(target.labels().to_string(), r#"{env="p", instance="h:80", job="j", own="1"}"#);
    assert_eq!(target.url_text(), "http://h:80/a%20b?x=1&x=2&y=%C3%A9");
    assert_eq!((target.interval_text(), target.timeout_text()), ("1m30s", "10s"));
    assert_eq!(target.interval(), parse_duration("90s").unwrap());
    let discovered = target.discovered();
    assert_eq!(discovered.get("__param_x"), Some("1"));
    assert_eq!(discovered.get("__scheme__"), Some("http"));
    assert_eq!(discovered.get("instance"), None);
}

#[test]
fn the_redis_exporters_way_to_scrape_many_servers() {
    let config = config(
        "job_name: redis\nmetrics_path: /scrape\nrelabel_configs:\n\
         - {source_labels: [__address__], target_label: __param_target}\n\
         - {source_labels: [__param_target], target_label: instance}\n\
         - {target_label: __address__, replacement: '127.0.0.1:9121'}\n",
    );
    let target = target(&config, &[("__address__", "redis://127.0.0.1:6379")], &[]).unwrap();
    assert_eq!(target.url_text(), "http://127.0.0.1:9121/scrape?target=redis%3A%2F%2F127.0.0.1%3A6379");
    assert_eq!(target.labels().to_string(), r#"{instance="redis://127.0.0.1:6379", job="redis"}"#);
}

#[test]
fn what_is_no_target_is_told() {
    let plain = config("job_name: j");
    let check = |config: &ScrapeConfig, own: &[(&str, &str)], expected: &str| {
        assert_eq!(target(config, own, &[]).map(|target| target.url_text).unwrap_err(), expected);
    };
    let address = ("__address__", "h:1");
    check(&plain, &[], "no address");
    check(&plain, &[("__address__", "http://h/x")], "\"http://h/x\" is not a valid hostname");
    check(
        &plain,
        &[address, ("__scrape_interval__", "x")],
        "error parsing scrape interval: not a valid duration string: \"x\"",
    );
    check(&plain, &[address, ("__scrape_interval__", "0s")], "scrape interval cannot be 0");
    check(
        &plain,
        &[address, ("__scrape_timeout__", "2m")],
        "scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")",
    );
    check(
        &plain,
        &[address, ("__scrape_native_histograms__", "yes")],
        "error parsing scrape native histograms: \"yes\" is neither true nor false",
    );
    let dropping =
        config("{job_name: j, relabel_configs: [{action: drop, source_labels: [__address__], regex: 'h:.*'}]}");
    check(&dropping, &[address], "dropped");
    // Without any label to tell it by, not even instance.
    let bare = config("{job_name: j, relabel_configs: [{action: labeldrop, regex: 'job'}]}");
    assert_eq!(target(&bare, &[address], &[]).unwrap().labels().to_string(), r#"{instance="h:1"}"#);
}

#[test]
fn bad_addresses_are_targets_that_are_down_with_a_reason() {
    let check = |own: &[(&str, &str)], expected: &str| {
        let target = target(&config("job_name: j"), own, &[]).unwrap();
        let error = target.url().unwrap_err().text();
        assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
    };
    check(&[("__address__", "h:99999")], "invalid address \"h:99999\": invalid port number");
    check(&[("__address__", "h"), ("__scheme__", "ftp")], "unsupported protocol scheme \"ftp\"");
    check(&[("__address__", "h"), ("__unix_socket__", "/s")], "__unix_socket__ is not supported");
}

#[test]
fn offsets_are_spread_and_stay() {
    let config = config("{job_name: j, scrape_interval: 10s}");
    let interval_ns = 10_000_000_000_i128;
    let mut places = Vec::new();
    for number in 0..100 {
        let address = format!("host-{number}:1");
        let target = target(&config, &[("__address__", &address)], &[]).unwrap();
        let place =
            |now_ns: i128| (now_ns + i128::try_from(target.offset(now_ns, 7).as_nanos()).unwrap()) % interval_ns;
        assert!(target.offset(123, 7) < config.interval);
        // Whenever it is asked, the next scrape is at the same place of the interval.
        for now_ns in [0, 123, 9_999_999_999, 1_700_000_000_123_456_789] {
            assert_eq!(place(now_ns), place(0));
        }
        places.push(place(0));
    }
    for second in 0..10 {
        let range = second * 1_000_000_000..(second + 1) * 1_000_000_000;
        assert!(places.iter().filter(|place| range.contains(*place)).count() > 1, "nobody scrapes in second {second}");
    }
}
