//! The host that this process runs on, as a [`Source`].

use std::ffi::c_void;
use std::time::{SystemTime, UNIX_EPOCH};

use windows::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS, SystemProcessorPerformanceInformation,
};
use windows::Wdk::System::SystemServices::RtlGetVersion;
use windows::Win32::System::ProcessStatus::{
    ENUM_PAGE_FILE_INFORMATION, K32EnumPageFilesW, K32GetPerformanceInfo, PERFORMANCE_INFORMATION,
};
use windows::Win32::System::SystemInformation::{
    COMPUTER_NAME_FORMAT, ComputerNameDnsDomain, ComputerNameDnsFullyQualified, ComputerNameDnsHostname,
    GetComputerNameExW, GlobalMemoryStatusEx, MEMORYSTATUSEX, OSVERSIONINFOW,
};
use windows::Win32::System::Threading::GetActiveProcessorCount;
use windows::core::{BOOL, Error, PCWSTR, PWSTR};

use super::buffer::{Buffer, text, text_of};
use super::pdh::Pdh;
use super::processes::Processes;
use super::{UNITS_PER_SECOND, failed, network, registry, services, unix_time, volumes};
use crate::source::{
    CounterQuery, Counters, Interface, Memory, PageFile, Process, Processor, Service, Source, SourceError, System,
    Volume,
};

const VERSION_KEY: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";

/// Windows 11 still calls itself 10 in the registry; it begins with this build.
const WINDOWS_11_BUILD: u32 = 22_000;

/// `SystemTimeOfDayInformation`: the first of six numbers is the time of boot.
const TIME_OF_DAY: SYSTEM_INFORMATION_CLASS = SYSTEM_INFORMATION_CLASS(3);

/// A processor group has up to 64 processors, and the kernel tells about one group at a time.
const PROCESSORS_MAX: usize = 64;

const ALL_PROCESSOR_GROUPS: u16 = 0xffff;

/// This host.
#[derive(Debug, Default)]
pub(super) struct Host {
    pdh: Pdh,
    processes: Processes,
}

impl Host {
    pub(super) fn new() -> Self {
        Self::default()
    }
}

impl Source for Host {
    fn counters(&self, query: &CounterQuery) -> Result<Counters, SourceError> {
        self.pdh.counters(query)
    }

    fn processors(&self) -> Result<Vec<Processor>, SourceError> {
        processors()
    }

    fn memory(&self) -> Result<Memory, SourceError> {
        memory()
    }

    fn system(&self) -> Result<System, SourceError> {
        system()
    }

    fn page_files(&self) -> Result<Vec<PageFile>, SourceError> {
        page_files()
    }

    fn volumes(&self) -> Result<Vec<Volume>, SourceError> {
        Ok(volumes::list())
    }

    fn interfaces(&self) -> Result<Vec<Interface>, SourceError> {
        network::interfaces()
    }

    fn services(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Service>, SourceError> {
        services::list(wanted)
    }

    fn processes(&self, command_lines: bool) -> Result<Vec<Process>, SourceError> {
        self.processes.list(command_lines)
    }
}

/// Times of one processor in units of 100 nanoseconds, as the kernel gives them.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct ProcessorTimes {
    idle: i64,
    /// With idle time.
    kernel: i64,
    user: i64,
    dpc: i64,
    interrupt: i64,
    interrupts: u32,
}

fn processors() -> Result<Vec<Processor>, SourceError> {
    let mut times = [ProcessorTimes::default(); PROCESSORS_MAX];
    let mut filled = 0_u32;
    // SAFETY: the size is that of the array that the kernel fills.
    let status = unsafe {
        NtQuerySystemInformation(
            SystemProcessorPerformanceInformation,
            times.as_mut_ptr().cast(),
            size_of_val(&times) as u32,
            &mut filled,
        )
    };
    status.ok().map_err(|error| failed("ask the kernel for processor times", error))?;
    let count = (filled as usize / size_of::<ProcessorTimes>()).min(PROCESSORS_MAX);
    let seconds = |units: i64| units as f64 / UNITS_PER_SECOND;
    let one = |(number, times): (usize, &ProcessorTimes)| Processor {
        core: format!("0,{number}"),
        idle: seconds(times.idle),
        user: seconds(times.user),
        privileged: seconds(times.kernel - times.idle),
        interrupt: seconds(times.interrupt),
        dpc: seconds(times.dpc),
        interrupts: f64::from(times.interrupts),
    };
    Ok(times[..count].iter().enumerate().map(one).collect())
}

fn memory() -> Result<Memory, SourceError> {
    let mut status = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..Default::default() };
    // SAFETY: the structure says its own size.
    unsafe { GlobalMemoryStatusEx(&mut status) }.map_err(|error| failed("ask for the state of memory", error))?;
    let mut info = PERFORMANCE_INFORMATION::default();
    // SAFETY: the size is that of the structure.
    let known = unsafe { K32GetPerformanceInfo(&mut info, size_of::<PERFORMANCE_INFORMATION>() as u32) };
    known.ok().map_err(|error| failed("ask for the use of memory", error))?;
    let pages = |count: usize| count as f64 * info.PageSize as f64;
    Ok(Memory {
        physical_total: status.ullTotalPhys as f64,
        physical_free: status.ullAvailPhys as f64,
        commit_limit: pages(info.CommitLimit),
        committed: pages(info.CommitTotal),
        process_limit: status.ullTotalVirtual as f64,
        cache: pages(info.SystemCache),
        pool_paged: pages(info.KernelPaged),
        pool_nonpaged: pages(info.KernelNonpaged),
        processes: f64::from(info.ProcessCount),
        threads: f64::from(info.ThreadCount),
    })
}

