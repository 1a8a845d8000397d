//! Each collector on a recorded host.

use crate::hosted::{host, page_of};
use windows_exporter::recorded::Recorded;

#[track_caller]
fn has(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|found| found == *line), "missing: {line}\n{page}");
    }
}

async fn page(collector: &str) -> String {
    page_of(host(), &[&format!("--collectors.enabled={collector}")]).await
}

#[tokio::test]
async fn cpu() {
    let page = page("cpu").await;
    has(
        &page,
        &[
            "windows_cpu_logical_processor 2",
            "windows_cpu_interrupts_total{core=\"0,0\"} 1e+07",
            "windows_exporter_collector_success{collector=\"cpu\"} 1",
        ],
    );
    assert!(page.contains("windows_cpu_time_total{core=\"0,1\",mode=\"idle\"} "), "{page}");
    assert!(page.contains("windows_cpu_cstate_seconds_total{core=\"0,1\",state=\"c3\"} "), "{page}");
    assert!(!page.contains("_Total\""), "{page}");
}

#[tokio::test]
async fn cpu_without_counters() {
    let mut host = host();
    host.counters.clear();
    let page = page_of(host, &["--collectors.enabled=cpu"]).await;
    has(
        &page,
        &[
            "windows_cpu_logical_processor 1",
            "windows_cpu_time_total{core=\"0,0\",mode=\"idle\"} 100.5",
            "windows_cpu_interrupts_total{core=\"0,0\"} 12345",
        ],
    );
}

#[tokio::test]
async fn cs() {
    has(
        &page("cs").await,
        &[
            "windows_cs_physical_memory_bytes 8.589934592e+09",
            "windows_cs_logical_processors 2",
            "windows_cs_hostname{domain=\"example.test\",fqdn=\"web-1.example.test\",hostname=\"web-1\"} 1",
        ],
    );
}

#[tokio::test]
async fn logical_disk() {
    let page = page("logical_disk").await;
    has(
        &page,
        &[
            "windows_logical_disk_info{disk=\"0\",filesystem=\"NTFS\",serial_number=\"5E0A1B2C\",type=\"fixed\",\
             volume=\"C:\",volume_name=\"System\"} 1",
            "windows_logical_disk_free_bytes{volume=\"C:\"} 6.4e+10",
            "windows_logical_disk_free_bytes{volume=\"HarddiskVolume1\"} 1.048576e+08",
            "windows_logical_disk_size_bytes{volume=\"HarddiskVolume1\"} 5.24288e+08",
            "windows_logical_disk_requests_queued{volume=\"C:\"} 3e+07",
            "windows_logical_disk_avg_read_requests_queued{volume=\"C:\"} 4",
            "windows_logical_disk_readonly{volume=\"C:\"} 0",
        ],
    );
    let flags = ["--collectors.enabled=logical_disk", "--collector.logical_disk.volume-exclude=Harddisk.+"];
    assert!(!page_of(host(), &flags).await.contains("HarddiskVolume1"));
}

#[tokio::test]
async fn physical_disk() {
    let page = page("physical_disk").await;
    has(&page, &["windows_physical_disk_requests_queued{disk=\"0\"} 3e+07"]);
    has(&page, &["windows_physical_disk_requests_queued{disk=\"1\"} 5"]);
    assert!(!page.contains("_Total"), "{page}");
    let flags = ["--collectors.enabled=physical_disk", "--collector.physical_disk.disk-include=1"];
    assert!(!page_of(host(), &flags).await.contains("disk=\"0\""));
}

#[tokio::test]
async fn memory() {
    has(
        &page("memory").await,
        &[
            "windows_memory_available_bytes 4096",
            "windows_memory_physical_free_bytes 4.294967296e+09",
            "windows_memory_physical_total_bytes 8.589934592e+09",
        ],
    );
    let mut without = host();
    without.counters.clear();
    let page = page_of(without, &["--collectors.enabled=memory"]).await;
    has(&page, &["windows_memory_available_bytes 4.294967296e+09", "windows_memory_commit_limit 1.073741824e+10"]);
}

#[tokio::test]
async fn net() {
    let nic = "nic=\"Red Hat VirtIO Ethernet Adapter _2\"";
    let page = page("net").await;
    has(
        &page,
        &[
            &format!("windows_net_bytes_received_total{{{nic}}} 800"),
            &format!("windows_net_nic_operation_status{{{nic},status=\"up\"}} 1"),
            &format!("windows_net_nic_operation_status{{{nic},status=\"down\"}} 0"),
            &format!("windows_net_nic_info{{friendly_name=\"Ethernet\",mac=\"00:15:5D:01:02:03\",{nic}}} 1"),
            &format!("windows_net_nic_address_info{{address=\"192.0.2.7\",family=\"ipv4\",{nic}}} 1"),
            &format!("windows_net_nic_address_info{{address=\"2001:db8::7\",family=\"ipv6\",{nic}}} 1"),
        ],
    );
    assert!(!page.contains("fe80") && page.contains("Software Loopback Interface [1]"), "{page}");
    let page = page_of(host(), &["--collectors.enabled=net", "--collector.net.enabled=nic_info"]).await;
    assert!(page.contains("windows_net_nic_info") && !page.contains("windows_net_bytes"), "{page}");
    let page = page_of(host(), &["--collectors.enabled=net", "--collector.net.enabled=metrics"]).await;
    assert!(!page.contains("windows_net_nic_info") && page.contains("windows_net_bytes_total"), "{page}");
    let mut without = host();
    without.counters.clear();
    let page = page_of(without, &["--collectors.enabled=net"]).await;
    has(&page, &[&format!("windows_net_bytes_total{{{nic}}} 3000")]);
    has(&page, &[&format!("windows_net_current_bandwidth_bytes{{{nic}}} 1.25e+08")]);
}

