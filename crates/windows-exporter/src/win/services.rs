//! The Windows services, as a subject of metrics.

use windows::Win32::Foundation::{CloseHandle, ERROR_MORE_DATA, FILETIME};
use windows::Win32::System::Services::{
    CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW, OpenServiceW,
    QUERY_SERVICE_CONFIGW, QueryServiceConfigW, SC_ENUM_PROCESS_INFO, SC_HANDLE, SC_MANAGER_CONNECT,
    SC_MANAGER_ENUMERATE_SERVICE, SERVICE_QUERY_CONFIG, SERVICE_STATE_ALL, SERVICE_WIN32,
};
use windows::Win32::System::Threading::{GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};
use windows::core::{HSTRING, PCWSTR};

use super::buffer::{Buffer, text};
use super::{failed, unix_time};
use crate::source::{Service, ServiceConfig, SourceError};

/// What Windows lists at most in one answer.
const LIST_BYTES: usize = 256 * 1024;
/// What the configuration of a service takes at most.
const CONFIG_BYTES: usize = 8 * 1024;

/// A handle of the service manager.
struct Handle(SC_HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody uses it from here on.
        drop(unsafe { CloseServiceHandle(self.0) });
    }
}

pub(super) fn list(wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Service>, SourceError> {
    let access = SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE;
    // SAFETY: without names, Windows opens this host's own manager.
    let manager = unsafe { OpenSCManagerW(PCWSTR::null(), PCWSTR::null(), access) };
    let manager = Handle(manager.map_err(|error| failed("open the service manager", error))?);
    let mut services = Vec::new();
    let mut buffer = Buffer::new(LIST_BYTES);
    let mut resume = 0_u32;
    loop {
        let (mut needed, mut count) = (0_u32, 0_u32);
        // SAFETY: Windows fills the buffer, whose size it is told, and the numbers.
        let listed = unsafe {
            EnumServicesStatusExW(
                manager.0,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_STATE_ALL,
                Some(buffer.bytes_mut()),
                &mut needed,
                &mut count,
                Some(&mut resume),
                PCWSTR::null(),
            )
        };
        let more = match listed {
            Ok(()) => false,
            Err(error) if error.code() == ERROR_MORE_DATA.to_hresult() && count > 0 => true,
            Err(error) => return Err(failed("list services", error)),
        };
        let count = (count as usize).min(buffer.len() / size_of::<ENUM_SERVICE_STATUS_PROCESSW>());
        // SAFETY: Windows has filled the buffer with that many entries, and they fit.
        let entries = unsafe { std::slice::from_raw_parts(buffer.as_ptr::<ENUM_SERVICE_STATUS_PROCESSW>(), count) };
        services.extend(entries.iter().filter_map(|entry| service(&manager, entry, wanted)));
        if !more {
            return Ok(services);
        }
    }
}

fn service(manager: &Handle, entry: &ENUM_SERVICE_STATUS_PROCESSW, wanted: &dyn Fn(&str) -> bool) -> Option<Service> {
    // SAFETY: texts of an entry lie in the same buffer and end with a zero.
    let (name, display_name) = unsafe { (text(entry.lpServiceName), text(entry.lpDisplayName)) };
    if !wanted(&name) {
        return None;
    }
    let process_id = entry.ServiceStatusProcess.dwProcessId;
    Some(Service {
        config: config(manager, &name),
        process_started_at: if process_id == 0 { None } else { started_at(process_id) },
        state: entry.ServiceStatusProcess.dwCurrentState.0,
        name,
        display_name,
        process_id,
    })
}

/// The configuration; none where access is denied.
fn config(manager: &Handle, name: &str) -> Option<ServiceConfig> {
    let name = HSTRING::from(name);
    // SAFETY: the manager is open, and the name ends with a zero.
    let service = unsafe { OpenServiceW(manager.0, PCWSTR(name.as_ptr()), SERVICE_QUERY_CONFIG) };
    let service = Handle(service.ok()?);
    let mut buffer = Buffer::new(CONFIG_BYTES);
    let mut needed = 0_u32;
    let bytes = buffer.len() as u32;
    // SAFETY: the service is open, `bytes` is the buffer's size, and the texts lie in the buffer.
    unsafe {
        QueryServiceConfigW(service.0, Some(buffer.as_mut_ptr()), bytes, &mut needed).ok()?;
        let config = &*buffer.as_ptr::<QUERY_SERVICE_CONFIGW>();
        Some(ServiceConfig {
            start_type: config.dwStartType.0,
            path_name: text(config.lpBinaryPathName),
            run_as: text(config.lpServiceStartName),
        })
    }
}

/// When a process was started; none where access is denied.
fn started_at(process_id: u32) -> Option<f64> {
    let mut times = [FILETIME::default(); 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the process is open while it is asked, and closed once; Windows fills the times.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, process_id).ok()?;
        let told = GetProcessTimes(process, created, exited, kernel, user);
        drop(CloseHandle(process));
        told.ok()?;
    }
    let units = (i64::from(created.dwHighDateTime) << 32) | i64::from(created.dwLowDateTime);
    Some(unix_time(units))
}
