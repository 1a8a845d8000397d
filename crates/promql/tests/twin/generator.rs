//! Queries made up from the grammar.

/// A stream of numbers that a seed decides (xorshift64*).
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number from 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Makes queries. Times in them are seconds within the data.
pub(crate) struct Generator {
    pub(crate) random: Random,
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
}

const METRICS: [&str; 14] = [
    "requests_total",
    "requests_total",
    "memory_bytes",
    "memory_bytes",
    "odd",
    "sparse",
    "up",
    "build_info",
    "latency_bucket",
    "latency_count",
    "native",
    "native_gauge",
    "native_custom",
    "mixed",
];

const LABELS: [&str; 5] = ["job", "instance", "code", "le", "nothing"];

impl Generator {
    /// A query that gives a vector or a scalar.
    pub(crate) fn query(&mut self) -> String {
        let depth = 1 + self.random.below(4);
        if self.random.one_in(12) { self.scalar(depth) } else { self.vector(depth) }
    }

    fn selector(&mut self) -> String {
        let metric = self.random.pick(&METRICS);
        let matcher = match self.random.below(8) {
            0 => "{job=\"api\"}",
            1 => "{instance=~\"0|1\"}",
            2 => "{job!=\"db\"}",
            3 => "{code!~\"5..\",instance!=\"2\"}",
            4 => "{instance=\"0\",job=\"db\"}",
            _ => "",
        };
        if self.random.one_in(25) {
            return self
                .random
                .pick(&["{__name__=~\"up|memory_bytes\"}", "nothing_at_all", "{job=\"api\"}"])
                .to_owned();
        }
        format!("{metric}{matcher}")
    }

    fn modifiers(&mut self) -> String {
        let offset = match self.random.below(10) {
            0 => " offset 1m".to_owned(),
            1 => " offset -2m".to_owned(),
            _ => String::new(),
        };
        let at = match self.random.below(14) {
            0 => {
                let inside = self.random.below((self.end_s - self.start_s) as u64) as i64;
                format!(" @ {}", self.start_s + inside)
            }
            1 => " @ end()".to_owned(),
            2 => " @ start()".to_owned(),
            _ => String::new(),
        };
        format!("{at}{offset}")
    }

