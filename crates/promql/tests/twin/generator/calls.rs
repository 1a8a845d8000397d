//! Calls of every function that both have.

use super::Generator;

/// Functions of a range alone.
const OVER_RANGE: [&str; 28] = [
    "rate",
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "ts_of_last_over_time",
    "mad_over_time",
    "avg_over_time",
    "rate",
    "increase",
    "max_over_time",
    "sum_over_time",
];

/// Functions of an instant vector alone.
const OF_VECTOR: [&str; 36] = [
    "abs",
    "absent",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "exp",
    "floor",
    "hour",
    "ln",
    "log10",
    "log2",
    "minute",
    "month",
    "rad",
    "round",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_desc",
    "sqrt",
    "tan",
    "tanh",
    "timestamp",
    "year",
];

impl Generator {
    pub(super) fn range_call(&mut self, depth: u64) -> String {
        let range = self.range(depth);
        match self.random.below(14) {
            0 => format!("quantile_over_time({}, {range})", self.number()),
            1 => format!("predict_linear({range}, {})", self.number()),
            2 => {
                let smoothing = self.random.pick(&["0.5", "0.1", "0.9", "1", "0", "-2", "NaN"]);
                format!("double_exponential_smoothing({range}, {smoothing}, 0.3)")
            }
            3 => format!("quantile_over_time({}, {range})", self.scalar(depth - 1)),
            _ => format!("{}({range})", self.random.pick(&OVER_RANGE)),
        }
    }

    pub(super) fn call(&mut self, depth: u64) -> String {
        let inner = self.vector(depth - 1);
        match self.random.below(18) {
            0 => format!("clamp({inner}, {}, {})", self.number(), self.number()),
            1 => format!("clamp_max({inner}, {})", self.scalar(depth - 1)),
            2 => format!("clamp_min({inner}, {})", self.number()),
            3 => format!("round({inner}, {})", self.number()),
            4 | 5 => self.label_replace(&inner),
            6 => {
                let target = self.random.pick(&["new", "job", "__name__", "with space", ""]);
                let sources =
                    self.random.pick(&["\"job\", \"instance\"", "\"nothing\"", "\"code\", \"\"", "\"__name__\""]);
                format!("label_join({inner}, \"{target}\", \"-\", {sources})")
            }
            7 => format!("vector({})", self.scalar(depth - 1)),
            8 => {
                let name = self.random.pick(&["sort_by_label", "sort_by_label_desc"]);
                let labels =
                    self.random.pick(&["\"instance\"", "\"job\", \"instance\"", "\"nothing\"", "\"__name__\", \"le\""]);
                format!("{name}({inner}, {labels})")
            }
            9 => self
                .random
                .pick(&["hour()", "minute()", "year()", "month()", "day_of_week()", "days_in_month()"])
                .to_owned(),
            _ => format!("{}({inner})", self.random.pick(&OF_VECTOR)),
        }
    }

    fn label_replace(&mut self, inner: &str) -> String {
        let target = self.random.pick(&["new", "job", "instance", "__name__", "with space", ""]);
        let replacement = self.random.pick(&["x-$1", "$1$2", "", "${1}y", "$$", "$nothing", "fixed", "$name"]);
        let source = self.random.pick(&["instance", "job", "nothing", "__name__", "le"]);
        let pattern = self.random.pick(&["(.*)", "(.)(.*)", "", "a.*", "(?P<name>.+)", "[0-9]", "(", "(?i)API"]);
        format!("label_replace({inner}, \"{target}\", \"{replacement}\", \"{source}\", \"{pattern}\")")
    }

    pub(super) fn histogram_call(&mut self, depth: u64) -> String {
        let name = self.random.pick(&[
            "native",
            "native_gauge",
            "native_custom",
            "latency_bucket",
            "uneven_bucket",
            "{__name__=~\"latency_bucket|native\"}",
        ]);
        let inner = match self.random.below(5) {
            0 => name.to_owned(),
            1 => format!("sum by (le, job) (rate({name}[5m]))"),
            2 => format!("rate({name}[{}])", self.duration()),
            3 => format!("sum without (instance) ({name})"),
            _ => self.vector(depth - 1),
        };
        match self.random.below(9) {
            0 | 1 => format!("histogram_quantile({}, {inner})", self.number()),
            2 => format!("histogram_quantile({}, {inner})", self.scalar(depth - 1)),
            3 => format!("histogram_fraction({}, {}, {inner})", self.number(), self.number()),
            4 => format!("histogram_count({inner})"),
            5 => format!("histogram_sum({inner})"),
            6 => format!("histogram_avg({inner})"),
            7 => format!("histogram_stdvar({inner})"),
            _ => format!("histogram_stddev({inner})"),
        }
    }

    pub(super) fn info(&mut self, depth: u64) -> String {
        let inner = self.vector(depth - 1);
        let labels = self.random.pick(&[
            "",
            "",
            ", {zone=~\".+\"}",
            ", {zone=\"v1\"}",
            ", {zone!=\"v1\"}",
            ", {__name__=\"build_info\"}",
            ", {__name__=~\".*_info\", version=~\".*\"}",
            ", {nothing=\"\"}",
            ", {nothing=\"x\"}",
        ]);
        format!("info({inner}{labels})")
    }
}
