//! Reading the series of a selection together: what the head has of all of them at once, group by group and by several
//! threads; what is sealed, some neighbours at a time, when the first of them is read.
//!
//! A row of the head says what changed as differences, so reading one series walks over those of its neighbours; reading
//! a hundred walks over them once. Neighbours of a selection share blocks and time columns, and their samples lie side by
//! side in one buffer, which is still in the processor's cache when they are used. The price is memory until the others
//! are read, so there is a limit to what all queries together may have decoded ahead; what goes beyond is read series by
//! series.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use storage::TimeRange;

use crate::error::DbError;
use crate::head::group::{GroupId, RowMeta};
use crate::head::slots::Place;
use crate::index::table::SeriesId;
use crate::query::decoded::{Decoded, RowSink, Segment};
use crate::query::runs::Runs;
use crate::query::select::DbQuerier;
use crate::sealed::block::{BlockSeries, SeriesKey};
use crate::sealed::partition::Partition;
use crate::sealed::presence::Presence;
use crate::sealed::reader::{Walk, read_body, read_floats};

/// What all queries may have decoded ahead: 32 MB.
const SAMPLES_MAX: usize = 4 << 20;

/// Below so many samples another thread costs more than it saves.
const SAMPLES_PER_THREAD: usize = 50_000;

/// Series whose sealed samples are decoded at a time. The query engine reads as many in one thread.
const NEIGHBOURS: usize = 64;

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
    ids: Vec<SeriesId>,
    partitions: Vec<Arc<Partition>>,
    groups: Vec<GroupTask>,
    reserved: Reserved,
    /// What the head has of the series; `None` if they could not be read together.
    head: OnceLock<Option<Head>>,
    sealed: Vec<Mutex<Neighbours>>,
}

/// The series that one group has. Positions are those in the selection.
#[derive(Debug)]
struct GroupTask {
    group: GroupId,
    ordinals: Vec<u32>,
    positions: Vec<u32>,
}

/// What the head has.
#[derive(Debug)]
struct Head {
    groups: Vec<Arc<Decoded>>,
    /// By position: which group, and which of its segments.
    places: Vec<Option<(u32, u32)>>,
}

/// Sealed samples of some series.
#[derive(Debug)]
enum Neighbours {
    Unread,
    /// Of so many series they were not taken yet.
    Read(Arc<SealedPart>, usize),
    /// All were taken, or could not be read.
    Over,
}

/// Sealed samples of some series, in order of their positions.
#[derive(Debug)]
pub(crate) struct SealedPart {
    decoded: Arc<Decoded>,
    /// The first segment of each series, and the number of all.
    starts: Vec<u32>,
    _reserved: Reserved,
}

/// What there is of one series: from partitions, then from the head.
#[derive(Debug)]
pub(crate) struct Taken {
    sealed: Option<(Arc<SealedPart>, u32, u32)>,
    head: Option<(Arc<Decoded>, u32)>,
}

impl Taken {
    /// The segments, with what their samples lie in.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (&Arc<Decoded>, &Segment)> {
        let sealed = self.sealed.iter().flat_map(|(part, from, to)| {
            part.decoded.segments[*from as usize..*to as usize].iter().map(|segment| (&part.decoded, segment))
        });
        sealed.chain(self.head.iter().map(|(decoded, at)| (decoded, &decoded.segments[*at as usize])))
    }
}

/// The age of the head: younger than any partition.
pub(crate) const HEAD_AGE: u64 = u64::MAX;

