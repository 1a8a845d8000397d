//! Key and stream checks. Searches are bounded: SCAN goes on in batches until the patterns are through, the deadline
//! passes, or the scrape has looked at as many keys as it may.

use std::collections::BTreeSet;

use super::{Plan, unless_broken};
use crate::collector::keys::{Chosen, KeyFacts, emit, emit_count, is_pattern, size_command};
use crate::collector::{Out, streams};
use crate::reply::Reply;
use crate::session::{Session, SessionError};

/// A larger batch would make answers that are over what one may hold, and block the server.
const BATCH_MAX: u64 = 50_000;

pub(super) async fn check(plan: &Plan, session: &mut Session, out: &mut Out<'_>) -> Result<(), SessionError> {
    let mut budget = plan.options.scan_keys_max;
    let mut search =
        Search { session, batch: plan.options.check_keys_batch_size.clamp(1, BATCH_MAX), budget: &mut budget };
    let mut keys: BTreeSet<(u32, Vec<u8>)> = BTreeSet::new();
    for chosen in plan.check_single_keys.iter().chain(plan.check_keys.iter().filter(|key| !is_pattern(&key.pattern))) {
        keys.insert((chosen.database, chosen.pattern.clone().into_bytes()));
    }
    for chosen in plan.check_keys.iter().filter(|key| is_pattern(&key.pattern)) {
        keys.extend(search.find(chosen, None).await?.into_iter().map(|key| (chosen.database, key)));
    }
    let mut found_streams: BTreeSet<(u32, Vec<u8>)> = BTreeSet::new();
    for chosen in &plan.check_single_streams {
        found_streams.insert((chosen.database, chosen.pattern.clone().into_bytes()));
    }
    for chosen in &plan.check_streams {
        found_streams.extend(search.find(chosen, Some("stream")).await?.into_iter().map(|key| (chosen.database, key)));
    }
    for chosen in &plan.count_keys {
        let count = search.count(chosen).await?;
        emit_count(out, chosen, count);
    }
    for (database, key) in keys {
        select(session, database).await?;
        if let Some(facts) = facts(session, &key, !plan.options.disable_exporting_key_values).await? {
            emit(out, database, &String::from_utf8_lossy(&key), &facts);
        }
    }
    for (database, key) in found_streams {
        select(session, database).await?;
        stream(session, out, database, &key, plan.options.streams_exclude_consumer_metrics).await?;
    }
    // Key groups are not searched, so that takes no time; dashboards of the original ask for the figure all the same.
    let help = "Duration of the last key group metrics scrape in milliseconds";
    out.gauge("last_key_groups_scrape_duration_milliseconds", help, &[], 0.0);
    Ok(())
}

async fn select(session: &mut Session, database: u32) -> Result<(), SessionError> {
    unless_broken(session.ask(&["SELECT", &database.to_string()]).await).map(drop)
}

struct Search<'a> {
    session: &'a mut Session,
    batch: u64,
    budget: &'a mut u64,
}

impl Search<'_> {
    async fn find(&mut self, chosen: &Chosen, kind: Option<&str>) -> Result<BTreeSet<Vec<u8>>, SessionError> {
        let mut found = BTreeSet::new();
        self.scan(chosen, kind, |key| {
            found.insert(key.to_vec());
        })
        .await?;
        Ok(found)
    }

    async fn count(&mut self, chosen: &Chosen) -> Result<u64, SessionError> {
        let mut count = 0;
        self.scan(chosen, None, |_| count += 1).await?;
        Ok(count)
    }

    async fn scan(
        &mut self,
        chosen: &Chosen,
        kind: Option<&str>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), SessionError> {
        select(self.session, chosen.database).await?;
        let mut cursor = "0".to_owned();
        let batch = self.batch.to_string();
        loop {
            if *self.budget == 0 {
                tracing::warn!(
                    pattern = chosen.pattern,
                    "stopped searching keys: the scrape looked at --scan.max-keys"
                );
                return Ok(());
            }
            *self.budget = self.budget.saturating_sub(self.batch);
            let mut words = vec!["SCAN", &cursor, "MATCH", &chosen.pattern, "COUNT", &batch];
            words.extend(kind.iter().flat_map(|kind| ["TYPE", kind]));
            let Some(answer) = unless_broken(self.session.ask(&words).await)? else { return Ok(()) };
            let [next, keys] = answer.list() else { return Ok(()) };
            keys.list().iter().filter_map(Reply::bytes).for_each(&mut take);
            cursor = next.text().unwrap_or_default();
            // Zero is the end; so is a cursor that is no number.
            if cursor.parse::<u64>().unwrap_or(0) == 0 {
                return Ok(());
            }
        }
    }
}

/// What a key is; `None` when the server does not tell.
async fn facts(session: &mut Session, key: &[u8], with_value: bool) -> Result<Option<KeyFacts>, SessionError> {
    let kind = unless_broken(session.ask_bytes(&[b"TYPE", key]).await)?.and_then(|kind| kind.text());
    let Some(kind) = kind else { return Ok(None) };
    if kind == "none" {
        // That a key is gone is worth an alert, so it has a size all the same.
        return Ok(Some(KeyFacts { size: Some(0.0), ..KeyFacts::default() }));
    }
    let mut facts = KeyFacts::default();
    if let Some(command) = size_command(&kind) {
        let size = unless_broken(session.ask_bytes(&[command.as_bytes(), key]).await)?;
        facts.size = size.as_ref().and_then(Reply::number);
    }
    let memory = unless_broken(session.ask_bytes(&[b"MEMORY", b"USAGE", key]).await)?;
    facts.memory_bytes = memory.as_ref().and_then(Reply::number);
    if kind == "string" && with_value {
        // A label is no place for more than the beginning of a value, so no more is fetched.
        let value = unless_broken(session.ask_bytes(&[b"GETRANGE", key, b"0", b"511"]).await)?;
        facts.value = value.as_ref().and_then(Reply::text);
    }
    Ok(Some(facts))
}

async fn stream(
    session: &mut Session,
    out: &mut Out<'_>,
    database: u32,
    key: &[u8],
    without_consumers: bool,
) -> Result<(), SessionError> {
    let name = String::from_utf8_lossy(key).into_owned();
    let database = format!("db{database}");
    let Some(answer) = unless_broken(session.ask_bytes(&[b"XINFO", b"STREAM", key]).await)? else { return Ok(()) };
    streams::emit(out, &database, &name, &answer);
    let Some(groups) = unless_broken(session.ask_bytes(&[b"XINFO", b"GROUPS", key]).await)? else { return Ok(()) };
    for group in groups.list() {
        let Some(group_name) = group.get("name").and_then(Reply::text) else { continue };
        streams::emit_group(out, &database, &name, &group_name, group);
        if without_consumers {
            continue;
        }
        let words: [&[u8]; 4] = [b"XINFO", b"CONSUMERS", key, group_name.as_bytes()];
        let consumers = unless_broken(session.ask_bytes(&words).await)?;
        for consumer in consumers.iter().flat_map(|consumers| consumers.list()) {
            streams::emit_consumer(out, (&database, &name, &group_name), consumer);
        }
    }
    Ok(())
}
