//! Whatever is asked, the engine says no in good time and takes no more than it may.

use std::time::{Duration, Instant};

use metrics_model::Labels;
use promql::{CancelToken, Engine, EngineOptions, Features, QueryContext, QueryError, QueryOutput, RangeParams};
use storage::MemoryStorage;

use crate::data::{metric, store};

/// No answer may take longer, even on a machine that is busy with other things.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) fn engine(options: EngineOptions) -> Engine {
    Engine::new(EngineOptions { features: Features { type_and_unit_labels: false, ..Features::ALL }, ..options })
}

pub(crate) fn ask(engine: &Engine, storage: &MemoryStorage, query: &str) -> Result<QueryOutput, QueryError> {
    let started = Instant::now();
    let outcome = engine.instant(storage, query, 600_000, &QueryContext::default());
    assert!(started.elapsed() < LONGEST, "took {:?}", started.elapsed());
    outcome
}

fn parse_error(query: &str) -> String {
    match ask(&engine(EngineOptions::default()), &MemoryStorage::new(), query) {
        Err(QueryError::Parse(errors)) => errors.to_string(),
        other => panic!("{:?}", other.map(|output| output.value.value_type())),
    }
}

/// As in a thread of a server, with no more stack than those have.
fn on_small_stack(run: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, run).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn deep_expressions_are_refused() {
    on_small_stack(|| {
        let count = 1_000_000;
        for query in [
            format!("{}1{}", "(".repeat(count), ")".repeat(count)),
            "(".repeat(count),
            format!("{}x", "-".repeat(count)),
            format!("{}x", "sum(".repeat(count)),
            format!("{}x", "abs(".repeat(count)),
            format!("x[{}1m{}]", "(".repeat(count), ")".repeat(count)),
            format!("x[{}1m]", "-".repeat(count)),
            format!("x{}", "[1m:1m]".repeat(100_000)),
            format!("x{}", "[1m:1m] offset 1m".repeat(100_000)),
            format!("{}x", "1 ^ ".repeat(count)),
            format!("x offset {}1m", "-(".repeat(count)),
        ] {
            let message = parse_error(&query);
            assert!(message.len() < 1_000, "{}: {} bytes", &query[..20], message.len());
        }
        let message = parse_error(&format!("{}1{}", "(".repeat(count), ")".repeat(count)));
        assert_eq!(message, "1:257: parse error: expression is nested more than 256 levels deep");
    });
}