impl Together {
    /// Plans the reading of these series, none of which has deleted samples. `None` if it would be too much.
    pub(crate) fn plan(querier: &DbQuerier<'_>, ids: Vec<SeriesId>) -> Option<Self> {
        let mut partitions: Vec<_> =
            querier.view.partitions.iter().filter(|partition| querier.touches(partition)).map(Arc::clone).collect();
        partitions.sort_by_key(|partition| partition.min_ms);
        // How many members they have says how much there will be to read.
        partitions.iter().try_for_each(|partition| querier.store.sealed.members(partition).map(drop)).ok()?;
        let place = |at: u32| Some((querier.slots.get(ids[at as usize])?.place()?, at));
        let mut places: Vec<(Place, u32)> = (0..ids.len() as u32).filter_map(place).collect();
        places.sort_unstable();
        let mut samples = 0_usize;
        let mut groups = Vec::new();
        for places in places.chunk_by(|a, b| a.0.group == b.0.group) {
            let group = GroupId(places[0].0.group);
            let rows = querier.store.head.group(group).map_or(0, |group| group.data.read().rows().len());
            samples = samples.saturating_add(places.len().saturating_mul(rows));
            groups.push(GroupTask {
                group,
                ordinals: places.iter().map(|(place, _)| place.ordinal).collect(),
                positions: places.iter().map(|(_, at)| *at).collect(),
            });
        }
        let reserved = querier.store.ahead.take(samples)?;
        let sealed = (0..ids.len().div_ceil(NEIGHBOURS)).map(|_| Mutex::new(Neighbours::Unread)).collect();
        Some(Self { ids, partitions, groups, reserved, head: OnceLock::new(), sealed })
    }

    /// What there is of a series in the range of the querier. `None` if it must be read by itself: its neighbours were all
    /// taken before, or something could not be read.
    pub(crate) fn take(&self, querier: &DbQuerier<'_>, position: u32) -> Option<Taken> {
        let head = self.head.get_or_init(|| self.read_head(querier)).as_ref()?;
        let head = head.places[position as usize].map(|(group, at)| (Arc::clone(&head.groups[group as usize]), at));
        let sealed =
            if self.partitions.is_empty() { None } else { Some(self.take_sealed(querier, position as usize)?) };
        Some(Taken { sealed, head })
    }

    fn take_sealed(&self, querier: &DbQuerier<'_>, position: usize) -> Option<(Arc<SealedPart>, u32, u32)> {
        let mut neighbours = self.sealed[position / NEIGHBOURS].lock();
        if let Neighbours::Unread = &*neighbours {
            let first = position / NEIGHBOURS * NEIGHBOURS;
            let ids = &self.ids[first..self.ids.len().min(first + NEIGHBOURS)];
            // Whoever reads series by series will say what is wrong.
            *neighbours = match self.read_sealed(querier, ids) {
                Some(part) => Neighbours::Read(Arc::new(part), ids.len()),
                None => Neighbours::Over,
            };
        }
        let Neighbours::Read(part, left) = &mut *neighbours else { return None };
        let at = position % NEIGHBOURS;
        let taken = (Arc::clone(part), part.starts[at], part.starts[at + 1]);
        *left -= 1;
        if *left == 0 {
            *neighbours = Neighbours::Over;
        }
        Some(taken)
    }

