//! A store that refuses new series: known ones go on, and the scrape says what was left out.

use storage::{AppendError, Appender, CommitError, Querier, SeriesRef, StorageError};

use super::*;

/// The reference store, closed to series whose name begins with `new`.
struct Closed(MemoryStorage);

struct ClosedAppender<'a>(Box<dyn Appender + 'a>);

impl Storage for Closed {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(ClosedAppender(self.0.appender()))
    }
}

impl Queryable for Closed {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        self.0.querier(range)
    }
}

impl Appender for ClosedAppender<'_> {
    fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: SampleValue) -> Result<SeriesRef, AppendError> {
        if labels.metric_name().starts_with("new") {
            return Err(AppendError::SeriesRefused { reason: "there is no room".to_owned() });
        }
        self.0.append(labels, timestamp_ms, value)
    }

    fn append_ref(&mut self, series: SeriesRef, timestamp_ms: i64, value: SampleValue) -> Result<(), AppendError> {
        self.0.append_ref(series, timestamp_ms, value)
    }

    fn commit(self: Box<Self>) -> Result<(), CommitError> {
        self.0.commit()
    }
}

#[test]
fn refused_series_leave_the_others_alone() {
    let mut rig = Rig::new("");
    let storage = Closed(rig.storage.clone());
    for second in 1..=2 {
        let body = format!("known {second}\nnew_a 1\nnew_b 1\nlast {second}\n");
        let answer = Ok(Fetched { body: body.into(), content_type: "text/plain".to_owned() });
        let started = tokio::time::Instant::now();
        let outcome = rig.ingest().ingest(&storage, Scraped { timestamp_ms: second * 1000, started, answer });
        assert!(outcome.error.is_none());
        assert_eq!(outcome.notice, "2 new series refused: there is no room");
    }
    assert_eq!((rig.samples("known"), rig.samples("last")), ("1=1 2=2".to_owned(), "1=1 2=2".to_owned()));
    assert_eq!(rig.samples("up{"), "1=1 2=1");
    assert_eq!(rig.metrics.series_refused.with_label_values(&["j", "there is no room"]).get(), 4);
}
