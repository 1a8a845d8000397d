//! Odd pages: lines made to find the edges of a lexer, and the same with one byte changed.

/// A page and its format.
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_openmetrics: bool,
}

impl Page {
    pub(crate) fn content_type(&self) -> &'static str {
        if self.is_openmetrics { "application/openmetrics-text; version=1.0.0" } else { "text/plain; version=0.0.4" }
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = if self.is_openmetrics { "OpenMetrics" } else { "text" };
        write!(f, "{format} \"{}\"", self.bytes.escape_ascii())
    }
}

/// Lines without their newline; each becomes a page of its own in both formats.
const LINES: &[&str] = &[
    "a 1",
    "a  1",
    "a\t1",
    " a 1",
    "a 1 ",
    "a{} 1",
    "a{}1",
    "a {} 1",
    "a{b=\"c\"} 1",
    "a{b=\"c\",} 1",
    "a{b=\"c\",,} 1",
    "a{,b=\"c\"} 1",
    "a{b=\"c\"d=\"e\"} 1",
    "a{b=\"c\" ,d=\"e\"} 1",
    "a{b =\"c\"} 1",
    "a{b= \"c\"} 1",
    "a{ b=\"c\" } 1",
    "a{b='c'} 1",
    "a{b=c} 1",
    "a{b} 1",
    "a{b=\"c\\\"d\"} 1",
    "a{b=\"c\\\\\"} 1",
    "a{b=\"c\\nd\"} 1",
    "a{b=\"c\\td\"} 1",
    "a{b=\"c\nd\"} 1",
    "a{b=\"c\\\nd\"} 1",
    "a{b=\"\"} 1",
    "a{=\"c\"} 1",
    "a{1b=\"c\"} 1",
    "a{b:c=\"d\"} 1",
    "a{b-c=\"d\"} 1",
    "a{\"b-c\"=\"d\"} 1",
    "a{\"b\\\"c\"=\"d\"} 1",
    "a{\"\"=\"d\"} 1",
    "a{b=\"c\",b=\"d\"} 1",
    "a{b=\"c\",b=\"c\"} 1",
    "a{__name__=\"b\"} 1",
    "a{le=\"1\"} 1",
    "a:b 1",
    ":a 1",
    "1a 1",
    "_ 1",
    "a.b 1",
    "a-b 1",
    "{\"a.b\"} 1",
    "{\"a.b\",} 1",
    "{\"a.b\",c=\"d\"} 1",
    "{c=\"d\",\"a.b\"} 1",
    "{ \"a.b\" , c = \"d\" } 1",
    "{\"a.b\" c=\"d\"} 1",
    "{\"a.b\",\"c.d\"} 1",
    "{\"a.b\"}1",
    "{\"\"} 1",
    "{} 1",
    "{b=\"c\"} 1",
    "{a} 1",
    "a{\"b\"} 1",
    "{\"a\\\"b\\\\c\\nd\"} 1",
    "{\"a\nb\"} 1",
    "a{b=\"é\"} 1",
    "é 1",
    "{\"é\"} 1",
    "a",
    "a ",
    "a{b=\"c\"}",
    "a{b=\"c\"",
    "a{b=\"c",
    "a{b=",
    "a{b",
    "a{",
    "a}",
    "a{b=\"c\"}} 1",
    "a{{b=\"c\"}} 1",
    "a 1 2",
    "a 1 1.5",
    "a 1 1e3",
    "a 1 -1",
    "a 1 +1",
    "a 1 NaN",
    "a 1 +Inf",
    "a 1 0x10",
    "a 1 1_0",
    "a 1 99999999999999999999",
    "a 1 2 3",
    "a 1  2",
    "a 1\t2",
    "a 1 2 ",
    "a 1 2x",
    "a 1 #",
    "a 1 # b",
    "a 1 # {} 1",
    "a 1 # {b=\"c\"} 1",
    "a 1 2 # {b=\"c\"} 1 2",
    "a 1 # {b=\"c\"} 1 2 3",
    "a 1 # {b=\"c\"}",
    "a 1 # {b=\"c\"}1",
    "a 1 # {b=\"c\",} 1",
    "a 1 # {\"b\"} 1",
    "a 1 # {\"b.c\"=\"d\"} 1",
    "a 1 # {b=\"c\"} x",
    "a 1 # {b=\"c\"} NaN",
    "a 1 # {b=\"c\"} 1 NaN",
    "a 1 #{b=\"c\"} 1",
    "a 1  # {b=\"c\"} 1",
    "a +1",
    "a -1",
    "a --1",
    "a 1.",
    "a .5",
    "a .",
    "a 1e5",
    "a 1e",
    "a 1E+5",
    "a 1e400",
    "a -1e400",
    "a 1e-400",
    "a 0x1",
    "a 0x1p4",
    "a 0b1",
    "a 0o7",
    "a 07",
    "a 1_000",
    "a 1,5",
    "a NaN",
    "a nan",
    "a NAN",
    "a -NaN",
    "a +NaN",
    "a nano",
    "a Inf",
    "a inf",
    "a +inf",
    "a -INF",
    "a infinity",
    "a -Infinity",
    "a infinit",
    "a true",
    "a 1\r",
    "a\r 1",
    "a 1\0",
    "a\0 1",
    "a{b=\"\0\"} 1",
    "a{b\0=\"c\"} 1",
    "a 123456789012345678901234567890",
    "a 0.1234567890123456789012345",
    "a 9007199254740993",
    "a 4.9e-324",
    "a 1.7976931348623157e308",
    "a 1.7976931348623159e308",
    "# HELP a b",
    "# HELP a",
    "# HELP a ",
    "# HELP  a  b",
    "# HELP",
    "# HELP ",
    "# HELP 1 b",
    "# HELP a\tb",
    "# HELP \"a.b\" c",
    "# HELP \"a.b\"c",
    "# HELP a b\\c\\n\\\"",
    "#HELP a b",
    "#  HELP a b",
    "#\tHELP a b",
    " # HELP a b",
    "# TYPE a counter",
    "# TYPE a Counter",
    "# TYPE a counter ",
    "# TYPE a  counter",
    "# TYPE a\tcounter",
    "# TYPE a",
    "# TYPE a ",
    "# TYPE a untyped",
    "# TYPE a unknown",
    "# TYPE a gaugehistogram",
    "# TYPE a stateset",
    "# TYPE a info",
    "# TYPE \"a.b\" gauge",
    "# TYPE a gauge\n# TYPE a gauge",
    "# UNIT a_b b",
    "# UNIT a_b c",
    "# UNIT ab b",
    "# UNIT b b",
    "# UNIT a_b ",
    "# UNIT a_b",
    "# TYPE a summary\na{quantile=\"1\"} 1",
    "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"1.0\"} 2",
    "# TYPE a histogram\na_bucket{le=\"x\"} 1",
    "# TYPE a counter\na_total 1\na_created 2",
    "# hello",
    "#hello",
    "#",
    "# ",
    "",
    " ",
    "\t",
    "\r",
    "\0",
    "a 1\n\na 2",
    "a 1\n \nb 2",
    "a 1\na 2",
    "# EOF",
    "# EOF\n",
    "# EOF\na 1",
    "# EOF ",
    "#EOF",
    "# EO",
    "\u{feff}a 1",
    "a 1;",
    "a{b=\"c\";d=\"e\"} 1",
    "a{b!=\"c\"} 1",
    "a=\"b\" 1",
    "\"a\" 1",
    "<html>",
];