#[tokio::test]
async fn os() {
    let page = page("os").await;
    has(
        &page,
        &[
            "windows_os_info{build_number=\"20348\",installation_type=\"Server Core\",major_version=\"10\",\
             minor_version=\"0\",product=\"Windows Server 2022 Datacenter\",revision=\"2762\",version=\"10.0.20348\"} 1",
            "windows_os_install_time_timestamp_seconds 1.724e+09",
            "windows_os_physical_memory_free_bytes 4.294967296e+09",
        ],
    );
    let page = page_of(host(), &["--collectors.enabled=os", "--no-collector.legacy-names"]).await;
    assert!(!page.contains("windows_os_physical_memory_free_bytes"), "{page}");
}

#[tokio::test]
async fn pagefile() {
    has(
        &page("pagefile").await,
        &[
            "windows_pagefile_limit_bytes{file=\"C:\\\\pagefile.sys\"} 1.34217728e+09",
            "windows_pagefile_free_bytes{file=\"C:\\\\pagefile.sys\"} 1.275068416e+09",
        ],
    );
}

#[tokio::test]
async fn process() {
    let page = page("process").await;
    has(
        &page,
        &[
            "windows_process_info{cmdline=\"svchost.exe -k netsvcs\",creating_process_id=\"700\",owner=\"SYSTEM\",\
             process=\"svchost\",process_group_id=\"0\",process_id=\"1234\"} 1",
            "windows_process_cpu_time_total{mode=\"user\",process=\"svchost\",process_id=\"1234\"} 2.5",
            "windows_process_io_bytes_total{mode=\"write\",process=\"svchost\",process_id=\"1234\"} 20",
            "windows_process_pool_bytes{pool=\"nonpaged\",process=\"svchost\",process_id=\"1234\"} 700",
            "windows_process_working_set_private_bytes{process=\"svchost\",process_id=\"1234\"} 1500",
        ],
    );
    let flags = ["--collectors.enabled=process", "--no-collector.process.cmdline", "--collector.process.include=svc.*"];
    let page = page_of(host(), &flags).await;
    assert!(page.contains("cmdline=\"\"") && !page.contains("explorer"), "{page}");
}

#[tokio::test]
async fn service() {
    let page = page("service").await;
    has(
        &page,
        &[
            "windows_service_state{name=\"Themes\",state=\"running\"} 1",
            "windows_service_state{name=\"Themes\",state=\"stopped\"} 0",
            "windows_service_start_mode{name=\"Spooler\",start_mode=\"disabled\"} 1",
            "windows_service_process{name=\"Themes\",process_id=\"1234\"} 1.73100012325e+09",
            "windows_service_state{name=\"Guarded\",state=\"running\"} 1",
        ],
    );
    assert!(!page.contains("windows_service_info{display_name=\"Guarded\""), "{page}");
    let flags = ["--collectors.enabled=service", "--collector.service.start-mode-include=auto"];
    let page = page_of(host(), &flags).await;
    assert!(page.contains("Themes") && !page.contains("Spooler") && !page.contains("Guarded"), "{page}");
}

#[tokio::test]
async fn system() {
    has(
        &page("system").await,
        &[
            "windows_system_context_switches_total 7",
            "windows_system_boot_time_timestamp 1.7310000005e+09",
            "windows_system_processes_limit 4.294967295e+09",
        ],
    );
    let mut without = host();
    without.counters.clear();
    has(&page_of(without, &["--collectors.enabled=system"]).await, &["windows_system_threads 1432"]);
}

#[tokio::test]
async fn a_missing_counter_drops_only_its_metric() {
    let mut host = host();
    let disks = host.counters.get_mut("PhysicalDisk").expect("the recording has disks");
    for disk in &mut disks.instances {
        disk.values.remove("Split IO/Sec").expect("the recording has the counter");
    }
    let page = page_of(host, &["--collectors.enabled=physical_disk"]).await;
    assert!(!page.contains("split_ios") && page.contains("windows_physical_disk_reads_total"), "{page}");
    has(&page, &["windows_exporter_collector_success{collector=\"physical_disk\"} 1"]);
}

#[tokio::test]
async fn a_host_that_is_not_ready_gives_a_page_all_the_same() {
    let page = page_of(Recorded::default(), &[]).await;
    has(&page, &["windows_exporter_collector_success{collector=\"service\"} 0"]);
    has(&page, &["windows_exporter_collector_timeout{collector=\"service\"} 0"]);
    assert!(page.contains("windows_exporter_build_info{") && !page.contains("windows_service_"), "{page}");
    assert!(page.contains("windows_exporter_scrape_duration_seconds "), "{page}");
}
