//! Queries made up from the grammar.

#[path = "generator/calls.rs"]
mod calls;
#[path = "generator/random.rs"]
mod random;
#[path = "generator/wrong.rs"]
mod wrong;

pub(crate) use random::Random;

/// Makes queries. Times in them are seconds within the data.
pub(crate) struct Generator {
    pub(crate) random: Random,
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
}

const METRICS: [&str; 18] = [
    "requests_total",
    "requests_total",
    "memory_bytes",
    "memory_bytes",
    "odd",
    "odd",
    "sparse",
    "sparse",
    "up",
    "build_info",
    "latency_bucket",
    "latency_count",
    "native",
    "native_gauge",
    "native_custom",
    "mixed",
    "{\"http.requests\"}",
    "uneven_bucket",
];

const LABELS: [&str; 7] = ["job", "instance", "code", "le", "nothing", "__name__", "\"service.name\""];

impl Generator {
    /// A query of any type; one in a few is wrong.
    pub(crate) fn query(&mut self) -> String {
        let depth = 1 + self.random.below(4);
        match self.random.below(60) {
            0..=4 => self.scalar(depth),
            5 | 6 => self.wrong(depth),
            7 => self.range(depth),
            8 => "\"a \\\"text\\\"\\n\"".to_owned(),
            _ => self.vector(depth),
        }
    }

    fn selector(&mut self) -> String {
        if self.random.one_in(25) {
            let several = [
                "{__name__=~\"up|memory_bytes\"}",
                "nothing_at_all",
                "{job=\"api\"}",
                "{__name__=~\"native.*\"}",
                "{__name__=~\".*_info\",instance=\"1\"}",
                "{__name__!=\"up\",job=\"db\",instance=\"2\"}",
                "{\"http.requests\", \"service.name\"=\"a/1\"}",
                "{__name__=~\"odd|sparse\",__name__!=\"odd\"}",
            ];
            return self.random.pick(&several).to_owned();
        }
        let metric = self.random.pick(&METRICS);
        let matchers = match self.random.below(12) {
            0 => "{job=\"api\"}",
            1 => "{instance=~\"0|1\"}",
            2 => "{job!=\"db\"}",
            3 => "{code!~\"5..\",instance!=\"2\"}",
            4 => "{instance=\"0\",job=\"db\"}",
            5 => "{nothing=\"\"}",
            6 => "{job=~\"a.+\",instance=~\"\",}",
            7 => "{}",
            _ => "",
        };
        match (metric.strip_suffix('}'), matchers.strip_prefix('{')) {
            (Some(_), None | Some("}")) => metric.to_owned(),
            (Some(name), Some(rest)) => format!("{name},{rest}"),
            _ => format!("{metric}{matchers}"),
        }
    }

    fn modifiers(&mut self) -> String {
        let offset = match self.random.below(16) {
            0 => " offset 1m".to_owned(),
            1 => " offset -2m".to_owned(),
            2 => format!(" offset {}", self.random.pick(&["1m30s", "-37s", "0s", "90", "(1m + 30)", "-(2 * 15s)"])),
            _ => String::new(),
        };
        let at = match self.random.below(16) {
            0 => format!(" @ {}", self.time()),
            1 => " @ end()".to_owned(),
            2 => " @ start()".to_owned(),
            3 if self.random.one_in(8) => " @ 1.5e3".to_owned(),
            _ => String::new(),
        };
        if self.random.one_in(2) { format!("{at}{offset}") } else { format!("{offset}{at}") }
    }

    /// A time within the data, or a little before or behind it.
    fn time(&mut self) -> String {
        let span = (self.end_s - self.start_s) as u64;
        let at = self.start_s - 120 + self.random.below(span + 240) as i64;
        if self.random.one_in(3) { format!("{at}.5") } else { at.to_string() }
    }

