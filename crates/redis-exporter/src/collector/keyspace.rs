//! Keys of each database.

use std::collections::BTreeSet;

use super::Out;
use crate::info::{Info, Parts};

/// Adds the section Keyspace. Databases without keys, which INFO leaves out, count zero when their number is known.
pub fn emit(out: &mut Out<'_>, info: &Info, databases: Option<u32>) {
    let mut seen = BTreeSet::new();
    for field in info.fields().iter().filter(|field| field.section == "Keyspace") {
        let parts = Parts::new(&field.value);
        let (Some(keys), Some(expiring)) = (parts.number("keys"), parts.number("expires")) else { continue };
        keys_of(out, &field.name, keys, expiring);
        if let Some(ttl_ms) = parts.number("avg_ttl") {
            out.gauge("db_avg_ttl_seconds", "Avg TTL in seconds", &[("db", &field.name)], ttl_ms / 1e3);
        }
        if let Some(cached) = parts.number("cached_keys") {
            out.gauge("db_keys_cached", "Total number of cached keys by DB", &[("db", &field.name)], cached);
        }
        seen.insert(field.name.clone());
    }
    for database in (0..databases.unwrap_or(0)).map(|number| format!("db{number}")) {
        if !seen.contains(&database) {
            keys_of(out, &database, 0.0, 0.0);
        }
    }
}

fn keys_of(out: &mut Out<'_>, database: &str, keys: f64, expiring: f64) {
    out.gauge("db_keys", "Total number of keys by DB", &[("db", database)], keys);
    out.gauge("db_keys_expiring", "Total number of expiring keys by DB", &[("db", database)], expiring);
}
