//! `process`: what each process uses. Off by default: a busy host has thousands.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::Setup;
use super::names::Names;
use crate::source::{Process, Source};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.process.include",
        ".+",
        "Regexp of processes to include. The process's name must match include and not match exclude.",
    ),
    Flag::text(
        "collector.process.exclude",
        "",
        "Regexp of processes to exclude. The process's name must match include and not match exclude.",
    ),
    Flag::switch(COMMAND_LINE, true, "Show command lines in windows_process_info."),
    Flag::switch(IIS, false, "Names of IIS' application pools (not supported yet)."),
    Flag::text(
        "collector.process.counter-version",
        "0",
        "Accepted so that old command lines work, and ignored: no counters are used.",
    )
    .hidden(),
];

const COMMAND_LINE: &str = "collector.process.cmdline";
const IIS: &str = "collector.process.iis";

/// A metric of a process that has no labels but the process's own.
struct Figure {
    name: &'static str,
    help: &'static str,
    counts: bool,
    value: fn(&Process) -> f64,
}

const FIGURES: &[Figure] = &[
    Figure {
        name: "windows_process_start_time_seconds_timestamp",
        help: "Epoch time (seconds since 1970/1/1) of process start.",
        counts: false,
        value: |process| process.started_at,
    },
    Figure {
        name: "windows_process_handles",
        help: "Total number of handles the process has open. This number is the sum of the handles currently open by each thread in the process.",
        counts: false,
        value: |process| process.handles,
    },
    Figure {
        name: "windows_process_page_faults_total",
        help: "Page faults by the threads executing in this process. A page fault occurs when a thread refers to a virtual memory page that is not in its working set in main memory. This can cause the page not to be fetched from disk if it is on the standby list and hence already in main memory, or if it is in use by another process with which the page is shared.",
        counts: true,
        value: |process| process.page_faults,
    },
    Figure {
        name: "windows_process_page_file_bytes",
        help: "Current number of bytes this process has used in the paging file(s). Paging files are used to store pages of memory used by the process that are not contained in other files. Paging files are shared by all processes, and lack of space in paging files can prevent other processes from allocating memory.",
        counts: false,
        value: |process| process.page_file,
    },
    Figure {
        name: "windows_process_priority_base",
        help: "Current base priority of this process. Threads within a process can raise and lower their own base priority relative to the process base priority of the process.",
        counts: false,
        value: |process| process.priority_base,
    },
    Figure {
        name: "windows_process_private_bytes",
        help: "Current number of bytes this process has allocated that cannot be shared with other processes.",
        counts: false,
        value: |process| process.private,
    },
    Figure {
        name: "windows_process_threads",
        help: "Number of threads currently active in this process. An instruction is the basic unit of execution in a processor, and a thread is the object that executes instructions. Every running process has at least one thread.",
        counts: false,
        value: |process| process.threads,
    },
    Figure {
        name: "windows_process_virtual_bytes",
        help: "Current size, in bytes, of the virtual address space that the process is using. Use of virtual address space does not necessarily imply corresponding use of either disk or main memory pages. Virtual space is finite and, by using too much, the process can limit its ability to load libraries.",
        counts: false,
        value: |process| process.virtual_bytes,
    },
    Figure {
        name: "windows_process_working_set_private_bytes",
        help: "Size of the working set, in bytes, that is use for this process only and not shared nor shareable by other processes.",
        counts: false,
        value: |process| process.working_set_private,
    },
    Figure {
        name: "windows_process_working_set_peak_bytes",
        help: "Maximum size, in bytes, of the Working Set of this process at any point in time. The Working Set is the set of memory pages touched recently by the threads in the process. If free memory in the computer is above a threshold, pages are left in the Working Set of a process even if they are not in use. When free memory falls below a threshold, pages are trimmed from Working Sets. If they are needed they will then be soft-faulted back into the Working Set before they leave main memory.",
        counts: false,
        value: |process| process.working_set_peak,
    },
    Figure {
        name: "windows_process_working_set_bytes",
        help: "Maximum number of bytes in the working set of this process at any point in time. The working set is the set of memory pages touched recently by the threads in the process. If free memory in the computer is above a threshold, pages are left in the working set of a process even if they are not in use. When free memory falls below a threshold, pages are trimmed from working sets. If they are needed, they are then soft-faulted back into the working set before they leave main memory.",
        counts: false,
        value: |process| process.working_set,
    },
];

