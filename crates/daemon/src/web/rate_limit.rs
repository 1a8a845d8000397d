//! `rate_limit`: a bucket of requests that fills up again, one for all clients of a daemon.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_model::duration::parse_go_duration;
use tokio::time::Instant;

use super::config::{Fault, RawRateLimit};

/// At most `burst` requests at once and one more after each interval.
#[derive(Debug)]
pub(super) struct RateLimit {
    burst: f64,
    interval: Duration,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Requests that may still come.
    left: f64,
    /// When that was so.
    at: Instant,
}

impl RateLimit {
    /// `None`: there is no limit.
    pub(super) fn new(raw: &RawRateLimit) -> Result<Option<Self>, Fault> {
        let text = raw.interval.as_ref().map(ToString::to_string).unwrap_or_default();
        let fault = |message: String| Fault::new("rate_limit.interval", message);
        let interval = match text.as_str() {
            "" => Duration::ZERO,
            text => parse_go_duration(text).map_err(|error| fault(error.to_string()))?,
        };
        if raw.burst < 0 {
            return Err(Fault::new("rate_limit.burst", format!("{} is below zero", raw.burst)));
        }
        let burst = raw.burst as f64;
        let bucket = Mutex::new(Bucket { left: burst, at: Instant::now() });
        Ok((!interval.is_zero()).then_some(Self { burst, interval, bucket }))
    }

    /// Takes one request out of the bucket. False: there is none left.
    pub(super) fn allows(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let grown = (now - bucket.at).as_secs_f64() / self.interval.as_secs_f64();
        bucket.left = (bucket.left + grown).min(self.burst);
        bucket.at = now;
        let is_allowed = bucket.left >= 1.0;
        if is_allowed {
            bucket.left -= 1.0;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::config::RawConfig;

    fn limit(yaml: &str) -> Result<Option<RateLimit>, String> {
        let raw: RawConfig = config_file::parse("web.yml".as_ref(), yaml).map_err(|error| error.to_string())?;
        RateLimit::new(&raw.rate_limit).map_err(|fault| format!("{}: {}", fault.key, fault.message))
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills_again() {
        let limit = limit("rate_limit: {interval: 1.5s, burst: 2}").expect("valid").expect("a limit");
        let allowed = || (0..5).filter(|_| limit.allows()).count();
        assert_eq!(allowed(), 2);
        tokio::time::advance(Duration::from_millis(1_499)).await;
        assert_eq!(allowed(), 0);
        tokio::time::advance(Duration::from_millis(2)).await;
        assert_eq!(allowed(), 1);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(allowed(), 2, "it holds no more than the burst");
    }

    #[test]
    fn limits_are_checked() {
        for none in ["{}", "rate_limit:", "rate_limit: {interval: 0, burst: 0}", "rate_limit: {burst: 5}"] {
            assert!(limit(none).expect(none).is_none(), "{none}");
        }
        for bad in ["rate_limit: {interval: -1s}", "rate_limit: {interval: soon}", "rate_limit: {burst: -1}"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
        let closed = limit("rate_limit: {interval: 1s, burst: 0}").expect("valid").expect("a limit");
        assert!(!closed.allows(), "without a burst nothing comes through, as in the originals");
    }
}
