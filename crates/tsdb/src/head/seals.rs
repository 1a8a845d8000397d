//! Which rows are sealed already. One rule serves queries, recovery and cleaning up: a row is sealed if, for any mark,
//! its commit is not after the mark's and its time is before the mark's.

use crate::bytes::{DecodeError, Reader, put_varint, put_zigzag};

/// Everything up to this commit and before this time lies in sealed blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealMark {
    /// The last commit that was looked at.
    pub(crate) through: u64,
    /// Samples before this were taken.
    pub(crate) before_ms: i64,
}

/// The marks that still matter, in order of their commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SealMarks {
    marks: Vec<SealMark>,
}

impl SealMarks {
    /// Whether a row is sealed.
    pub(crate) fn covers(&self, number: u64, at_ms: i64) -> bool {
        self.marks.iter().any(|mark| number <= mark.through && at_ms < mark.before_ms)
    }

    /// The same and one more mark. Marks that say nothing beyond it go.
    pub(crate) fn with(&self, mark: SealMark) -> Self {
        let mut marks: Vec<SealMark> = self
            .marks
            .iter()
            .filter(|old| old.through > mark.through || old.before_ms > mark.before_ms)
            .copied()
            .collect();
        marks.push(mark);
        Self { marks }
    }

    /// The same without the marks that concern only commits before `first`, of which nothing is left.
    pub(crate) fn without_commits_before(&self, first: u64) -> Self {
        Self { marks: self.marks.iter().filter(|mark| mark.through >= first).copied().collect() }
    }

    /// The newest commit that any mark names.
    pub(crate) fn last_commit(&self) -> u64 {
        self.marks.iter().map(|mark| mark.through).max().unwrap_or(0)
    }

    /// The marks as bytes: their count, then commit (varint) and time (zigzag) of each.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.marks.len() as u64);
        for mark in &self.marks {
            put_varint(&mut out, mark.through);
            put_zigzag(&mut out, mark.before_ms);
        }
        out
    }

    /// The inverse of [`SealMarks::encode`].
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(2)?;
        let marks = (0..count)
            .map(|_| Ok(SealMark { through: reader.varint()?, before_ms: reader.zigzag()? }))
            .collect::<Result<_, _>>()?;
        Ok(Self { marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_cover_and_give_way() {
        let first = SealMark { through: 10, before_ms: 1000 };
        let flush = SealMark { through: 20, before_ms: i64::MAX };
        let later = SealMark { through: 30, before_ms: 2000 };
        let marks = SealMarks::default().with(first).with(flush).with(later);
        assert_eq!(marks.marks, [flush, later]);
        assert!(marks.covers(20, 5000) && marks.covers(21, 1999));
        assert!(!marks.covers(21, 2000) && !marks.covers(31, 0));
        assert_eq!(SealMarks::decode(&marks.encode()), Ok(marks.clone()));
        assert_eq!(marks.without_commits_before(21).marks, [later]);
        assert_eq!(marks.last_commit(), 30);
    }
}
