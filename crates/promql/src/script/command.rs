//! What a script says: commands in blocks of lines.

use metrics_model::Labels;
use metrics_model::duration::parse_duration;
use regex::Regex;

use super::series::{SeriesDescription, SeriesPoint, parse_series};
use crate::parser::text::{parse_number, unquote};

/// A line that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// From 1.
    pub(super) line: usize,
    pub(super) message: String,
}

/// One command of a script.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// Series to load.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) step_ms: i64,
    /// Convert classic histograms to native ones as well.
    pub(super) custom_buckets: bool,
    pub(super) series: Vec<LoadSeries>,
}

#[derive(Debug, Clone)]
pub(super) struct LoadSeries {
    pub(super) description: SeriesDescription,
    /// For each point how long before it its counter started, in milliseconds; nothing when it is not known.
    pub(super) starts: Vec<Option<i64>>,
}

/// When a query is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Instant { time_ms: i64 },
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// A query and what is expected of it.
#[derive(Debug, Clone)]
pub(super) struct Eval {
    /// From 1.
    pub(super) line: usize,
    pub(super) query: String,
    pub(super) when: When,
    pub(super) expect: Expectations,
}

/// What is expected of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectations {
    /// It fails, with a text that matches.
    pub(super) fail: Option<Vec<TextMatch>>,
    pub(super) warnings: Remarks,
    pub(super) infos: Remarks,
    /// Elements come in the order they are listed.
    pub(super) ordered: bool,
    /// The answer is this text.
    pub(super) text: Option<String>,
    /// The answer is a range, whose points are at these times.
    pub(super) range_vector: Option<When>,
    pub(super) scalar: Option<f64>,
    /// Elements in the order they are listed.
    pub(super) series: Vec<(Labels, Vec<SeriesPoint>)>,
}

/// What is expected of annotations of one kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Remarks {
    /// At least one, whatever it says.
    pub(super) any: bool,
    /// None at all.
    pub(super) none: bool,
    /// Each of these matches some, and all that there are match some of these.
    pub(super) matching: Vec<TextMatch>,
}

/// A condition on a text.
#[derive(Debug, Clone)]
pub(super) enum TextMatch {
    Anything,
    Exact(String),
    Pattern(Regex),
}

impl TextMatch {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(wanted) => wanted == text,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

/// Parses a script.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, Problem> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        // A comment ends a block like an empty line does.
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let end = lines[at..].iter().position(|line| line.is_empty()).map_or(lines.len(), |length| at + length);
        if end == at {
            at += 1;
            continue;
        }
        let block = Block { lines: &lines[at..end], first: at + 1 };
        let word = block.lines[0].split_whitespace().next().unwrap_or_default();
        let (command, used) = match word {
            "clear" => (Command::Clear, 1),
            _ if word.starts_with("load") => (Command::Load(block.load()?), block.lines.len()),
            _ if word.starts_with("eval") => (Command::Eval(Box::new(block.eval()?)), block.lines.len()),
            _ => return Err(block.problem(0, format!("invalid command {word:?}"))),
        };
        commands.push(command);
        at += used;
    }
    Ok(commands)
}

/// The lines of one command.
struct Block<'a> {
    lines: &'a [&'a str],
    /// The number of the first, from 1.
    first: usize,
}

