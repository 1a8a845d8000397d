//! Volumes with a drive letter: what they are, and how full.

use windows::Win32::Foundation::CloseHandle;
use windows::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAGS_AND_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, GetDiskFreeSpaceExW,
    GetDriveTypeW, GetLogicalDrives, GetVolumeInformationW, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, OPEN_EXISTING,
};
use windows::Win32::System::IO::DeviceIoControl;
use windows::Win32::System::Ioctl::{DISK_EXTENT, VOLUME_DISK_EXTENTS};
use windows::core::{HSTRING, PCWSTR};

use super::buffer::{Buffer, text_of};
use crate::source::Volume;

/// `GetDriveType`'s answers, from 0.
const KINDS: &[&str] = &["unknown", "norootdir", "removable", "fixed", "remote", "cdrom", "ramdisk"];

/// The kinds that are disks of this host. Others would block on a network, or wait for somebody to insert something.
const LOCAL: &[&str] = &["removable", "fixed", "ramdisk"];

/// `FILE_READ_ONLY_VOLUME`.
const READ_ONLY: u32 = 0x8_0000;

/// The volumes; one that cannot be asked, such as a locked one, is left out.
pub(super) fn list() -> Vec<Volume> {
    // SAFETY: the function has no preconditions.
    let drives = unsafe { GetLogicalDrives() };
    (b'A'..=b'Z')
        .zip(0..)
        .filter(|(_, bit)| drives & (1 << bit) != 0)
        .filter_map(|(letter, _)| volume(&format!("{}:", char::from(letter))))
        .collect()
}

fn volume(name: &str) -> Option<Volume> {
    let root = HSTRING::from(format!("{name}\\"));
    let root = PCWSTR(root.as_ptr());
    // SAFETY: the path ends with a zero.
    let kind = unsafe { GetDriveTypeW(root) };
    let kind = KINDS.get(kind as usize).copied().unwrap_or("unknown");
    if !LOCAL.contains(&kind) {
        return None;
    }
    let (mut label, mut filesystem) = ([0_u16; 261], [0_u16; 261]);
    let (mut serial, mut flags) = (0_u32, 0_u32);
    // SAFETY: Windows fills the arrays and numbers, whose sizes it is told.
    unsafe {
        GetVolumeInformationW(root, Some(&mut label), Some(&mut serial), None, Some(&mut flags), Some(&mut filesystem))
    }
    .ok()?;
    let (mut size, mut free) = (0_u64, 0_u64);
    // SAFETY: Windows fills the numbers.
    let space = unsafe { GetDiskFreeSpaceExW(root, None, Some(&mut size), Some(&mut free)) };
    Some(Volume {
        name: name.to_owned(),
        disks: disks(name),
        filesystem: text_of(&filesystem),
        serial_number: format!("{serial:X}"),
        label: text_of(&label),
        kind: kind.to_owned(),
        read_only: flags & READ_ONLY != 0,
        size: space.is_ok().then_some(size as f64),
        free: space.is_ok().then_some(free as f64),
    })
}

/// The numbers of the disks that a volume lies on; empty where Windows does not tell.
fn disks(name: &str) -> String {
    let path = HSTRING::from(format!(r"\\.\{name}"));
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // SAFETY: the path ends with a zero. Without any access, no privilege is needed.
    let opened = unsafe {
        CreateFileW(PCWSTR(path.as_ptr()), 0, share, None, OPEN_EXISTING, FILE_FLAGS_AND_ATTRIBUTES(0), None)
    };
    let Ok(handle) = opened else { return String::new() };
    let mut buffer = Buffer::new(16 * 1024);
    let bytes = buffer.len() as u32;
    let control = IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS;
    // SAFETY: the volume is open, and `bytes` is the buffer's size; the handle is closed once, after its use.
    let told = unsafe {
        let told = DeviceIoControl(handle, control, None, 0, Some(buffer.as_mut_ptr()), bytes, None, None);
        drop(CloseHandle(handle));
        told
    };
    if told.is_err() {
        return String::new();
    }
    // SAFETY: the buffer is larger than the structure, and any bytes make one.
    let count = unsafe { (*buffer.as_ptr::<VOLUME_DISK_EXTENTS>()).NumberOfDiskExtents } as usize;
    let offset = std::mem::offset_of!(VOLUME_DISK_EXTENTS, Extents);
    let count = count.min((buffer.len() - offset) / size_of::<DISK_EXTENT>());
    // SAFETY: that many extents fit into the buffer behind the offset, which is aligned for them.
    let extents = unsafe { std::slice::from_raw_parts(buffer.as_ptr::<u8>().add(offset).cast::<DISK_EXTENT>(), count) };
    let mut numbers: Vec<_> = extents.iter().map(|extent| extent.DiskNumber.to_string()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.join(";")
}
