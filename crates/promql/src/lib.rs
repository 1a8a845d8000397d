//! PromQL, the query language of Prometheus: text to tree to plan to values. No storage inside: an engine reads through
//! [`storage::Queryable`].
//!
//! * [`engine`]: options, contexts and the two kinds of queries; callers start here
//! * [`parser`]: text to [`Expr`], and back
//! * [`value`]: what a query answers
//! * [`script`]: the language of tests
//! * [`annotations`]: warnings and infos beside an answer

pub mod annotations;
pub mod engine;
mod eval;
pub mod functions;
pub mod parser;
mod plan;
pub mod script;
pub mod value;

pub use annotations::Annotations;
pub use engine::{
    CancelToken, Engine, EngineOptions, Features, QueryContext, QueryError, QueryOutput, QueryStats, RangeParams,
};
pub use parser::{Expr, ParseError, ParseErrors};
pub use value::{InstantSample, PointValue, RangeSeries, Value, ValueType};
