//! Answers on their way into the reference store.

mod exemplars;
mod refusal;

use instrument::Registry;
use metrics_model::is_stale_nan;
use storage::{MemoryStorage, Queryable, Run, SelectHints, TimeRange};

use super::*;
use crate::config::{GlobalConfig, RawGlobal};
use crate::target::{discovered_labels, populate};

/// A target whose answers the test gives, one a second.
struct Rig {
    storage: MemoryStorage,
    ingest: Option<Ingest>,
    timestamp_ms: i64,
    metrics: Metrics,
}

/// A job with these further keys, and its only target.
fn job(yaml: &str) -> (Arc<ScrapeConfig>, Arc<Target>) {
    let text = format!("job_name: j\n{yaml}\n");
    let raw = config_file::parse("p.yml".as_ref(), &text).unwrap_or_else(|error| panic!("{error}"));
    let global = GlobalConfig::new(RawGlobal::default()).unwrap();
    let config = ScrapeConfig::check_at("s", Some(raw), &global).unwrap_or_else(|error| panic!("{error}"));
    let discovered = discovered_labels(&config, &Labels::from_pairs([("__address__", "i")]), &Labels::empty());
    let labels = populate(&config, &discovered).unwrap().unwrap();
    let target = Target::new(&config, labels, discovered);
    (Arc::new(config), Arc::new(target))
}

impl Rig {
    fn new(yaml: &str) -> Self {
        let (config, target) = job(yaml);
        let metrics = Metrics::new(&Registry::new());
        let ingest = Some(Ingest::new(config, target, metrics.clone()));
        Self { storage: MemoryStorage::new(), ingest, timestamp_ms: 0, metrics }
    }

    fn ingest(&mut self) -> &mut Ingest {
        self.ingest.as_mut().unwrap()
    }

    /// Stores an answer; gives the error, or an empty text.
    fn scrape(&mut self, body: &str) -> String {
        self.answer(Ok(Fetched { body: body.to_owned().into(), content_type: "text/plain".to_owned() }))
    }

    fn answer(&mut self, answer: Result<Fetched, ScrapeError>) -> String {
        self.timestamp_ms += 1000;
        let scraped = Scraped { timestamp_ms: self.timestamp_ms, started: tokio::time::Instant::now(), answer };
        let storage = self.storage.clone();
        let outcome = self.ingest().ingest(&storage, scraped);
        outcome.error.map(|error| error.text()).unwrap_or_default()
    }

    /// The samples of the series whose printed form starts with `series`, as `time=value`, `stale` for markers.
    fn samples(&self, series: &str) -> String {
        let querier = self.storage.querier(TimeRange::ALL).unwrap();
        let mut shown = Vec::new();
        for found in querier.select(&[], &SelectHints::default()).unwrap() {
            if !found.labels().to_string().starts_with(series) {
                continue;
            }
            let mut cursor = found.cursor(TimeRange::ALL);
            while let Some(run) = cursor.next_run().unwrap() {
                let Run::Floats { timestamps_ms, values } = run else { panic!("only floats are stored") };
                shown.extend(timestamps_ms.iter().zip(values).map(|(time, value)| {
                    let value = if is_stale_nan(*value) { "stale".to_owned() } else { value.to_string() };
                    format!("{}={value}", *time as f64 / 1000.0)
                }));
            }
        }
        shown.join(" ")
    }

    /// The last `up`, `scrape_samples_scraped`, `..._post_metric_relabeling` and `scrape_series_added`.
    fn report(&self) -> String {
        let names = ["up{", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];
        let last = |name| self.samples(name).rsplit('=').next().unwrap_or_default().to_owned();
        names.map(last).join(" ")
    }
}

