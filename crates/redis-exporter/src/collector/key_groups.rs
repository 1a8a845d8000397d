//! Groups of keys (`--check-key-groups`): how many keys each has, and their memory. The server itself sorts keys into
//! groups, by a script and Lua's patterns; see [`SCRIPT`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::Out;
use crate::reply::Reply;

/// Takes a cursor, the size of a step and the patterns. Looks at one step of SCAN, and gives the next cursor, then name,
/// keys and bytes of each group. The first pattern that fits names a key's group: by what its captures took.
pub const SCRIPT: &str = "\
local step = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2])
local keys, bytes = {}, {}
for _, key in ipairs(step[2]) do
  local name = 'unclassified'
  for at = 3, #ARGV do
    local found = {string.find(key, ARGV[at])}
    if found[1] then
      name = table.concat(found, '', 3)
      break
    end
  end
  keys[name] = (keys[name] or 0) + 1
  bytes[name] = (bytes[name] or 0) + (redis.call('MEMORY', 'USAGE', key) or 0)
end
local answer = {step[1]}
for name, count in pairs(keys) do
  table.insert(answer, name)
  table.insert(answer, count)
  table.insert(answer, bytes[name])
end
return answer
";

/// Groups that are told apart while a database is searched; keys of further ones count as left over.
const GROUPS_MAX: usize = 100_000;

/// The group of what is left over.
const OVERFLOW: &str = "overflow";

/// What a group has.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Size {
    /// Keys.
    pub keys: f64,
    /// Bytes of memory.
    pub bytes: f64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.keys += other.keys;
        self.bytes += other.bytes;
    }
}

/// The groups of one database.
#[derive(Debug, Default, PartialEq)]
pub struct Groups {
    sizes: BTreeMap<String, Size>,
    beyond: Option<Size>,
}

impl Groups {
    /// Adds one answer of [`SCRIPT`], and gives the cursor for the next; none at the end, or when the answer is odd.
    pub fn add(&mut self, answer: &Reply) -> Option<String> {
        let (cursor, groups) = answer.list().split_first()?;
        for group in groups.chunks_exact(3) {
            let (Some(name), Some(keys), Some(bytes)) = (group[0].text(), group[1].number(), group[2].number()) else {
                continue;
            };
            let size = Size { keys, bytes };
            if self.sizes.len() < GROUPS_MAX || self.sizes.contains_key(&name) {
                self.sizes.entry(name).or_default().add(size);
            } else {
                self.beyond.get_or_insert_default().add(size);
            }
        }
        cursor.text().filter(|cursor| cursor.parse::<u64>().is_ok_and(|cursor| cursor != 0))
    }

    /// The groups with the most memory, at most `max`, and the sum of the others if there are more.
    fn largest(&self, max: usize) -> (Vec<(&str, Size)>, Option<Size>) {
        let mut sizes: Vec<(&str, Size)> = self.sizes.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        if sizes.len() <= max && self.beyond.is_none() {
            return (sizes, None);
        }
        sizes.sort_by(|(_, a), (_, b)| b.bytes.total_cmp(&a.bytes).then(a.keys.total_cmp(&b.keys)));
        let mut rest = self.beyond.unwrap_or_default();
        for (_, size) in sizes.split_off(max.min(sizes.len())) {
            rest.add(size);
        }
        (sizes, Some(rest))
    }
}

/// Adds the groups of a database.
pub fn emit(out: &mut Out<'_>, database: u32, groups: &Groups, max: usize) {
    let database = format!("db{database}");
    let (largest, rest) = groups.largest(max);
    for (name, size) in largest.into_iter().chain(rest.map(|rest| (OVERFLOW, rest))) {
        let labels = [("db", database.as_str()), ("key_group", name)];
        out.gauge("key_group_count", "Count of keys in key group", &labels, size.keys);
        let help = "Total memory usage of key group in bytes";
        out.gauge("key_group_memory_usage_bytes", help, &labels, size.bytes);
    }
    let labels = [("db", database.as_str())];
    let distinct = groups.sizes.len() as f64;
    out.gauge("number_of_distinct_key_groups", "Number of distinct key groups", &labels, distinct);
}

/// Adds how long the groups took; dashboards of the original ask for the figure also where there are none.
pub fn emit_time(out: &mut Out<'_>, time: Duration) {
    let help = "Duration of the last key group metrics scrape in milliseconds";
    out.gauge("last_key_groups_scrape_duration_milliseconds", help, &[], time.as_millis() as f64);
}

/// Reads the list of patterns: one line of comma separated values, where quotes hold a comma (`"^(a,b)",^c`) and a
/// doubled quote is a quote.
///
/// # Errors
/// Says what is wrong with the list.
pub fn parse(list: &str) -> Result<Vec<String>, String> {
    let mut patterns = Vec::new();
    let mut rest = list;
    loop {
        let (pattern, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or_else(|| format!("{list:?}: a quote is never closed"))?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        let pattern = pattern.trim();
        if !pattern.is_empty() {
            patterns.push(pattern.to_owned());
        }
        rest = match after.strip_prefix(',') {
            Some(rest) => rest,
            None if after.is_empty() => return Ok(patterns),
            None => return Err(format!("{list:?}: text after a closing quote")),
        };
    }
}

/// What stands up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut pattern = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        pattern.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                pattern.push('"');
                rest = more;
            }
            None => return Some((pattern, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, Size, parse};
    use crate::reply::Reply;

    #[test]
    fn lists_of_patterns_are_read() {
        let check = |list: &str, expected: &[&str]| {
            assert_eq!(parse(list).expect(list), expected, "{list}");
        };
        check("", &[]);
        check("^(a), ^(b)-.*$ ,,", &["^(a)", "^(b)-.*$"]);
        check(r#""^([^,]+),",x"#, &["^([^,]+),", "x"]);
        check(r#""a""b""#, &["a\"b"]);
        assert!(parse(r#""a"#).is_err() && parse(r#""a"b"#).is_err());
    }

    #[test]
    fn the_largest_groups_stay_and_the_others_are_added_up() {
        let text = |text: &str| Reply::Text(text.as_bytes().to_vec());
        let mut groups = Groups::default();
        let answer = |cursor: &str| {
            let parts = [("a", 1, 10), ("b", 2, 30), ("c", 3, 20)];
            let groups = parts
                .into_iter()
                .flat_map(|(name, keys, bytes)| [text(name), Reply::Integer(keys), Reply::Integer(bytes)]);
            Reply::List(std::iter::once(text(cursor)).chain(groups).collect())
        };
        assert_eq!(groups.add(&answer("17")).as_deref(), Some("17"));
        assert_eq!(groups.add(&answer("0")), None);
        let (largest, rest) = groups.largest(2);
        assert_eq!(largest, [("b", Size { keys: 4.0, bytes: 60.0 }), ("c", Size { keys: 6.0, bytes: 40.0 })]);
        assert_eq!(rest, Some(Size { keys: 2.0, bytes: 20.0 }));
        assert_eq!(groups.largest(3).1, None);
        for odd in [Reply::Nil, Reply::List(Vec::new()), Reply::List(vec![Reply::Nil, Reply::Nil])] {
            assert_eq!(Groups::default().add(&odd), None);
        }
    }
}