    fn duration(&mut self) -> &'static str {
        self.random.pick(&["1m", "2m", "5m", "5m", "10m", "37s", "30m"])
    }

    fn range(&mut self, depth: u64) -> String {
        let (duration, modifiers) = (self.duration(), self.modifiers());
        if depth > 1 && self.random.one_in(4) {
            let step = self.random.pick(&["", "15s", "1m", "40s"]);
            return format!("({})[{duration}:{step}]{modifiers}", self.vector(depth - 1));
        }
        format!("{}[{duration}]{modifiers}", self.selector())
    }

    fn number(&mut self) -> &'static str {
        self.random.pick(&["0", "1", "2", "0.5", "-1", "10", "1e3", "NaN", "Inf", "-Inf", "0.9", "3"])
    }

    fn scalar(&mut self, depth: u64) -> String {
        match self.random.below(if depth > 1 { 8 } else { 4 }) {
            0 => "time()".to_owned(),
            1 => "pi()".to_owned(),
            2 | 3 => self.number().to_owned(),
            4 | 5 => format!("scalar({})", self.vector(depth - 1)),
            _ => {
                let op = self.random.pick(&["+", "-", "*", "/", "%", "^", "atan2", "> bool", "== bool"]);
                format!("({} {op} {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn vector(&mut self, depth: u64) -> String {
        if depth <= 1 {
            return format!("{}{}", self.selector(), self.modifiers());
        }
        match self.random.below(20) {
            0..=4 => self.range_call(depth),
            5..=8 => self.aggregation(depth),
            9..=12 => self.binary(depth),
            13..=15 => self.call(depth),
            16 => format!("-{}", self.vector(depth - 1)),
            17 | 18 => self.histogram_call(depth),
            _ => format!("{}{}", self.selector(), self.modifiers()),
        }
    }

    fn range_call(&mut self, depth: u64) -> String {
        const PLAIN: [&str; 21] = [
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
        ];
        let range = self.range(depth);
        match self.random.below(12) {
            0 => format!("quantile_over_time({}, {range})", self.number()),
            1 => format!("predict_linear({range}, {})", self.number()),
            2 => format!("double_exponential_smoothing({range}, 0.5, 0.3)"),
            _ => format!("{}({range})", self.random.pick(&PLAIN)),
        }
    }

    fn grouping(&mut self) -> String {
        let clause = self.random.pick(&["by", "without", ""]);
        if clause.is_empty() {
            return String::new();
        }
        let mut labels: Vec<&str> = (0..self.random.below(3)).map(|_| self.random.pick(&LABELS)).collect();
        labels.dedup();
        format!(" {clause} ({})", labels.join(", "))
    }

    fn aggregation(&mut self, depth: u64) -> String {
        let (grouping, inner) = (self.grouping(), self.vector(depth - 1));
        match self.random.below(12) {
            0 => format!("topk{grouping}(2, {inner})"),
            1 => format!("bottomk{grouping}(1, {inner})"),
            2 => format!("quantile{grouping}({}, {inner})", self.number()),
            3 => format!("count_values{grouping}(\"v\", {inner})"),
            _ => {
                let op = self.random.pick(&["sum", "sum", "avg", "count", "min", "max", "stddev", "stdvar", "group"]);
                format!("{op}{grouping}({inner})")
            }
        }
    }

    fn binary(&mut self, depth: u64) -> String {
        const OPERATORS: [&str; 20] = [
            "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "== bool", "> bool", "<= bool",
            "and", "or", "unless", "+",
        ];
        let op = self.random.pick(&OPERATORS);
        let is_set = matches!(op, "and" | "or" | "unless");
        let left = self.vector(depth - 1);
        if !is_set && self.random.one_in(3) {
            let scalar = self.scalar(depth - 1);
            return if self.random.one_in(2) {
                format!("({left}) {op} {scalar}")
            } else {
                format!("{scalar} {op} ({left})")
            };
        }
        // The same on both sides matches most often.
        let right = if self.random.one_in(2) { left.clone() } else { self.vector(depth - 1) };
        let matching = match self.random.below(8) {
            0 => "on(job, instance)",
            1 => "ignoring(code)",
            2 if !is_set => "on(job) group_left()",
            3 if !is_set => "on(instance, job) group_right(version)",
            4 if !is_set => "ignoring(code, le) group_left(version)",
            5 => "on()",
            _ => "",
        };
        format!("({left}) {op} {matching} ({right})")
    }

    fn call(&mut self, depth: u64) -> String {
        const PLAIN: [&str; 26] = [
            "abs",
            "absent",
            "ceil",
            "floor",
            "exp",
            "ln",
            "log2",
            "log10",
            "sqrt",
            "sgn",
            "sin",
            "cos",
            "tan",
            "atan",
            "sinh",
            "tanh",
            "deg",
            "rad",
            "timestamp",
            "day_of_week",
            "hour",
            "month",
            "year",
            "minute",
            "sort",
            "days_in_month",
        ];
        let inner = self.vector(depth - 1);
        match self.random.below(12) {
            0 => format!("clamp({inner}, {}, {})", self.number(), self.number()),
            1 => format!("clamp_max({inner}, {})", self.scalar(depth - 1)),
            2 => format!("round({inner}, {})", self.number()),
            3 => format!("label_replace({inner}, \"new\", \"x-$1\", \"instance\", \"(.*)\")"),
            4 => format!("label_join({inner}, \"new\", \"-\", \"job\", \"instance\")"),
            5 => format!("vector({})", self.scalar(depth - 1)),
            _ => format!("{}({inner})", self.random.pick(&PLAIN)),
        }
    }

    fn histogram_call(&mut self, depth: u64) -> String {
        let name = self.random.pick(&["native", "native_gauge", "native_custom", "latency_bucket"]);
        let inner = match self.random.below(4) {
            0 => name.to_owned(),
            1 => format!("sum by (le, job) (rate({name}[5m]))"),
            2 => format!("rate({name}[{}])", self.duration()),
            _ => self.vector(depth - 1),
        };
        match self.random.below(7) {
            0 | 1 => format!("histogram_quantile({}, {inner})", self.number()),
            // Of classic histograms the version at hand gives other fractions.
            2 => format!("histogram_fraction({}, {}, native)", self.number(), self.number()),
            3 => format!("histogram_count({inner})"),
            4 => format!("histogram_sum({inner})"),
            5 => format!("histogram_avg({inner})"),
            _ => format!("histogram_stddev({inner})"),
        }
    }
}
