//! What one execution may use up. Templates come from users: they may loop, but not for ever.

/// Bounds of one execution. Hitting one is an error that says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Commands evaluated, nodes walked, members ranged over.
    pub steps_max: u64,
    /// The size of the result.
    pub output_bytes_max: usize,
    /// All that functions read and make on the way there, together.
    pub work_bytes_max: usize,
    /// Templates within templates, blocks within blocks, parentheses within parentheses, together.
    pub nesting_max: usize,
}

/// Far more than any rule, notification or console page needs, and still a matter of seconds and of megabytes.
impl Default for Limits {
    fn default() -> Self {
        Self { steps_max: 1_000_000, output_bytes_max: 8 << 20, work_bytes_max: 256 << 20, nesting_max: 200 }
    }
}

/// What is left of the [`Limits`].
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limits: Limits,
    steps: u64,
    work_bytes: usize,
    nesting: usize,
}

/// Lists within lists; deeper ones could not be printed or dropped within the stack of a thread.
pub(crate) const DEPTH_MAX: u16 = 64;

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, steps: 0, work_bytes: 0, nesting: 0 }
    }

    pub(crate) fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > self.limits.steps_max {
            return Err(format!("the template takes more than {} steps", self.limits.steps_max));
        }
        Ok(())
    }

    pub(crate) fn work(&mut self, bytes: usize) -> Result<(), String> {
        self.work_bytes = self.work_bytes.saturating_add(bytes);
        if self.work_bytes > self.limits.work_bytes_max {
            return Err(format!("the functions of the template handle more than {} bytes", self.limits.work_bytes_max));
        }
        Ok(())
    }

    pub(crate) fn check_output(&self, bytes: usize) -> Result<(), String> {
        if bytes > self.limits.output_bytes_max {
            return Err(format!("the result is longer than {} bytes", self.limits.output_bytes_max));
        }
        Ok(())
    }

    /// The longest text that a single function may make.
    pub(crate) fn text_bytes_max(&self) -> usize {
        self.limits.output_bytes_max
    }

    pub(crate) fn enter(&mut self) -> Result<(), String> {
        self.nesting += 1;
        if self.nesting > self.limits.nesting_max {
            return Err(format!("exceeded maximum template depth ({})", self.limits.nesting_max));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.nesting -= 1;
    }
}