fn system() -> Result<System, SourceError> {
    let mut version = OSVERSIONINFOW { dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32, ..Default::default() };
    // SAFETY: the structure says its own size.
    unsafe { RtlGetVersion(&mut version) }.ok().map_err(|error| failed("ask for the version of Windows", error))?;
    let mut product = registry::text(VERSION_KEY, "ProductName");
    if version.dwBuildNumber >= WINDOWS_11_BUILD
        && let Some(edition) = product.strip_prefix("Windows 10")
    {
        product = format!("Windows 11{edition}");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    Ok(System {
        hostname: computer_name(ComputerNameDnsHostname),
        domain: computer_name(ComputerNameDnsDomain),
        fqdn: computer_name(ComputerNameDnsFullyQualified),
        product,
        major: version.dwMajorVersion,
        minor: version.dwMinorVersion,
        build: version.dwBuildNumber,
        revision: registry::number(VERSION_KEY, "UBR").map_or_else(String::new, |number| number.to_string()),
        installation_type: registry::text(VERSION_KEY, "InstallationType"),
        installed_at: registry::number(VERSION_KEY, "InstallDate").map_or(0.0, f64::from),
        booted_at: booted_at()?,
        now,
        // SAFETY: the function has no preconditions.
        processors: unsafe { GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) },
    })
}

fn booted_at() -> Result<f64, SourceError> {
    let mut times = [0_i64; 6];
    let mut filled = 0_u32;
    // SAFETY: the size is that of the array that the kernel fills.
    let status = unsafe {
        NtQuerySystemInformation(TIME_OF_DAY, times.as_mut_ptr().cast(), size_of_val(&times) as u32, &mut filled)
    };
    status.ok().map_err(|error| failed("ask the kernel for the time of boot", error))?;
    Ok(unix_time(times[0]))
}

/// A name of this computer; empty where it has none of this kind.
fn computer_name(kind: COMPUTER_NAME_FORMAT) -> String {
    let mut letters = [0_u16; 512];
    let mut length = letters.len() as u32;
    // SAFETY: `length` is that of the array that Windows fills.
    let known = unsafe { GetComputerNameExW(kind, Some(PWSTR(letters.as_mut_ptr())), &mut length) };
    if known.is_ok() { text_of(&letters) } else { String::new() }
}

fn page_files() -> Result<Vec<PageFile>, SourceError> {
    let mut info = PERFORMANCE_INFORMATION::default();
    // SAFETY: the size is that of the structure.
    let known = unsafe { K32GetPerformanceInfo(&mut info, size_of::<PERFORMANCE_INFORMATION>() as u32) };
    known.ok().map_err(|error| failed("ask for the size of a page", error))?;
    let mut files: Vec<PageFile> = Vec::new();
    // SAFETY: the callback takes its context for the vector that it is.
    let listed = unsafe { K32EnumPageFilesW(Some(add_page_file), (&raw mut files).cast()) };
    if !listed.as_bool() {
        return Err(failed("list paging files", Error::from_thread()));
    }
    for file in &mut files {
        file.size *= info.PageSize as f64;
        file.used *= info.PageSize as f64;
    }
    Ok(files)
}

/// Adds a paging file, with its figures in pages.
unsafe extern "system" fn add_page_file(
    context: *mut c_void,
    info: *mut ENUM_PAGE_FILE_INFORMATION,
    name: PCWSTR,
) -> BOOL {
    // SAFETY: `page_files` passes its vector and waits; Windows passes a structure and a text that live until the end.
    let (files, info, name) =
        unsafe { (&mut *context.cast::<Vec<PageFile>>(), &*info, text(PWSTR(name.as_ptr().cast_mut()))) };
    let file = name.strip_prefix(r"\??\").unwrap_or(&name).to_owned();
    files.push(PageFile { file, size: info.TotalSize as f64, used: info.TotalInUse as f64 });
    BOOL::from(true)
}

/// What a growing answer needs; see [`super::processes`].
pub(super) fn query_growing(
    class: SYSTEM_INFORMATION_CLASS,
    attempted: &'static str,
) -> Result<(Buffer, usize), SourceError> {
    /// An answer beyond this is none.
    const BYTES_MAX: usize = 256 << 20;
    const TOO_SMALL: i32 = 0xC000_0004_u32 as i32;
    let mut bytes = 256 * 1024;
    loop {
        let mut buffer = Buffer::new(bytes);
        let mut filled = 0_u32;
        // SAFETY: the size is not more than the buffer's.
        let status = unsafe { NtQuerySystemInformation(class, buffer.as_mut_ptr(), bytes as u32, &mut filled) };
        if status.0 == TOO_SMALL && bytes < BYTES_MAX {
            bytes *= 2;
            continue;
        }
        status.ok().map_err(|error| failed(attempted, error))?;
        return Ok((buffer, (filled as usize).min(bytes)));
    }
}
