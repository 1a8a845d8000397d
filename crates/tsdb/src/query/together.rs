//! Reading the series of a selection together, when the first of them is read: block by block and group by group, by
//! several threads.
//!
//! A row of the head says what changed as differences, so reading one series walks over those of its neighbours; reading
//! a hundred walks over them once. Blocks have their series in order of metrics, which is not the order of labels that a
//! selection has. The price is memory until the others are read, so there is a limit to what all queries together may
//! have decoded ahead; a selection that goes beyond is read series by series.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::error::DbError;
use crate::head::group::{GroupId, RowMeta};
use crate::head::slots::Place;
use crate::index::table::SeriesId;
use crate::query::runs::Runs;
use crate::query::select::DbQuerier;
use crate::sealed::block::SeriesKey;
use crate::sealed::partition::Partition;
use crate::sealed::reader::{Walk, read_body};

/// What all queries may have decoded ahead: 64 MB.
const SAMPLES_MAX: usize = 4 << 20;

/// Below so many samples another thread costs more than it saves.
const SAMPLES_PER_THREAD: usize = 50_000;

/// Series that one thread takes from a partition at a time.
const SERIES_PER_TASK: usize = 256;

/// Samples decoded ahead, by all queries of a store.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicUsize);

impl Ahead {
    fn take(self: &Arc<Self>, samples: usize) -> Option<Reserved> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            taken.checked_add(samples).filter(|taken| *taken <= SAMPLES_MAX)
        });
        taken.ok().map(|_| Reserved { ahead: Arc::clone(self), samples })
    }
}

#[derive(Debug)]
struct Reserved {
    ahead: Arc<Ahead>,
    samples: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.ahead.0.fetch_sub(self.samples, Ordering::Relaxed);
    }
}

/// A selection that is read together. Series are known by their position in it.
#[derive(Debug)]
pub(crate) struct Together {
    tasks: Vec<Task>,
    series: usize,
    reserved: Reserved,
    /// What there is of each series; `None` if they could not be read together.
    decoded: OnceLock<Option<Vec<Mutex<Option<Sources>>>>>,
}

/// What there is of one series: the age of each source, and its samples.
pub(crate) type Sources = Vec<(u64, Runs)>;

/// The age of the head: younger than any partition.
pub(crate) const HEAD_AGE: u64 = u64::MAX;

/// What one thread does at a time. Positions are those of the series in the selection.
#[derive(Debug)]
enum Task {
    Sealed { partition: Arc<Partition>, keys: Vec<SeriesKey>, positions: Vec<u32> },
    Head { group: GroupId, ordinals: Vec<u32>, ids: Vec<SeriesId>, positions: Vec<u32> },
}

/// What became of one.
type Done = Vec<(u32, u64, Runs)>;

impl Together {
    /// Plans the reading of these series, none of which has deleted samples. `None` if it would be too much.
    pub(crate) fn plan(querier: &DbQuerier<'_>, ids: &[SeriesId]) -> Result<Option<Self>, DbError> {
        let mut samples = 0_usize;
        let mut tasks = Vec::new();
        let mut keyed: Vec<(SeriesKey, u32)> = (0..).zip(ids).map(|(at, id)| (querier.key(*id), at)).collect();
        keyed.sort_unstable();
        for partition in querier.view.partitions.iter().filter(|partition| querier.touches(partition)) {
            let members = querier.store.sealed.members(partition)?;
            let mine: Vec<(SeriesKey, u32)> =
                keyed.iter().filter(|(key, _)| members.contains(key.id().0)).copied().collect();
            samples = samples.saturating_add(mine.len().saturating_mul(querier.samples_per_series(partition)));
            for part in mine.chunks(SERIES_PER_TASK) {
                let (keys, positions) = part.iter().copied().unzip();
                tasks.push(Task::Sealed { partition: Arc::clone(partition), keys, positions });
            }
        }
        let place = |at: u32| Some((querier.slots.get(ids[at as usize])?.place()?, at));
        let mut places: Vec<(Place, u32)> = (0..ids.len() as u32).filter_map(place).collect();
        places.sort_unstable();
        for places in places.chunk_by(|a, b| a.0.group == b.0.group) {
            let group = GroupId(places[0].0.group);
            let rows = querier.store.head.group(group).map_or(0, |group| group.data.read().rows().len());
            samples = samples.saturating_add(places.len().saturating_mul(rows));
            tasks.push(Task::Head {
                group,
                ordinals: places.iter().map(|(place, _)| place.ordinal).collect(),
                ids: places.iter().map(|(_, at)| ids[*at as usize]).collect(),
                positions: places.iter().map(|(_, at)| *at).collect(),
            });
        }
        let reserved = querier.store.ahead.take(samples);
        Ok(reserved.map(|reserved| Self { tasks, series: ids.len(), reserved, decoded: OnceLock::new() }))
    }