#[test]
fn samples_and_report() {
    let mut rig = Rig::new("");
    assert_eq!(rig.scrape("# TYPE a counter\na{x=\"1\"} 5\nb 7 500\n"), "");
    assert_eq!(rig.samples(r#"a{instance="i", job="j", x="1"}"#), "1=5");
    assert_eq!(rig.samples("b"), "0.5=7", "the target's own time");
    assert_eq!(rig.report(), "1 2 2 2");
    assert_eq!(rig.samples(r#"up{instance="i", job="j"}"#), "1=1");
    assert!(rig.samples("scrape_duration_seconds").starts_with("1="));
    assert_eq!(rig.samples("scrape_timeout_seconds"), "");
    rig.scrape("a{x=\"1\"} 6\nb 7 500\n");
    assert_eq!(rig.samples("a"), "1=5 2=6");
    assert_eq!(rig.report(), "1 2 2 0");
}

#[test]
fn extra_report() {
    let mut rig = Rig::new("extra_scrape_metrics: true\nsample_limit: 5\nscrape_timeout: 7s\n");
    rig.scrape("a 1\n");
    assert_eq!(rig.samples("scrape_timeout_seconds"), "1=7");
    assert_eq!(rig.samples("scrape_sample_limit"), "1=5");
    assert_eq!(rig.samples("scrape_body_size_bytes"), "1=4");
    rig.answer(Err(http_client::ClientError::BodyTooLarge { limit_bytes: 1 }.into()));
    assert_eq!(rig.samples("scrape_body_size_bytes"), "1=4 2=-1");
    assert_eq!(rig.metrics.exceeded_body_size_limit.get(), 1);
}

#[test]
fn vanished_series_become_stale_and_come_back() {
    let mut rig = Rig::new("");
    rig.scrape("a 1\nb 1\n");
    rig.scrape("b 2\n");
    rig.scrape("b 3\na 3\n");
    assert_eq!(rig.samples("a"), "1=1 2=stale 3=3");
    assert_eq!(rig.samples("b"), "1=1 2=2 3=3");
    assert_eq!(rig.report(), "1 2 2 1");
}

#[test]
fn failed_scrapes_make_everything_stale_but_the_report() {
    let mut rig = Rig::new("");
    rig.scrape("a 1\n");
    let error = rig.answer(Err(http_client::ClientError::Status { status: http::StatusCode::NOT_FOUND }.into()));
    assert_eq!(error, "server returned HTTP status 404 Not Found");
    assert_eq!(rig.samples("a"), "1=1 2=stale");
    assert_eq!(rig.samples("up"), "1=1 2=0");
    assert_eq!(rig.report(), "0 0 0 0");
    // Again: no second marker.
    rig.answer(Err(ScrapeError::TargetLimit { targets: 3, limit: 2 }));
    assert_eq!(rig.samples("a"), "1=1 2=stale");
    rig.scrape("a 4\n");
    assert_eq!(rig.samples("a"), "1=1 2=stale 4=4");
    assert_eq!(rig.report(), "1 1 1 0", "its text was remembered");
    // Nothing at all is an answer too.
    assert_eq!(rig.scrape(""), "");
    assert_eq!(rig.samples("a"), "1=1 2=stale 4=4 5=stale");
    assert_eq!(rig.samples("up"), "1=1 2=0 3=0 4=1 5=1");
}

#[test]
fn answers_that_cannot_be_read_leave_nothing_of_themselves() {
    let mut rig = Rig::new("");
    rig.scrape("a 1\n");
    let error = rig.scrape("a 2\nb 2\n<html>\n");
    assert!(error.starts_with("line 3, column 1: expected a metric name"), "{error}");
    assert_eq!((rig.samples("a"), rig.samples("b")), ("1=1 2=stale".to_owned(), String::new()));
    assert_eq!(rig.report(), "0 2 2 1");
    let twice = rig.scrape("a{x=\"1\",x=\"2\"} 3\n");
    assert_eq!(twice, "invalid sample a{x=\"1\",x=\"2\"}: label name \"x\" is not unique");
    let html = Fetched { body: "<html>".into(), content_type: "text/html".to_owned() };
    assert!(rig.answer(Ok(html)).starts_with("received unsupported Content-Type \"text/html\""));
    let open = Fetched { body: "a 5\n".into(), content_type: "application/openmetrics-text".to_owned() };
    assert!(rig.answer(Ok(open)).contains("does not end with # EOF"));
}

#[test]
fn limits() {
    let mut rig =
        Rig::new("sample_limit: 2\nmetric_relabel_configs: [{action: drop, source_labels: [__name__], regex: x.*}]");
    assert_eq!(rig.scrape("a 1\nx1 1\nx2 1\nb 1\n"), "", "dropped samples do not count");
    assert_eq!(rig.report(), "1 4 2 2");
    assert_eq!(rig.scrape("a 1\nb 2\nc 2\nd 2\n"), "sample limit exceeded");
    assert_eq!(rig.samples("a"), "1=1 2=stale");
    assert_eq!(rig.report(), "0 4 4 0");
    assert_eq!(rig.metrics.exceeded_sample_limit.get(), 1);
    let mut rig = Rig::new("label_limit: 3");
    assert_eq!(rig.scrape("a 1\nb{l=\"1\"} 1\n"), "label_limit exceeded (metric: b, number of labels: 4, limit: 3)");
    assert_eq!(rig.metrics.pool_exceeded_label_limits.get(), 1);
}

#[test]
fn refused_samples_are_counted_and_the_rest_is_kept() {
    let mut rig = Rig::new("");
    assert_eq!(rig.scrape("a 1\na 2\nb 1 9999999999999\nc 1 400\n"), "");
    assert_eq!(rig.scrape("a 3\nc 1 300\n"), "");
    assert_eq!(rig.samples("a"), "1=1 2=3");
    assert_eq!((rig.samples("b"), rig.samples("c")), (String::new(), "0.4=1".to_owned()));
    let metrics = &rig.metrics;
    let counts = [&metrics.sample_duplicate, &metrics.sample_out_of_bounds, &metrics.sample_out_of_order];
    assert_eq!(counts.map(instrument::IntCounter::get), [1, 1, 1]);
    assert_eq!(rig.samples("scrape_samples_post"), "1=4 2=2");
}

#[test]
fn timestamps_can_be_ignored_or_tracked() {
    let mut rig = Rig::new("honor_timestamps: false");
    rig.scrape("a 1 500\n");
    assert_eq!(rig.samples("a"), "1=1");
    let mut rig = Rig::new("");
    rig.scrape("a 1 500\n");
    rig.scrape("b 1\n");
    assert_eq!(rig.samples("a"), "0.5=1", "the target's times are its own to end");
    let mut rig = Rig::new("track_timestamps_staleness: true");
    rig.scrape("a 1 500\n");
    rig.scrape("b 1\n");
    assert_eq!(rig.samples("a"), "0.5=1 2=stale");
}

#[test]
fn relabeling_and_formats() {
    let mut rig = Rig::new(
        "metric_relabel_configs:\n- {source_labels: [x], target_label: y}\n- {regex: x, action: labeldrop}\n\
         fallback_scrape_protocol: OpenMetricsText1.0.0\n",
    );
    let body = "# TYPE a counter\n# UNIT a_seconds seconds\n# HELP a Text \\\"quoted\\\".\na_total{x=\"1\"} 5\n# EOF\n";
    let answer = Fetched { body: body.into(), content_type: String::new() };
    let error = rig.answer(Ok(answer));
    assert_eq!(error, "", "{error}");
    assert_eq!(rig.samples(r#"a_total{instance="i", job="j", y="1"}"#), "1=5");
    let metadata = rig.ingest().target().metadata.get("a").unwrap();
    assert_eq!((metadata.kind.as_str(), metadata.help.as_str()), ("counter", "Text \"quoted\"."));
    assert_eq!(rig.ingest().target().metadata.len(), 2);
}

#[test]
fn metadata_outlives_its_metric_for_a_while() {
    let mut rig = Rig::new("");
    rig.scrape("# TYPE a gauge\na 1\n");
    for _ in 0..10 {
        rig.scrape("b 1\n");
    }
    assert_eq!(rig.ingest().target().metadata.len(), 1);
    rig.scrape("b 1\n");
    assert!(rig.ingest().target().metadata.is_empty());
}

#[test]
fn a_new_configuration_ends_what_it_drops() {
    let mut rig = Rig::new("");
    rig.scrape("a 1\nb 1\n");
    let before = rig.ingest.take().unwrap();
    let (config, target) = job("metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: a}]");
    rig.ingest = Some(before.succeed(config, target));
    rig.scrape("a 2\nb 2\n");
    assert_eq!(rig.samples("a"), "1=1 2=stale");
    assert_eq!(rig.samples("b"), "1=1 2=2");
}

#[test]
fn the_end_of_a_target() {
    let mut rig = Rig::new("");
    rig.scrape("a 1\n");
    let storage = rig.storage.clone();
    rig.ingest().end(&storage, 5000);
    assert_eq!(rig.samples("a"), "1=1 5=stale");
    assert_eq!(rig.samples("up"), "1=1 5=stale");
    assert_eq!(rig.samples("scrape_series_added"), "1=1 5=stale");
}

#[test]
fn real_targets() {
    let shared = std::env::var_os("FIREWATCH_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        std::path::PathBuf::from,
    );
    let Ok(folder) = std::fs::read_dir(shared.join("conformance/scrape-targets")) else {
        eprintln!("skipped: there are no recorded targets in {}", shared.display());
        return;
    };
    for file in folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "prom")) {
        let body = std::fs::read_to_string(&file).unwrap();
        let mut rig = Rig::new("");
        for scrape in 0..3 {
            assert_eq!(rig.scrape(&body), "", "{}", file.display());
            let report = rig.report();
            let numbers: Vec<&str> = report.split(' ').collect();
            assert!(numbers[0] == "1" && numbers[1] == numbers[2] && numbers[1] != "0", "{} {report}", file.display());
            assert_eq!(numbers[3] == "0", scrape > 0, "{} {report}", file.display());
        }
        assert_eq!(rig.metrics.sample_duplicate.get(), 0, "{}", file.display());
    }
}

#[test]
fn protocol_buffers_with_native_histograms() {
    use metrics_model::exposition::protobuf::write_family;
    use metrics_model::family::{HistogramValue, MetricFamily, MetricValue};
    use metrics_model::{Histogram, MetricKind, Span};

    let native = Histogram {
        schema: 1,
        count: 3,
        sum: 4.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_deltas: vec![1, 1],
        ..Histogram::default()
    };
    let mut family = MetricFamily::new("h", "Help.", MetricKind::Histogram);
    let value =
        HistogramValue { native: Some(NativeHistogram::Integer(Arc::new(native))), ..HistogramValue::default() };
    family.push(Labels::from_pairs([("x", "1")]), MetricValue::Histogram(Box::new(value)));
    let mut body = Vec::new();
    write_family(&mut body, &family);
    let content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let answer = Fetched { body: body.into(), content_type: content_type.to_owned() };

    let mut rig = Rig::new("scrape_native_histograms: true");
    assert_eq!(rig.answer(Ok(answer.clone())), "");
    let querier = rig.storage.querier(TimeRange::ALL).unwrap();
    let found = querier.select(&[], &SelectHints::default()).unwrap();
    let series = found.iter().find(|series| series.labels().metric_name() == "h").unwrap();
    assert_eq!(series.labels().to_string(), r#"h{instance="i", job="j", x="1"}"#);
    let mut cursor = series.cursor(TimeRange::ALL);
    let Some(Run::Histograms { values, .. }) = cursor.next_run().unwrap() else { panic!("a histogram is stored") };
    assert_eq!((values[0].count, values[0].positive_buckets.as_slice()), (3.0, &[1.0, 2.0][..]));
    // Without the switch it is read as a classic one.
    let mut rig = Rig::new("");
    assert_eq!(rig.answer(Ok(answer)), "");
    assert_eq!(rig.samples("h_count"), "1=3");
}
