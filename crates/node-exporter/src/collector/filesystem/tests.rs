use exporter::Values;
use jiff::tz::TimeZone;

use super::*;

const MOUNTS: &str = "29 1 259:2 / / rw shared:1 - ext4 /dev/root rw\n\
                      30 29 0:20 / /proc rw - proc proc rw\n\
                      31 29 0:21 / /sys/fs/bpf rw - bpf bpf rw\n\
                      32 29 8:1 / /data ro - xfs /dev/sda1 rw\n\
                      33 29 8:1 / /data ro - xfs /dev/sda1 rw\n\
                      34 29 0:30 / /run/user/0 rw - tmpfs tmpfs rw\n";

fn file_system(root: &str, set: &[(&'static str, &str)]) -> FileSystem {
    let mut values = Values::defaults(FLAGS);
    for (flag, value) in set {
        values.set(flag, [*value]);
    }
    let roots = Arc::new(Roots { root: root.into(), ..Roots::default() });
    let system_bus = std::path::Path::new("");
    let setup =
        Setup { roots: Arc::clone(&roots), values: &values, enabled: &[], time_zone: &TimeZone::UTC, system_bus };
    drop(build(&setup).unwrap());
    let watch = Watch::new(1, std::time::Duration::from_secs(5), Arc::new(|_| Ok(Space::default())));
    let filter = |include, exclude| Filter::from_flags(&values, include, exclude).unwrap();
    FileSystem {
        roots,
        mount_points: filter("collector.filesystem.mount-points-include", "collector.filesystem.mount-points-exclude"),
        types: filter("collector.filesystem.fs-types-include", "collector.filesystem.fs-types-exclude"),
        watch,
    }
}

fn wanted(root: &str, set: &[(&'static str, &str)]) -> Vec<String> {
    let mounts = file_system(root, set).wanted(&parse(MOUNTS).unwrap());
    mounts.into_iter().map(|mount| mount.mount_point).collect()
}

#[test]
fn mounts_of_no_interest_and_repetitions_are_left_out() {
    assert_eq!(wanted("/", &[]), ["/", "/data", "/run/user/0"]);
    assert_eq!(wanted("/", &[("collector.filesystem.mount-points-include", "^/data$")]), ["/data"]);
    assert_eq!(wanted("/", &[("collector.filesystem.fs-types-include", "^proc$")]), Vec::<String>::new());
    let both = [("collector.filesystem.fs-types-include", "^proc$"), ("collector.filesystem.mount-points-exclude", "")];
    assert_eq!(wanted("/", &both), ["/proc"]);
}

#[test]
fn mount_points_are_the_hosts() {
    let system = file_system("/host", &[]);
    for (seen, expected) in [("/host", "/"), ("/host/data", "/data"), ("/elsewhere", "/elsewhere")] {
        assert_eq!(system.below_root(seen), expected);
    }
}

#[test]
fn a_mount_in_error_shows_that_and_no_space() {
    let mut out = Batch::new();
    let mounts = parse(MOUNTS).unwrap();
    emit(&mounts[0], Err(&"input/output error".to_owned()), &mut out);
    let names: Vec<_> = out.families().iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["node_filesystem_device_error", "node_filesystem_readonly"]);
    assert_eq!(out.families()[0].metrics[0].labels.get("device_error"), Some("input/output error"));
    emit(&mounts[3], Ok(&Space::default()), &mut out);
    assert_eq!(out.families().len(), 9);
}
