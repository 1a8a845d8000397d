//! `/proc/net/rpc/nfs` and `nfsd`: lines of a word and numbers.

use std::collections::HashMap;

use super::{ParseError, number};

/// The procedures of NFS 2, in order of their numbers.
pub const V2: [&str; 18] = [
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove",
    "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];

/// The procedures of NFS 3, in order of their numbers.
pub const V3: [&str; 22] = [
    "Null",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];

/// The procedures of NFS 4, in the order of the client's counters. Older kernels count fewer of them.
pub const V4_CLIENT: [&str; 59] = [
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

/// The operations of NFS 4, in order of their numbers, as far as the original names them.
pub const V4_SERVER: [&str; 40] = [
    "Op0Unused",
    "Op1Unused",
    "Op2Future",
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    "PutPubFH",
    "PutRootFH",
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];

/// The lines by their first word.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn lines(text: &str) -> Result<HashMap<&str, Vec<f64>>, ParseError> {
    let mut lines = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        lines.insert(name, words.map(|word| number(at, word)).collect::<Result<_, _>>()?);
    }
    Ok(lines)
}

/// The counts of a line that begins with their number, by the names in their order.
pub fn counts<'a>(
    line: Option<&'a Vec<f64>>,
    names: &'a [&'static str],
) -> impl Iterator<Item = (&'static str, f64)> + 'a {
    let counts = line.map(Vec::as_slice).and_then(|line| line.get(1..)).unwrap_or(&[]);
    // What an older kernel does not count is zero.
    names.iter().enumerate().map(|(at, name)| (*name, counts.get(at).copied().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_counts() {
        let lines = lines("net 70 70 69 45\nproc2 2 5 6\n").unwrap();
        assert_eq!(lines["net"], [70.0, 70.0, 69.0, 45.0]);
        let counts: Vec<_> = counts(lines.get("proc2"), &["Null", "GetAttr", "SetAttr"]).collect();
        assert_eq!(counts, [("Null", 5.0), ("GetAttr", 6.0), ("SetAttr", 0.0)]);
        assert_eq!(super::lines("net 1\nrpc x\n").unwrap_err().line, 2);
    }
}
