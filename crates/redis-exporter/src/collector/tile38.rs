//! Tile38, a server of another kind that speaks Redis' protocol: the answer to `SERVER EXT`.

use super::{Out, number_of};
use crate::reply::Reply;

/// Fields: name in the answer, without the prefix that some versions give it, and metric.
const FIELDS: &[(&str, &str)] = &[
    ("alloc_bytes", "tile38_mem_alloc_bytes"),
    ("aof_size", "tile38_aof_size_bytes"),
    ("avg_point_size", "tile38_avg_item_size_bytes"),
    ("go_goroutines", "tile38_go_goroutines_total"),
    ("go_threads", "tile38_threads_total"),
    ("heap_alloc_bytes", "tile38_heap_size_bytes"),
    ("heap_released_bytes", "tile38_heap_released_bytes"),
    ("http_transport", "tile38_http_transport"),
    ("in_memory_size", "tile38_in_memory_size_bytes"),
    ("last_gc_time_seconds", "tile38_last_gc_time_seconds"),
    ("max_heap_size", "tile38_max_heap_size_bytes"),
    ("next_gc_bytes", "tile38_next_gc_bytes"),
    ("num_collections", "tile38_num_collections_total"),
    ("num_hooks", "tile38_num_hooks_total"),
    ("num_objects", "tile38_num_objects_total"),
    ("num_points", "tile38_num_points_total"),
    ("pointer_size", "tile38_pointer_size_bytes"),
    ("read_only", "tile38_read_only"),
    ("sys_cpus", "tile38_cpus_total"),
];

/// Adds the fields. The figures that only grow are gauges in the original too.
pub fn emit(out: &mut Out<'_>, answer: &Reply) {
    for (name, value) in answer.pairs() {
        let name = name.strip_prefix("tile38_").unwrap_or(&name);
        let known = FIELDS.iter().find(|(field, _)| *field == name);
        let value = value.text().as_deref().and_then(number_of);
        if let (Some((_, metric)), Some(value)) = (known, value) {
            out.plain_gauge(metric, &[], value);
        }
    }
}
