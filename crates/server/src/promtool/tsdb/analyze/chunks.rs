//! How full chunks are, drawn as bars.

use std::fmt::Write as _;

use prometheus_data::ChunkFigures;

pub(super) fn print(chunks: &[ChunkFigures]) {
    println!("\nCompaction analysis:\n");
    print!("{}", text(chunks));
}

fn text(chunks: &[ChunkFigures]) -> String {
    let samples = |chunk: &ChunkFigures| usize::from(chunk.samples);
    let of = |is_float: bool, figure: fn(&ChunkFigures) -> usize| -> Vec<usize> {
        chunks.iter().filter(|chunk| chunk.buckets.is_none() == is_float).map(figure).collect()
    };
    [
        ("samples per float chunk", of(true, samples)),
        ("bytes per float chunk", of(true, |chunk| chunk.bytes)),
        ("samples per histogram chunk", of(false, samples)),
        ("bytes per histogram chunk", of(false, |chunk| chunk.bytes)),
        ("buckets per histogram chunk", of(false, |chunk| chunk.buckets.unwrap_or(0))),
    ]
    .into_iter()
    .map(|(head, figures)| bars(head, figures, chunks.len()))
    .collect()
}

/// One drawing. A bar is a percentage of all chunks, of whichever kind.
fn bars(head: &str, mut figures: Vec<usize>, total: usize) -> String {
    figures.sort_unstable();
    let (Some(min), Some(max)) = (figures.first().copied(), figures.last().copied()) else {
        return format!("{head}: N/A\n\n");
    };
    let mut step = 10;
    while step < (max - min) / 10 && step <= 10_000 {
        step *= 10;
    }
    let start = min - min % step;
    let end = max - max % step + step;
    let mut counts = vec![0_usize; (end - start) / step + 1];
    figures.iter().for_each(|figure| counts[(figure - start) / step] += 1);
    let average = figures.iter().sum::<usize>() / figures.len();
    let mut text = format!("{head} (min/avg/max): {min}/{average}/{max}\n");
    let width = |number: usize| number.to_string().len();
    let (left, right, count_width) = (width(end), width(end + step), width(counts.iter().copied().max().unwrap_or(0)));
    for (bar, count) in counts.into_iter().enumerate() {
        let (from, to) = (bar * step + start + 1, (bar + 1) * step + start);
        let bar = "#".repeat(100 * count / total.max(1));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "[{from:left$}, {to:right$}]: {count:count_width$} {bar}");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_are_those_of_the_original() {
        let drawn = bars("bytes per float chunk", vec![300, 301, 324, 318], 4);
        let expected = "bytes per float chunk (min/avg/max): 300/310/324\n\
            [301, 310]: 2 ##################################################\n\
            [311, 320]: 1 #########################\n\
            [321, 330]: 1 #########################\n\
            [331, 340]: 0 \n\n";
        assert_eq!(drawn, expected);
        assert_eq!(bars("x", Vec::new(), 4), "x: N/A\n\n");
    }
}