    /// Reads what partitions have of some neighbours.
    fn read_sealed(&self, querier: &DbQuerier<'_>, ids: &[SeriesId]) -> Option<SealedPart> {
        let each: usize = self.partitions.iter().map(|partition| querier.samples_per_series(partition)).sum();
        let reserved = querier.store.ahead.take(each.saturating_mul(ids.len()))?;
        let mut keyed: Vec<(SeriesKey, u32)> = (0..).zip(ids).map(|(at, id)| (querier.key(*id), at)).collect();
        keyed.sort_unstable();
        let keys: Vec<SeriesKey> = keyed.iter().map(|(key, _)| *key).collect();
        let (mut values, mut scratch) = (Vec::new(), Vec::new());
        let mut segments = Vec::with_capacity(ids.len() * self.partitions.len());
        for partition in &self.partitions {
            let read = Walk::new(&querier.store.sealed, partition).each(&keys, |at, times, series| {
                let buffers = (&mut scratch, &mut values);
                let segment = sealed_segment(times, series, querier.range, partition.key.id, buffers)?;
                segments.extend(segment.map(|segment| (keyed[at].1, segment)));
                Ok(())
            });
            read.ok()?;
        }
        // Those of one series stay in the order of their partitions.
        segments.sort_by_key(|(owner, _)| *owner);
        let mut starts = vec![0; ids.len() + 1];
        segments.iter().for_each(|(owner, _)| starts[*owner as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let segments = segments.into_iter().map(|(_, segment)| segment).collect();
        Some(SealedPart { decoded: Arc::new(Decoded { values, segments }), starts, _reserved: reserved })
    }

    /// Reads what the head has of all series.
    fn read_head(&self, querier: &DbQuerier<'_>) -> Option<Head> {
        let next = AtomicUsize::new(0);
        let work = || -> Option<Vec<(usize, Decoded)>> {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = self.groups.get(at) else { return Some(done) };
                done.push((at, task.run(querier, &self.ids).ok()??));
            }
        };
        let threads = querier.threads().min(self.reserved.samples / SAMPLES_PER_THREAD).min(self.groups.len());
        let all: Vec<Vec<(usize, Decoded)>> = std::thread::scope(|scope| {
            // Without another thread this one does all of it.
            let thread = || std::thread::Builder::new().name("tsdb-read".to_owned()).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(|_| thread()).collect();
            let mut all = vec![work()];
            all.extend(others.into_iter().map(|other| other.join().ok().flatten()));
            all.into_iter().collect::<Option<_>>()
        })?;
        let mut head = Head { groups: Vec::with_capacity(self.groups.len()), places: vec![None; self.ids.len()] };
        for (task, decoded) in all.into_iter().flatten() {
            for (at, position) in self.groups[task].positions.iter().enumerate() {
                if !decoded.segments[at].is_empty() {
                    head.places[*position as usize] = Some((head.groups.len() as u32, at as u32));
                }
            }
            head.groups.push(Arc::new(decoded));
        }
        Some(head)
    }
}

/// What a partition has of one series. `None` if nothing is in the range.
fn sealed_segment(
    column: &Arc<[i64]>,
    series: BlockSeries<'_>,
    range: TimeRange,
    age: u64,
    (scratch, values): (&mut Vec<i64>, &mut Vec<f64>),
) -> Result<Option<Segment>, crate::bytes::DecodeError> {
    let times = series.presence.pick(column)?;
    let start = values.len();
    if let Some((from, to)) = read_floats(&times, series.body, range, scratch, values)? {
        let first = match series.presence {
            Presence::All => Some(0),
            Presence::Range { first, .. } => Some(*first),
            Presence::Some(_) => None,
        };
        let (times, from, to) = match first {
            Some(first) => (Arc::clone(column), first + from, first + to),
            None => (Arc::from(&times[from..to]), 0, to - from),
        };
        return Ok((from < to).then(|| Segment::shared(age, times, (from, to), start)));
    }
    let mut runs = Runs::default();
    read_body(&times, series.body, range, None, &mut runs)?;
    Ok((!runs.is_empty()).then(|| Segment::own(age, runs)))
}

impl GroupTask {
    /// Reads: a segment for each series. `None` if a series has moved since.
    fn run(&self, querier: &DbQuerier<'_>, ids: &[SeriesId]) -> Result<Option<Decoded>, DbError> {
        let Some(group) = querier.store.head.group(self.group) else { return Ok(None) };
        let data = group.data.read();
        let mut places = self.ordinals.iter().zip(&self.positions);
        if !places.all(|(ordinal, at)| data.members.get(*ordinal as usize) == Some(&ids[*at as usize])) {
            return Ok(None);
        }
        let is_wanted = |row: &RowMeta| querier.range.contains(row.at_ms) && querier.sees(row);
        let wanted: Vec<bool> = data.rows().iter().map(is_wanted).collect();
        let times = data.rows().iter().zip(&wanted).filter(|(_, wanted)| **wanted);
        let times: Arc<[i64]> = times.map(|(row, _)| row.at_ms).collect();
        let is_growing = times.is_sorted_by(|a, b| a < b);
        let mut values = vec![0.0; times.len() * self.ordinals.len()];
        let mut rows = values.chunks_mut(times.len().max(1));
        let mut sinks: Vec<RowSink<'_>> =
            self.ordinals.iter().map(|_| RowSink::new(&times, is_growing, rows.next().unwrap_or_default())).collect();
        data.read_some(&self.ordinals, &wanted, &mut sinks).map_err(DbError::corrupt("rows in memory"))?;
        let segments = sinks.into_iter().enumerate().map(|(at, sink)| sink.finish(HEAD_AGE, at * times.len()));
        let segments = segments.collect();
        Ok(Some(Decoded { values, segments }))
    }
}
