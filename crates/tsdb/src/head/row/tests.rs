use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::head::entry::EntryValue;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Float(u64),
    Histogram(Vec<u8>),
}

/// Writes rows of `members` members and reads them back both ways.
fn check(members: usize, rows: &[BTreeMap<usize, Value>], keyframe_every: usize) {
    let mut builder = RowBuilder::default();
    let mut written: Vec<Vec<u8>> = Vec::new();
    let mut last: BTreeMap<usize, Value> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let is_keyframe = index % keyframe_every == 0;
        builder.start(members, if is_keyframe { RowKind::Keyframe } else { RowKind::Chained });
        if is_keyframe {
            // Also those which the keyframe lacks count as 0 from here on.
            last.clear();
        }
        for (ordinal, value) in row {
            match value {
                Value::Float(next) => {
                    let prev = match last.get(ordinal) {
                        Some(Value::Float(prev)) => Some(*prev),
                        Some(Value::Histogram(_)) => None,
                        None => Some(0),
                    };
                    builder.push_float(*ordinal, prev, *next, ExponentHint::UNKNOWN);
                }
                Value::Histogram(bytes) => builder.push_histogram(*ordinal, bytes),
            }
            last.insert(*ordinal, value.clone());
        }
        assert_eq!(builder.present_count(), row.len());
        let mut out = Vec::new();
        builder.finish(&mut out);
        written.push(out);
    }
    for ordinal in 0..members {
        let mut prev = 0;
        for (row, bytes) in rows.iter().zip(&written) {
            let view = RowView::parse(bytes).unwrap();
            if view.is_keyframe() {
                prev = 0;
            }
            let found = value(view.cell(ordinal).unwrap(), &mut prev);
            assert_eq!(found.as_ref(), row.get(&ordinal));
        }
    }
    let mut prev = vec![0; members];
    for (row, bytes) in rows.iter().zip(&written) {
        let view = RowView::parse(bytes).unwrap();
        if view.is_keyframe() {
            prev.fill(0);
        }
        let mut found = BTreeMap::new();
        view.for_each(|ordinal, cell| {
            found.insert(ordinal, value(cell, &mut prev[ordinal]).unwrap());
            Ok(())
        })
        .unwrap();
        assert_eq!(found, *row);
    }
}

fn value(cell: Cell<'_>, prev: &mut u64) -> Option<Value> {
    match cell {
        Cell::Absent => None,
        Cell::Same => Some(Value::Float(*prev)),
        Cell::Changed(EntryBytes(bytes)) => match entry::take(&mut Reader::new(bytes), *prev).unwrap() {
            EntryValue::Float(bits) => {
                *prev = bits;
                Some(Value::Float(bits))
            }
            EntryValue::Histogram(bytes) => {
                *prev = 0;
                Some(Value::Histogram(bytes.to_vec()))
            }
        },
    }
}

#[test]
fn dense_sparse_and_wide() {
    let dense: BTreeMap<usize, Value> = (0..200).map(|at| (at, Value::Float((at as f64).to_bits()))).collect();
    let sparse = BTreeMap::from([(3, Value::Float(7)), (199, Value::Float(1.5_f64.to_bits()))]);
    let wide: BTreeMap<usize, Value> = (0..100).map(|at| (at, Value::Histogram(vec![1; 1000]))).collect();
    check(200, &[dense.clone(), dense, BTreeMap::new(), sparse, wide], 3);
    check(0, &[BTreeMap::new()], 1);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0..3_u64).prop_map(|value| Value::Float((value as f64).to_bits())),
        2 => any::<u64>().prop_map(Value::Float),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Histogram),
    ]
}

proptest! {
    #[test]
    fn any_rows_come_back(
        rows in proptest::collection::vec(proptest::collection::btree_map(0..150_usize, any_value(), 0..150), 1..6),
        keyframe_every in 1..4_usize,
    ) {
        check(150, &rows, keyframe_every);
    }

    #[test]
    fn noise_does_not_panic(bytes: Vec<u8>, ordinal in 0..300_usize) {
        if let Ok(view) = RowView::parse(&bytes) {
            let _ = view.cell(ordinal);
            let _ = view.for_each(|_, _| Ok(()));
        }
    }
}
