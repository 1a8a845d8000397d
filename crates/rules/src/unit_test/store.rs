//! The reference store, but histograms come back as from the original's store: it says that a histogram continues the
//! one before it where both fit one chunk, and expectations are written for that.

use std::collections::HashMap;
use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, SampleValue};
use parking_lot::Mutex;
use promql::script::hint_in_chunk;
use storage::{
    AppendError, Appender, CommitError, MemoryStorage, Querier, Queryable, SeriesRef, Storage, StorageError, TimeRange,
};

/// Samples of one test group.
#[derive(Debug, Default)]
pub(super) struct TestStore {
    memory: MemoryStorage,
    /// The last histogram of each series, as it was appended.
    last: Mutex<HashMap<Labels, Arc<FloatHistogram>>>,
}

impl Queryable for TestStore {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        self.memory.querier(range)
    }
}

impl Storage for TestStore {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(TestAppender { store: self, memory: self.memory.appender() })
    }
}

struct TestAppender<'a> {
    store: &'a TestStore,
    memory: Box<dyn Appender + 'a>,
}

impl Appender for TestAppender<'_> {
    fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: SampleValue) -> Result<SeriesRef, AppendError> {
        let mut last = self.store.last.lock();
        let histogram = match value {
            SampleValue::Float(value) => {
                last.remove(labels);
                return self.memory.append(labels, timestamp_ms, SampleValue::Float(value));
            }
            SampleValue::Histogram(histogram) => Arc::new(histogram.to_float()),
            SampleValue::FloatHistogram(histogram) => histogram,
        };
        let mut read = FloatHistogram::clone(&histogram);
        read.reset_hint = hint_in_chunk(last.get(labels).map(AsRef::as_ref), &histogram);
        let series = self.memory.append(labels, timestamp_ms, SampleValue::FloatHistogram(Arc::new(read)))?;
        last.insert(labels.clone(), histogram);
        Ok(series)
    }

    fn append_ref(&mut self, series: SeriesRef, timestamp_ms: i64, value: SampleValue) -> Result<(), AppendError> {
        self.memory.append_ref(series, timestamp_ms, value)
    }

    fn commit(self: Box<Self>) -> Result<(), CommitError> {
        self.memory.commit()
    }
}
