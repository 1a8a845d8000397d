//! What the index needs at once when one of its tables is full: twice the table, beside the old one. With millions of
//! series that is hundreds of megabytes from one series to the next, and several tables are full at the same number.

use hashbrown::HashTable;
use rustc_hash::FxHashMap;

/// A table counts as full when so few places are left: those are for series that must come in.
pub(crate) const SPARE: usize = 4096;

/// Smaller tables do not matter.
const SMALL: usize = 1 << 16;

/// Bytes of the next larger table of hashed entries.
fn hashed(len: usize, capacity: usize, entry_bytes: usize) -> usize {
    // Seven of eight places are used, and each has a byte more.
    if capacity < SMALL || capacity - len >= SPARE { 0 } else { capacity / 7 * 16 * (entry_bytes + 1) }
}

/// Bytes that a table is about to need.
pub(crate) fn of_table<T>(table: &HashTable<T>) -> usize {
    hashed(table.len(), table.capacity(), size_of::<T>())
}

/// Bytes that a map is about to need.
pub(crate) fn of_map<K, V>(map: &FxHashMap<K, V>) -> usize {
    hashed(map.len(), map.capacity(), size_of::<(K, V)>())
}

/// Bytes that a list is about to need.
pub(crate) fn of_list<T>(list: &Vec<T>) -> usize {
    let (len, capacity) = (list.len(), list.capacity());
    if capacity < SMALL || capacity - len >= SPARE { 0 } else { 2 * capacity * size_of::<T>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_before_it_is_full() {
        let mut map = FxHashMap::default();
        let mut announced = 0;
        for at in 0..400_000_u64 {
            let (growth, before) = (of_map(&map), map.capacity());
            map.insert(at, at);
            if map.capacity() != before && before >= SMALL {
                assert!(growth >= map.capacity() * size_of::<(u64, u64)>(), "{growth} at {at}");
                announced += 1;
            }
        }
        assert!(announced >= 2);
        assert_eq!(of_map(&map), 0);
        let mut list = Vec::with_capacity(SMALL);
        list.resize(SMALL - SPARE, 0_u32);
        assert_eq!(of_list(&list), 0);
        list.push(0);
        assert_eq!(of_list(&list), 2 * SMALL * 4);
    }
}
