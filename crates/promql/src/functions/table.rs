//! The table of functions: names and signatures. What they compute is in the modules beside this one.

use crate::value::ValueType;
use crate::value::ValueType::{Matrix, Scalar, String, Vector};

/// A function of the language.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Which one.
    pub id: FunctionId,
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments; the last one is that of all further ones.
    pub args: &'static [ValueType],
    /// How many arguments may be left out or added.
    pub variadic: Variadic,
    /// The type of its value.
    pub returns: ValueType,
    /// Whether it is behind the experimental functions' switch.
    pub experimental: bool,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variadic {
    /// Exactly those listed.
    No,
    /// The last one may be missing; at most this many from the last one on.
    UpTo(usize),
    /// The last one may be missing or repeated without limit.
    Any,
}

macro_rules! functions {
    ($($id:ident $name:literal $args:tt $variadic:expr, $returns:expr, $experimental:literal;)*) => {
        /// Names every function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each is named like the function it stands for")]
        pub enum FunctionId {
            $($id,)*
        }

        /// All functions, in order of their names.
        static FUNCTIONS: &[Function] = &[
            $(Function {
                id: FunctionId::$id,
                name: $name,
                args: &$args,
                variadic: $variadic,
                returns: $returns,
                experimental: $experimental,
            },)*
        ];
    };
}

