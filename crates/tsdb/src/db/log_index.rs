//! Which records of the log are still needed: a short list of stretches of commits, oldest first.
//!
//! A record can go when its samples are sealed and no later record needs it to be read. Rows need those back to the last
//! keyframe of their group, and every group begins a keyframe at a cut: so only whole stretches up to a cut go.

use std::collections::VecDeque;

use crate::head::seals::SealMarks;

/// Commits in one stretch, unless a cut ends it earlier.
const STRETCH_COMMITS: u32 = 512;

#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: u64,
    last: u64,
    newest_ms: i64,
    commits: u32,
    ends_at_cut: bool,
}

/// The stretches.
#[derive(Debug, Default)]
pub(crate) struct LogIndex {
    stretches: VecDeque<Stretch>,
}

impl LogIndex {
    /// Notes a record.
    pub(crate) fn add(&mut self, number: u64, newest_ms: i64) {
        match self.stretches.back_mut() {
            Some(stretch) if stretch.commits < STRETCH_COMMITS && !stretch.ends_at_cut => {
                stretch.first = stretch.first.min(number);
                stretch.last = stretch.last.max(number);
                stretch.newest_ms = stretch.newest_ms.max(newest_ms);
                stretch.commits += 1;
            }
            _ => self.stretches.push_back(Stretch {
                first: number,
                last: number,
                newest_ms,
                commits: 1,
                ends_at_cut: false,
            }),
        }
    }

    /// No record is left of commits before this; `None` if none is left at all.
    pub(crate) fn first(&self) -> Option<u64> {
        self.stretches.front().map(|stretch| stretch.first)
    }

    /// Notes that records after now need none before.
    pub(crate) fn cut(&mut self) {
        if let Some(stretch) = self.stretches.back_mut() {
            stretch.ends_at_cut = true;
        }
    }

    /// The last commit whose record, like all before, can go. They are then forgotten here.
    pub(crate) fn release(&mut self, seals: &SealMarks) -> Option<u64> {
        let sealed = self.stretches.iter().take_while(|stretch| seals.covers(stretch.last, stretch.newest_ms)).count();
        let free = self.stretches.iter().take(sealed).rposition(|stretch| stretch.ends_at_cut)? + 1;
        self.stretches.drain(..free).map(|stretch| stretch.last).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::seals::SealMark;

    #[test]
    fn whole_stretches_up_to_a_cut_go() {
        let mut log = LogIndex::default();
        (1..=10).for_each(|number| log.add(number, number as i64 * 100));
        log.cut();
        (11..=20).for_each(|number| log.add(number, number as i64 * 100));
        log.cut();
        log.add(21, 2100);
        let seals = |through, before_ms| SealMarks::default().with(SealMark { through, before_ms });
        assert_eq!(log.release(&seals(10, 900)), None);
        // The first stretch is sealed, the second is not yet.
        assert_eq!(log.release(&seals(20, 1500)), Some(10));
        assert_eq!(log.release(&seals(21, i64::MAX)), Some(20));
        assert_eq!(log.release(&seals(21, i64::MAX)), None);
    }
}
