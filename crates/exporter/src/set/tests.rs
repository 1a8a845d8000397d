//! Cases of `set`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::*;

const NAMES: ReportNames = ReportNames {
    duration: MetricText { name: "t_duration_seconds", help: "d" },
    success: MetricText { name: "t_success", help: "s" },
    timeout: Some(MetricText { name: "t_timeout", help: "t" }),
};

/// A collector made of a closure.
struct Does<F>(F);

impl<F: Fn(&mut Batch) -> Result<(), CollectError> + Send + Sync + 'static> Collector for Does<F> {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        (self.0)(out)
    }
}

fn does(work: impl Fn(&mut Batch) -> Result<(), CollectError> + Send + Sync + 'static) -> Box<dyn Collector> {
    Box::new(Does(work))
}

fn good(name: &'static str) -> (&'static str, Box<dyn Collector>) {
    (
        name,
        does(move |out| {
            out.gauge(name, "help").value(1.0);
            Ok(())
        }),
    )
}

fn value(batch: &Batch, family: &str, collector: &str) -> Option<f64> {
    let family = batch.families().iter().find(|candidate| candidate.name == family)?;
    let metric = family.metrics.iter().find(|metric| metric.labels.get("collector") == Some(collector))?;
    match metric.value {
        metrics_model::family::MetricValue::Gauge(value) => Some(value),
        _ => None,
    }
}

fn given(gathered: &Gathered) -> Vec<&str> {
    gathered.outcomes.iter().flat_map(|outcome| outcome.batch.families()).map(|family| family.name.as_str()).collect()
}

#[tokio::test]
async fn failures_and_panics_hide_nothing_else() {
    let set = Set::new(
        vec![
            good("a"),
            (
                "partly",
                does(|out| {
                    out.gauge("half", "help").value(1.0);
                    Err(CollectError::failed("read the rest", "broken"))
                }),
            ),
            ("panics", does(|_| panic!("a fault in a collector"))),
            ("nothing", does(|_| Err(CollectError::no_data("no such device")))),
            good("b"),
        ],
        Duration::from_secs(30),
        NAMES,
    );
    let gathered = set.gather(&Selection::All, None).await;
    assert_eq!(given(&gathered), ["a", "half", "b"]);
    for (name, success) in [("a", 1.0), ("partly", 0.0), ("panics", 0.0), ("nothing", 0.0), ("b", 1.0)] {
        assert_eq!(value(&gathered.report, "t_success", name), Some(success), "{name}");
        assert_eq!(value(&gathered.report, "t_timeout", name), Some(0.0), "{name}");
    }
    set.stop(Duration::from_secs(10));
}

#[tokio::test]
async fn a_stuck_collector_is_left_behind_and_served_from_its_last_run() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let sticks = does(move |out| {
        out.gauge("sticky", "help").value(1.0);
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            let _ = gate.lock().recv_timeout(Duration::from_secs(30));
        }
        Ok(())
    });
    let set = Set::new(vec![("sticks", sticks), good("a"), good("b")], Duration::from_millis(50), NAMES);

    let first = set.gather(&Selection::All, None).await;
    assert_eq!(given(&first), ["sticky", "a", "b"]);
    for _ in 0..3 {
        let stuck = set.gather(&Selection::All, None).await;
        assert_eq!(given(&stuck), ["sticky", "a", "b"], "the last good run is served");
        assert_eq!(value(&stuck.report, "t_success", "sticks"), Some(0.0));
        assert_eq!(value(&stuck.report, "t_timeout", "sticks"), Some(1.0));
        assert!(value(&stuck.report, AGE.name, "sticks").is_some());
        assert_eq!(value(&stuck.report, "t_success", "a"), Some(1.0));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2, "no second thread was spent on the stuck collector");

    release.send(()).unwrap();
    let released = Instant::now();
    while value(&set.gather(&Selection::All, None).await.report, "t_success", "sticks") != Some(1.0) {
        assert!(released.elapsed() < Duration::from_secs(20), "the collector did not recover");
    }
    set.stop(Duration::from_secs(10));
}

#[tokio::test]
async fn selections_follow_the_query() {
    let set = Set::new(vec![good("a"), good("b"), good("c")], Duration::from_secs(30), NAMES);
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let select = |query: &[(&str, &str)]| {
        Selection::from_query(
            &pairs(query),
            |name| set.names().any(|n| n == name),
            |name| name == "off" || name.len() == 1,
        )
    };
    for (query, expected) in [
        (vec![], vec!["a", "b", "c"]),
        (vec![("collect[]", "c"), ("collect[]", "a")], vec!["a", "c"]),
        (vec![("exclude[]", "b"), ("exclude[]", "unheard-of")], vec!["a", "c"]),
        (vec![("other", "b")], vec!["a", "b", "c"]),
    ] {
        let gathered = set.gather(&select(&query).unwrap(), None).await;
        assert_eq!(given(&gathered), expected, "{query:?}");
    }
    assert_eq!(select(&[("collect[]", "a"), ("exclude[]", "b")]), Err(SelectionError::Combined));
    assert_eq!(select(&[("collect[]", "xyz")]), Err(SelectionError::Missing { name: "xyz".into() }));
    assert_eq!(select(&[("collect[]", "off")]), Err(SelectionError::Disabled { name: "off".into() }));
}