functions! {
    Abs "abs" [Vector] Variadic::No, Vector, false;
    Absent "absent" [Vector] Variadic::No, Vector, false;
    AbsentOverTime "absent_over_time" [Matrix] Variadic::No, Vector, false;
    Acos "acos" [Vector] Variadic::No, Vector, false;
    Acosh "acosh" [Vector] Variadic::No, Vector, false;
    Asin "asin" [Vector] Variadic::No, Vector, false;
    Asinh "asinh" [Vector] Variadic::No, Vector, false;
    Atan "atan" [Vector] Variadic::No, Vector, false;
    Atanh "atanh" [Vector] Variadic::No, Vector, false;
    AvgOverTime "avg_over_time" [Matrix] Variadic::No, Vector, false;
    Ceil "ceil" [Vector] Variadic::No, Vector, false;
    Changes "changes" [Matrix] Variadic::No, Vector, false;
    Clamp "clamp" [Vector, Scalar, Scalar] Variadic::No, Vector, false;
    ClampMax "clamp_max" [Vector, Scalar] Variadic::No, Vector, false;
    ClampMin "clamp_min" [Vector, Scalar] Variadic::No, Vector, false;
    Cos "cos" [Vector] Variadic::No, Vector, false;
    Cosh "cosh" [Vector] Variadic::No, Vector, false;
    CountOverTime "count_over_time" [Matrix] Variadic::No, Vector, false;
    DayOfMonth "day_of_month" [Vector] Variadic::UpTo(1), Vector, false;
    DayOfWeek "day_of_week" [Vector] Variadic::UpTo(1), Vector, false;
    DayOfYear "day_of_year" [Vector] Variadic::UpTo(1), Vector, false;
    DaysInMonth "days_in_month" [Vector] Variadic::UpTo(1), Vector, false;
    Deg "deg" [Vector] Variadic::No, Vector, false;
    Delta "delta" [Matrix] Variadic::No, Vector, false;
    Deriv "deriv" [Matrix] Variadic::No, Vector, false;
    DoubleExponentialSmoothing "double_exponential_smoothing" [Matrix, Scalar, Scalar] Variadic::No, Vector, true;
    End "end" [] Variadic::No, Scalar, true;
    Exp "exp" [Vector] Variadic::No, Vector, false;
    FirstOverTime "first_over_time" [Matrix] Variadic::No, Vector, false;
    Floor "floor" [Vector] Variadic::No, Vector, false;
    HistogramAvg "histogram_avg" [Vector] Variadic::No, Vector, false;
    HistogramCount "histogram_count" [Vector] Variadic::No, Vector, false;
    HistogramFraction "histogram_fraction" [Scalar, Scalar, Vector] Variadic::No, Vector, false;
    HistogramQuantile "histogram_quantile" [Scalar, Vector] Variadic::No, Vector, false;
    HistogramQuantiles "histogram_quantiles" [Vector, String, Scalar, Scalar] Variadic::UpTo(9), Vector, true;
    HistogramStddev "histogram_stddev" [Vector] Variadic::No, Vector, false;
    HistogramStdvar "histogram_stdvar" [Vector] Variadic::No, Vector, false;
    HistogramSum "histogram_sum" [Vector] Variadic::No, Vector, false;
    Hour "hour" [Vector] Variadic::UpTo(1), Vector, false;
    Idelta "idelta" [Matrix] Variadic::No, Vector, false;
    Increase "increase" [Matrix] Variadic::No, Vector, false;
    Info "info" [Vector, Vector] Variadic::UpTo(1), Vector, true;
    Irate "irate" [Matrix] Variadic::No, Vector, false;
    LabelJoin "label_join" [Vector, String, String, String] Variadic::Any, Vector, false;
    LabelReplace "label_replace" [Vector, String, String, String, String] Variadic::No, Vector, false;
    LastOverTime "last_over_time" [Matrix] Variadic::No, Vector, false;
    Ln "ln" [Vector] Variadic::No, Vector, false;
    Log10 "log10" [Vector] Variadic::No, Vector, false;
    Log2 "log2" [Vector] Variadic::No, Vector, false;
    MadOverTime "mad_over_time" [Matrix] Variadic::No, Vector, true;
    MaxOf "max_of" [Scalar, Scalar] Variadic::No, Scalar, true;
    MaxOverTime "max_over_time" [Matrix] Variadic::No, Vector, false;
    MinOf "min_of" [Scalar, Scalar] Variadic::No, Scalar, true;
    MinOverTime "min_over_time" [Matrix] Variadic::No, Vector, false;
    Minute "minute" [Vector] Variadic::UpTo(1), Vector, false;
    Month "month" [Vector] Variadic::UpTo(1), Vector, false;
    Pi "pi" [] Variadic::No, Scalar, false;
    PredictLinear "predict_linear" [Matrix, Scalar] Variadic::No, Vector, false;
    PresentOverTime "present_over_time" [Matrix] Variadic::No, Vector, false;
    QuantileOverTime "quantile_over_time" [Scalar, Matrix] Variadic::No, Vector, false;
    Rad "rad" [Vector] Variadic::No, Vector, false;
    Range "range" [] Variadic::No, Scalar, true;
    Rate "rate" [Matrix] Variadic::No, Vector, false;
    Resets "resets" [Matrix] Variadic::No, Vector, false;
    Round "round" [Vector, Scalar] Variadic::UpTo(1), Vector, false;
    Scalar "scalar" [Vector] Variadic::No, Scalar, false;
    Sgn "sgn" [Vector] Variadic::No, Vector, false;
    Sin "sin" [Vector] Variadic::No, Vector, false;
    Sinh "sinh" [Vector] Variadic::No, Vector, false;
    Sort "sort" [Vector] Variadic::No, Vector, false;
    SortByLabel "sort_by_label" [Vector, String] Variadic::Any, Vector, true;
    SortByLabelDesc "sort_by_label_desc" [Vector, String] Variadic::Any, Vector, true;
    SortDesc "sort_desc" [Vector] Variadic::No, Vector, false;
    Sqrt "sqrt" [Vector] Variadic::No, Vector, false;
    Start "start" [] Variadic::No, Scalar, true;
    StartTimestamp "start_timestamp" [Vector] Variadic::No, Vector, true;
    StddevOverTime "stddev_over_time" [Matrix] Variadic::No, Vector, false;
    StdvarOverTime "stdvar_over_time" [Matrix] Variadic::No, Vector, false;
    Step "step" [] Variadic::No, Scalar, true;
    SumOverTime "sum_over_time" [Matrix] Variadic::No, Vector, false;
    Tan "tan" [Vector] Variadic::No, Vector, false;
    Tanh "tanh" [Vector] Variadic::No, Vector, false;
    Time "time" [] Variadic::No, Scalar, false;
    Timestamp "timestamp" [Vector] Variadic::No, Vector, false;
    TsOfFirstOverTime "ts_of_first_over_time" [Matrix] Variadic::No, Vector, true;
    TsOfLastOverTime "ts_of_last_over_time" [Matrix] Variadic::No, Vector, true;
    TsOfMaxOverTime "ts_of_max_over_time" [Matrix] Variadic::No, Vector, true;
    TsOfMinOverTime "ts_of_min_over_time" [Matrix] Variadic::No, Vector, true;
    Vector "vector" [Scalar] Variadic::No, Vector, false;
    Year "year" [Vector] Variadic::UpTo(1), Vector, false;
}

/// The function called `name`.
pub(crate) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
}
