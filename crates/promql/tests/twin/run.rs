//! Asks both, and counts what is different.

use std::collections::BTreeMap;
use std::time::Duration;

use promql::{Engine, EngineOptions, Features, QueryContext, RangeParams};
use storage::MemoryStorage;

use crate::compare::{differ, normalized, to_json};
use crate::data::{self, SAMPLES, STEP_MS};
use crate::generator::{Generator, Random};
use crate::known::known;
use crate::original::Original;

/// When the data starts: always the same, so that a seed always asks the same.
const START_MS: i64 = 1_699_999_200_000;

/// How often the original is asked whether it means what it says: the order in which it goes through its maps is random.
const REPEATS: usize = 8;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One question.
struct Question {
    query: String,
    /// At one time, or at each step of a range.
    when: Result<i64, RangeParams>,
    lookback: Option<Duration>,
}

impl Question {
    fn parameters(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let mut parameters = vec![("query", self.query.clone()), ("stats", "all".to_owned())];
        if let Some(lookback) = self.lookback {
            parameters.push(("lookback_delta", format!("{}s", lookback.as_secs())));
        }
        match self.when {
            Ok(time_ms) => {
                parameters.push(("time", seconds(time_ms)));
                ("/api/v1/query", parameters)
            }
            Err(RangeParams { start_ms, end_ms, step_ms }) => {
                let range = [("start", start_ms), ("end", end_ms), ("step", step_ms)];
                parameters.extend(range.map(|(name, milliseconds)| (name, seconds(milliseconds))));
                ("/api/v1/query_range", parameters)
            }
        }
    }
}

/// Both engines over the same data.
struct Twins {
    original: Original,
    engine: Engine,
    storage: MemoryStorage,
}

impl Twins {
    /// How the answers differ.
    fn difference(&self, question: &Question) -> Option<String> {
        let query = &question.query;
        let context = QueryContext { lookback: question.lookback, ..QueryContext::default() };
        let ours = match question.when {
            Ok(time_ms) => self.engine.instant(&self.storage, query, time_ms, &context),
            Err(range) => self.engine.range(&self.storage, query, range, &context),
        };
        let used = ours.as_ref().ok().map(|output| output.stats.samples_total);
        let ours = to_json(query, &ours);
        let in_order = question.when.is_err() || query.starts_with("sort_by_label");
        let (path, parameters) = question.parameters();
        let ask = || {
            let answer = self.original.ask(path, &parameters);
            differ(&ours, &normalized(query, &answer), in_order).or_else(|| {
                let original = answer["data"]["stats"]["samples"]["totalQueryableSamples"].as_u64();
                (used != original).then(|| format!("samples: ours {used:?}, original {original:?}"))
            })
        };
        let first = ask()?;
        let has_ever_agreed = (0..REPEATS).any(|_| ask().is_none());
        (!has_ever_agreed).then_some(first)
    }

    /// Whether both answer the same when they are asked for each step of a range alone.
    fn agree_at_each_step(&self, question: &Question) -> bool {
        let Err(RangeParams { start_ms, end_ms, step_ms }) = question.when else { return false };
        (0..=(end_ms - start_ms) / step_ms).all(|step| {
            let when = Ok(start_ms + step * step_ms);
            let difference =
                self.difference(&Question { query: question.query.clone(), when, lookback: question.lookback });
            // Where something else is known to differ, that is no news.
            difference.is_none_or(|difference| known(&question.query, false, &difference).is_some())
        })
    }

    /// How the forms differ that both print the query in.
    fn other_form(&self, query: &str) -> Option<String> {
        let ours = self.engine.parse(query).ok()?.pretty();
        let answer = self.original.ask("/api/v1/format_query", &[("query", query.to_owned())]);
        // What the versions do not both take is compared by asking it.
        let original = answer["data"].as_str()?;
        (ours != original).then(|| format!("form: ours {ours:?}, original {original:?}"))
    }
}

fn seconds(milliseconds: i64) -> String {
    format!("{:.3}", milliseconds as f64 / 1000.0)
}

/// The original with names that go at once or late, and ours with the same data and options.
fn start(delayed_name_removal: bool) -> Option<Twins> {
    let mut switched_on = "promql-experimental-functions,native-histograms,promql-duration-expr".to_owned();
    if delayed_name_removal {
        switched_on.push_str(",promql-delayed-name-removal");
    }
    let original = Original::start(&switched_on)?;
    let storage = data::load(&original, START_MS);
    let features = Features {
        experimental_functions: true,
        duration_expressions: true,
        delayed_name_removal,
        ..Features::default()
    };
    let engine = Engine::new(EngineOptions { features, ..EngineOptions::default() });
    Some(Twins { original, engine, storage })
}

#[test]
fn same_answers() {
    // Generated queries can meet a difference that nobody knows yet: that is for whoever compares to look at.
    if std::env::var_os("FIREWATCH_COMPARE").is_none() {
        eprintln!("skipped: the comparison runs by `cargo xtask compare promql`");
        return;
    }
    let seed = from_environment("FIREWATCH_TWIN_SEED", 1);
    let queries = from_environment("FIREWATCH_TWIN_QUERIES", 5_000);
    let Some(twins) = start(seed.is_multiple_of(2)) else { return };
    let end_ms = START_MS + SAMPLES * STEP_MS;
    let mut generator = Generator { random: Random::new(seed), start_s: START_MS / 1000, end_s: end_ms / 1000 };
    let (mut same, mut different) = (0, 0);
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..queries {
        let query = std::env::var("FIREWATCH_TWIN_QUERY").unwrap_or_else(|_| generator.query());
        let time_ms = START_MS + generator.random.below((SAMPLES * STEP_MS) as u64) as i64;
        let when = if number % 2 == 0 {
            Ok(time_ms)
        } else {
            let step_ms = [15_000, 60_000, 37_000, 300_000][generator.random.below(4) as usize];
            Err(RangeParams { start_ms: time_ms, end_ms: time_ms + 20 * step_ms + 7, step_ms })
        };
        let lookback = generator.random.one_in(12).then(|| Duration::from_secs(40));
        let question = Question { query, when, lookback };
        let difference = twins.difference(&question).or_else(|| twins.other_form(&question.query));
        let Some(difference) = difference else {
            same += 1;
            continue;
        };
        let known = known(&question.query, question.when.is_err(), &difference);
        match known.filter(|known| !known.needs_equal_steps || twins.agree_at_each_step(&question)) {
            Some(known) => *explained.entry(known.reason).or_insert(0) += 1,
            None => {
                different += 1;
                let Question { query, when, lookback } = question;
                eprintln!("DIFFERENT {query} {when:?} {lookback:?}: {difference}");
            }
        }
    }
    for (reason, count) in explained {
        eprintln!("{count} explained: {reason}");
    }
    eprint!("seed {seed}: ");
    eprintln!("{same} passed, {different} failed");
    assert_eq!(different, 0);
}
