//! What collectors ask of a host. `win` asks Windows, [`crate::recorded`] reads a recording, and collectors cannot tell
//! them apart.
//!
//! The types deserialize because a recording is exactly what a source has given, field by field.

use std::collections::BTreeMap;
use std::error::Error;

use exporter::CollectError;
use serde::Deserialize;

/// A host.
pub trait Source: Send + Sync + 'static {
    /// Performance counters, raw. A counter that the host lacks is missing from the instances; it is an error only when
    /// the whole object is missing.
    fn counters(&self, query: &CounterQuery) -> Result<Counters, SourceError>;
    /// Time of each logical processor since boot, from the kernel: for hosts whose counters are broken.
    fn processors(&self) -> Result<Vec<Processor>, SourceError>;
    /// Memory, as far as it is known without performance counters.
    fn memory(&self) -> Result<Memory, SourceError>;
    /// Names, version and age of the system.
    fn system(&self) -> Result<System, SourceError>;
    /// The paging files.
    fn page_files(&self) -> Result<Vec<PageFile>, SourceError>;
    /// The volumes that have a drive letter or, as the counters call them, a name such as `HarddiskVolume1`.
    fn volumes(&self) -> Result<Vec<Volume>, SourceError>;
    /// The network interfaces.
    fn interfaces(&self) -> Result<Vec<Interface>, SourceError>;
    /// The services whose names pass `wanted`. What only an open service tells is missing where access is denied.
    fn services(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Service>, SourceError>;
    /// The processes; with owners and, if asked for, command lines.
    fn processes(&self, command_lines: bool) -> Result<Vec<Process>, SourceError>;
}

/// Which counters of which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterQuery {
    /// The object's English name, as `PhysicalDisk`.
    pub object: &'static str,
    /// Whether the object has instances.
    pub instances: bool,
    /// The counters' English names.
    pub counters: Vec<&'static str>,
}

/// The counters of an object at one moment.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Counters {
    /// How fast the clock of counters in ticks is.
    pub ticks_per_second: f64,
    /// The object's instances; one without a name where the object has none.
    pub instances: Vec<Instance>,
}

/// One instance of an object.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Its counters by English name.
    pub values: BTreeMap<String, Raw>,
}

/// A counter as Windows keeps it. What the numbers mean is the counter's type, which those who ask know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub struct Raw {
    /// The value itself.
    pub first: f64,
    /// The base, for types that have one.
    pub second: f64,
}

/// Time of a logical processor since boot, in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Processor {
    /// `group,number`, as the counters name it.
    pub core: String,
    /// Idle.
    pub idle: f64,
    /// In user mode.
    pub user: f64,
    /// In the kernel, with interrupts and deferred calls but without idle time.
    pub privileged: f64,
    /// Serving interrupts.
    pub interrupt: f64,
    /// Serving deferred procedure calls.
    pub dpc: f64,
    /// Interrupts served.
    pub interrupts: f64,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Memory {
    /// Physical memory.
    pub physical_total: f64,
    /// Physical memory that can be had at once.
    pub physical_free: f64,
    /// What may be committed.
    pub commit_limit: f64,
    /// What is committed.
    pub committed: f64,
    /// The user's half of an address space.
    pub process_limit: f64,
    /// The system's cache.
    pub cache: f64,
    /// The paged pool.
    pub pool_paged: f64,
    /// The nonpaged pool.
    pub pool_nonpaged: f64,
    /// Processes.
    pub processes: f64,
    /// Threads.
    pub threads: f64,
}

/// Names, version and age of a system.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct System {
    /// DNS name without domain.
    pub hostname: String,
    /// DNS domain; empty where there is none.
    pub domain: String,
    /// DNS name with domain.
    pub fqdn: String,
    /// As `Windows Server 2022 Datacenter`.
    pub product: String,
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build.
    pub build: u32,
    /// Revision of the build (UBR).
    pub revision: String,
    /// As `Server Core`.
    pub installation_type: String,
    /// When the system was installed, as Unix time.
    pub installed_at: f64,
    /// When it was started, as Unix time.
    pub booted_at: f64,
    /// Its clock, as Unix time.
    pub now: f64,
    /// Logical processors.
    pub processors: u32,
}

/// A paging file, in bytes.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PageFile {
    /// Its path.
    pub file: String,
    /// Its size.
    pub size: f64,
    /// What is in use.
    pub used: f64,
}

