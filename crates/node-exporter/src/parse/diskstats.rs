//! `/proc/diskstats`.

use super::{ParseError, number};

/// How many figures the newest kernels give for a device.
pub const FIGURES: usize = 17;

/// A block device.
#[derive(Debug, Clone, PartialEq)]
pub struct Disk<'a> {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// The device's name.
    pub name: &'a str,
    /// The figures in the kernel's order; older kernels give fewer than [`FIGURES`].
    pub figures: Vec<f64>,
}

/// Parses the lines. Lines of very old kernels with fewer figures than eleven are skipped: theirs mean other things.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Disk<'_>>, ParseError> {
    let mut disks = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let (Some(major), Some(minor), Some(name)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let figures = fields.take(FIGURES).map(|field| number(at, field)).collect::<Result<Vec<f64>, _>>()?;
        if figures.len() >= 11 {
            disks.push(Disk { major: number(at, major)?, minor: number(at, minor)?, name, figures });
        }
    }
    Ok(disks)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn old_and_new_kernels() {
        let text = "   8    0 sda 1 2 3 4 5 6 7 8 9 10 11\n   8 1 sda1 1 2 3 4\n\
                    259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n";
        let disks = parse(text).unwrap();
        assert_eq!(
            disks.iter().map(|disk| (disk.name, disk.figures.len())).collect::<Vec<_>>(),
            [("sda", 11), ("nvme0n1", 17)]
        );
        assert_eq!((disks[1].major, disks[1].minor), (259, 0));
        assert_eq!(parse("8 0 sda 1 2 x 4").unwrap_err().text, "x");
    }
}
