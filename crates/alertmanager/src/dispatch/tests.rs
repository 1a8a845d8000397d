//! Groups under paused time.
