//! `memory`: physical and virtual memory. Where counters are broken, the most important figures come from elsewhere.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use super::column::{Column, Unit, add, emit, gauge, query, total};
use crate::source::{Memory, Source};

const COLUMNS: &[Column] = &[
    gauge(
        "Available Bytes",
        Unit::Plain,
        "windows_memory_available_bytes",
        "The amount of physical memory immediately available for allocation to a process or for system use. It is equal to the sum of memory assigned to the standby (cached), free and zero page lists (AvailableBytes)",
    ),
    gauge("Cache Bytes", Unit::Plain, "windows_memory_cache_bytes", "(CacheBytes)"),
    gauge("Cache Bytes Peak", Unit::Plain, "windows_memory_cache_bytes_peak", "(CacheBytesPeak)"),
    total(
        "Cache Faults/sec",
        Unit::Plain,
        "windows_memory_cache_faults_total",
        "Number of faults which occur when a page sought in the file system cache is not found there and must be retrieved from elsewhere in memory (soft fault) or from disk (hard fault) (Cache Faults/sec)",
    ),
    gauge("Commit Limit", Unit::Plain, "windows_memory_commit_limit", "(CommitLimit)"),
    gauge("Committed Bytes", Unit::Plain, "windows_memory_committed_bytes", "(CommittedBytes)"),
    total(
        "Demand Zero Faults/sec",
        Unit::Plain,
        "windows_memory_demand_zero_faults_total",
        "The number of zeroed pages required to satisfy faults. Zeroed pages, pages emptied of previously stored data and filled with zeros, are a security feature of Windows that prevent processes from seeing data stored by earlier processes that used the memory space (Demand Zero Faults/sec)",
    ),
    gauge(
        "Free & Zero Page List Bytes",
        Unit::Plain,
        "windows_memory_free_and_zero_page_list_bytes",
        "The amount of physical memory, in bytes, that is assigned to the free and zero page lists. This memory does not contain cached data. It is immediately available for allocation to a process or for system use (FreeAndZeroPageListBytes)",
    ),
    gauge(
        "Free System Page Table Entries",
        Unit::Plain,
        "windows_memory_free_system_page_table_entries",
        "(FreeSystemPageTableEntries)",
    ),
    gauge(
        "Modified Page List Bytes",
        Unit::Plain,
        "windows_memory_modified_page_list_bytes",
        "The amount of physical memory, in bytes, that is assigned to the modified page list. This memory contains cached data and code that is not actively in use by processes, the system and the system cache (ModifiedPageListBytes)",
    ),
    total(
        "Page Faults/sec",
        Unit::Plain,
        "windows_memory_page_faults_total",
        "Overall rate at which faulted pages are handled by the processor (Page Faults/sec)",
    ),
    total(
        "Page Reads/sec",
        Unit::Plain,
        "windows_memory_swap_page_reads_total",
        "Number of disk page reads (a single read operation reading several pages is still only counted once) (PageReadsPerSec)",
    ),
    total(
        "Pages Input/sec",
        Unit::Plain,
        "windows_memory_swap_pages_read_total",
        "Number of pages read across all page reads (ie counting all pages read even if they are read in a single operation) (PagesInputPerSec)",
    ),
    total(
        "Pages Output/sec",
        Unit::Plain,
        "windows_memory_swap_pages_written_total",
        "Number of pages written across all page writes (ie counting all pages written even if they are written in a single operation) (PagesOutputPerSec)",
    ),
    total(
        "Pages/sec",
        Unit::Plain,
        "windows_memory_swap_page_operations_total",
        "Total number of swap page read and writes (PagesPerSec)",
    ),
    total(
        "Page Writes/sec",
        Unit::Plain,
        "windows_memory_swap_page_writes_total",
        "Number of disk page writes (a single write operation writing several pages is still only counted once) (PageWritesPerSec)",
    ),
    gauge(
        "Pool Nonpaged Allocs",
        Unit::Plain,
        "windows_memory_pool_nonpaged_allocs_total",
        "The number of calls to allocate space in the nonpaged pool. The nonpaged pool is an area of system memory area for objects that cannot be written to disk, and must remain in physical memory as long as they are allocated (PoolNonpagedAllocs)",
    ),
    gauge(
        "Pool Nonpaged Bytes",
        Unit::Plain,
        "windows_memory_pool_nonpaged_bytes",
        "Number of bytes in the non-paged pool, an area of the system virtual memory that is used for objects that cannot be written to disk, but must remain in physical memory as long as they are allocated (PoolNonpagedBytes)",
    ),
    total(
        "Pool Paged Allocs",
        Unit::Plain,
        "windows_memory_pool_paged_allocs_total",
        "Number of calls to allocate space in the paged pool, regardless of the amount of space allocated in each call (PoolPagedAllocs)",
    ),
    gauge("Pool Paged Bytes", Unit::Plain, "windows_memory_pool_paged_bytes", "(PoolPagedBytes)"),
    gauge(
        "Pool Paged Resident Bytes",
        Unit::Plain,
        "windows_memory_pool_paged_resident_bytes",
        "The size, in bytes, of the portion of the paged pool that is currently resident and active in physical memory. The paged pool is an area of the system virtual memory that is used for objects that can be written to disk when they are not being used (PoolPagedResidentBytes)",
    ),
    gauge(
        "Standby Cache Core Bytes",
        Unit::Plain,
        "windows_memory_standby_cache_core_bytes",
        "The amount of physical memory, in bytes, that is assigned to the core standby cache page lists. This memory contains cached data and code that is not actively in use by processes, the system and the system cache (StandbyCacheCoreBytes)",
    ),
    gauge(
        "Standby Cache Normal Priority Bytes",
        Unit::Plain,
        "windows_memory_standby_cache_normal_priority_bytes",
        "The amount of physical memory, in bytes, that is assigned to the normal priority standby cache page lists. This memory contains cached data and code that is not actively in use by processes, the system and the system cache (StandbyCacheNormalPriorityBytes)",
    ),
    gauge(
        "Standby Cache Reserve Bytes",
        Unit::Plain,
        "windows_memory_standby_cache_reserve_bytes",
        "The amount of physical memory, in bytes, that is assigned to the reserve standby cache page lists. This memory contains cached data and code that is not actively in use by processes, the system and the system cache (StandbyCacheReserveBytes)",
    ),
    gauge(
        "System Cache Resident Bytes",
        Unit::Plain,
        "windows_memory_system_cache_resident_bytes",
        "The size, in bytes, of the portion of the system file cache which is currently resident and active in physical memory (SystemCacheResidentBytes)",
    ),
    gauge(
        "System Code Resident Bytes",
        Unit::Plain,
        "windows_memory_system_code_resident_bytes",
        "The size, in bytes, of the pageable operating system code that is currently resident and active in physical memory (SystemCodeResidentBytes)",
    ),
    gauge(
        "System Code Total Bytes",
        Unit::Plain,
        "windows_memory_system_code_total_bytes",
        "The size, in bytes, of the pageable operating system code currently mapped into the system virtual address space (SystemCodeTotalBytes)",
    ),
    gauge(
        "System Driver Resident Bytes",
        Unit::Plain,
        "windows_memory_system_driver_resident_bytes",
        "The size, in bytes, of the pageable physical memory being used by device drivers. It is the working set (physical memory area) of the drivers (SystemDriverResidentBytes)",
    ),
    gauge(
        "System Driver Total Bytes",
        Unit::Plain,
        "windows_memory_system_driver_total_bytes",
        "The size, in bytes, of the pageable virtual memory currently being used by device drivers. Pageable memory can be written to disk when it is not being used (SystemDriverTotalBytes)",
    ),
    total(
        "Transition Faults/sec",
        Unit::Plain,
        "windows_memory_transition_faults_total",
        "Number of faults rate at which page faults are resolved by recovering pages that were being used by another process sharing the page, or were on the modified page list or the standby list, or were being written to disk at the time of the page fault (TransitionFaultsPerSec)",
    ),
    total(
        "Transition Pages RePurposed/sec",
        Unit::Plain,
        "windows_memory_transition_pages_repurposed_total",
        "Transition Pages RePurposed is the rate at which the number of transition cache pages were reused for a different purpose (TransitionPagesRePurposedPerSec)",
    ),
    total(
        "Write Copies/sec",
        Unit::Plain,
        "windows_memory_write_copies_total",
        "The number of page faults caused by attempting to write that were satisfied by copying the page from elsewhere in physical memory (WriteCopiesPerSec)",
    ),
];

