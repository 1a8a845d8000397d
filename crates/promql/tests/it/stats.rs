//! What queries say they cost, in all and at each step.

use promql::{Engine, QueryContext, QueryStats, RangeParams};

use crate::data::{metric, store};

/// What a query over a range of seconds costs; one series has a sample every 15 seconds.
fn cost(query: &str, start_s: i64, end_s: i64, step_s: i64) -> QueryStats {
    let storage = store(&metric("x", 1), 240, |_, sample| sample as f64);
    let range = RangeParams { start_ms: start_s * 1_000, end_ms: end_s * 1_000, step_ms: step_s * 1_000 };
    let context = QueryContext { per_step_stats: true, ..QueryContext::default() };
    let engine = Engine::default();
    let stats = engine.range(&storage, query, range, &context).unwrap().stats;
    // Whether anybody wants to know about steps makes no difference to the sums.
    let without = engine.range(&storage, query, range, &QueryContext::default()).unwrap().stats;
    assert_eq!((without.samples_total, without.samples_read), (stats.samples_total, stats.samples_read), "{query}");
    stats
}

#[track_caller]
fn check(query: &str, (start_s, end_s, step_s): (i64, i64, i64), used: &[u64], read: &[u64]) {
    let stats = cost(query, start_s, end_s, step_s);
    let numbers = |all: &[(i64, u64)]| all.iter().map(|(_, number)| *number).collect::<Vec<_>>();
    assert_eq!(numbers(&stats.samples_per_step), used, "used by {query}");
    assert_eq!(numbers(&stats.read_per_step), read, "read by {query}");
    assert_eq!((stats.samples_total, stats.samples_read), (used.iter().sum(), read.iter().sum()), "{query}");
    let times: Vec<i64> = stats.read_per_step.iter().map(|(time_ms, _)| *time_ms).collect();
    assert_eq!(times, (0..used.len() as i64).map(|step| (start_s + step * step_s) * 1_000).collect::<Vec<_>>());
}

#[test]
fn selectors() {
    check("x", (600, 720, 60), &[1, 1, 1], &[1, 1, 1]);
    // Windows overlap: what is in the next one too is not read again.
    check("sum_over_time(x[2m])", (600, 720, 60), &[8, 8, 8], &[8, 4, 4]);
    check("sum_over_time(x[1m])", (600, 1_200, 300), &[4, 4, 4], &[4, 4, 4]);
    // Read once, used at each step.
    check("x @ 600", (600, 720, 60), &[1, 1, 1], &[1, 0, 0]);
    check("x + x", (600, 720, 60), &[2, 2, 2], &[2, 2, 2]);
}

#[test]
fn subqueries_are_read_for_the_step_that_first_looks_at_them() {
    check("sum_over_time(x[2m:30s])", (600, 720, 60), &[4, 4, 4], &[4, 2, 2]);
    check("sum_over_time(x[2m:30s] offset 1m)", (600, 720, 60), &[4, 4, 4], &[4, 2, 2]);
    check("sum_over_time(x[2m:30s] offset -30s)", (600, 720, 60), &[4, 4, 4], &[4, 2, 2]);
    // Windows of the inner function, each as long as two of its steps.
    check("sum_over_time(sum_over_time(x[1m])[2m:30s])", (600, 720, 60), &[4, 4, 4], &[10, 4, 4]);
    check("max_over_time(sum_over_time(x[1m:30s])[2m:1m])", (600, 720, 60), &[2, 2, 2], &[4, 2, 2]);
    check("sum_over_time(x[2m:30s] @ 600)", (600, 720, 60), &[4, 4, 4], &[4, 0, 0]);
}

#[test]
fn what_lies_between_the_ranges_of_a_subquery_is_not_read() {
    check("sum_over_time(x[1m:30s])", (600, 1_200, 300), &[2, 2, 2], &[2, 2, 2]);
    check("sum_over_time(x[1m:30s] offset 2m)", (600, 1_200, 300), &[2, 2, 2], &[2, 2, 2]);
    check("sum_over_time(sum_over_time(x[30s:15s])[1m:30s])", (600, 1_200, 300), &[2, 2, 2], &[4, 4, 4]);
}

#[test]
fn a_single_step_has_it_all() {
    check("sum_over_time(x[2m:30s])", (600, 600, 60), &[4], &[4]);
    check("sum_over_time(sum_over_time(x[1m])[2m:30s])", (600, 600, 60), &[4], &[10]);
}
