//! What a query may take: samples and bytes at a time, time, and whether it was canceled.

use std::time::Instant;

use crate::engine::{CancelToken, QueryError};

/// What queries do while they run, in the words of their errors.
pub(crate) const PHASE: &str = "expression evaluation";

/// Deadlines are looked at once in this many checks: asking for the time costs more than most steps.
const CHECKS_PER_CLOCK: u32 = 64;

/// The limits of one query and what it holds of them now.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    samples: usize,
    samples_peak: usize,
    samples_max: usize,
    bytes: usize,
    bytes_max: usize,
    deadline: Option<Instant>,
    cancel: CancelToken,
    checks: u32,
    /// The selector being read, as written.
    selector: String,
}

/// What was held at some moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    samples: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(samples_max: usize, bytes_max: usize, deadline: Option<Instant>, cancel: CancelToken) -> Self {
        Self {
            samples: 0,
            samples_peak: 0,
            samples_max,
            bytes: 0,
            bytes_max,
            deadline,
            cancel,
            checks: 0,
            selector: String::new(),
        }
    }

    /// Names the selector to blame from here on.
    pub(crate) fn blame(&mut self, selector: &str) {
        selector.clone_into(&mut self.selector);
    }

    /// Fails when the query is to stop.
    pub(crate) fn check(&mut self) -> Result<(), QueryError> {
        if self.cancel.is_canceled() {
            return Err(QueryError::Canceled { phase: PHASE });
        }
        self.checks = self.checks.wrapping_add(1);
        if self.checks % CHECKS_PER_CLOCK == 1 && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(QueryError::Timeout { phase: PHASE });
        }
        Ok(())
    }

    /// Takes samples and bytes.
    pub(crate) fn hold(&mut self, samples: usize, bytes: usize) -> Result<(), QueryError> {
        self.samples = self.samples.saturating_add(samples);
        self.bytes = self.bytes.saturating_add(bytes);
        self.samples_peak = self.samples_peak.max(self.samples);
        if self.samples > self.samples_max {
            let (samples_max, selector) = (self.samples_max, self.selector.clone());
            return Err(QueryError::TooManySamples { phase: PHASE, samples_max, selector });
        }
        if self.bytes > self.bytes_max {
            return Err(too_much_memory(self.bytes_max, self.selector.clone()));
        }
        Ok(())
    }

    /// Fails when not even one series with a float at each of `count` steps can be held.
    pub(crate) fn fits_steps(&self, count: usize) -> Result<(), QueryError> {
        self.allowance().take(count.saturating_mul(8))
    }

    /// What is left, for those who fill memory while the budget is out of their reach.
    pub(crate) fn allowance(&self) -> Allowance {
        let left = self.bytes_max.saturating_sub(self.bytes);
        Allowance { left, bytes_max: self.bytes_max, selector: self.selector.clone() }
    }

    /// What is held now.
    pub(crate) fn mark(&self) -> Mark {
        Mark { samples: self.samples, bytes: self.bytes }
    }

    /// Gives back what was taken since `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.samples = mark.samples;
        self.bytes = mark.bytes;
    }

    pub(crate) fn samples_peak(&self) -> usize {
        self.samples_peak
    }
}

/// Bytes that were left of a [`Budget`] at some moment.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: usize,
    bytes_max: usize,
    selector: String,
}

impl Allowance {
    /// Takes bytes for good.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), QueryError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(too_much_memory(self.bytes_max, self.selector.clone())),
        }
    }
}

fn too_much_memory(bytes_max: usize, selector: String) -> QueryError {
    QueryError::TooMuchMemory { phase: PHASE, bytes_max, selector }
}
