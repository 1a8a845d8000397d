//! Values of the registry.

use windows::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW};
use windows::core::{HSTRING, PCWSTR};

use super::buffer::text_of;

/// Longer texts are none that this program asks for.
const LETTERS_MAX: usize = 512;

/// A text below `HKEY_LOCAL_MACHINE`; empty where it is not there.
pub(super) fn text(key: &str, value: &str) -> String {
    let mut letters = [0_u16; LETTERS_MAX];
    let mut bytes = (LETTERS_MAX * 2) as u32;
    let (key, value) = (HSTRING::from(key), HSTRING::from(value));
    // SAFETY: `bytes` is the size of the array that Windows fills.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            PCWSTR(key.as_ptr()),
            PCWSTR(value.as_ptr()),
            RRF_RT_REG_SZ,
            None,
            Some(letters.as_mut_ptr().cast()),
            Some(&mut bytes),
        )
    };
    if code.is_ok() { text_of(&letters) } else { String::new() }
}

/// A number below `HKEY_LOCAL_MACHINE`, if it is there.
pub(super) fn number(key: &str, value: &str) -> Option<u32> {
    let mut number = 0_u32;
    let mut bytes = 4_u32;
    let (key, value) = (HSTRING::from(key), HSTRING::from(value));
    // SAFETY: `bytes` is the size of the number that Windows fills.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            PCWSTR(key.as_ptr()),
            PCWSTR(value.as_ptr()),
            RRF_RT_REG_DWORD,
            None,
            Some((&raw mut number).cast()),
            Some(&mut bytes),
        )
    };
    code.is_ok().then_some(number)
}