struct MemoryCollector {
    source: Arc<dyn Source>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(MemoryCollector { source: Arc::clone(&setup.source) }))
}

impl Collector for MemoryCollector {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let memory = self.source.memory();
        if let Ok(memory) = &memory {
            emit_status(out, memory);
        }
        let counters = self.source.counters(&query("Memory", false, COLUMNS));
        match (&counters, &memory) {
            (Ok(counters), _) => {
                for instance in &counters.instances {
                    emit(out, counters, instance, COLUMNS, &[]);
                }
            }
            (Err(reason), Ok(memory)) => {
                tracing::debug!(%reason, "memory figures come from elsewhere");
                emit_without_counters(out, memory);
            }
            (Err(_), Err(_)) => {}
        }
        memory?;
        Ok(())
    }
}

fn emit_status(out: &mut Batch, memory: &Memory) {
    out.gauge("windows_memory_physical_free_bytes", "The amount of physical memory currently available, in bytes. This is the amount of physical memory that can be immediately reused without having to write its contents to disk first. It is the sum of the size of the standby, free, and zero lists.").value(memory.physical_free);
    out.gauge("windows_memory_physical_total_bytes", "The amount of actual physical memory, in bytes.")
        .value(memory.physical_total);
    out.gauge("windows_memory_process_memory_limit_bytes", "The size of the user-mode portion of the virtual address space of the calling process, in bytes. This value depends on the type of process, the type of processor, and the configuration of the operating system.").value(memory.process_limit);
}

fn emit_without_counters(out: &mut Batch, memory: &Memory) {
    let known = [
        ("Available Bytes", memory.physical_free),
        ("Cache Bytes", memory.cache),
        ("Commit Limit", memory.commit_limit),
        ("Committed Bytes", memory.committed),
        ("Pool Nonpaged Bytes", memory.pool_nonpaged),
        ("Pool Paged Bytes", memory.pool_paged),
    ];
    for column in COLUMNS {
        if let Some((_, value)) = known.iter().find(|(counter, _)| *counter == column.counter) {
            add(out, column, &[], *value);
        }
    }
}
