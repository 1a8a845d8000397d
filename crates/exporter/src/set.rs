//! The collectors of an exporter, run side by side for each scrape, each under a deadline.
//!
//! A collector that overruns is not waited for: the scrape goes on with what the collector gave last, says how old that
//! is, and reports the collector as failed. The blocked thread is left to it, and no second one is spent until it
//! returns. Scrapes that overlap share one run of each collector.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout_at};

use crate::batch::Batch;
use crate::collector::{CollectError, Collector};
use crate::crew::Crew;

mod select;

pub use select::{Selection, SelectionError};

/// What an overrunning collector gave is served up to this age; a server looks back no further either.
const LAST_GOOD_MAX: Duration = Duration::from_secs(300);

/// How many collectors run at a time as long as none is stuck. More would only compete for the same few cores.
const CREW_SIZE: usize = 2;

/// Name and help text of a metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricText {
    /// The name.
    pub name: &'static str,
    /// The help text.
    pub help: &'static str,
}

/// How an exporter names the metrics about its collectors. All are gauges with the label `collector`.
#[derive(Debug, Clone, Copy)]
pub struct ReportNames {
    /// How long the collector took, in seconds.
    pub duration: MetricText,
    /// 1 when it succeeded.
    pub success: MetricText,
    /// 1 when it overran its deadline; not all exporters say it.
    pub timeout: Option<MetricText>,
}

/// How old the data of an overrunning collector is. The originals have no such metric.
const AGE: MetricText = MetricText {
    name: "firewatch_collector_age_seconds",
    help: "Age of the data of a collector that overran its deadline and is served from its last run.",
};

/// One run of one collector.
#[derive(Debug)]
pub struct Outcome {
    ended: Instant,
    duration: Duration,
    failed: bool,
    batch: Batch,
}

impl Outcome {
    /// What the collector gave.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }
}

/// What [`Set::gather`] gives: the collectors' batches, shared with the set, and the report about them.
#[derive(Debug)]
pub struct Gathered {
    /// The collectors' outcomes in the set's order.
    pub outcomes: Vec<Arc<Outcome>>,
    /// The metrics about the collectors.
    pub report: Batch,
}

/// Named collectors. Built once, at start.
#[derive(Debug)]
pub struct Set {
    members: Vec<Arc<Member>>,
    crew: Crew,
    deadline: Duration,
    names: ReportNames,
}

struct Member {
    name: &'static str,
    collector: Box<dyn Collector>,
    flight: Mutex<Flight>,
}

#[derive(Default)]
struct Flight {
    running: Option<Running>,
    last_good: Option<Arc<Outcome>>,
}

#[derive(Clone)]
struct Running {
    since: Instant,
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Set {
    /// A set of collectors under one deadline each.
    #[must_use]
    pub fn new(collectors: Vec<(&'static str, Box<dyn Collector>)>, deadline: Duration, names: ReportNames) -> Self {
        let members: Vec<_> = collectors
            .into_iter()
            .map(|(name, collector)| Arc::new(Member { name, collector, flight: Mutex::default() }))
            .collect();
        let crew = Crew::new("collector", CREW_SIZE, CREW_SIZE + members.len());
        Self { members, crew, deadline, names }
    }

    /// The collectors' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().map(|member| member.name)
    }

    /// Runs the selected collectors and waits for each up to the set's deadline, or up to `patience` when that is less.
    pub async fn gather(&self, selection: &Selection, patience: Option<Duration>) -> Gathered {
        let deadline = Instant::now() + self.deadline.min(patience.unwrap_or(Duration::MAX));
        let selected: Vec<_> = self.members.iter().filter(|member| selection.has(member.name)).collect();
        let runs: Vec<_> = selected.iter().map(|member| member.start_or_join(&self.crew)).collect();
        tokio::select! {
            () = wait_for_all(&runs, self.deadline, deadline) => {}
            () = self.keep_helping() => {}
        }
        let mut gathered = Gathered { outcomes: Vec::with_capacity(runs.len()), report: Batch::new() };
        for (member, run) in selected.into_iter().zip(runs) {
            let finished = run.outcome.borrow().clone();
            match finished {
                Some(outcome) => {
                    self.report(&mut gathered.report, member.name, outcome.duration, !outcome.failed, false);
                    gathered.outcomes.push(outcome);
                }
                None => self.overdue(member, run.since, &mut gathered),
            }
        }
        gathered
    }

    /// Stops the threads; those that are stuck in the system are left behind after `grace`.
    pub fn stop(&self, grace: Duration) {
        let stuck = self.crew.stop(grace);
        if stuck > 0 {
            tracing::warn!(stuck, "collectors are still waiting for the system");
        }
    }

    /// Never completes: whoever waits for collectors also keeps the crew from standing still.
    async fn keep_helping(&self) {
        let mut tick = interval(Crew::help_interval());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.crew.help();
        }
    }

