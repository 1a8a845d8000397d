//! Indexes of the search module: the answers to `FT._LIST` and, for each index, `FT.INFO`.

use super::Out;
use crate::reply::Reply;

/// Bytes of a megabyte as the module counts them.
const MEGABYTE: f64 = 1_048_576.0;

/// A figure of an index: key of the answer, metric, help, and what to multiply by.
type Row = (&'static str, &'static str, &'static str, f64);

const GAUGES: &[Row] = &[
    ("num_docs", "search_index_num_docs", "Number of documents in search index", 1.0),
    ("max_doc_id", "search_index_max_doc_id", "Maximum document ID in search index", 1.0),
    ("num_terms", "search_index_num_terms", "Number of distinct terms in search index", 1.0),
    ("num_records", "search_index_num_records", "Total number of records in search index", 1.0),
    ("inverted_sz_mb", "search_index_inverted_size_bytes", "Memory used by the inverted index", MEGABYTE),
    (
        "total_inverted_index_blocks",
        "search_index_total_inverted_index_blocks",
        "Total number of blocks in the inverted index",
        1.0,
    ),
    (
        "vector_index_sz_mb",
        "search_index_vector_index_size_bytes",
        "Memory used by the vector index, stores vectors associated with each document",
        MEGABYTE,
    ),
    (
        "offset_vectors_sz_mb",
        "search_index_offset_vectors_size_bytes",
        "Memory used by the offset vectors, store positional information for terms in documents",
        MEGABYTE,
    ),
    (
        "doc_table_size_mb",
        "search_index_doc_table_size_bytes",
        "Memory used by the document table, contains metadata about each document in the index",
        MEGABYTE,
    ),
    (
        "sortable_values_size_mb",
        "search_index_sortable_values_size_bytes",
        "Memory used by sortable values, used for sorting purposes",
        MEGABYTE,
    ),
    (
        "key_table_size_mb",
        "search_index_key_table_size_bytes",
        "Memory used by the key table, stores mapping between document IDs and keys",
        MEGABYTE,
    ),
    (
        "tag_overhead_sz_mb",
        "search_index_tag_overhead_size_bytes",
        "Size of the TAG index structures used for optimising performance",
        MEGABYTE,
    ),
    (
        "text_overhead_sz_mb",
        "search_index_text_overhead_size_bytes",
        "Size of the TEXT index structures used for optimising performance",
        MEGABYTE,
    ),
    (
        "total_index_memory_sz_mb",
        "search_index_total_index_memory_size_bytes",
        "Total memory consumed by all indexes in the DB",
        MEGABYTE,
    ),
    ("geoshapes_sz_mb", "search_index_geoshapes_size_bytes", "Memory used by GEO-related fields", MEGABYTE),
    (
        "records_per_doc_avg",
        "search_index_avg_per_doc_records",
        "Average number of records (including deletions) per document",
        1.0,
    ),
    ("bytes_per_record_avg", "search_index_avg_per_record_bytes", "Average size of each record in bytes", 1.0),
    (
        "offsets_per_term_avg",
        "search_index_avg_per_term_offsets",
        "Average number of offsets (position information) per term",
        1.0,
    ),
    (
        "offset_bits_per_record_avg",
        "search_index_avg_per_record_offset_bits",
        "Average number of bits used for offsets per record",
        1.0,
    ),
    ("indexing", "search_index_indexing", "Indicates whether the index is currently being generated", 1.0),
    (
        "percent_indexed",
        "search_index_percent_indexed",
        "Percentage of the index that has been successfully generated (0-1)",
        1.0,
    ),
    (
        "hash_indexing_failures",
        "search_index_hash_indexing_failures",
        "Number of failures encountered during indexing",
        1.0,
    ),
    (
        "cleaning",
        "search_index_cleaning",
        "Index deletion flag. A value of 1 indicates index deletion is in progress",
        1.0,
    ),
];

/// Adds an index. A figure that its server does not tell counts zero, as in the original.
pub fn emit(out: &mut Out<'_>, index: &str, answer: &Reply) {
    let labels = [("index_name", index)];
    let figure = |key: &str| answer.get(key).and_then(Reply::number).filter(|value| value.is_finite()).unwrap_or(0.0);
    for (key, name, help, factor) in GAUGES {
        out.gauge(name, help, &labels, figure(key) * factor);
    }
    let help = "Number of times the index has been used";
    out.counter("search_index_number_of_uses_total", help, &labels, figure("number_of_uses"));
}
