//! `/proc/mdstat`: a paragraph for each array, written for people.

use super::{ParseError, number};

/// An array.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<'a> {
    /// As `md0`.
    pub name: &'a str,
    /// `active`, `inactive`, or what is being done to it: `recovering`, `resyncing`, `checking`, `reshaping`.
    pub state: &'a str,
    /// Disks that work.
    pub disks_active: f64,
    /// Disks that failed.
    pub disks_failed: f64,
    /// Disks that stand by.
    pub disks_spare: f64,
    /// Disks that the array wants.
    pub disks_total: f64,
    /// Its size in blocks.
    pub blocks: f64,
    /// How many of them are in sync.
    pub blocks_synced: f64,
}

/// Parses the file.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Array<'_>>, ParseError> {
    let lines: Vec<&str> = text.lines().collect();
    let mut arrays = Vec::new();
    for (at, line) in lines.iter().copied().enumerate() {
        let heading = !line.starts_with([' ', '\t'])
            && !line.is_empty()
            && !["Personalities", "unused", "read_ahead"].iter().any(|word| line.starts_with(word));
        if heading {
            arrays.push(array(at, line, lines.get(at + 1..).unwrap_or(&[]))?);
        }
    }
    Ok(arrays)
}

fn array<'a>(at: usize, line: &'a str, following: &[&'a str]) -> Result<Array<'a>, ParseError> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(":"), Some(state)) = (words.next(), words.next(), words.next()) else {
        return Err(ParseError::at(at, "not an array", line));
    };
    let status = following.first().copied().unwrap_or("");
    let blocks: f64 = number(at + 1, status.split_whitespace().next().unwrap_or(""))?;
    let (disks_total, disks_active) = if line.contains("raid0") || line.contains("linear") {
        // Without redundancy only the disks themselves are numbered, and all are needed.
        let disks = line.matches('[').count() as f64;
        (disks, disks)
    } else if state == "inactive" {
        (0.0, 0.0)
    } else {
        wanted_and_working(status).ok_or_else(|| ParseError::at(at + 1, "no count of disks", status))?
    };
    let mut array = Array {
        name,
        state,
        disks_active,
        disks_failed: line.matches("(F)").count() as f64,
        disks_spare: line.matches("(S)").count() as f64,
        disks_total,
        blocks,
        blocks_synced: blocks,
    };
    // A line about the bitmap may stand in between.
    let paragraph = following.iter().copied().enumerate().skip(1).take_while(|(_, line)| !line.trim().is_empty());
    for (below, line) in paragraph {
        if let Some(state) = activity(line) {
            array.state = state;
            array.blocks_synced = synced(at + 1 + below, line)?;
        }
    }
    Ok(array)
}

/// The two numbers in `[4/3]`.
fn wanted_and_working(status: &str) -> Option<(f64, f64)> {
    let inside = |word: &'_ str| -> Option<(f64, f64)> {
        let (wanted, working) = word.strip_prefix('[')?.strip_suffix(']')?.split_once('/')?;
        Some((wanted.parse().ok()?, working.parse().ok()?))
    };
    status.split_whitespace().find_map(inside)
}

fn activity(line: &str) -> Option<&'static str> {
    let activities =
        [("recovery", "recovering"), ("reshape", "reshaping"), ("check", "checking"), ("resync", "resyncing")];
    activities
        .into_iter()
        .find(|(word, _)| line.contains(&format!("{word} =")) || line.contains(&format!("{word}=")))
        .map(|(_, state)| state)
}

/// The first number in `(16775552/195310144)`; nothing is done yet while the work is pending or delayed.
fn synced(at: usize, line: &str) -> Result<f64, ParseError> {
    if line.contains("PENDING") || line.contains("DELAYED") {
        return Ok(0.0);
    }
    let blocks = line.split_once('(').and_then(|(_, rest)| rest.split_once('/')).map(|(done, _)| done);
    number(at, blocks.ok_or_else(|| ParseError::at(at, "no progress", line))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_in_all_states() {
        let text = "Personalities : [raid0] [raid1]\n\
                    md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]\n      195310144 blocks [2/1] [U_]\n      \
                    [=>...]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec\n\n\
                    md7 : active raid6 sdb1[0]\n      7813735424 blocks super 1.2 level 6 [4/3] [U_UU]\n      \
                    bitmap: 0/30 pages [0KB], 65536KB chunk\n\n\
                    md9 : active (auto-read-only) raid1 sdc2[2]\n      523968 blocks super 1.2 [4/4] [UUUU]\n      \
                    resync=DELAYED\n\n\
                    md10 : active raid0 sda1[0] sdb1[1]\n       314159265 blocks 64k chunks\n\n\
                    md219 : inactive sdb[2](S) sdc[1](S)\n        7932 blocks super external:imsm\n\n\
                    unused devices: <none>\n";
        let arrays = parse(text).unwrap();
        let summary: Vec<_> = arrays
            .iter()
            .map(|array| (array.name, array.state, array.disks_active, array.disks_total, array.blocks_synced))
            .collect();
        assert_eq!(
            summary,
            [
                ("md6", "recovering", 1.0, 2.0, 16_775_552.0),
                ("md7", "active", 3.0, 4.0, 7_813_735_424.0),
                ("md9", "resyncing", 4.0, 4.0, 0.0),
                ("md10", "active", 2.0, 2.0, 314_159_265.0),
                ("md219", "inactive", 0.0, 0.0, 7932.0),
            ]
        );
        assert_eq!((arrays[0].disks_failed, arrays[0].disks_spare), (1.0, 1.0));
    }

    #[test]
    fn garbage_names_its_line() {
        for (bad, line) in [
            ("odd\n", 1),
            ("md0 : active raid1 a[0]\n      x blocks\n", 2),
            ("md0 : active raid1 a[0]\n 5 blocks\n", 2),
        ] {
            assert_eq!(parse(bad).unwrap_err().line, line, "{bad:?}");
        }
    }
}
