//! `filesystem`: the space of mounted file systems. A mount that does not answer is put aside by [`watch`] and costs
//! neither the scrape nor a second thread.

use std::collections::HashSet;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use self::watch::{Question, Watch};
use super::{Setup, flag};
use crate::parse::mountinfo::{Mount, parse};
use crate::roots::{ReadError, Roots, read};
use crate::sys::{self, Space};

mod watch;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.filesystem.mount-points-exclude",
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
        "Regexp of mount points to exclude for filesystem collector. (mutually exclusive to mount-points-include)",
    ),
    Flag::text(
        "collector.filesystem.mount-points-include",
        "",
        "Regexp of mount points to include for filesystem collector. (mutually exclusive to mount-points-exclude)",
    ),
    Flag::text(
        "collector.filesystem.ignored-mount-points",
        "",
        "Regexp of mount points to ignore for filesystem collector.",
    )
    .hidden(),
    Flag::text(
        "collector.filesystem.fs-types-exclude",
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|\
         overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$",
        "Regexp of filesystem types to exclude for filesystem collector. (mutually exclusive to fs-types-include)",
    ),
    Flag::text(
        "collector.filesystem.fs-types-include",
        "",
        "Regexp of filesystem types to include for filesystem collector. (mutually exclusive to fs-types-exclude)",
    ),
    Flag::text(
        "collector.filesystem.ignored-fs-types",
        "",
        "Regexp of filesystem types to ignore for filesystem collector.",
    )
    .hidden(),
    Flag::text(
        "collector.filesystem.mount-timeout",
        "5s",
        "how long to wait for a mount to respond before marking it as stale",
    )
    .hidden(),
    Flag::text("collector.filesystem.stat-workers", "4", "how many stat calls to process simultaneously").hidden(),
];

struct FileSystem {
    roots: Arc<Roots>,
    mount_points: Filter,
    types: Filter,
    watch: Watch,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let values = setup.values;
    let filter = |old, exclude, include| Filter::from_flags(values, include, values.renamed(old, exclude)?);
    let mount_points = filter(
        "collector.filesystem.ignored-mount-points",
        "collector.filesystem.mount-points-exclude",
        "collector.filesystem.mount-points-include",
    )?;
    let types = filter(
        "collector.filesystem.ignored-fs-types",
        "collector.filesystem.fs-types-exclude",
        "collector.filesystem.fs-types-include",
    )?;
    let workers = values.number("collector.filesystem.stat-workers")?;
    let workers = usize::try_from(workers).unwrap_or(usize::MAX).clamp(1, watch::THREADS_MAX);
    let timeout = values.duration("collector.filesystem.mount-timeout")?;
    let watch = Watch::new(workers, timeout, Arc::new(sys::space));
    Ok(Box::new(FileSystem { roots: Arc::clone(&setup.roots), mount_points, types, watch }))
}

impl Collector for FileSystem {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mounts = self.wanted(&self.mounts()?);
        let questions: Vec<Question> = mounts
            .iter()
            .map(|mount| Question { key: mount.mount_point.clone(), path: self.roots.host(&mount.mount_point) })
            .collect();
        let answers = self.watch.ask(questions);
        for (mount, answer) in mounts.iter().zip(&answers) {
            emit(mount, answer.as_ref(), out);
        }
        Ok(())
    }
}

impl FileSystem {
    /// The mounts of the host's first process, which sees all; where that is hidden, this process' own.
    fn mounts(&self) -> Result<Vec<Mount>, CollectError> {
        let hidden = |error: &ReadError| error.is_missing() || error.is_forbidden();
        let text = match read(&self.roots.proc("1/mountinfo")) {
            Err(error) if hidden(&error) => read(&self.roots.proc("self/mountinfo"))?,
            other => other?,
        };
        parse(&text).map_err(|error| error.in_file("mountinfo"))
    }

    /// The mounts of interest, each once, with mount points as the host sees them.
    fn wanted(&self, mounts: &[Mount]) -> Vec<Mount> {
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for mount in mounts {
            let mount = Mount { mount_point: self.below_root(&mount.mount_point), ..mount.clone() };
            let key = (mount.source.clone(), mount.mount_point.clone(), mount.fs_type.clone());
            let keep = self.mount_points.keeps(&mount.mount_point) && self.types.keeps(&mount.fs_type);
            if keep && seen.insert(key) {
                wanted.push(mount);
            }
        }
        wanted
    }

    /// In a container that sees its host below `/host`, the mount `/host/data` is the host's `/data`.
    fn below_root(&self, mount_point: &str) -> String {
        let root = self.roots.root.to_string_lossy();
        if root == "/" {
            return mount_point.to_owned();
        }
        match mount_point.strip_prefix(root.trim_end_matches('/')) {
            Some("") => "/".to_owned(),
            Some(inside) => inside.to_owned(),
            None => mount_point.to_owned(),
        }
    }
}

fn emit(mount: &Mount, answer: Result<&Space, &String>, out: &mut Batch) {
    let error = answer.err().map_or("", String::as_str);
    let labels = [
        ("device", mount.source.as_str()),
        ("mountpoint", &mount.mount_point),
        ("fstype", &mount.fs_type),
        ("device_error", error),
    ];
    out.gauge(
        "node_filesystem_device_error",
        "Whether an error occurred while getting statistics for the given device.",
    )
    .with(&labels, flag(answer.is_err()));
    out.gauge("node_filesystem_readonly", "Filesystem read-only status.").with(&labels, flag(mount.read_only));
    let Ok(space) = answer else { return };
    for (name, help, value) in [
        ("node_filesystem_size_bytes", "Filesystem size in bytes.", space.size_bytes),
        ("node_filesystem_free_bytes", "Filesystem free space in bytes.", space.free_bytes),
        (
            "node_filesystem_avail_bytes",
            "Filesystem space available to non-root users in bytes.",
            space.available_bytes,
        ),
        ("node_filesystem_files", "Filesystem total file nodes.", space.files),
        ("node_filesystem_files_free", "Filesystem total free file nodes.", space.files_free),
        // Linux has no such thing, but the original shows it there too.
        (
            "node_filesystem_purgeable_bytes",
            "Filesystem space available including purgeable space (MacOS specific).",
            0.0,
        ),
    ] {
        out.gauge(name, help).with(&labels, value);
    }
    out.gauge("node_filesystem_mount_info", "Filesystem mount information.").with(
        &[
            ("device", &mount.source),
            ("major", &mount.major.to_string()),
            ("minor", &mount.minor.to_string()),
            ("mountpoint", &mount.mount_point),
        ],
        1.0,
    );
}

#[cfg(test)]
mod tests;
