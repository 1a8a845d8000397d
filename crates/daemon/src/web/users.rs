//! `basic_auth_users`: names and passwords, the passwords as bcrypt hashes.
//!
//! Comparing costs a processor tens of milliseconds or more, on purpose. So what was compared once is remembered (as a
//! keyed digest, never the password), one comparison runs at a time, and few may wait for their turn. Passwords that fit
//! are remembered apart from those that do not: a flood of wrong ones neither makes the right ones forgotten nor waits
//! before them. An unknown name costs as much time as a known one.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::config::Fault;

/// The most rounds, as a power of two: a comparison at 18 takes a current processor about a quarter of a minute.
const COST_MAX: u32 = 18;
/// Passwords that are remembered, of each kind.
const REMEMBERED_MAX: usize = 100;
/// Requests that may wait for a comparison.
const WAITING_MAX: usize = 32;

/// Who may come in. Without users everybody may.
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    /// Of the digests.
    key: [u8; 64],
    remembered: Mutex<Remembered>,
    turn: Semaphore,
    waiting: AtomicUsize,
}

type Digest = [u8; 32];

#[derive(Default)]
struct Remembered {
    right: HashSet<Digest>,
    wrong: HashSet<Digest>,
    /// The order in which they came.
    oldest_wrong: VecDeque<Digest>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Welcome,
    Refused,
    /// Too many others wait to have their password compared.
    Busy,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("count", &self.hashes.len()).finish_non_exhaustive()
    }
}

impl Users {
    /// Checks the hashes.
    pub(super) fn new(hashes: &BTreeMap<String, String>) -> Result<Self, Fault> {
        for (name, hash) in hashes {
            let fault = |message| Fault::new(format!("basic_auth_users.{name}"), message);
            check_hash(hash).map_err(fault)?;
        }
        let mut key = [0; 64];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut key).map_err(|_| Fault::new("basic_auth_users", "the system gives no random numbers"))?;
        Ok(Self {
            hashes: hashes.clone(),
            key,
            remembered: Mutex::default(),
            turn: Semaphore::new(1),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Judges a request by its `Authorization` header.
    pub(super) async fn judge(&self, authorization: Option<&HeaderValue>) -> Verdict {
        if self.hashes.is_empty() {
            return Verdict::Welcome;
        }
        let Some((name, password)) = authorization.and_then(credentials) else { return Verdict::Refused };
        let (hash, is_known) = self.hash_of(&name);
        let digest = self.digest(&[name.as_bytes(), hash.as_bytes(), &password]);
        if let Some(verdict) = self.remembered(&digest) {
            return verdict;
        }
        let _place = match Place::take(&self.waiting) {
            Some(place) => place,
            None => return Verdict::Busy,
        };
        // It is never closed.
        let Ok(_turn) = self.turn.acquire().await else { return Verdict::Refused };
        // Another request with the same password may have had its turn before.
        if let Some(verdict) = self.remembered(&digest) {
            return verdict;
        }
        let hash = hash.to_owned();
        let compared = tokio::task::spawn_blocking(move || bcrypt::verify(&password, &hash)).await;
        let is_right = is_known && matches!(compared, Ok(Ok(true)));
        self.remember(digest, is_right);
        if is_right { Verdict::Welcome } else { Verdict::Refused }
    }

    /// The hash to compare with, and whether it is that of `name`. For an unknown name it is always the same one of the
    /// others', so that neither time nor its absence tells who is known.
    fn hash_of(&self, name: &str) -> (&str, bool) {
        if let Some(hash) = self.hashes.get(name) {
            return (hash, true);
        }
        let [first, second, ..] = self.digest(&[name.as_bytes()]);
        let index = usize::from(u16::from_le_bytes([first, second])) % self.hashes.len();
        (self.hashes.values().nth(index).map_or("", String::as_str), false)
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn remembered(&self, digest: &Digest) -> Option<Verdict> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.right.contains(digest) {
            return Some(Verdict::Welcome);
        }
        remembered.wrong.contains(digest).then_some(Verdict::Refused)
    }

    fn remember(&self, digest: Digest, is_right: bool) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if is_right {
            // Only who knows a password gets here, perhaps with different endings beyond what bcrypt looks at.
            if remembered.right.len() >= REMEMBERED_MAX {
                remembered.right.clear();
            }
            remembered.right.insert(digest);
            return;
        }
        if remembered.oldest_wrong.len() >= REMEMBERED_MAX
            && let Some(oldest) = remembered.oldest_wrong.pop_front()
        {
            remembered.wrong.remove(&oldest);
        }
        if remembered.wrong.insert(digest) {
            remembered.oldest_wrong.push_back(digest);
        }
    }
}

/// A place among those who wait, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Name and password of `Basic bmFtZTpwYXNzd29yZA==`.
fn credentials(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut name = STANDARD.decode(encoded).ok()?;
    let colon = name.iter().position(|byte| *byte == b':')?;
    let password = name.split_off(colon + 1);
    name.pop();
    Some((String::from_utf8(name).ok()?, password))
}

/// Checks that a text is a bcrypt hash, in the originals' words.
fn check_hash(hash: &str) -> Result<(), String> {
    // `$2y$10$`, 22 characters of salt, 31 of hash; the version may lack its letter.
    if hash.len() < 59 {
        return Err("hashedSecret too short to be a bcrypted password".to_owned());
    }
    let first = hash.chars().next().unwrap_or_default();
    if first != '$' {
        return Err(format!("bcrypt hashes must start with '$', but hashedSecret started with '{first}'"));
    }
    let version = hash.chars().nth(1).unwrap_or_default();
    if version > '2' {
        return Err(format!("bcrypt algorithm version '{version}' requested is newer than current version '2'"));
    }
    let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
    match cost {
        Some(cost) if !(4..=31).contains(&cost) => Err(format!("cost {cost} is outside allowed inclusive range 4..31")),
        Some(cost) if cost > COST_MAX => {
            Err(format!("cost {cost} is over the limit of {COST_MAX}: comparing one password would take minutes"))
        }
        Some(_) => {
            bcrypt::HashParts::from_str(hash).map(drop).map_err(|error| format!("it is not a bcrypt hash: {error}"))
        }
        None => Err("it is not a bcrypt hash: it has no cost".to_owned()),
    }
}

#[cfg(test)]
mod tests;
