//! Cases of `index`.

use metrics_model::{Labels, MatchOp, Matcher};
use proptest::prelude::*;

use super::*;

const VALUES: [&str; 8] = ["", "a", "ab", "b", "abc", "x.y", "1", "2"];

fn labels(picks: &[usize]) -> Labels {
    let names = ["__name__", "job", "le"];
    Labels::from_pairs(names.into_iter().zip(picks).map(|(name, pick)| (name, VALUES[*pick])))
}

fn insert(index: &mut Index, id: SeriesId, labels: &Labels) {
    assert!(index.insert(id, LabelsHash::of(labels), &labels.iter().collect::<Vec<_>>()));
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let name = prop_oneof![Just("__name__"), Just("job"), Just("le"), Just("absent")];
    let op = prop_oneof![Just(MatchOp::Equal), Just(MatchOp::NotEqual), Just(MatchOp::Regex), Just(MatchOp::NotRegex)];
    let value = prop_oneof![
        Just(""),
        Just("a"),
        Just("ab"),
        Just("a|b"),
        Just("a|"),
        Just("a.*"),
        Just(".*"),
        Just(".+"),
        Just("[ab]+"),
        Just("x\\.y"),
        Just("a?")
    ];
    (name, op, value).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
}

proptest! {
    #[test]
    fn selects_what_each_series_says(
        series in proptest::collection::btree_set(proptest::collection::vec(0..VALUES.len(), 3), 0..60),
        removed in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
        matchers in proptest::collection::vec(matcher(), 0..4),
    ) {
        let mut index = Index::default();
        let mut known: Vec<(SeriesId, Labels)> = Vec::new();
        for picks in series {
            let labels = labels(&picks);
            if labels.is_empty() || index.table.find(&labels).is_some() {
                continue;
            }
            let id = index.table.next_id();
            insert(&mut index, id, &labels);
            known.push((id, labels));
        }
        for pick in removed {
            if !known.is_empty() {
                let (id, _) = known.remove(pick.index(known.len()));
                index.remove(id);
            }
        }
        let expected: Vec<u32> = known
            .iter()
            .filter(|(_, labels)| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
            .map(|(id, _)| id.0)
            .collect();
        let found = index.select(&matchers);
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected.clone());
        let mut names: Vec<&str> = known
            .iter()
            .filter(|(id, _)| expected.contains(&id.0))
            .flat_map(|(_, labels)| labels.iter().map(|(name, _)| name))
            .collect();
        names.sort_unstable();
        names.dedup();
        let texts = |texts| index.texts(&index.texts_where(texts, |posting| posting.intersects(&found)));
        prop_assert_eq!(texts(Texts::Names), names);
        let mut values: Vec<&str> =
            known.iter().filter(|(id, _)| expected.contains(&id.0)).filter_map(|(_, labels)| labels.get("job")).collect();
        values.sort_unstable();
        values.dedup();
        prop_assert_eq!(texts(Texts::ValuesOf("job")), values);
    }
}

#[test]
fn many_series_of_one_value() {
    let mut index = Index::default();
    for at in 0..500 {
        let labels = Labels::from_pairs([("__name__", "up"), ("instance", &format!("host-{at}"))]);
        let id = index.table.next_id();
        insert(&mut index, id, &labels);
    }
    let count = |op, value: &str| {
        index.select(&[Matcher::new("instance", op, value).unwrap(), Matcher::equal("__name__", "up")]).len()
    };
    assert_eq!(count(MatchOp::Regex, "host-1.*"), 111);
    assert_eq!(count(MatchOp::NotRegex, "host-1.*"), 389);
    assert_eq!(count(MatchOp::Regex, "host-1|host-2|nobody"), 2);
    assert_eq!(count(MatchOp::NotEqual, ""), 500);
    assert_eq!(count(MatchOp::Equal, ""), 0);
    assert_eq!(count(MatchOp::Regex, "host-.5"), 9);
    (0..490).for_each(|id| index.remove(SeriesId(id)));
    assert_eq!(index.select(&[Matcher::equal("__name__", "up")]).len(), 10);
}