/// A volume.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Volume {
    /// As `C:`.
    pub name: String,
    /// The numbers of the disks it is on, joined by `;`.
    pub disks: String,
    /// As `NTFS`.
    pub filesystem: String,
    /// In hexadecimal digits.
    pub serial_number: String,
    /// What the user calls it.
    pub label: String,
    /// As `fixed`.
    pub kind: String,
    /// Whether it can only be read.
    pub read_only: bool,
    /// Size in bytes, if the system tells.
    pub size: Option<f64>,
    /// Free space in bytes, if the system tells.
    pub free: Option<f64>,
}

/// A network interface.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Interface {
    /// What the driver calls it.
    pub description: String,
    /// What the user calls it.
    pub friendly_name: String,
    /// As `00:15:5D:00:00:01`.
    pub mac: String,
    /// As RFC 2863 numbers it.
    pub status: i32,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// What it has sent and received, if the system tells.
    pub traffic: Option<Traffic>,
}

/// What an interface has sent and received.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Traffic {
    /// Bytes received.
    pub bytes_received: f64,
    /// Bytes sent.
    pub bytes_sent: f64,
    /// Packets received.
    pub packets_received: f64,
    /// Packets sent.
    pub packets_sent: f64,
    /// Packets received and dropped.
    pub received_discarded: f64,
    /// Packets received with errors.
    pub received_errors: f64,
    /// Packets received of unknown protocols.
    pub received_unknown: f64,
    /// Packets not sent, though they could have been.
    pub outbound_discarded: f64,
    /// Packets that could not be sent.
    pub outbound_errors: f64,
    /// Packets waiting to be sent.
    pub output_queue: f64,
    /// Bits per second.
    pub bandwidth_bits: f64,
}

/// A service.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What users see.
    pub display_name: String,
    /// `SERVICE_STOPPED` (1) to `SERVICE_PAUSED` (7).
    pub state: u32,
    /// The process it runs in; 0 when it does not run.
    pub process_id: u32,
    /// When that process was started, as Unix time, if the system tells.
    pub process_started_at: Option<f64>,
    /// What its configuration says, if it may be read.
    pub config: Option<ServiceConfig>,
}

/// The configuration of a service.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ServiceConfig {
    /// `SERVICE_BOOT_START` (0) to `SERVICE_DISABLED` (4).
    pub start_type: u32,
    /// The program and its arguments.
    pub path_name: String,
    /// The account.
    pub run_as: String,
}

/// A process.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Its name, without `.exe`.
    pub name: String,
    /// Its number.
    pub id: u64,
    /// The number of the process that started it.
    pub parent_id: u64,
    /// The session it belongs to.
    pub session: u32,
    /// The account it runs as.
    pub owner: String,
    /// How it was started, if that was asked for.
    pub command_line: String,
    /// When it was started, as Unix time.
    pub started_at: f64,
    /// Seconds in the kernel.
    pub privileged: f64,
    /// Seconds in user mode.
    pub user: f64,
    /// Open handles.
    pub handles: f64,
    /// Threads.
    pub threads: f64,
    /// Base priority.
    pub priority_base: f64,
    /// Page faults.
    pub page_faults: f64,
    /// Bytes in the paging files.
    pub page_file: f64,
    /// Bytes that are not shared.
    pub private: f64,
    /// Bytes of address space.
    pub virtual_bytes: f64,
    /// Bytes in the working set.
    pub working_set: f64,
    /// Most bytes that were in the working set.
    pub working_set_peak: f64,
    /// Bytes in the working set that are not shared.
    pub working_set_private: f64,
    /// Bytes in the paged pool.
    pub pool_paged: f64,
    /// Bytes in the nonpaged pool.
    pub pool_nonpaged: f64,
    /// Operations and bytes read.
    pub read: Io,
    /// Operations and bytes written.
    pub write: Io,
    /// Other operations and their bytes.
    pub other: Io,
}

/// Input or output of a process.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Io {
    /// How often.
    pub operations: f64,
    /// How much.
    pub bytes: f64,
}

/// Why a source does not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The host does not have it, or does not have it yet.
    #[error("the host has no {what}")]
    Missing {
        /// What was asked for.
        what: String,
    },
    /// The system refused.
    #[error("cannot {attempted}")]
    Failed {
        /// What was attempted, as "list services".
        attempted: &'static str,
        /// What the system said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl SourceError {
    /// A [`SourceError::Missing`].
    pub fn missing(what: impl Into<String>) -> Self {
        Self::Missing { what: what.into() }
    }
}

impl From<SourceError> for CollectError {
    fn from(error: SourceError) -> Self {
        Self::failed("ask the host", error)
    }
}
