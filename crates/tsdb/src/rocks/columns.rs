//! The column families: what each holds and how it is set up for that.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options as RocksOptions};

/// A column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    /// Format version, partitions, seal marks, tombstones: small, read once at start.
    Meta,
    /// Series id to labels.
    Series,
    /// Commits that are not sealed yet, in the order of their numbers.
    Rows,
    /// Sealed blocks: partition, then series in metric order.
    Blocks,
    /// Sealed time columns, shared by series of one partition.
    Times,
    /// The same as in the meta column: what it says is said nowhere else.
    MetaCopy,
    /// Exemplars, in the order they came; few, and each leaves when its time has come.
    Exemplars,
}

impl Column {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Meta, Self::Series, Self::Rows, Self::Blocks, Self::Times, Self::MetaCopy, Self::Exemplars];

    /// Whether the database compacts it. Sealed samples come in whole tables and leave in whole tables.
    pub(crate) fn is_compacted(self) -> bool {
        !matches!(self, Self::Blocks | Self::Times)
    }

    /// The name that RocksDB knows the family by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Series => "series",
            Self::Rows => "rows",
            Self::Blocks => "blocks",
            Self::Times => "times",
            Self::MetaCopy => "meta_copy",
            Self::Exemplars => "exemplars",
        }
    }
}

/// What of the set-up can be chosen.
#[derive(Clone)]
pub(crate) struct Tuning {
    /// Rows are written out to a table past this size in memory.
    pub(crate) row_buffer_bytes: usize,
    /// The log is cut, by writing out what it still covers, past this size.
    pub(crate) log_bytes_max: u64,
    /// Decompressed table blocks kept in memory, shared by all columns.
    cache: Cache,
}

impl Tuning {
    /// A set-up with its own cache of decompressed blocks.
    pub(crate) fn new(row_buffer_bytes: usize, log_bytes_max: u64, cache_bytes: usize) -> Self {
        Self { row_buffer_bytes, log_bytes_max, cache: Cache::new_lru_cache(cache_bytes) }
    }
}

/// Open files are few: one table a partition and column, and those that long queries read stay open.
const OPEN_FILES_MAX: i32 = 512;

/// zstd above this level takes more time than it saves space.
const ZSTD_LEVEL: i32 = 1;

/// Neighbouring columns repeat each other; a block this large sees most of that.
const SEALED_BLOCK_BYTES: usize = 64 << 10;

/// Whether the database may be opened with tables missing or cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// No: each is looked at.
    Full,
    /// Yes: what is damaged is found when it is read.
    Salvage,
}

/// How the database as a whole is set up.
pub(crate) fn database_options(tuning: &Tuning, care: Care) -> RocksOptions {
    let mut options = RocksOptions::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(2);
    options.set_max_total_wal_size(tuning.log_bytes_max);
    // A damaged record of the log takes none but itself along: what builds on it is found out when the log is read.
    options.set_wal_recovery_mode(DBRecoveryMode::SkipAnyCorruptedRecord);
    options.set_paranoid_checks(care == Care::Full);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_skip_stats_update_on_db_open(true);
    options
}

/// How one column family is set up.
pub(crate) fn options(column: Column, tuning: &Tuning) -> RocksOptions {
    let mut options = RocksOptions::default();
    // Switched on when what is there has been read, see `Opened::compact_by_itself`.
    options.set_disable_auto_compactions(true);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&tuning.cache);
    table.set_format_version(6);
    match column {
        Column::Meta | Column::MetaCopy => options.set_write_buffer_size(1 << 20),
        Column::Series => {
            options.set_write_buffer_size(4 << 20);
            table.set_block_size(16 << 10);
            zstd(&mut options);
        }
        Column::Rows => {
            // Keys only grow, so tables move down without being rewritten, and sealed ones are deleted whole.
            options.set_write_buffer_size(tuning.row_buffer_bytes);
            options.set_max_write_buffer_number(3);
            options.set_compression_type(DBCompressionType::Lz4);
            table.set_block_size(16 << 10);
        }
        Column::Exemplars => {
            options.set_write_buffer_size(2 << 20);
            options.set_compression_type(DBCompressionType::Lz4);
        }
        Column::Blocks | Column::Times => {
            // No table may straddle partitions.
            options.set_write_buffer_size(1 << 20);
            table.set_block_size(if column == Column::Blocks { SEALED_BLOCK_BYTES } else { 16 << 10 });
            zstd(&mut options);
        }
    }
    options.set_block_based_table_factory(&table);
    options
}

fn zstd(options: &mut RocksOptions) {
    const WINDOW_BITS: i32 = -14;
    const STRATEGY: i32 = 0;
    const DICTIONARY_BYTES: i32 = 0;
    options.set_compression_type(DBCompressionType::Zstd);
    options.set_compression_options(WINDOW_BITS, ZSTD_LEVEL, STRATEGY, DICTIONARY_BYTES);
}
