//! The shape of functions over windows.

use metrics_model::Labels;

use super::table::FunctionId;
use super::{changes, over_time, rate, regression};
use crate::annotations::{Annotations, Remark};
use crate::engine::QueryError;
use crate::eval::column::Column;
use crate::eval::shapes::Ahead;
use crate::eval::window::View;
use crate::parser::ast::Extension;
use crate::value::PointValue;

/// What a function over a window knows besides the samples.
pub(crate) struct RangeContext<'a> {
    /// Of the series that the samples are of.
    pub(crate) labels: &'a Labels,
    /// Where the first argument starts in the query, for annotations.
    pub(crate) position: usize,
    /// Start of the range, itself outside of it.
    pub(crate) range_start_ms: i64,
    /// End of the range.
    pub(crate) range_end_ms: i64,
    /// Length of the range as written, in seconds.
    pub(crate) range_s: f64,
    /// The time of evaluation.
    pub(crate) time_ms: i64,
    /// Scalar arguments at this step.
    pub(crate) scalars: [f64; 2],
    pub(crate) extension: Option<Extension>,
    pub(crate) annotations: &'a mut Annotations,
}

impl RangeContext<'_> {
    pub(crate) fn remark(&mut self, remark: &Remark<'_>) {
        self.annotations.add(remark, self.position);
    }

    /// Says that floats and histograms do not go together.
    pub(crate) fn remark_mixed(&mut self) {
        let metric = self.labels.metric_name().to_owned();
        self.remark(&Remark::MixedFloatsHistograms { metric: &metric });
    }

    /// Says that the histograms of a mixed range were left aside.
    pub(crate) fn remark_ignored_histograms(&mut self) {
        let metric = self.labels.metric_name().to_owned();
        self.remark(&Remark::HistogramIgnoredInMixedRange { metric: &metric });
    }
}

/// The value of a window; `None` when there is none.
pub(crate) type Answer = Result<Option<PointValue>, QueryError>;

/// A function over windows. It may remember what it has seen of a series, over which windows only move forward. They are
/// never empty.
pub(crate) trait RangeFunction {
    /// Forgets the series before.
    fn clear(&mut self) {}

    /// Adds the values of all windows ahead to `column`, if there is a way that takes less than going from one to the next.
    /// `range_s` is the length of the range as written, in seconds.
    fn values(&mut self, _ahead: &Ahead<'_>, _range_s: f64, _column: &mut Column) -> bool {
        false
    }

    /// The value of the next window.
    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer;
}

/// A function that looks at each window anew.
pub(crate) type Plain = fn(View<'_>, &mut RangeContext<'_>) -> Answer;

impl RangeFunction for Plain {
    fn value(&mut self, view: View<'_>, context: &mut RangeContext<'_>) -> Answer {
        self(view, context)
    }
}

/// The function over windows with this id.
pub(crate) fn range_function(function: FunctionId) -> Option<Box<dyn RangeFunction>> {
    let plain: Plain = match function {
        FunctionId::Rate => return Some(Box::new(rate::Rate::new(true, true))),
        FunctionId::Increase => return Some(Box::new(rate::Rate::new(true, false))),
        FunctionId::Delta => return Some(Box::new(rate::Rate::new(false, false))),
        FunctionId::Resets => return Some(Box::new(changes::Counted::resets())),
        FunctionId::Changes => return Some(Box::new(changes::Counted::changes())),
        FunctionId::AvgOverTime => return Some(Box::new(over_time::Sum::new(true))),
        FunctionId::SumOverTime => return Some(Box::new(over_time::Sum::new(false))),
        FunctionId::MinOverTime => return Some(Box::new(over_time::Extreme::new(false, false))),
        FunctionId::MaxOverTime => return Some(Box::new(over_time::Extreme::new(true, false))),
        FunctionId::TsOfMinOverTime => return Some(Box::new(over_time::Extreme::new(false, true))),
        FunctionId::TsOfMaxOverTime => return Some(Box::new(over_time::Extreme::new(true, true))),
        FunctionId::QuantileOverTime => return Some(Box::new(over_time::Quantile::default())),
        FunctionId::MadOverTime => return Some(Box::new(over_time::Deviation::default())),
        FunctionId::Irate => rate::irate,
        FunctionId::Idelta => rate::idelta,
        FunctionId::Deriv => regression::deriv,
        FunctionId::PredictLinear => regression::predict_linear,
        FunctionId::DoubleExponentialSmoothing => regression::double_exponential_smoothing,
        FunctionId::CountOverTime => over_time::count,
        FunctionId::FirstOverTime => over_time::first,
        FunctionId::LastOverTime => over_time::last,
        FunctionId::TsOfFirstOverTime => over_time::time_of_first,
        FunctionId::TsOfLastOverTime => over_time::time_of_last,
        FunctionId::PresentOverTime | FunctionId::AbsentOverTime => over_time::present,
        FunctionId::StddevOverTime => over_time::stddev,
        FunctionId::StdvarOverTime => over_time::stdvar,
        _ => return None,
    };
    Some(Box::new(plain))
}

/// Where `anchored` ranges may be used, in order of names.
const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];

/// Where `smoothed` ranges may be used, in order of names.
const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

/// Fails when `function` cannot take ranges with this modifier.
pub(crate) fn check_extension(name: &str, extension: Option<Extension>) -> Result<(), QueryError> {
    let Some(extension) = extension else { return Ok(()) };
    let allowed: &[&str] = if extension == Extension::Anchored { &ANCHORED } else { &SMOOTHED };
    if allowed.contains(&name) {
        return Ok(());
    }
    let (word, list) = (extension.as_str(), allowed.join(", "));
    Err(QueryError::Execution { message: format!("{word} modifier can only be used with: {list} - not with {name}") })
}
