//! Pages as real targets serve them, made in code so that every run and machine has the same.

use std::fmt::Write;

/// A page and how many samples it has.
pub(crate) struct Page {
    /// What it is like.
    pub(crate) name: &'static str,
    /// The page in the classic text format.
    pub(crate) text: String,
    /// Its samples.
    pub(crate) samples: usize,
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

impl Page {
    fn new(name: &'static str) -> Self {
        Self { name, text: String::new(), samples: 0 }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, series: std::fmt::Arguments<'_>, value: std::fmt::Arguments<'_>) {
        self.samples += 1;
        self.push(format_args!("{series} {value}\n"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("strings take all");
    }
}

/// What a node exporter serves on a host of 32 processors: short labels, counters with decimals, many large integers.
pub(crate) fn node_exporter() -> Page {
    let mut page = Page::new("node");
    let mut dice = Dice(1);
    page.head("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", "counter");
    for cpu in 0..32 {
        for mode in ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"] {
            let (whole, cents) = (dice.roll(9_000_000), dice.roll(100));
            let series = format_args!("node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}}");
            page.sample(series, format_args!("{whole}.{cents:02}"));
        }
    }
    let disk_metrics = ["reads_completed", "reads_merged", "writes_completed", "read_bytes", "written_bytes", "io_now"];
    for metric in disk_metrics {
        let name = format!("node_disk_{metric}_total");
        page.head(&name, "The total number of what the kernel counts for the device.", "counter");
        for device in ["sda", "sdb", "nvme0n1", "nvme1n1", "dm-0", "dm-1", "dm-2"] {
            let value = dice.roll(1 << 31);
            page.sample(format_args!("{name}{{device=\"{device}\"}}"), format_args!("{}e+09", value as f64 / 1e8));
        }
    }
    for metric in ["avail_bytes", "files", "files_free", "free_bytes", "readonly", "size_bytes"] {
        let name = format!("node_filesystem_{metric}");
        page.head(&name, "Filesystem space available to non-root users in bytes.", "gauge");
        for mount in ["/", "/boot", "/home", "/run", "/run/lock", "/var/lib/docker", "/srv/data"] {
            let labels =
                format!("device=\"/dev/mapper/root\",device_error=\"\",fstype=\"ext4\",mountpoint=\"{mount}\"");
            let value = dice.roll(1 << 30) * 4096;
            page.sample(format_args!("{name}{{{labels}}}"), format_args!("{:e}", value as f64));
        }
    }
    for metric in 0..60 {
        let name = format!("node_memory_Kind{metric}_bytes");
        page.head(&name, "Memory information field of that kind, in bytes.", "gauge");
        let value = dice.roll(1 << 31) * 4096;
        page.sample(format_args!("{name}"), format_args!("{}e+10", value as f64 / 1e10));
    }
    for metric in 0..16 {
        let name = format!("node_network_receive_kind{metric}_total");
        page.head(&name, "Network device statistic of that kind.", "counter");
        for device in ["lo", "eth0", "eth1", "docker0", "veth0a1b2c3"] {
            let value = dice.roll(1 << 31);
            page.sample(format_args!("{name}{{device=\"{device}\"}}"), format_args!("{value}"));
        }
    }
    for metric in 0..200 {
        let name = format!("node_vmstat_field{metric}");
        page.head(&name, "/proc/vmstat information field of that name.", "untyped");
        let value = dice.roll(1 << 31);
        page.sample(format_args!("{name}"), format_args!("{value}"));
    }
    page
}

/// What kube-state-metrics serves: long labels, values 0 and 1.
pub(crate) fn kube_state_metrics() -> Page {
    let mut page = Page::new("kube-state-metrics");
    let mut dice = Dice(2);
    for metric in ["phase", "ready", "container_info", "container_restarts_total", "labels"] {
        let name = format!("kube_pod_status_{metric}");
        page.head(&name, "The pods current state of that kind.", "gauge");
        for pod in 0..400 {
            let namespace = ["production", "kube-system", "monitoring", "team-payments-staging"][pod % 4];
            let (a, b, c) = (dice.roll(1 << 31), dice.roll(1 << 31), dice.roll(2));
            let labels = format!(
                "namespace=\"{namespace}\",pod=\"checkout-service-{a:08x}-{pod:05}\",uid=\"{a:08x}-{b:08x}-4b1e-9c7d\",\
                 container=\"application\",image=\"registry.example.com/shop/checkout:v1.{pod}.0\",\
                 image_id=\"sha256:{a:08x}{b:08x}{a:08x}{b:08x}\",node=\"ip-10-0-{c}-{pod}.eu-central-1.compute.internal\""
            );
            page.sample(format_args!("{name}{{{labels}}}"), format_args!("{c}"));
        }
    }
    page
}

/// What a busy service with request histograms serves.
pub(crate) fn histograms() -> Page {
    let mut page = Page::new("histograms");
    let mut dice = Dice(3);
    let name = "http_request_duration_seconds";
    page.head(name, "Time from the first byte of a request to the last of its answer.", "histogram");
    for path in 0..120 {
        let labels = format!("handler=\"/api/v1/resource{path}\",method=\"GET\",code=\"200\"");
        let mut count = 0;
        for bound in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"] {
            count += dice.roll(50_000);
            page.sample(format_args!("{name}_bucket{{{labels},le=\"{bound}\"}}"), format_args!("{count}"));
        }
        let sum = dice.roll(1 << 31) as f64 / 1e5;
        page.sample(format_args!("{name}_sum{{{labels}}}"), format_args!("{sum}"));
        page.sample(format_args!("{name}_count{{{labels}}}"), format_args!("{count}"));
    }
    page
}
