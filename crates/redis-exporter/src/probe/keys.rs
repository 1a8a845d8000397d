//! Key and stream checks. Searches are bounded: SCAN goes on in batches until the patterns are through, the deadline
//! passes, or the scrape has looked at as many keys as it may.

use std::collections::BTreeSet;
use std::time::Instant;

use super::cluster::Nodes;
use super::{Plan, unless_broken};
use crate::collector::keys::{Chosen, KeyFacts, emit, emit_count, is_pattern, size_command};
use crate::collector::{Out, key_groups, streams};
use crate::info::{Info, Parts};
use crate::reply::Reply;
use crate::session::{Session, SessionError};

/// A larger batch would make answers that are over what one may hold, and block the server.
const BATCH_MAX: u64 = 50_000;

/// The most bytes of a text that is fetched whole; of a longer one its beginning is. Covers every HyperLogLog.
const WHOLE_VALUE_MAX: f64 = 16_384.0;

/// How many keys are asked about at once: their texts together take a megabyte at most.
const KEYS_AT_ONCE: usize = 64;

/// What a HyperLogLog begins with.
const HYPERLOGLOG: &[u8] = b"HYLL";

/// Asks all nodes that hold keys; `info` is what the asked one said, and the number of its databases.
pub(super) async fn check(
    plan: &Plan,
    mut nodes: Nodes,
    (info, databases): (&Info, u32),
    out: &mut Out<'_>,
) -> Result<(), SessionError> {
    let mut budget = plan.options.scan_keys_max;
    if plan.checks_keys(info) {
        let mut counts = vec![0; plan.count_keys.len()];
        for session in &mut nodes.sessions {
            check_node(plan, session, &mut budget, &mut counts, out).await?;
        }
        // A count over some of the nodes would be wrong.
        if nodes.complete {
            for (chosen, count) in plan.count_keys.iter().zip(counts) {
                emit_count(out, chosen, count);
            }
        }
    }
    let start = Instant::now();
    if !plan.key_groups.is_empty() {
        groups(plan, &mut nodes, (info, databases), &mut budget, out).await?;
    }
    key_groups::emit_time(out, start.elapsed());
    Ok(())
}

async fn check_node(
    plan: &Plan,
    session: &mut Session,
    budget: &mut u64,
    counts: &mut [u64],
    out: &mut Out<'_>,
) -> Result<(), SessionError> {
    let mut search = Search { session, batch: plan.batch(), budget };
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
    for (chosen, count) in plan.count_keys.iter().zip(counts) {
        *count += search.count(chosen).await?;
    }
    let with_values = !plan.options.disable_exporting_key_values;
    // Sorted, so that keys of one database stand together.
    let keys: Vec<(u32, Vec<u8>)> = keys.into_iter().collect();
    for keys in keys.chunk_by(|left, right| left.0 == right.0).flat_map(|keys| keys.chunks(KEYS_AT_ONCE)) {
        let Some((database, _)) = keys.first() else { continue };
        select(session, *database).await?;
        let names: Vec<&[u8]> = keys.iter().map(|(_, key)| key.as_slice()).collect();
        for (key, facts) in names.iter().zip(facts(session, &names, with_values).await?) {
            if let Some(facts) = facts {
                emit(out, *database, &String::from_utf8_lossy(key), &facts);
            }
        }
    }
    for (database, key) in found_streams {
        select(session, database).await?;
        stream(session, out, database, &key, plan.options.streams_exclude_consumer_metrics).await?;
    }
    Ok(())
}

impl Plan {
    fn batch(&self) -> u64 {
        self.options.check_keys_batch_size.clamp(1, BATCH_MAX)
    }
}

/// Sorts the keys of every database into groups; those without keys are not searched.
async fn groups(
    plan: &Plan,
    nodes: &mut Nodes,
    (info, databases): (&Info, u32),
    budget: &mut u64,
    out: &mut Out<'_>,
) -> Result<(), SessionError> {
    if !nodes.complete {
        return Ok(());
    }
    let with_keys = with_keys(info);
    for database in 0..databases {
        let mut groups = key_groups::Groups::default();
        // What INFO says of a cluster's node says nothing of the others.
        let searched = nodes.of_cluster || with_keys.contains(&database);
        for session in nodes.sessions.iter_mut().filter(|_| searched) {
            select(session, database).await?;
            if !groups_of_node(plan, session, budget, &mut groups).await? {
                return Ok(());
            }
        }
        key_groups::emit(out, database, &groups, plan.options.max_distinct_key_groups);
    }
    Ok(())
}

/// The databases that have keys, by INFO.
fn with_keys(info: &Info) -> BTreeSet<u32> {
    let keyspace = info.fields().iter().filter(|field| field.section == "Keyspace");
    let with_keys = keyspace.filter(|field| Parts::new(&field.value).number("keys").is_some());
    with_keys.filter_map(|field| field.name.strip_prefix("db")?.parse().ok()).collect()
}

