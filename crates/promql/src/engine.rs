//! The engine: takes a query, a time and a store, gives a [`Value`]. Options are fixed for the life of an engine; what
//! changes per query comes in a [`QueryContext`].

mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use storage::{Queryable, StorageError};

use crate::annotations::Annotations;
use crate::parser::{self, Expr, ParseErrors, ParserOptions};
use crate::plan::Steps;
use crate::value::{Value, ValueType};

/// Parts of the language behind `--enable-feature` in the original. `@` and negative offsets are always on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// `promql-experimental-functions`.
    pub experimental_functions: bool,
    /// `promql-duration-expr`: arithmetic in durations, `step()`, `range()`.
    pub duration_expressions: bool,
    /// `promql-extended-range-selectors`: `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `promql-binop-fill-modifiers`: `fill`, `fill_left`, `fill_right`.
    pub binop_fill_modifiers: bool,
    /// `promql-delayed-name-removal`: metric names go at the end of the query, not at each step of it.
    pub delayed_name_removal: bool,
    /// `type-and-unit-labels`: `__type__` and `__unit__` are treated like the metric name.
    pub type_and_unit_labels: bool,
    /// `use-start-timestamps`: counter functions take the start timestamps of samples into account.
    pub start_timestamps: bool,
}

impl Features {
    /// Everything on.
    pub const ALL: Self = Self {
        experimental_functions: true,
        duration_expressions: true,
        extended_range_selectors: true,
        binop_fill_modifiers: true,
        delayed_name_removal: true,
        type_and_unit_labels: true,
        start_timestamps: true,
    };
}

/// What an [`Engine`] is made with. The defaults are the original's.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// `--query.lookback-delta`: how old a sample may be and still be current.
    pub lookback: Duration,
    /// `--query.timeout`: the longest a query may run.
    pub timeout: Duration,
    /// `--query.max-samples`: the most samples a query may hold at a time.
    pub samples_max: usize,
    /// The most bytes a query may hold at a time, by estimate.
    pub memory_bytes_max: usize,
    /// How deep expressions may nest.
    pub nesting_max: usize,
    /// Step of subqueries that give none: the global evaluation interval.
    pub subquery_step: Duration,
    /// How many threads a query may read series with.
    pub threads: usize,
    /// Switched parts of the language.
    pub features: Features,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(5 * 60),
            timeout: Duration::from_secs(2 * 60),
            samples_max: 50_000_000,
            memory_bytes_max: 2 << 30,
            nesting_max: 256,
            subquery_step: Duration::from_secs(60),
            threads: std::thread::available_parallelism().map_or(1, |threads| threads.get().min(8)),
            features: Features::default(),
        }
    }
}

/// Stops a running query from another thread. Clones share the switch.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    canceled: Arc<AtomicBool>,
}

impl CancelToken {
    /// Asks the query to stop; it does at its next step.
    pub fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] was called.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

/// What a caller says about one query. The default sets no limits beyond the engine's.
#[derive(Debug, Clone, Default)]
pub struct QueryContext {
    /// When the caller stops waiting; the engine's own timeout holds as well.
    pub deadline: Option<Instant>,
    /// Stops the query.
    pub cancel: CancelToken,
    /// Other lookback than the engine's.
    pub lookback: Option<Duration>,
    /// Collect [`QueryStats::samples_per_step`].
    pub per_step_stats: bool,
}

/// The steps of a range query: `start`, `start + step`, ... up to and including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeParams {
    /// First step, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// No step is after this.
    pub end_ms: i64,
    /// Time between steps; above zero.
    pub step_ms: i64,
}

/// What a query cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryStats {
    /// Parsing, planning and selecting series.
    pub preparation: Duration,
    /// Evaluating.
    pub evaluation: Duration,
    /// Sorting the answer.
    pub sorting: Duration,
    /// Samples read, counted once for each step they were used in.
    pub samples_total: u64,
    /// The most samples held at a time.
    pub samples_peak: usize,
    /// Samples read at each step, when asked for: time and number.
    pub samples_per_step: Vec<(i64, u64)>,
}

/// An answer and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryOutput {
    /// The answer.
    pub value: Value,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// What it cost.
    pub stats: QueryStats,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query is not PromQL.
    #[error(transparent)]
    Parse(#[from] ParseErrors),
    /// It ran longer than it may.
    #[error("query timed out in {phase}")]
    Timeout {
        /// What it was doing.
        phase: &'static str,
    },
    /// It was stopped by [`CancelToken::cancel`].
    #[error("query was canceled in {phase}")]
    Canceled {
        /// What it was doing.
        phase: &'static str,
    },
    /// It would hold more samples than it may.
    #[error("query processing would load too many samples into memory in {phase}")]
    TooManySamples {
        /// What it was doing.
        phase: &'static str,
        /// The limit.
        samples_max: usize,
        /// The selector that went over the limit, as written.
        selector: String,
    },
    /// It would hold more bytes than it may.
    #[error("query processing would take more than {bytes_max} bytes of memory in {phase}")]
    TooMuchMemory {
        /// What it was doing.
        phase: &'static str,
        /// The limit.
        bytes_max: usize,
        /// The selector that went over the limit, as written.
        selector: String,
    },
    /// The expression cannot be evaluated over this data.
    #[error("{message}")]
    Execution {
        /// What is wrong, in the original's words.
        message: String,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Answers queries. Cheap to share behind a reference; holds no state between queries.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    options: EngineOptions,
}

impl Engine {
    /// An engine with `options`.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        Self { options }
    }

    /// What the engine was made with.
    #[must_use]
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Parses and checks `query` with the engine's features.
    ///
    /// # Errors
    /// [`ParseErrors`] lists everything wrong, with positions.
    pub fn parse(&self, query: &str) -> Result<Expr, ParseErrors> {
        let options = &self.options;
        parser::parse(query, ParserOptions { features: options.features, nesting_max: options.nesting_max })
    }

    /// Evaluates `query` at one time.
    ///
    /// # Errors
    /// [`QueryError`] says whether the query, a limit, the data or the store is the reason.
    pub fn instant(
        &self,
        storage: &dyn Queryable,
        query: &str,
        time_ms: i64,
        context: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        let expr = self.parse(query)?;
        self.run(storage, &expr, Steps::at(time_ms), 0, context)
    }

    /// Evaluates `query` at each step of `range`.
    ///
    /// # Errors
    /// [`QueryError`] says whether the query, a limit, the data or the store is the reason.
    pub fn range(
        &self,
        storage: &dyn Queryable,
        query: &str,
        range: RangeParams,
        context: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        let expr = self.parse(query)?;
        if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
            let found = expr.value_type().documented();
            let message =
                format!("invalid expression type \"{found}\" for range query, must be Scalar or instant Vector");
            return Err(QueryError::Parse(ParseErrors::whole(message)));
        }
        if range.step_ms <= 0 {
            return Err(QueryError::Parse(ParseErrors::whole("zero or negative query resolution step".to_owned())));
        }
        let RangeParams { start_ms, end_ms, step_ms } = range;
        self.run(storage, &expr, Steps { start_ms, end_ms, step_ms }, step_ms, context)
    }
}
