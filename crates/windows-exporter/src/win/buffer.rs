//! Memory that Windows fills with structures, and texts in it.

use windows::core::PWSTR;

/// Memory that is aligned for every structure that Windows puts there.
#[derive(Debug)]
pub(super) struct Buffer(Vec<u64>);

impl Buffer {
    /// Zeroed memory of at least this size.
    pub(super) fn new(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(8)])
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() * 8
    }

    pub(super) fn as_mut_ptr<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }

    pub(super) fn as_ptr<T>(&self) -> *const T {
        self.0.as_ptr().cast()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let length = self.len();
        // SAFETY: the vector owns `length` initialized bytes, and bytes need no alignment.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), length) }
    }
}

/// The text that Windows points to; empty for a null pointer.
///
/// # Safety
/// The pointer is null or points to a text that ends with a zero.
pub(super) unsafe fn text(pointer: PWSTR) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    String::from_utf16_lossy(unsafe { pointer.as_wide() })
}

/// The text in an array, up to its first zero.
pub(super) fn text_of(letters: &[u16]) -> String {
    let end = letters.iter().position(|letter| *letter == 0).unwrap_or(letters.len());
    String::from_utf16_lossy(&letters[..end])
}