/// Runs the script step by step. Gives whether the server lets it run.
async fn groups_of_node(
    plan: &Plan,
    session: &mut Session,
    budget: &mut u64,
    groups: &mut key_groups::Groups,
) -> Result<bool, SessionError> {
    let mut cursor = "0".to_owned();
    let batch = plan.batch().to_string();
    loop {
        if *budget == 0 {
            tracing::warn!("stopped grouping keys: the scrape looked at --scan.max-keys");
            return Ok(true);
        }
        *budget = budget.saturating_sub(plan.batch());
        let mut words = vec!["EVAL", key_groups::SCRIPT, "0", &cursor, &batch];
        words.extend(plan.key_groups.iter().map(String::as_str));
        let answer = match session.ask(&words).await {
            Err(error) if error.is_broken() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "keys cannot be grouped");
                return Ok(false);
            }
            Ok(answer) => answer,
        };
        match groups.add(&answer) {
            Some(next) => cursor = next,
            None => return Ok(true),
        }
    }
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

/// What keys are, asked all at once, a question at a time; `None` for a key of which the server does not tell.
async fn facts(
    session: &mut Session,
    keys: &[&[u8]],
    with_values: bool,
) -> Result<Vec<Option<KeyFacts>>, SessionError> {
    let about = keys.iter().flat_map(|key| [vec![b"TYPE".as_slice(), key], vec![b"MEMORY", b"USAGE", key]]);
    let answers = session.ask_all(&about.collect::<Vec<_>>()).await?;
    let mut kinds = Vec::with_capacity(keys.len());
    let mut facts = Vec::with_capacity(keys.len());
    for answer in answers.chunks_exact(2) {
        let kind = answer[0].as_ref().and_then(Reply::text);
        let memory_bytes = answer[1].as_ref().and_then(Reply::number);
        facts.push(kind.as_deref().map(|kind| match kind {
            // That a key is gone is worth an alert, so it has a size all the same.
            "none" => KeyFacts { size: Some(0.0), ..KeyFacts::default() },
            _ => KeyFacts { memory_bytes, ..KeyFacts::default() },
        }));
        kinds.push(kind.unwrap_or_default());
    }
    let sized: Vec<(usize, &str)> =
        kinds.iter().enumerate().filter_map(|(at, kind)| Some((at, size_command(kind)?))).collect();
    let commands = sized.iter().map(|(at, command)| vec![command.as_bytes(), keys[*at]]);
    let sizes = session.ask_all(&commands.collect::<Vec<_>>()).await?;
    for ((at, _), size) in sized.iter().zip(sizes) {
        if let Some(facts) = &mut facts[*at] {
            facts.size = size.as_ref().and_then(Reply::number);
        }
    }
    let texts: Vec<usize> = (0..keys.len()).filter(|at| kinds[*at] == "string").collect();
    values(session, keys, &texts, &mut facts).await?;
    if !with_values {
        facts.iter_mut().flatten().for_each(|facts| facts.value = None);
    }
    Ok(facts)
}

/// Adds what texts begin with, and how many elements those count that are HyperLogLogs. Users who follow the original's
/// advice on permissions allow GET alone, so a text that is not too long comes by that.
async fn values(
    session: &mut Session,
    keys: &[&[u8]],
    texts: &[usize],
    facts: &mut [Option<KeyFacts>],
) -> Result<(), SessionError> {
    let commands = texts.iter().map(|at| {
        let size = facts[*at].as_ref().and_then(|facts| facts.size);
        if size.is_some_and(|size| size <= WHOLE_VALUE_MAX) {
            vec![b"GET".as_slice(), keys[*at]]
        } else {
            vec![b"GETRANGE", keys[*at], b"0", b"511"]
        }
    });
    let beginnings = session.ask_all(&commands.collect::<Vec<_>>()).await?;
    let mut counting = Vec::new();
    for (at, beginning) in texts.iter().zip(&beginnings) {
        let Some(value) = beginning.as_ref().and_then(Reply::bytes).filter(|value| !value.is_empty()) else { continue };
        if value.starts_with(HYPERLOGLOG) {
            counting.push(*at);
        } else if let Some(facts) = &mut facts[*at] {
            facts.value = Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    let commands = counting.iter().map(|at| vec![b"PFCOUNT".as_slice(), keys[*at]]);
    let counts = session.ask_all(&commands.collect::<Vec<_>>()).await?;
    for (at, count) in counting.iter().zip(counts) {
        if let (Some(facts), Some(count)) = (&mut facts[*at], count) {
            facts.size = count.number();
        }
    }
    Ok(())
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