#[test]
fn expressions_as_deep_as_allowed_are_evaluated() {
    on_small_stack(|| {
        let engine = engine(EngineOptions::default());
        let storage = store(&metric("x", 2), 60, |_, sample| sample as f64);
        let depth = engine.options().nesting_max - 10;
        for (open, close) in [
            ("(", ")"),
            ("-", ""),
            ("sum(", ")"),
            ("abs(", ")"),
            ("1 ^ ", ""),
            ("x + (", ")"),
            ("x or (", ")"),
            ("topk(1, ", ")"),
            ("label_replace(", r#", "a", "$1", "b", "(.*)")"#),
            ("histogram_quantile(0.5, ", ")"),
            ("absent(", ")"),
            ("info(", ")"),
            ("count_values(\"v\", ", ")"),
            ("quantile(0.5, ", ")"),
            ("sort(", ")"),
            ("timestamp(", ")"),
            ("last_over_time(", "[1m:1m])"),
            ("absent_over_time(", "[1m:1m])"),
        ] {
            let query = format!("{}x{}", open.repeat(depth / 2 - 2), close.repeat(depth / 2 - 2));
            let outcome = ask(&engine, &storage, &query);
            assert!(outcome.is_ok(), "{open}: {:?}", outcome.err());
            let expr = engine.parse(&query).unwrap();
            assert!(engine.parse(&expr.pretty()).is_ok(), "{open} in lines");
            assert!(engine.parse(&expr.to_string()).is_ok(), "{open} in one line");
        }
    });
}

#[test]
fn long_expressions_are_evaluated() {
    on_small_stack(|| {
        let engine = engine(EngineOptions::default());
        let storage = store(&metric("x", 1), 60, |_, sample| sample as f64);
        for operator in [" or ", " + ", " == bool ", " - on () group_left () "] {
            let query = vec!["x"; 5_000].join(operator);
            let outcome = ask(&engine, &storage, &query);
            assert!(outcome.is_ok(), "{operator}: {:?}", outcome.err());
            let printed = engine.parse(&query).unwrap().to_string();
            assert_eq!(engine.parse(&printed).unwrap().to_string(), printed);
        }
        assert!(ask(&engine, &storage, &format!("sum by ({}) (x)", vec!["a"; 100_000].join(", "))).is_ok());
        assert!(ask(&engine, &storage, &format!("x{{{}}}", vec!["a!=\"b\""; 20_000].join(", "))).is_ok());
    });
}

#[test]
fn steps_without_end_are_refused() {
    let engine = engine(EngineOptions { timeout: Duration::from_secs(20), ..EngineOptions::default() });
    let storage = store(&metric("x", 3), 60, |_, sample| sample as f64);
    for query in [
        "sum_over_time(x[100y:1ms])",
        "sum_over_time(vector(1)[100y:1ms])",
        "sum_over_time(vector(time())[10y:1s])",
        "sum_over_time(vector(scalar(x))[10y:1s])",
        "sum_over_time(absent(x)[10y:1s])",
        "sum_over_time(absent_over_time(x[1m])[10y:1s])",
        "sum_over_time(sum(x)[10y:1s])",
        "sum_over_time(hour()[10y:1s])",
        "sum_over_time((x and x)[10y:1s])",
        "sum_over_time((x @ 100)[10y:1s])",
        "sum_over_time(count_values(\"a\", x @ 100)[10y:1s])",
        "sum_over_time(topk(1, x @ 100)[10y:1s])",
        "sum_over_time(quantile(time(), x @ 100)[10y:1s])",
        "x[100y:1ms]",
    ] {
        match ask(&engine, &storage, query) {
            Err(QueryError::TooMuchMemory { .. } | QueryError::TooManySamples { .. } | QueryError::Timeout { .. }) => {}
            other => panic!("{query}: {other:?}"),
        }
    }
    let range = RangeParams { start_ms: i64::MIN, end_ms: i64::MAX, step_ms: 1 };
    for query in ["1", "x", "time()", "vector(1)"] {
        let outcome = engine.range(&storage, query, range, &QueryContext::default());
        assert!(matches!(outcome, Err(QueryError::TooMuchMemory { .. })), "{query}: {outcome:?}");
    }
}

#[test]
fn far_times_are_answered() {
    let engine = engine(EngineOptions::default());
    let storage = store(&metric("x", 3), 60, |_, sample| sample as f64);
    for query in [
        "x offset 290y",
        "x offset -290y",
        "rate(x[290y] offset 290y)",
        "x @ 9223372036854775",
        "x @ -9223372036854775",
        "rate(x[290y] @ -9223372036854775 offset 290y)",
        "sum_over_time(x[290y:290y] @ -9223372036854775 offset 290y)",
        "sum_over_time(x[1m:10s] @ 9223372036854775 offset -290y)",
        "x smoothed @ 9223372036854775 offset -290y",
        "rate(x[290y] anchored @ -9223372036854775 offset 290y)",
        "predict_linear(x[10m], 1e308)",
        "topk(9e18, x)",
        "topk(1e18, x)",
        "bottomk(1e18, x)",
        "limitk(1e18, x)",
        "limitk(9e18, x)",
        "round(x, 1e-320)",
        "histogram_quantile(1e308, x)",
        "x[9223372036854775807ms]",
    ] {
        match ask(&engine, &storage, query) {
            Ok(_) | Err(QueryError::Parse(_)) => {}
            Err(error) => panic!("{query}: {error}"),
        }
    }
    // Offsets that add up to more than there is time.
    let overflow = format!("x offset 290y{}", "[290y:290y] offset 290y".repeat(100));
    for query in [overflow.as_str(), "x offset 293y", "x offset 1e300", "x[1e300]", "x[5m:1e300]", "x @ 1e300"] {
        match ask(&engine, &storage, query) {
            Err(QueryError::Parse(errors)) => assert!(errors.to_string().len() < 1_000, "{query}: {errors}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    for time_ms in [i64::MIN, i64::MAX, 0] {
        for query in ["x", "rate(x[5m])", "sum_over_time(x[5m:10s])", "year()", "x offset 5m", "x anchored", "time()"] {
            let outcome = engine.instant(&storage, query, time_ms, &QueryContext::default());
            assert!(matches!(outcome, Ok(_) | Err(QueryError::Parse(_))), "{query} at {time_ms}: {outcome:?}");
        }
    }
}

#[test]
fn the_limit_of_samples_names_the_selector() {
    let engine = engine(EngineOptions { samples_max: 100, ..EngineOptions::default() });
    let storage = store(&metric("x", 200), 60, |_, sample| sample as f64);
    match ask(&engine, &storage, r#"sum(x{instance=~"1.*"}) + sum(x{instance!=""})"#) {
        Err(error @ QueryError::TooManySamples { samples_max: 100, .. }) => {
            let text = error.to_string();
            assert_eq!(text, "query processing would load too many samples into memory in expression evaluation");
            let QueryError::TooManySamples { selector, .. } = error else { return };
            assert_eq!(selector, r#"x{instance=~"1.*"}"#);
        }
        other => panic!("{other:?}"),
    }
    assert!(ask(&engine, &storage, r#"sum(x{instance=~"1.?"})"#).is_ok());
}

#[test]
fn memory_is_limited() {
    let engine = engine(EngineOptions { memory_bytes_max: 1 << 20, ..EngineOptions::default() });
    let storage = store(&metric("x", 10), 60, |_, sample| sample as f64);
    let double = |query: String| format!(r#"label_replace({query}, "a", "$1$1", "a", "(.*)")"#);
    let query = (0..60).fold(r#"label_join(x, "a", "", "instance", "instance")"#.to_owned(), |query, _| double(query));
    let sources = vec!["\"a\""; 1_000].join(", ");
    let join = |query: String| format!(r#"label_join({query}, "a", "", {sources})"#);
    let joined = (0..5).fold(r#"label_replace(x, "a", "b", "", "")"#.to_owned(), |query, _| join(query));
    for query in [query, joined, "x[100d:1s]".to_owned(), "count_over_time(x[100d:1s])".to_owned()] {
        match ask(&engine, &storage, &query) {
            Err(error @ QueryError::TooMuchMemory { bytes_max: 1_048_576, .. }) => assert_eq!(
                error.to_string(),
                "query processing would take more than 1048576 bytes of memory in expression evaluation"
            ),
            other => panic!("{other:?}"),
        }
    }
    let sparse: Vec<Labels> = metric("y", 1_000);
    let storage = store(&sparse, 1, |_, _| 1.0);
    let range = RangeParams { start_ms: 0, end_ms: 10_000_000, step_ms: 1_000 };
    let outcome = engine.range(&storage, "sum by (instance) (y)", range, &QueryContext::default());
    assert!(matches!(outcome, Err(QueryError::TooMuchMemory { .. })));
}

#[test]
fn canceled_and_late_queries_stop() {
    let storage = store(&metric("x", 100), 240, |_, sample| sample as f64);
    let engine = engine(EngineOptions::default());
    let query = "sum_over_time(sum_over_time(x[1h:1s])[1h:1s])";
    let cancel = CancelToken::default();
    let context = QueryContext { cancel: cancel.clone(), ..QueryContext::default() };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| engine.instant(&storage, query, 3_600_000, &context));
        cancel.cancel();
        match thread.join().unwrap() {
            Err(error @ QueryError::Canceled { .. }) => {
                assert_eq!(error.to_string(), "query was canceled in expression evaluation");
            }
            other => panic!("{other:?}"),
        }
    });
    let context = QueryContext { deadline: Some(Instant::now()), ..QueryContext::default() };
    let late = engine.instant(&storage, query, 3_600_000, &context).unwrap_err();
    assert!(matches!(late, QueryError::Timeout { .. }));
    assert_eq!(late.to_string(), "query timed out in expression evaluation");
    let started = Instant::now();
    let context = QueryContext { deadline: Some(started + Duration::from_millis(50)), ..QueryContext::default() };
    let late = engine.instant(&storage, query, 3_600_000, &context);
    assert!(matches!(late, Err(QueryError::Timeout { .. })), "{late:?}");
    assert!(started.elapsed() < LONGEST);
}

/// How soon a query must end after it was canceled.
const STOPPED_AFTER: Duration = Duration::from_millis(100);
/// How often a query is tried: on a machine that is busy with other things, a thread may not get its turn in time.
const TRIES: usize = 10;

/// Runs `query` until it is canceled; gives how long it then went on, or nothing when it had ended before.
fn stop(engine: &Engine, storage: &MemoryStorage, query: &str, range: RangeParams) -> Option<Duration> {
    let cancel = CancelToken::default();
    let context = QueryContext { cancel: cancel.clone(), ..QueryContext::default() };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| engine.range(storage, query, range, &context));
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(30) && !thread.is_finished() {
            std::thread::yield_now();
        }
        cancel.cancel();
        let canceled = Instant::now();
        let outcome = thread.join().unwrap();
        let took = canceled.elapsed();
        match outcome {
            Ok(_) => None,
            Err(QueryError::Canceled { .. }) => Some(took),
            Err(error) => panic!("{query}: {error}"),
        }
    })
}

#[test]
fn heavy_queries_stop_within_a_tenth_of_a_second() {
    let storage = store(&metric("x", 100), 1_000, |series, sample| ((series as i64 * 31 + sample) % 97) as f64);
    let engine = engine(EngineOptions::default());
    let range = RangeParams { start_ms: 0, end_ms: 15_000_000, step_ms: 1_500 };
    for query in [
        "quantile_over_time(0.5, x[4h])",
        "stddev_over_time(x[4h])",
        "sum(rate(x[1h]))",
        "x * on(instance) x",
        "x and on(instance) x",
        r#"count_values("v", x)"#,
        "topk(5, x)",
        "quantile(0.5, x)",
        r#"label_replace(x, "a", "$1", "instance", "(.*)")"#,
        "max_over_time(rate(x[5m])[1h:15s])",
        "-x",
        "sum_over_time(x[1h:1s])",
        "double_exponential_smoothing(x[4h], 0.5, 0.5)",
        "histogram_quantile(0.9, x)",
        "sort_by_label(x, \"instance\")",
    ] {
        let is_late = || stop(&engine, &storage, query, range).is_some_and(|took| took > STOPPED_AFTER);
        assert!(!(0..TRIES).all(|_| is_late()), "{query} goes on for long after it was canceled");
    }
}