    /// What there is of a series in the range of the querier. `None` if it must be read by itself: it was taken before,
    /// or something could not be read.
    pub(crate) fn take(&self, querier: &DbQuerier<'_>, position: u32) -> Option<Sources> {
        let decoded = self.decoded.get_or_init(|| self.decode(querier)).as_ref()?;
        decoded.get(position as usize)?.lock().take()
    }

    fn decode(&self, querier: &DbQuerier<'_>) -> Option<Vec<Mutex<Option<Sources>>>> {
        let next = AtomicUsize::new(0);
        let work = || -> Option<Vec<Done>> {
            let mut done = Vec::new();
            while let Some(task) = self.tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                // Whoever reads series by series will say what is wrong.
                done.push(task.run(querier).ok()??);
            }
            Some(done)
        };
        let threads = querier.threads().min(self.reserved.samples / SAMPLES_PER_THREAD).min(self.tasks.len());
        let all: Vec<Vec<Done>> = std::thread::scope(|scope| {
            // Without another thread this one does all of it.
            let thread = || std::thread::Builder::new().name("tsdb-read".to_owned()).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(|_| thread()).collect();
            let mut all = vec![work()];
            all.extend(others.into_iter().map(|other| other.join().ok().flatten()));
            all.into_iter().collect::<Option<_>>()
        })?;
        let mut series: Vec<Sources> = Vec::new();
        series.resize_with(self.series, Vec::new);
        for (position, age, runs) in all.into_iter().flatten().flatten() {
            series[position as usize].push((age, runs));
        }
        Some(series.into_iter().map(|sources| Mutex::new(Some(sources))).collect())
    }
}

impl Task {
    /// Reads. `None` if a series has moved since.
    fn run(&self, querier: &DbQuerier<'_>) -> Result<Option<Done>, DbError> {
        match self {
            Self::Sealed { partition, keys, positions } => {
                let mut done = Vec::with_capacity(keys.len());
                Walk::new(&querier.store.sealed, partition).each(keys, |at, times, series| {
                    let times = series.presence.pick(times)?;
                    let mut runs = Runs::default();
                    read_body(&times, series.body, querier.range, None, &mut runs)?;
                    if !runs.is_empty() {
                        done.push((positions[at], partition.key.id, runs));
                    }
                    Ok(())
                })?;
                Ok(Some(done))
            }
            Self::Head { group, ordinals, ids, positions } => {
                let Some(group) = querier.store.head.group(*group) else { return Ok(None) };
                let data = group.data.read();
                let mut places = ordinals.iter().zip(ids);
                if !places.all(|(ordinal, id)| data.members.get(*ordinal as usize) == Some(id)) {
                    return Ok(None);
                }
                let wanted = |row: &RowMeta| querier.range.contains(row.at_ms) && querier.sees(row);
                let rows = data.rows().iter().filter(|row| wanted(row)).count();
                let mut runs: Vec<Runs> = ids.iter().map(|_| Runs::with_capacity(rows)).collect();
                data.read_some(ordinals, wanted, &mut runs).map_err(DbError::corrupt("rows in memory"))?;
                // Rows aside are in the order they came in.
                let runs = runs.into_iter().map(|runs| Runs::merge(vec![runs.without_empty()]));
                let done = positions.iter().zip(runs).filter(|(_, runs)| !runs.is_empty());
                Ok(Some(done.map(|(position, runs)| (*position, HEAD_AGE, runs)).collect()))
            }
        }
    }
}