/// Pages with samples that every reader takes, to change bytes of.
const SEEDS: &[&str] = &[
    "# HELP a_total b\\n c\n# TYPE a_total counter\na_total{b=\"c\\\"\",d=\"e\"} 1.5e3 17\n{\"x.y\",z=\"1\"} -2\n",
    "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2 # {id=\"x\"} 0.6 1.5\nh_sum 1\nh_count 2\n",
];

/// Bytes that mean something to a lexer.
const BYTES: &[u8] = b" \t\n\"\\{},=#0a_.:-+\0\xff";

/// Every line in both formats, and the seeds with each byte replaced, left out or doubled.
pub(crate) fn all() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut push = |bytes: Vec<u8>| {
        let openmetrics = [bytes.as_slice(), b"# EOF\n"].concat();
        pages.push(Page { bytes, is_openmetrics: false });
        pages.push(Page { bytes: openmetrics, is_openmetrics: true });
    };
    for line in LINES {
        push(format!("{line}\n").into_bytes());
        push(format!("before 1\n{line}\nafter 1\n").into_bytes());
    }
    for seed in SEEDS {
        let seed = seed.as_bytes();
        for at in 0..seed.len() {
            // A different byte each time keeps the number of pages in bounds.
            let other = BYTES[(at * 7) % BYTES.len()];
            push([&seed[..at], &[other], &seed[at + 1..]].concat());
            push([&seed[..at], &seed[at + 1..]].concat());
            push([&seed[..at], &[seed[at]], &seed[at..]].concat());
        }
    }
    for line in LINES {
        pages.push(Page { bytes: line.as_bytes().to_vec(), is_openmetrics: false });
        pages.push(Page { bytes: line.as_bytes().to_vec(), is_openmetrics: true });
    }
    pages
}