impl Block<'_> {
    fn problem(&self, at: usize, message: impl Into<String>) -> Problem {
        Problem { line: self.first + at, message: message.into() }
    }

    fn duration_ms(&self, at: usize, text: &str) -> Result<i64, Problem> {
        let (is_negative, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
        let duration =
            parse_duration(size).map_err(|error| self.problem(at, format!("invalid duration {text:?}: {error}")))?;
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Ok(if is_negative { -milliseconds } else { milliseconds })
    }

    fn series(&self, at: usize) -> Result<SeriesDescription, Problem> {
        parse_series(self.lines[at]).map_err(|error| self.problem(at, error.to_string()))
    }

    fn load(&self) -> Result<Load, Problem> {
        let words: Vec<&str> = self.lines[0].split_whitespace().collect();
        let &[command @ ("load" | "load_with_nhcb"), step] = words.as_slice() else {
            return Err(self.problem(0, "invalid load command. (load[_with_nhcb] <step:duration>)"));
        };
        let step_ms = self.duration_ms(0, step)?;
        let mut series = Vec::new();
        let mut starts: Option<(usize, SeriesDescription, Vec<Option<i64>>)> = None;
        for at in 1..self.lines.len() {
            if let Some((head, offsets)) = start_line(self.lines[at]) {
                if let Some((line, ..)) = starts {
                    return Err(self.problem(line, "@st line has no following sample line"));
                }
                let described = parse_series(head).map_err(|error| self.problem(at, error.to_string()))?;
                starts = Some((at, described, self.start_offsets(at, offsets)?));
                continue;
            }
            let description = self.series(at)?;
            let starts = match starts.take() {
                None => Vec::new(),
                Some((line, described, _)) if described.labels != description.labels => {
                    return Err(self.problem(line, "@st metric does not match the following sample line metric"));
                }
                Some((line, _, starts)) if starts.len() != description.points.len() => {
                    let (given, wanted) = (starts.len(), description.points.len());
                    let message = format!("@st line has {given} values but sample line has {wanted}");
                    return Err(self.problem(line, message));
                }
                Some((_, _, starts)) => starts,
            };
            series.push(LoadSeries { description, starts });
        }
        match starts {
            Some((line, ..)) => Err(self.problem(line, "@st line has no following sample line")),
            None => Ok(Load { step_ms, custom_buckets: command == "load_with_nhcb", series }),
        }
    }

    /// Offsets of start times: `-30s`, `-30sx2`, `-1m-1mx2`, `_`, `_x3`.
    fn start_offsets(&self, at: usize, text: &str) -> Result<Vec<Option<i64>>, Problem> {
        let mut offsets = Vec::new();
        for item in text.split_whitespace() {
            let bad = || self.problem(at, format!("invalid ST item {item:?}"));
            let (body, count) = match item.rsplit_once('x') {
                Some((body, count)) => (body, Some(count.parse::<usize>().map_err(|_| bad())?)),
                None => (item, None),
            };
            if body == "_" {
                offsets.extend(std::iter::repeat_n(None, count.unwrap_or(1)));
                continue;
            }
            let split = body[1..].find(['+', '-']).map(|place| place + 1);
            let (base, step) = split.map_or((body, None), |place| (&body[..place], Some(&body[place..])));
            let signed = |text: &str| self.duration_ms(at, text.strip_prefix('+').unwrap_or(text));
            let (base, step) = (signed(base)?, step.map(signed).transpose()?.unwrap_or(0));
            if step != 0 && count.is_none() {
                return Err(bad());
            }
            let count = i64::try_from(count.unwrap_or(0)).map_err(|_| bad())?;
            offsets.extend((0..=count).map(|number| Some(base + number * step)));
        }
        Ok(offsets)
    }

    fn eval(&self) -> Result<Eval, Problem> {
        let (word, rest) = self.lines[0].split_once(char::is_whitespace).unwrap_or((self.lines[0], ""));
        let rest = rest.trim_start();
        let (when, query) = if let Some(rest) = rest.strip_prefix("instant") {
            self.instant_head(rest)?
        } else if let Some(rest) = rest.strip_prefix("range") {
            self.range_head(rest)?
        } else {
            return Err(self.problem(0, "invalid evaluation command: neither instant nor range"));
        };
        let mut expect = Expectations::default();
        match word {
            "eval" => {}
            "eval_fail" => expect.fail = Some(Vec::new()),
            "eval_warn" => expect.warnings.any = true,
            "eval_info" => expect.infos.any = true,
            "eval_ordered" => expect.ordered = true,
            _ => return Err(self.problem(0, format!("invalid command {word:?}"))),
        }
        for at in 1..self.lines.len() {
            self.expectation(at, when, &mut expect)?;
        }
        Ok(Eval { line: self.first, query, when, expect })
    }

    fn instant_head(&self, rest: &str) -> Result<(When, String), Problem> {
        let words = rest.trim_start().strip_prefix("at").map(str::trim_start);
        let (time, query) = words
            .and_then(|rest| rest.split_once(char::is_whitespace))
            .ok_or_else(|| self.problem(0, "invalid evaluation command: (eval instant at <time> <query>)"))?;
        Ok((When::Instant { time_ms: self.duration_ms(0, time)? }, query.trim().to_owned()))
    }

    fn range_head(&self, rest: &str) -> Result<(When, String), Problem> {
        let mut rest = rest;
        let mut times = [0_i64; 3];
        for (time, name) in times.iter_mut().zip(["from", "to", "step"]) {
            let after = rest.trim_start().strip_prefix(name).map(str::trim_start);
            let (text, tail) = after.and_then(|after| after.split_once(char::is_whitespace)).unwrap_or_default();
            if text.is_empty() {
                let shape = "eval range from <start> to <end> step <step> <query>";
                return Err(self.problem(0, format!("invalid evaluation command: ({shape})")));
            }
            *time = self.duration_ms(0, text)?;
            rest = tail;
        }
        let [start_ms, end_ms, step_ms] = times;
        if end_ms < start_ms {
            return Err(self.problem(0, "invalid range: it ends before it starts"));
        }
        Ok((When::Range { start_ms, end_ms, step_ms }, rest.trim().to_owned()))
    }

    fn expectation(&self, at: usize, when: When, expect: &mut Expectations) -> Result<(), Problem> {
        let line = self.lines[at];
        if let Some(text) = line.strip_prefix("expected_fail_message ") {
            expect.fail.get_or_insert_default().push(TextMatch::Exact(text.trim().to_owned()));
            return Ok(());
        }
        if let Some(pattern) = line.strip_prefix("expected_fail_regexp ") {
            let pattern = self.pattern(at, pattern)?;
            expect.fail.get_or_insert_default().push(pattern);
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("expect ") {
            return self.expect_line(at, rest.trim(), when, expect);
        }
        if expect.series.is_empty()
            && expect.scalar.is_none()
            && let Ok(number) = parse_signed(line)
        {
            expect.scalar = Some(number);
            return Ok(());
        }
        let SeriesDescription { labels, points } = self.series(at)?;
        let only_one = matches!(when, When::Instant { .. }) && expect.range_vector.is_none();
        if only_one && points.len() > 1 {
            return Err(self.problem(at, "expecting multiple values in instant evaluation not allowed"));
        }
        expect.series.push((labels, points));
        Ok(())
    }

    fn pattern(&self, at: usize, pattern: &str) -> Result<TextMatch, Problem> {
        let pattern = Regex::new(pattern.trim())
            .map_err(|error| self.problem(at, format!("invalid regular expression {pattern:?}: {error}")))?;
        Ok(TextMatch::Pattern(pattern))
    }

    fn expect_line(&self, at: usize, rest: &str, when: When, expect: &mut Expectations) -> Result<(), Problem> {
        let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let rest = rest.trim();
        let text_match = || {
            if rest.is_empty() {
                Ok(TextMatch::Anything)
            } else if let Some(text) = rest.strip_prefix("msg:") {
                Ok(TextMatch::Exact(text.trim().to_owned()))
            } else if let Some(pattern) = rest.strip_prefix("regex:") {
                self.pattern(at, pattern)
            } else {
                Err(self.problem(at, format!("invalid expect statement, must be msg: or regex:, got {rest:?}")))
            }
        };
        match kind {
            "fail" => expect.fail.get_or_insert_default().push(text_match()?),
            "warn" => expect.warnings.matching.push(text_match()?),
            "info" => expect.infos.matching.push(text_match()?),
            "no_warn" => expect.warnings.none = true,
            "no_info" => expect.infos.none = true,
            "ordered" => expect.ordered = true,
            "string" => expect.text = Some(unquote(rest)),
            "range" => {
                let times = rest.strip_prefix("vector").unwrap_or(rest);
                // There is no query behind these times.
                let (range, _) = self
                    .range_head(&format!("{times} -"))
                    .map_err(|problem| Problem { line: self.first + at, ..problem })?;
                expect.range_vector = Some(range);
            }
            _ => return Err(self.problem(at, format!("invalid expected error/annotation type {kind:?}"))),
        }
        match (when, kind) {
            (When::Range { .. }, "ordered" | "string" | "range") => {
                Err(self.problem(at, format!("expecting {kind} from a range evaluation is not allowed")))
            }
            _ => Ok(()),
        }
    }
}

/// Takes a line of start times apart: the first word ends in `@st`.
fn start_line(line: &str) -> Option<(&str, &str)> {
    let (head, offsets) = line.split_once([' ', '\t'])?;
    Some((head.strip_suffix("@st")?, offsets.trim()))
}

/// A number with a sign.
fn parse_signed(text: &str) -> Result<f64, String> {
    match text.as_bytes().first() {
        Some(b'-') => parse_number(&text[1..]).map(|value| -value),
        Some(b'+') => parse_number(&text[1..]),
        _ => parse_number(text),
    }
}
