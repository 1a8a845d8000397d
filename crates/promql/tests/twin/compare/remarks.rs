//! Warnings and infos without what versions of the original word differently: the one at hand is older than the one we
//! follow.

/// What only the newer version says.
const NEWER: [&str; 2] = ["sort is ineffective", "conflicting counter resets"];

/// Where the newer version leaves the name of the metric out, or says more behind the text.
const ENDS: [(&str, &str); 3] = [
    ("bucket label", " for metric name"),
    ("mix of classic and native", " for metric name"),
    ("needed to be fixed for monotonicity", "#histogram_quantile)"),
];

/// The part of a remark that both versions have; nothing where only the newer one has it.
pub(super) fn shared(query: &str, text: &str) -> Option<String> {
    if NEWER.iter().any(|newer| text.contains(newer)) {
        return None;
    }
    let Some((message, position)) = text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) else {
        return Some(text.to_owned());
    };
    let mut message = message.to_owned();
    for (about, end) in ENDS {
        if message.contains(about)
            && let Some(at) = message.find(end)
        {
            message.truncate(at);
        }
    }
    if let Some((before, given)) = message.rsplit_once("got ")
        && let Ok(given) = given.parse::<f64>()
    {
        // Powers and angles differ in their last digits.
        message = format!("{before}got {given:.9e}");
    }
    let position = position.split_once(':').map_or(position, |(_, column)| column);
    let position = position.parse().map_or(0, |column: usize| without_parentheses(query, column));
    Some(format!("{message} at {position}"))
}

/// The newer version forgets parentheses before it evaluates: the position of what is in them counts.
fn without_parentheses(query: &str, column: usize) -> usize {
    let rest = query.as_bytes().iter().skip(column - 1);
    column + rest.take_while(|byte| matches!(byte, b'(' | b' ')).count()
}
