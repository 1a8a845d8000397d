//! The cache against a plain model of what it promises.

use super::*;

/// The same for texts of the same letters.
fn series(text: &str) -> SeriesRef {
    SeriesRef(text.bytes().map(u64::from).sum())
}

/// The series of these texts, sorted.
fn all(texts: &[&str]) -> Vec<SeriesRef> {
    let mut all: Vec<SeriesRef> = texts.iter().map(|text| series(text)).collect();
    all.sort_unstable();
    all
}

/// One scrape of these texts; gives the stale series, sorted.
fn scrape(cache: &mut SeriesCache, texts: &[&str], failed: bool) -> Vec<SeriesRef> {
    for text in texts {
        let id = match cache.find(text) {
            Lookup::New => cache.insert(text, Known::Series(series(text))),
            Lookup::Found { id, .. } => id,
        };
        cache.track(id);
    }
    let mut stale = cache.stale(failed);
    cache.finish(failed);
    stale.sort_unstable();
    stale
}

#[test]
fn vanished_series_are_stale_once() {
    let mut cache = SeriesCache::new();
    assert!(scrape(&mut cache, &["a", "b", "c"], false).is_empty());
    assert_eq!(scrape(&mut cache, &["c", "a"], false), all(&["b"]));
    assert!(scrape(&mut cache, &["a", "c"], false).is_empty());
    assert_eq!(scrape(&mut cache, &["a"], true), all(&["a", "c"]), "a failed scrape stores nothing");
    assert!(scrape(&mut cache, &[], true).is_empty());
    assert_eq!(cache.len(), 2, "texts outlive failed scrapes");
    assert!(scrape(&mut cache, &["a"], false).is_empty());
    assert_eq!(cache.len(), 1);
}

#[test]
fn the_same_series_by_another_text_is_not_stale() {
    let mut cache = SeriesCache::new();
    // The references of these are equal.
    scrape(&mut cache, &["ab"], false);
    assert!(scrape(&mut cache, &["ba"], false).is_empty());
}

#[test]
fn a_second_time_in_one_scrape_is_noticed() {
    let mut cache = SeriesCache::new();
    scrape(&mut cache, &["a", "b"], false);
    assert_eq!(cache.find("a"), Lookup::Found { id: 0, again: false });
    assert_eq!(cache.find("a"), Lookup::Found { id: 0, again: true });
    assert_eq!(cache.find("b"), Lookup::Found { id: 1, again: false });
    let id = cache.insert("new", Known::Dropped);
    assert_eq!(cache.find("new"), Lookup::Found { id, again: true });
}

#[test]
fn a_restart_keeps_what_may_become_stale() {
    let mut cache = SeriesCache::new();
    scrape(&mut cache, &["a", "b"], false);
    let mut cache = cache.restarted();
    assert_eq!(cache.find("a"), Lookup::New);
    assert_eq!(scrape(&mut cache, &["a"], false), all(&["b"]));
    assert!(scrape(&mut cache, &["a"], false).is_empty());
}

#[test]
fn failing_scrapes_with_ever_new_series_do_not_fill_memory() {
    let mut cache = SeriesCache::new();
    scrape(&mut cache, &["a"], false);
    let mut was_flushed = false;
    for round in 0..100 {
        for number in 0..100 {
            let text = format!("series_{round}_{number}");
            assert_eq!(cache.find(&text), Lookup::New);
            cache.insert(&text, Known::Dropped);
        }
        was_flushed |= cache.finish(true);
        assert!(cache.len() <= GROWTH_MAX + 200);
    }
    assert!(was_flushed);
}

#[test]
fn seeded_random_scrapes_agree_with_sets() {
    let texts: Vec<String> = (1..60).map(|length| "x".repeat(length)).collect();
    let mut cache = SeriesCache::new();
    let mut stored: Vec<&str> = Vec::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let start = random(texts.len());
        let mut now: Vec<&str> = texts.iter().map(String::as_str).filter(|_| random(3) > 0).collect();
        let middle = start.min(now.len());
        now.rotate_left(middle);
        let failed = random(5) == 0;
        let stale = scrape(&mut cache, &now, failed);
        let kept = if failed { Vec::new() } else { now };
        let expected: Vec<&str> = stored.iter().copied().filter(|text| !kept.contains(text)).collect();
        assert_eq!(stale, all(&expected));
        stored = kept;
    }
}

#[test]
fn texts_that_come_and_go_leave_no_memory_behind() {
    let mut cache = SeriesCache::new();
    let filler = "x".repeat(200);
    for round in 0..50 {
        let texts: Vec<String> = (0..100).map(|number| format!("{filler}_{}_{number}", round / 2)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let stale = scrape(&mut cache, &texts, false);
        assert_eq!(stale.is_empty(), round % 2 == 1 || round == 0, "round {round}");
        assert!(cache.texts.len() < 2 * GARBAGE_MAX + 100 * 220, "{} bytes of texts", cache.texts.len());
    }
}
