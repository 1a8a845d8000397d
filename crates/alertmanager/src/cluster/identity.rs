//! Who a member is.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A member in one of its lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    name: String,
    address: SocketAddr,
    /// Grows with every start, and whenever the others took the member for dead.
    life: u64,
}

impl Identity {
    /// A member that begins now. Without a name it gets one that sorts behind those of members that began earlier.
    pub(super) fn new(name: &str, address: SocketAddr) -> Self {
        let name = if name.is_empty() { uuid::Uuid::now_v7().to_string() } else { name.to_owned() };
        let life = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
        Self { name, address, life }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What members are ordered by.
    pub(super) fn rank(&self) -> (&str, SocketAddr) {
        (&self.name, self.address)
    }
}

impl foca::Identity for Identity {
    type Addr = SocketAddr;

    fn renew(&self) -> Option<Self> {
        Some(Self { life: self.life + 1, ..self.clone() })
    }

    fn addr(&self) -> SocketAddr {
        self.address
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        (self.life, &self.name) > (adversary.life, &adversary.name)
    }
}
