//! Histograms as text: for people, and in the notation of test scripts.

use std::fmt;

use super::{FloatHistogram, ResetHint};
use crate::number::format_general;

/// `{count:5, sum:18.4, [-0.001,0.001]:4, (0.7,1]:1}`: buckets with observations from the lowest to the highest.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_general(self.count), format_general(self.sum))?;
        let mut negative: Vec<_> = self.negative().filter(|(_, count)| *count != 0.0).collect();
        negative.reverse();
        for (index, count) in negative {
            write!(f, ", {}", self.negative_bucket(index, count))?;
        }
        if self.zero_count != 0.0 {
            write!(f, ", {}", self.zero_bucket())?;
        }
        for (index, count) in self.positive().filter(|(_, count)| *count != 0.0) {
            write!(f, ", {}", self.positive_bucket(index, count))?;
        }
        f.write_str("}")
    }
}

impl FloatHistogram {
    /// The notation of test scripts: `{{schema:1 count:3 sum:14 buckets:[1 2]}}`.
    #[must_use]
    pub fn script_text(&self) -> String {
        let mut parts = Vec::new();
        if self.schema != 0 {
            parts.push(format!("schema:{}", self.schema));
        }
        for (name, number) in [
            ("count", self.count),
            ("sum", self.sum),
            ("z_bucket", self.zero_count),
            ("z_bucket_w", self.zero_threshold),
        ] {
            if number != 0.0 {
                parts.push(format!("{name}:{}", format_general(number)));
            }
        }
        if self.uses_custom_buckets() {
            parts.push(format!("custom_values:{}", list(self.custom_bounds())));
        }
        match self.reset_hint {
            ResetHint::Unknown => {}
            ResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
            ResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
            ResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
        }
        let sides = [("", self.positive().collect::<Vec<_>>()), ("n_", self.negative().collect())];
        for (prefix, buckets) in sides {
            let Some((offset, counts)) = dense(&buckets) else { continue };
            if offset != 0 {
                parts.push(format!("{prefix}offset:{offset}"));
            }
            parts.push(format!("{prefix}buckets:{}", list(&counts)));
        }
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

/// The index of the first bucket with observations, and all counts from there to the last such bucket.
fn dense(buckets: &[(i32, f64)]) -> Option<(i32, Vec<f64>)> {
    let used: Vec<_> = buckets.iter().filter(|(_, count)| *count != 0.0).collect();
    let (first, last) = (used.first()?.0, used.last()?.0);
    let mut counts = vec![0.0; usize::try_from(last - first).unwrap_or(0) + 1];
    for (index, count) in used {
        if let Ok(at) = usize::try_from(index - first) {
            counts[at] = *count;
        }
    }
    Some((first, counts))
}

fn list(numbers: &[f64]) -> String {
    let texts: Vec<String> = numbers.iter().map(|number| format_general(*number)).collect();
    format!("[{}]", texts.join(" "))
}
