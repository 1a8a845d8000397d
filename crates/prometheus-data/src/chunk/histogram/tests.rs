//! Chunks of histograms there and back.

use proptest::prelude::*;

use super::*;

fn integer(seed: u64, reset_hint: ResetHint) -> Histogram {
    let at = |shift: u64| (seed.rotate_left(shift as u32) % 1000) as i64;
    Histogram {
        reset_hint,
        schema: 3,
        zero_threshold: 2_f64.powi(-128),
        zero_count: at(3) as u64,
        count: 10_000 + at(5) as u64,
        sum: at(7) as f64 / 8.0,
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
        positive_deltas: vec![at(11), at(13) - 500, at(17) - 500],
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_deltas: vec![at(19)],
        custom_values: None,
    }
}

/// Encodes histograms that are all in one chunk, and decodes them.
fn there_and_back<C: Counts>(samples: &[(i64, C::Value)]) -> Vec<Sample> {
    let (at_ms, first) = &samples[0];
    let mut encoder = HistogramEncoder::<C>::start(*at_ms, first, Cut::None);
    samples[1..].iter().for_each(|(at_ms, value)| encoder.push(*at_ms, value));
    assert_eq!(usize::from(encoder.count()), samples.len());
    let mut out = Vec::new();
    decode::<C>(&encoder.finish(), &mut out).expect("a whole chunk");
    out
}

fn check(samples: &[(i64, Histogram)]) {
    let found = there_and_back::<Integer>(samples);
    for ((at_ms, expected), found) in samples.iter().zip(&found) {
        let SampleValue::Histogram(value) = &found.value else { unreachable!("{found:?}") };
        assert_eq!((found.timestamp_ms, &**value), (*at_ms, expected));
    }
    let floats: Vec<(i64, FloatHistogram)> = samples.iter().map(|(at_ms, value)| (*at_ms, value.to_float())).collect();
    let found = there_and_back::<Float>(&floats);
    for ((at_ms, expected), found) in floats.iter().zip(&found) {
        let SampleValue::FloatHistogram(value) = &found.value else { unreachable!("{found:?}") };
        assert_eq!((found.timestamp_ms, &**value), (*at_ms, expected));
    }
}

#[test]
fn custom_buckets_and_odd_thresholds_come_back() {
    for bounds in [vec![0.005, 0.25, 1.0, 2.5, 33_554.43], vec![-1.0, 0.123_456_7, f64::MAX]] {
        let value = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            zero_threshold: 0.0,
            count: 7,
            sum: 1.5,
            positive_spans: vec![Span { offset: 0, length: bounds.len() as u32 }],
            positive_deltas: (0..bounds.len() as i64).collect(),
            custom_values: Some(Arc::from(bounds)),
            ..Histogram::default()
        };
        check(&[(5, value)]);
    }
    for zero_threshold in [0.0, 1.0, 1024.0, 2048.0, 2_f64.powi(-243), 2_f64.powi(-244), 0.3, f64::MIN_POSITIVE / 2.0] {
        check(&[(5, Histogram { zero_threshold, ..integer(9, ResetHint::Unknown) })]);
    }
}

#[test]
fn the_end_of_a_series_comes_back() {
    let stale = Histogram { reset_hint: ResetHint::NotReset, sum: metrics_model::stale_nan(), ..Histogram::default() };
    let first = integer(1, ResetHint::Unknown);
    let found = there_and_back::<Integer>(&[(1, first.clone()), (2, stale.clone())]);
    assert!(found[1].value.is_stale());
    assert!(there_and_back::<Float>(&[(1, stale.to_float())])[0].value.is_stale());
    assert_eq!(cut::<Integer>(&stale, &first), Cut::Layout);
    assert_eq!(cut::<Integer>(&first, &stale), Cut::None);
}

#[test]
fn resets_and_other_layouts_begin_chunks() {
    let before = integer(1, ResetHint::Unknown);
    let less = Histogram { count: before.count - 1, ..before.clone() };
    let other = Histogram { schema: 4, ..before.clone() };
    let gauge = Histogram { reset_hint: ResetHint::Gauge, ..before.clone() };
    assert_eq!(cut::<Integer>(&before, &before), Cut::None);
    assert_eq!(cut::<Integer>(&before, &less), Cut::Reset);
    assert_eq!(cut::<Float>(&before.to_float(), &less.to_float()), Cut::Reset);
    assert_eq!(cut::<Integer>(&before, &other), Cut::Layout);
    assert_eq!(cut::<Integer>(&before, &gauge), Cut::Layout);
    assert_eq!(HistogramEncoder::<Integer>::start(0, &less, Cut::Reset).finish()[2], RESET);
}

proptest! {
    #[test]
    fn histograms_come_back(samples in proptest::collection::vec((1..100_000_i64, any::<u64>()), 1..60), is_gauge: bool) {
        let mut at_ms = -7;
        let samples: Vec<(i64, Histogram)> = samples.iter().enumerate().map(|(index, (step, seed))| {
            at_ms += step;
            let hint = match index {
                _ if is_gauge => ResetHint::Gauge,
                0 => ResetHint::Unknown,
                _ => ResetHint::NotReset,
            };
            (at_ms, integer(*seed, hint))
        }).collect();
        check(&samples);
    }

    #[test]
    fn noise_is_an_error_or_samples(bytes: Vec<u8>) {
        let _ = decode::<Integer>(&bytes, &mut Vec::new());
        let _ = decode::<Float>(&bytes, &mut Vec::new());
    }

    #[test]
    fn damage_is_an_error_or_samples(seed: u64, at: usize, flip in 1..=255_u8) {
        let mut encoder = HistogramEncoder::<Integer>::start(0, &integer(seed, ResetHint::Unknown), Cut::None);
        encoder.push(1, &integer(seed, ResetHint::Unknown));
        let mut bytes = encoder.finish();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let _ = decode::<Integer>(&bytes, &mut Vec::new());
        let _ = decode::<Float>(&bytes, &mut Vec::new());
    }
}