    fn overdue(&self, member: &Member, since: Instant, gathered: &mut Gathered) {
        tracing::warn!(collector = member.name, running_for = ?since.elapsed(), "collector overran its deadline");
        self.report(&mut gathered.report, member.name, since.elapsed(), false, true);
        let last_good = member.flight.lock().last_good.clone();
        if let Some(outcome) = last_good.filter(|outcome| outcome.ended.elapsed() <= LAST_GOOD_MAX) {
            let age = outcome.ended.elapsed().as_secs_f64();
            gathered.report.gauge(AGE.name, AGE.help).with(&[("collector", member.name)], age);
            gathered.outcomes.push(outcome);
        }
    }

    fn report(&self, report: &mut Batch, name: &str, duration: Duration, success: bool, timeout: bool) {
        let labels = [("collector", name)];
        let mut gauge = |text: MetricText, value: f64| {
            report.gauge(text.name, text.help).with(&labels, value);
        };
        gauge(self.names.duration, duration.as_secs_f64());
        gauge(self.names.success, f64::from(u8::from(success)));
        if let Some(text) = self.names.timeout {
            gauge(text, f64::from(u8::from(timeout)));
        }
    }
}

/// Waits until every run has ended or its time is over: the scrape's deadline, and no time at all for a run that was
/// already overdue when the scrape came.
async fn wait_for_all(runs: &[Running], allowed: Duration, deadline: Instant) {
    for run in runs {
        let deadline = deadline.min(run.since + allowed);
        let mut outcome = run.outcome.clone();
        // An elapsed time or a lost sender both leave the outcome empty, which the caller reports as overdue.
        drop(timeout_at(deadline.into(), outcome.wait_for(Option::is_some)).await);
    }
}

impl Member {
    /// The run under way, or a new one.
    fn start_or_join(self: &Arc<Self>, crew: &Crew) -> Running {
        let mut flight = self.flight.lock();
        if let Some(running) = &flight.running {
            return running.clone();
        }
        let (sender, outcome) = watch::channel(None);
        let running = Running { since: Instant::now(), outcome };
        flight.running = Some(running.clone());
        drop(flight);
        let member = Arc::clone(self);
        crew.submit(move || {
            let outcome = Arc::new(member.run());
            let mut flight = member.flight.lock();
            flight.running = None;
            if !outcome.failed {
                flight.last_good = Some(Arc::clone(&outcome));
            }
            drop(flight);
            sender.send_replace(Some(outcome));
        });
        running
    }

    fn run(&self) -> Outcome {
        let started = Instant::now();
        let mut batch = Batch::new();
        let result = catch_unwind(AssertUnwindSafe(|| self.collector.collect(&mut batch)))
            .unwrap_or(Err(CollectError::Panicked));
        let ended = Instant::now();
        let duration = ended - started;
        match &result {
            Ok(()) => {}
            Err(CollectError::NoData { missing }) => {
                tracing::debug!(collector = self.name, ?duration, missing, "collector has no data");
            }
            Err(error) => {
                let error = daemon::run::chain(error);
                tracing::error!(collector = self.name, ?duration, error, "collector failed");
            }
        }
        Outcome { ended, duration, failed: result.is_err(), batch }
    }
}

#[cfg(test)]
mod tests;
