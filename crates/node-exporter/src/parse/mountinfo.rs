//! `/proc/<pid>/mountinfo`.

use super::{ParseError, number};

/// A mount, as far as anyone here needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// Where it is mounted.
    pub mount_point: String,
    /// The type of file system.
    pub fs_type: String,
    /// The device or remote path.
    pub source: String,
    /// Whether the mount or the file system is read-only.
    pub read_only: bool,
}

/// Parses the lines.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Mount>, ParseError> {
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(|(at, line)| mount(at, line)).collect()
}

fn mount(at: usize, line: &str) -> Result<Mount, ParseError> {
    let fields: Vec<&str> = line.split(' ').collect();
    // Optional fields stand in the middle, so the last four are counted from the end: `- type source options`.
    let [_, _, device, _, mount_point, options, .., "-", fs_type, source, super_options] = fields[..] else {
        return Err(ParseError::at(at, "not a mount", line));
    };
    let (major, minor) = device.split_once(':').ok_or_else(|| ParseError::at(at, "not a device number", device))?;
    let has = |options: &str, wanted: &str| options.split(',').any(|option| option == wanted);
    Ok(Mount {
        major: number(at, major)?,
        minor: number(at, minor)?,
        // The kernel escapes more than these two; the original shows the others as they are, and labels must agree.
        mount_point: mount_point.replace("\\040", " ").replace("\\011", "\t"),
        fs_type: fs_type.to_owned(),
        source: source.to_owned(),
        // An ext4 that went read-only after an error says so in its own options only.
        read_only: has(options, "ro") || has(super_options, "ro") || has(super_options, "emergency_ro"),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn optional_fields_escapes_and_read_only() {
        let text = "29 1 259:2 / / rw,relatime shared:1 master:2 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro\n\
                    30 29 0:20 / /mnt/a\\040b\\134 rw - nfs4 host:/x ro,vers=4\n\
                    31 29 8:1 / /data ro - xfs /dev/sda1 rw\n\
                    32 29 8:2 / /e rw - ext4 /dev/sda2 rw,emergency_ro\n";
        let mounts = parse(text).unwrap();
        assert_eq!((mounts[0].major, mounts[0].minor, mounts[0].source.as_str()), (259, 2, "/dev/nvme0n1p2"));
        assert_eq!(mounts[1].mount_point, "/mnt/a b\\134");
        assert_eq!(mounts.iter().map(|mount| mount.read_only).collect::<Vec<_>>(), [false, true, true, true]);
    }

    #[test]
    fn garbage_names_its_line() {
        for bad in
            ["29 1 259:2 / / rw shared:1", "29 1 259 / / rw - ext4 /dev/x rw", "29 1 a:b / / rw - ext4 /dev/x rw"]
        {
            assert_eq!(parse(bad).unwrap_err().line, 1, "{bad}");
        }
    }
}
