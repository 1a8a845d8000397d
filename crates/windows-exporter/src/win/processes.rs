//! Processes: figures from the kernel, all in one answer; owners and command lines from sysinfo.

use std::collections::HashMap;
use std::ffi::c_void;

use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, UpdateKind};
use windows::Wdk::System::SystemInformation::SystemProcessInformation;
use windows::Win32::Foundation::{HLOCAL, LocalFree};
use windows::Win32::Security::Authorization::ConvertStringSidToSidW;
use windows::Win32::Security::{LookupAccountSidW, PSID, SID_NAME_USE};
use windows::core::{HSTRING, PCWSTR, PWSTR};

use super::buffer::text_of;
use super::host::query_growing;
use super::{UNITS_PER_SECOND, unix_time};
use crate::source::{Io, Process, SourceError};

/// What sysinfo knows: owners and command lines do not change, so each is asked for once.
#[derive(Debug, Default)]
pub(super) struct Processes {
    details: Mutex<Details>,
}

#[derive(Debug, Default)]
struct Details {
    system: Option<sysinfo::System>,
    /// Accounts by security identifier; empty where Windows knows none.
    accounts: HashMap<String, String>,
}

/// `SYSTEM_PROCESS_INFORMATION`, whose fields the bindings do not name.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Entry {
    next: u32,
    threads: u32,
    working_set_private: i64,
    hard_faults: u32,
    threads_peak: u32,
    cycles: u64,
    created: i64,
    user: i64,
    kernel: i64,
    name_bytes: u16,
    name_bytes_max: u16,
    name: *const u16,
    priority_base: i32,
    id: usize,
    parent_id: usize,
    handles: u32,
    session: u32,
    key: usize,
    virtual_peak: usize,
    virtual_size: usize,
    page_faults: u32,
    working_set_peak: usize,
    working_set: usize,
    pool_paged_peak: usize,
    pool_paged: usize,
    pool_nonpaged_peak: usize,
    pool_nonpaged: usize,
    page_file: usize,
    page_file_peak: usize,
    private: usize,
    /// Read, write, other: operations, then bytes.
    io: [i64; 6],
}

impl Processes {
    pub(super) fn list(&self, command_lines: bool) -> Result<Vec<Process>, SourceError> {
        let (buffer, filled) = query_growing(SystemProcessInformation, "ask the kernel for processes")?;
        let start = buffer.as_ptr::<u8>();
        let mut processes = Vec::new();
        let mut at = 0_usize;
        while at + size_of::<Entry>() <= filled {
            // SAFETY: the entry ends within what the kernel has filled, and any bytes make an entry.
            let entry = unsafe { start.add(at).cast::<Entry>().read_unaligned() };
            processes.push(process(&entry, name(&entry, start.cast(), filled)));
            if entry.next == 0 {
                break;
            }
            at += entry.next as usize;
        }
        self.add_details(&mut processes, command_lines);
        Ok(processes)
    }

    fn add_details(&self, processes: &mut [Process], command_lines: bool) {
        let mut details = self.details.lock();
        if details.system.is_none() {
            // Without it, processes have no owners and command lines, and all their figures.
            details.system = sysinfo::System::new().ok();
        }
        let Details { system: Some(system), accounts } = &mut *details else { return };
        let mut kind = ProcessRefreshKind::nothing().with_user(UpdateKind::OnlyIfNotSet);
        if command_lines {
            kind = kind.with_cmd(UpdateKind::OnlyIfNotSet);
        }
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
        for process in processes {
            let id = u32::try_from(process.id).unwrap_or(0);
            let Some(known) = system.process(Pid::from_u32(id)) else { continue };
            if let Some(identifier) = known.user_id().map(|identifier| identifier.to_string()) {
                process.owner = accounts.entry(identifier).or_insert_with_key(|identifier| account(identifier)).clone();
            }
            let words: Vec<_> = known.cmd().iter().map(|word| word.to_string_lossy()).collect();
            process.command_line = words.join(" ");
        }
    }
}

/// The account of a security identifier, as `NT AUTHORITY\SYSTEM`; empty where Windows knows none.
fn account(identifier: &str) -> String {
    let identifier = HSTRING::from(identifier);
    let (mut name, mut domain) = ([0_u16; 257], [0_u16; 257]);
    let (mut name_length, mut domain_length) = (name.len() as u32, domain.len() as u32);
    let mut kind = SID_NAME_USE::default();
    let mut sid = PSID::default();
    // SAFETY: the text ends with a zero, Windows is told the lengths of the arrays, and frees what it has allocated.
    let known = unsafe {
        if ConvertStringSidToSidW(PCWSTR(identifier.as_ptr()), &mut sid).is_err() {
            return String::new();
        }
        let (name, domain) = (PWSTR(name.as_mut_ptr()), PWSTR(domain.as_mut_ptr()));
        let known = LookupAccountSidW(
            PCWSTR::null(),
            sid,
            Some(name),
            &mut name_length,
            Some(domain),
            &mut domain_length,
            &mut kind,
        );
        LocalFree(Some(HLOCAL(sid.0)));
        known
    };
    if known.is_ok() { format!("{}\\{}", text_of(&domain), text_of(&name)) } else { String::new() }
}

/// The name of the process's program, without its extension as the counters have it.
fn name(entry: &Entry, start: *const c_void, filled: usize) -> String {
    let bytes = usize::from(entry.name_bytes);
    let offset = (entry.name as usize).wrapping_sub(start as usize);
    if entry.name.is_null() || offset.checked_add(bytes).is_none_or(|end| end > filled) {
        // The first entry has no name and stands for idle time.
        return if entry.id == 0 { "Idle".to_owned() } else { String::new() };
    }
    // SAFETY: the text lies within what the kernel has filled; texts of the kernel are aligned.
    let letters = unsafe { std::slice::from_raw_parts(entry.name, bytes / 2) };
    let name = String::from_utf16_lossy(letters);
    name.strip_suffix(".exe").or_else(|| name.strip_suffix(".EXE")).unwrap_or(&name).to_owned()
}

fn process(entry: &Entry, name: String) -> Process {
    let seconds = |units: i64| units as f64 / UNITS_PER_SECOND;
    let [reads, writes, others, read, written, other] = entry.io.map(|number| number as f64);
    Process {
        name,
        id: entry.id as u64,
        parent_id: entry.parent_id as u64,
        session: entry.session,
        owner: String::new(),
        command_line: String::new(),
        started_at: if entry.created == 0 { 0.0 } else { unix_time(entry.created) },
        privileged: seconds(entry.kernel),
        user: seconds(entry.user),
        handles: f64::from(entry.handles),
        threads: f64::from(entry.threads),
        priority_base: f64::from(entry.priority_base),
        page_faults: f64::from(entry.page_faults),
        page_file: entry.page_file as f64,
        private: entry.private as f64,
        virtual_bytes: entry.virtual_size as f64,
        working_set: entry.working_set as f64,
        working_set_peak: entry.working_set_peak as f64,
        working_set_private: entry.working_set_private as f64,
        pool_paged: entry.pool_paged as f64,
        pool_nonpaged: entry.pool_nonpaged as f64,
        read: Io { operations: reads, bytes: read },
        write: Io { operations: writes, bytes: written },
        other: Io { operations: others, bytes: other },
    }
}
