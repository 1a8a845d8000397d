//! Kahan-Neumaier summation: the rounding error of each addition is kept beside the sum.

/// A sum and what rounding has taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Kahan {
    pub(crate) sum: f64,
    pub(crate) compensation: f64,
}

impl Kahan {
    /// A sum that starts with `sum`.
    pub(crate) fn new(sum: f64) -> Self {
        Self { sum, compensation: 0.0 }
    }

    /// Adds `value`.
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.compensation += (self.sum - total) + value;
        } else {
            self.compensation += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// Adds another sum with what rounding has taken from it.
    pub(crate) fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.compensation += other.compensation;
    }

    /// Both parts times `factor`.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, compensation: self.compensation * factor }
    }

    /// The sum with its compensation.
    pub(crate) fn total(self) -> f64 {
        self.sum + self.compensation
    }
}

/// A mean that is a plain sum divided by the count as long as the sum does not overflow, and is kept up value by value
/// from then on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean {
    /// The sum, or the mean itself once `incremental`.
    state: Kahan,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub(crate) fn new(first: f64) -> Self {
        Self { state: Kahan::new(first), count: 1.0, incremental: false }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.state;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.state = sum;
                return;
            }
            self.incremental = true;
            let before = self.count - 1.0;
            self.state = Kahan { sum: self.state.sum / before, compensation: self.state.compensation / before };
        }
        self.state = self.state.scaled((self.count - 1.0) / self.count);
        self.state.add(value / self.count);
    }

    /// The mean of `count` values from their sum, which has not overflowed.
    pub(crate) fn of_sum(sum: Kahan, count: usize) -> Self {
        Self { state: sum, count: count as f64, incremental: false }
    }

    pub(crate) fn value(self) -> f64 {
        if self.incremental {
            self.state.total()
        } else {
            self.state.sum / self.count + self.state.compensation / self.count
        }
    }
}