    fn duration(&mut self) -> &'static str {
        self.random.pick(&["1m", "2m", "5m", "5m", "10m", "37s", "30m", "15s", "1m15s", "90", "(1m * 2)", "0x78"])
    }

    fn range(&mut self, depth: u64) -> String {
        let (duration, modifiers) = (self.duration(), self.modifiers());
        if depth > 1 && self.random.one_in(3) {
            let step = self.random.pick(&["", "", "15s", "1m", "40s", "(30s / 2)"]);
            return format!("({})[{duration}:{step}]{modifiers}", self.vector(depth - 1));
        }
        format!("{}[{duration}]{modifiers}", self.selector())
    }

    fn number(&mut self) -> &'static str {
        self.random.pick(&[
            "0", "1", "2", "0.5", "-1", "10", "1e3", "NaN", "Inf", "-Inf", "0.9", "3", "0x1F", "1_000", "5m", "-0",
            "1.01", ".99",
        ])
    }

    fn scalar(&mut self, depth: u64) -> String {
        match self.random.below(if depth > 1 { 10 } else { 4 }) {
            0 => "time()".to_owned(),
            1 => "pi()".to_owned(),
            2 | 3 => self.number().to_owned(),
            4 | 5 => format!("scalar({})", self.vector(depth - 1)),
            6 => format!("-{}", self.scalar(depth - 1)),
            _ => {
                let op = self.random.pick(&[
                    "+", "-", "*", "/", "%", "^", "atan2", "> bool", "== bool", "!= bool", "<= bool", "< bool",
                ]);
                format!("({} {op} {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn vector(&mut self, depth: u64) -> String {
        if depth <= 1 {
            return format!("{}{}", self.selector(), self.modifiers());
        }
        match self.random.below(22) {
            0..=5 => self.range_call(depth),
            6..=9 => self.aggregation(depth),
            10..=13 => self.binary(depth),
            14..=16 => self.call(depth),
            17 => format!("{}{}", self.random.pick(&["-", "+"]), self.vector(depth - 1)),
            18 | 19 => self.histogram_call(depth),
            20 => self.info(depth),
            _ => format!("({}{})", self.selector(), self.modifiers()),
        }
    }

    fn grouping(&mut self) -> String {
        let clause = self.random.pick(&["by", "without", ""]);
        if clause.is_empty() {
            return String::new();
        }
        let mut labels: Vec<&str> = (0..self.random.below(3)).map(|_| self.random.pick(&LABELS)).collect();
        labels.sort_unstable();
        labels.dedup();
        format!(" {clause} ({})", labels.join(", "))
    }

    fn aggregation(&mut self, depth: u64) -> String {
        let (grouping, inner) = (self.grouping(), self.vector(depth - 1));
        match self.random.below(16) {
            0 => format!("topk{grouping}({}, {inner})", self.random.pick(&["2", "0", "1", "100", "-1", "NaN", "2.9"])),
            1 => format!("bottomk{grouping}(1, {inner})"),
            2 => format!("quantile{grouping}({}, {inner})", self.number()),
            3 => {
                let label = self.random.pick(&["v", "job", "le", "with space", "__name__", ""]);
                format!("count_values{grouping}(\"{label}\", {inner})")
            }
            4 => format!("limitk{grouping}({}, {inner})", self.random.pick(&["1", "3", "0", "NaN"])),
            5 => {
                let ratio = self.random.pick(&["0.3", "-0.7", "1", "0", "2", "-1.5", "NaN", "0.5"]);
                format!("limit_ratio{grouping}({ratio}, {inner})")
            }
            6 => format!("quantile{grouping}({}, {inner})", self.scalar(depth - 1)),
            _ => {
                let op = self.random.pick(&["sum", "sum", "avg", "count", "min", "max", "stddev", "stdvar", "group"]);
                if self.random.one_in(2) {
                    format!("{op}{grouping}({inner})")
                } else {
                    format!("{op}({inner}){grouping}")
                }
            }
        }
    }

    fn binary(&mut self, depth: u64) -> String {
        const OPERATORS: [&str; 22] = [
            "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "== bool", "> bool", "<= bool",
            "!= bool", "and", "or", "unless", "+", "-",
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
        let matching = match self.random.below(12) {
            0 => "on(job, instance)",
            1 => "ignoring(code)",
            2 if !is_set => "on(job) group_left()",
            3 if !is_set => "on(instance, job) group_right(version)",
            4 if !is_set => "ignoring(code, le) group_left(version)",
            5 => "on()",
            6 if !is_set => "on(job, instance) group_left",
            7 if !is_set => "on(job, instance) group_right(code, nothing)",
            8 => "ignoring(__name__, version, zone)",
            9 => "on(__name__, job, instance)",
            _ => "",
        };
        format!("({left}) {op} {matching} ({right})")
    }
}
