//! Arithmetic, resets and estimates of native histograms.
