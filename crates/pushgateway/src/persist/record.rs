//! The payload of a record: one change of the groups.
//!
//! A byte says which: 1 puts a group, 2 deletes one, 3 deletes all. Then the key (u16 count, for each name and value a u32
//! length and the text), and for a put the three times (i64), a u32 count of families, and for each its push time (i64), a
//! u32 length and the family as a length-delimited protobuf message. All numbers are little endian.

use metrics_model::exposition::protobuf;

use crate::group::{Group, GroupKey, PushedFamily};

const PUT: u8 = 1;
const DELETE: u8 = 2;
const WIPE: u8 = 3;

/// A change, borrowed from the one who makes it.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// The group is now this.
    Put {
        /// Which group.
        key: &'a GroupKey,
        /// What it holds.
        group: &'a Group,
    },
    /// The group is gone.
    Delete {
        /// Which group.
        key: &'a GroupKey,
    },
    /// All groups are gone.
    Wipe,
}

/// A change as read back.
#[derive(Debug)]
pub(super) enum OwnedChange {
    Put { key: GroupKey, group: Group },
    Delete { key: GroupKey },
    Wipe,
}

impl Change<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Put { key, group } => {
                out.push(PUT);
                push_key(&mut out, key);
                for time_ns in [group.succeeded_ns, group.failed_ns, group.expires_ns] {
                    out.extend_from_slice(&time_ns.to_le_bytes());
                }
                push_length(&mut out, group.families.len());
                for pushed in group.families.values() {
                    out.extend_from_slice(&pushed.pushed_ns.to_le_bytes());
                    let mut family = Vec::new();
                    protobuf::write_family(&mut family, &pushed.family);
                    push_length(&mut out, family.len());
                    out.extend_from_slice(&family);
                }
            }
            Self::Delete { key } => {
                out.push(DELETE);
                push_key(&mut out, key);
            }
            Self::Wipe => out.push(WIPE),
        }
        out
    }
}

impl OwnedChange {
    /// `None` when the bytes are no change.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let change = match take::<1>(&mut rest)? {
            [PUT] => {
                let key = take_key(&mut rest)?;
                let group = take_group(&mut rest, &key)?;
                Self::Put { key, group }
            }
            [DELETE] => Self::Delete { key: take_key(&mut rest)? },
            [WIPE] => Self::Wipe,
            _ => return None,
        };
        rest.is_empty().then_some(change)
    }
}

fn take_group(rest: &mut &[u8], key: &GroupKey) -> Option<Group> {
    let mut group = Group {
        succeeded_ns: i64::from_le_bytes(take(rest)?),
        failed_ns: i64::from_le_bytes(take(rest)?),
        expires_ns: i64::from_le_bytes(take(rest)?),
        ..Group::default()
    };
    let families = u32::from_le_bytes(take(rest)?);
    for _ in 0..families {
        let pushed_ns = i64::from_le_bytes(take(rest)?);
        let bytes = take_bytes(rest)?;
        let mut family = protobuf::read_families(bytes).ok()?.pop()?;
        for metric in &mut family.metrics {
            // Reading drops empty labels; the group's own are known.
            metric.labels = key.apply(&metric.labels);
        }
        group.families.insert(family.name.clone(), PushedFamily { family, pushed_ns });
    }
    Some(group)
}

fn push_key(out: &mut Vec<u8>, key: &GroupKey) {
    let count = u16::try_from(key.len()).expect("a path of 64 KiB holds fewer labels");
    out.extend_from_slice(&count.to_le_bytes());
    for text in key.iter().flat_map(|(name, value)| [name, value]) {
        push_length(out, text.len());
        out.extend_from_slice(text.as_bytes());
    }
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("a push fits its limits, far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
}

fn take_key(rest: &mut &[u8]) -> Option<GroupKey> {
    let count = u16::from_le_bytes(take(rest)?);
    let mut pairs = Vec::new();
    for _ in 0..count {
        pairs.push((take_text(rest)?, take_text(rest)?));
    }
    Some(GroupKey::from_sorted(pairs))
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(rest)?.to_vec()).ok()
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*bytes)
}
