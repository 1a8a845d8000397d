//! `cpu`: time and events of each logical processor. Where counters are broken, times come from the kernel itself.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use super::column::{Column, Unit, emit, gauge, query, total, value};
use crate::source::{Counters, Instance, Processor, Source, SourceError};

const OBJECT: &str = "Processor Information";

const COLUMNS: &[Column] = &[
    total(
        "Interrupts/sec",
        Unit::Plain,
        "windows_cpu_interrupts_total",
        "Total number of received and serviced hardware interrupts",
    ),
    total(
        "DPCs Queued/sec",
        Unit::Plain,
        "windows_cpu_dpcs_total",
        "Total number of received and serviced deferred procedure calls (DPCs)",
    ),
    total(
        "Clock Interrupts/sec",
        Unit::Plain,
        "windows_cpu_clock_interrupts_total",
        "Total number of received and serviced clock tick interrupts",
    ),
    total(
        "Idle Break Events/sec",
        Unit::Plain,
        "windows_cpu_idle_break_events_total",
        "Total number of time processor was woken from idle",
    ),
    gauge(
        "Parking Status",
        Unit::Plain,
        "windows_cpu_parking_status",
        "Parking Status represents whether a processor is parked or not",
    ),
    gauge("Processor Frequency", Unit::Plain, "windows_cpu_core_frequency_mhz", "Core frequency in megahertz"),
    total(
        "% Processor Performance",
        Unit::Plain,
        "windows_cpu_processor_performance_total",
        "Processor Performance is the average performance of the processor while it is executing instructions, as a \
         percentage of the nominal performance of the processor. On some processors, Processor Performance may exceed \
         100%",
    ),
    total(
        "% Processor Performance",
        Unit::Base,
        "windows_cpu_processor_mperf_total",
        "Processor MPerf is the number of TSC ticks incremented while executing instructions",
    ),
    total(
        "% Processor Utility",
        Unit::Base,
        "windows_cpu_processor_rtc_total",
        "Processor RTC represents the number of RTC ticks made since the system booted. It should consistently be 64e6, \
         and can be used to properly derive Processor Utility Rate",
    ),
    total(
        "% Processor Utility",
        Unit::Plain,
        "windows_cpu_processor_utility_total",
        "Processor Utility represents is the amount of time the core spends executing instructions",
    ),
    total(
        "% Privileged Utility",
        Unit::Plain,
        "windows_cpu_processor_privileged_utility_total",
        "Processor Privileged Utility represents is the amount of time the core has spent executing instructions inside \
         the kernel",
    ),
];

const STATES: &[(&str, &str)] = &[("c1", "% C1 Time"), ("c2", "% C2 Time"), ("c3", "% C3 Time")];

const MODES: &[(&str, &str)] = &[
    ("idle", "% Idle Time"),
    ("interrupt", "% Interrupt Time"),
    ("dpc", "% DPC Time"),
    ("privileged", "% Privileged Time"),
    ("user", "% User Time"),
];

struct Cpu {
    source: Arc<dyn Source>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Cpu { source: Arc::clone(&setup.source) }))
}

impl Collector for Cpu {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut asked = query(OBJECT, true, COLUMNS);
        asked.counters.extend(STATES.iter().chain(MODES).map(|(_, counter)| counter));
        match self.source.counters(&asked) {
            Ok(counters) if has_times(&counters) => emit_counters(out, &counters),
            answer => {
                let reason = answer.err().unwrap_or_else(|| SourceError::missing("counter \"% Idle Time\""));
                tracing::debug!(%reason, "processor times come from the kernel");
                emit_processors(out, &self.source.processors()?);
            }
        }
        Ok(())
    }
}

/// The logical processors, without the sums over them.
fn cores(counters: &Counters) -> impl Iterator<Item = &Instance> {
    counters.instances.iter().filter(|instance| !instance.name.ends_with("_Total"))
}

fn has_times(counters: &Counters) -> bool {
    cores(counters).any(|core| core.values.contains_key("% Idle Time"))
}

fn emit_counters(out: &mut Batch, counters: &Counters) {
    for core in cores(counters) {
        let seconds = |counter| value(counters, core, counter, Unit::HundredNanoseconds);
        for (state, counter) in STATES {
            if let Some(seconds) = seconds(counter) {
                out.counter("windows_cpu_cstate_seconds_total", "Time spent in low-power idle state")
                    .with(&[("core", &core.name), ("state", state)], seconds);
            }
        }
        for (mode, counter) in MODES {
            if let Some(seconds) = seconds(counter) {
                time(out, &core.name, mode, seconds);
            }
        }
        emit(out, counters, core, COLUMNS, &[("core", &core.name)]);
    }
    count(out, cores(counters).count());
}

fn emit_processors(out: &mut Batch, processors: &[Processor]) {
    for processor in processors {
        let modes = [
            ("idle", processor.idle),
            ("interrupt", processor.interrupt),
            ("dpc", processor.dpc),
            ("privileged", processor.privileged),
            ("user", processor.user),
        ];
        for (mode, seconds) in modes {
            time(out, &processor.core, mode, seconds);
        }
        let interrupts = &COLUMNS[0];
        out.counter(interrupts.name, interrupts.help).with(&[("core", &processor.core)], processor.interrupts);
    }
    count(out, processors.len());
}

fn time(out: &mut Batch, core: &str, mode: &str, seconds: f64) {
    out.counter(
        "windows_cpu_time_total",
        "Time that processor spent in different modes (dpc, idle, interrupt, privileged, user)",
    )
    .with(&[("core", core), ("mode", mode)], seconds);
}

fn count(out: &mut Batch, processors: usize) {
    out.gauge("windows_cpu_logical_processor", "Total number of logical processors").value(processors as f64);
}