struct Processes {
    source: Arc<dyn Source>,
    names: Names,
    command_lines: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    if setup.values.on(IIS) {
        return Err(FlagError::Unsupported { flag: IIS.to_owned() });
    }
    let names = Names::from_flags(setup.values, "collector.process.include", "collector.process.exclude")?;
    let command_lines = setup.values.on(COMMAND_LINE);
    Ok(Box::new(Processes { source: Arc::clone(&setup.source), names, command_lines }))
}

impl Collector for Processes {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for process in self.source.processes(self.command_lines)? {
            if self.names.keeps(&process.name) {
                emit(out, &process);
            }
        }
        Ok(())
    }
}

fn emit(out: &mut Batch, process: &Process) {
    let id = process.id.to_string();
    let own = [("process", process.name.as_str()), ("process_id", id.as_str())];
    let labels = [
        own[0],
        own[1],
        ("creating_process_id", &process.parent_id.to_string()),
        // Windows has no process groups; the session is what the original shows here.
        ("process_group_id", &process.session.to_string()),
        ("owner", &process.owner),
        ("cmdline", &process.command_line),
    ];
    out.gauge("windows_process_info", "A metric with a constant '1' value labeled with process information")
        .with(&labels, 1.0);
    for figure in FIGURES {
        let mut family =
            if figure.counts { out.counter(figure.name, figure.help) } else { out.gauge(figure.name, figure.help) };
        family.with(&own, (figure.value)(process));
    }
    for (mode, seconds) in [("privileged", process.privileged), ("user", process.user)] {
        out.counter("windows_process_cpu_time_total", CPU_TIME_HELP).with(&[own[0], own[1], ("mode", mode)], seconds);
    }
    for (mode, io) in [("read", process.read), ("write", process.write), ("other", process.other)] {
        let labels = [own[0], own[1], ("mode", mode)];
        out.counter("windows_process_io_bytes_total", IO_BYTES_HELP).with(&labels, io.bytes);
        out.counter("windows_process_io_operations_total", IO_OPERATIONS_HELP).with(&labels, io.operations);
    }
    for (pool, bytes) in [("paged", process.pool_paged), ("nonpaged", process.pool_nonpaged)] {
        out.gauge("windows_process_pool_bytes", POOL_HELP).with(&[own[0], own[1], ("pool", pool)], bytes);
    }
}

const CPU_TIME_HELP: &str = "Returns elapsed time that all of the threads of this process used the processor to execute instructions by mode (privileged, user). An instruction is the basic unit of execution in a computer, a thread is the object that executes instructions, and a process is the object created when a program is run. Code executed to handle some hardware interrupts and trap conditions is included in this count.";

const IO_BYTES_HELP: &str = "Bytes issued to I/O operations in different modes (read, write, other). This property counts all I/O activity generated by the process to include file, network, and device I/Os. Read and write mode includes data operations; other mode includes those that do not involve data, such as control operations.";

const IO_OPERATIONS_HELP: &str = "I/O operations issued in different modes (read, write, other). This property counts all I/O activity generated by the process to include file, network, and device I/Os. Read and write mode includes data operations; other mode includes those that do not involve data, such as control operations.";

const POOL_HELP: &str = "Pool Bytes is the last observed number of bytes in the paged or nonpaged pool. The nonpaged pool is an area of system memory (physical memory used by the operating system) for objects that cannot be written to disk, but must remain in physical memory as long as they are allocated. The paged pool is an area of system memory (physical memory used by the operating system) for objects that can be written to disk when they are not being used. Nonpaged pool bytes is calculated differently than paged pool bytes, so it might not equal the total of paged pool bytes.";
