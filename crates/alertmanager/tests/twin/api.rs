//! The original beside ours: the same requests to API v2 and the `/-/` endpoints, the same answers.
//!
//! Ids are compared by the order in which they appear, times around now as "now"; everything else must be equal. Words
//! about JSON that cannot be read are each implementation's own: there only status and code are compared.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::original::{peers, start_original};
use crate::support::{Daemon, request, seconds_from_now};

const CONFIG: &str = "
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1h
  routes:
  - {matchers: [team=db], receiver: 'db admins', continue: true}
  - {matchers: ['team=~\"db|web\"'], receiver: web.example, group_by: ['...']}
receivers:
- {name: team}
- {name: 'db admins'}
- {name: web.example}
inhibit_rules:
- {source_matchers: [role=cause], target_matchers: [role=effect], equal: [site]}
";

/// How closely answers are compared.
#[derive(Clone, Copy, PartialEq)]
enum Closeness {
    Everything,
    /// Status and, where the answer is an object with a code, that.
    Code,
}

struct Pair {
    ours: SocketAddr,
    theirs: SocketAddr,
    differences: Vec<String>,
    /// Ids in the order in which each side showed them.
    ids: [HashMap<String, usize>; 2],
    compared: usize,
}

impl Pair {
    async fn same(&mut self, method: &str, path: &str, body: &str) -> [Value; 2] {
        self.compare(Closeness::Everything, method, path, body).await
    }

    /// Sends one request to both and notes a difference. Gives both answers as they came.
    async fn compare(&mut self, closeness: Closeness, method: &str, path: &str, body: &str) -> [Value; 2] {
        let (our_path, their_path) = (self.path(0, path), self.path(1, path));
        let (our_body, their_body) = (self.path(0, body), self.path(1, body));
        let ours = request(self.ours, method, &our_path, &our_body).await;
        let theirs = request(self.theirs, method, &their_path, &their_body).await;
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let (our_value, their_value): (Value, Value) = (parsed(&ours.1), parsed(&theirs.1));
        let shown = [(0, ours.0, &our_value), (1, theirs.0, &their_value)].map(|(side, status, value)| {
            let value = match closeness {
                Closeness::Everything => self.normal(side, value),
                Closeness::Code => value["code"].clone(),
            };
            format!("{status} {value}")
        });
        self.compared += 1;
        if shown[0] != shown[1] {
            self.differences.push(format!("{method} {path} {body}\n  ours:   {}\n  theirs: {}", shown[0], shown[1]));
        }
        [our_value, their_value]
    }

    /// Puts each side's own id where the text says `ID0`, `ID1`, …
    fn path(&self, side: usize, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, number) in &self.ids[side] {
            text = text.replace(&format!("ID{number}"), id);
        }
        text
    }

    fn normal(&mut self, side: usize, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                if uuid_like(text) {
                    let next = self.ids[side].len();
                    let number = *self.ids[side].entry(text.clone()).or_insert(next);
                    return format!("ID{number}").into();
                }
                let around_now = text
                    .parse::<jiff::Timestamp>()
                    .is_ok_and(|time| (time.as_second() - jiff::Timestamp::now().as_second()).abs() < 7 * 86_400);
                if around_now { "now".into() } else { value.clone() }
            }
            Value::Array(items) => items.iter().map(|item| self.normal(side, item)).collect(),
            Value::Object(items) => {
                // The original at hand may be older than these.
                const NEWER: [&str; 2] = ["routeLabels", "labels"];
                let is_receiver = items.len() == 2 && items.contains_key("name") && items.contains_key("labels");
                let is_new = |key: &str| key == NEWER[0] || (is_receiver && key == NEWER[1]);
                let shown = items.iter().filter(|(key, _)| *key != "versionInfo" && !is_new(key));
                shown.map(|(key, value)| (key.clone(), self.normal(side, value))).collect()
            }
            other => other.clone(),
        }
    }
}

fn uuid_like(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[tokio::test]
async fn the_api_answers_as_the_original_does() {
    let Some(root) = peers() else { return };
    let daemon = Daemon::start(CONFIG).await;
    std::fs::write(daemon.folder.path().join("original.yml"), CONFIG).expect("writable");
    let Some(original) = start_original(&root, daemon.folder.path()).await else { return };
    let mut pair = Pair {
        ours: daemon.app.address(),
        theirs: original.address,
        differences: Vec::new(),
        ids: [HashMap::new(), HashMap::new()],
        compared: 0,
    };
    empty_lists(&mut pair).await;
    reports(&mut pair).await;
    silences(&mut pair).await;
    queries(&mut pair).await;
    other_requests(&mut pair).await;
    let (compared, differences) = (pair.compared, pair.differences);
    assert!(differences.is_empty(), "{} of {compared} answers differ:\n{}", differences.len(), differences.join("\n"));
    println!("{compared} answers compared");
    daemon.app.stop().await;
}

async fn empty_lists(pair: &mut Pair) {
    for path in ["alerts", "alerts/groups", "silences", "receivers"] {
        pair.same("GET", &format!("/api/v2/{path}"), "").await;
    }
}

async fn reports(pair: &mut Pair) {
    let far = "2099-01-01T00:00:00Z";
    let wrong = [
        json!([{}]),
        json!([{"labels": {}}]),
        json!([{"labels": {"": "x"}}]),
        json!([{"labels": {"a": ""}}]),
        json!([{"labels": {"a b": "x"}, "endsAt": "2020-01-01T00:00:00Z"}]),
        json!([{"labels": {"a": "x"}, "annotations": {"": "x"}}]),
        json!([{"labels": {"a": "x"}, "startsAt": far, "endsAt": "2025-01-01T00:00:00Z"}]),
        json!([{"labels": {"a": "x"}, "generatorURL": "a b"}]),
        json!([{"labels": {"a": "x"}, "generatorURL": "relative"}]),
        json!([{"labels": {"a": "x"}, "generatorURL": "%zz"}]),
        json!([{"annotations": {"a": "x"}}]),
        json!([{"labels": {"a": "x"}}, {"annotations": {"a": "x"}}, {}]),
    ];
    for body in &wrong {
        pair.same("POST", "/api/v2/alerts", &body.to_string()).await;
    }
    for body in [
        "",
        "null",
        "{}",
        "[]",
        "{",
        "[",
        "1",
        "\"x\"",
        "[1]",
        r#"[{"labels":{"a":1}}]"#,
        r#"[{"labels":{"a":"x"},"startsAt":"yesterday"}]"#,
        r#"[{"labels":{"a":null}}]"#,
        r#"[{"labels":{"a":"unknown-key"},"unknown":1,"endsAt":"2025-01-01T00:00:00Z"}]"#,
    ] {
        pair.compare(Closeness::Code, "POST", "/api/v2/alerts", body).await;
    }
    let alert = |labels: Value| {
        json!({"labels": labels, "annotations": {"summary": "<b>&\u{d55c}\u{ae00}</b>", "none": ""},
               "startsAt": "2025-01-02T03:04:05.678901234Z", "endsAt": far,
               "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"})
    };
    let good = json!([
        alert(json!({"alertname": "Down", "team": "db", "instance": "a", "site": "x"})),
        alert(json!({"alertname": "Down", "team": "db", "instance": "b", "empty": ""})),
        alert(json!({"alertname": "Slow", "team": "web", "role": "cause", "site": "x"})),
        alert(json!({"alertname": "Slow", "team": "web", "role": "effect", "site": "x"})),
        alert(json!({"alertname": "Slow", "role": "effect", "site": "y"})),
        alert(json!({"alertname": "Quiet", "instance": "q"})),
        alert(json!({"alertname": "Gone", "\u{d55c}": "utf8", "with space": "yes", "quote\"": "<\\>"})),
        {"labels": {"alertname": "Short"}},
        {"labels": {"alertname": "Started"}, "startsAt": seconds_from_now(-60)},
        {"labels": {"alertname": "Over"}, "endsAt": "2025-01-02T00:00:00Z"},
        {"labels": {"alertname": "Script"}, "generatorURL": "javascript:alert(1)"},
        {"labels": {"alertname": "Zero"}, "startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00.000Z"},
    ]);
    pair.same("POST", "/api/v2/alerts", &good.to_string()).await;
    // A second report moves the end and the annotations.
    let mut again = alert(json!({"alertname": "Quiet", "instance": "q"}));
    again["endsAt"] = json!("2098-01-01T00:00:00+02:00");
    again["annotations"] = json!({"changed": "yes"});
    pair.same("POST", "/api/v2/alerts", &json!([again]).to_string()).await;
}

fn silence(id: &str, matchers: Value, starts: &str, ends: &str) -> Value {
    json!({"id": id, "matchers": matchers, "startsAt": starts, "endsAt": ends, "createdBy": "me", "comment": "why"})
}

fn equal(name: &str, value: &str) -> Value {
    json!([{"name": name, "value": value, "isRegex": false}])
}

async fn silences(pair: &mut Pair) {
    let (now, hour, past) = (seconds_from_now(-5), seconds_from_now(3600), seconds_from_now(-3600));
    let path = "/api/v2/silences";
    let unknown = "2b7a9f6c-4b1e-4d1a-9a3e-0d0c2c6c0d0e";
    let regex = |name: &str, value: &str| json!([{"name": name, "value": value, "isRegex": true}]);
    let mut without: Vec<Value> = Vec::new();
    for key in ["matchers", "startsAt", "endsAt", "createdBy", "comment"] {
        let mut posted = silence("", equal("a", "b"), &now, &hour);
        posted.as_object_mut().expect("an object").shift_remove(key);
        without.push(posted);
    }
    for key in ["name", "value", "isRegex"] {
        let mut posted = silence("", equal("a", "b"), &now, &hour);
        posted["matchers"][0].as_object_mut().expect("an object").shift_remove(key);
        without.push(posted);
    }
    for body in &without {
        pair.same("POST", path, &body.to_string()).await;
    }
    for body in [
        silence("", json!([]), &now, &hour),
        silence("", equal("", "b"), &now, &hour),
        silence("", equal("a", ""), &now, &hour),
        silence("", regex("a", ".*"), &now, &hour),
        silence("", regex("a", "("), &now, &hour),
        silence("", regex("a", "x{2000}"), &now, &hour),
        silence("", equal("a", "b"), &hour, &now),
        silence("", equal("a", "b"), &hour, &hour),
        silence("", equal("a", "b"), &past, &past),
        silence("", equal("a", "b"), &past, &now),
        silence(unknown, equal("a", "b"), &now, &hour),
        silence("no-uuid", equal("a", "b"), &now, &hour),
    ] {
        pair.same("POST", path, &body.to_string()).await;
    }
    for body in ["", "null", "{", "[]", "1", r#"{"matchers":1}"#] {
        pair.compare(Closeness::Code, "POST", path, body).await;
    }
    // ID0: active, then changed in place; ID1: takes the place of ID0 when its condition changes.
    pair.same("POST", path, &silence("", equal("alertname", "Quiet"), &now, &hour).to_string()).await;
    let mut changed = silence("ID0", equal("alertname", "Quiet"), &now, &seconds_from_now(7200));
    changed["comment"] = json!("longer");
    let got = pair.same("GET", "/api/v2/silence/ID0", "").await;
    // The start must be each side's own for a change in place.
    changed["startsAt"] = got[0]["startsAt"].clone();
    pair.same("POST", path, &changed.to_string()).await;
    pair.same("GET", "/api/v2/silence/ID0", "").await;
    pair.same("POST", path, &silence("ID0", equal("alertname", "Quiet2"), &now, &hour).to_string()).await;
    pair.same("GET", path, "").await;
    // ID2: pending, changed, ended before it began.
    let mut pending = silence("", equal("b", "1"), "2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    pending["annotations"] = json!({"ticket": "OPS-1"});
    pair.same("POST", path, &pending.to_string()).await;
    pair.same("GET", path, "").await;
    pair.same(
        "POST",
        path,
        &silence("ID2", equal("b", "1"), "2097-01-01T00:00:00Z", "2099-01-01T00:00:00Z").to_string(),
    )
    .await;
    pair.same("GET", "/api/v2/silence/ID2", "").await;
    pair.same("DELETE", "/api/v2/silence/ID2", "").await;
    pair.same("DELETE", "/api/v2/silence/ID2", "").await;
    pair.same("GET", "/api/v2/silence/ID2", "").await;
    pair.same("POST", path, &silence("ID2", equal("b", "1"), &now, &hour).to_string()).await;
    // Several kinds of matchers.
    let mixed = json!([
        {"name": "alertname", "value": "Down|Slow", "isRegex": true, "isEqual": true},
        {"name": "instance", "value": "b", "isRegex": false, "isEqual": false},
        {"name": "\u{d55c}", "value": "x.*", "isRegex": true, "isEqual": false},
    ]);
    pair.same("POST", path, &silence("", mixed, &now, "2099-01-01T00:00:00Z").to_string()).await;
    pair.same("POST", path, &silence("", equal("alertname", "Quiet"), &now, "2099-01-01T00:00:00Z").to_string()).await;
    for id in [unknown, "x", "ID0", "ID1/", "%20", "2B7A9F6C-4B1E-4D1A-9A3E-0D0C2C6C0D0E"] {
        pair.same("GET", &format!("/api/v2/silence/{id}"), "").await;
        pair.same("DELETE", &format!("/api/v2/silence/{id}"), "").await;
    }
}

async fn queries(pair: &mut Pair) {
    const FILTERS: [&str; 22] = [
        "alertname=Down",
        "alertname%3D%22Down%22",
        "alertname!=Down",
        "alertname=~D.*%7CS.*",
        "alertname!~D.*",
        "role=%22%22",
        "role!=%22%22",
        "role=~.*",
        "role=~.%2B",
        "empty=%22%22",
        "none=",
        "team=db,site=x",
        "%7Bteam=db%7D",
        "team",
        "=x",
        "a=~(",
        "%22with+space%22=yes",
        "with+space=yes",
        "%ED%95%9C=utf8",
        "b=1",
        "alertname=Quiet",
        "a==b",
    ];
    for filter in FILTERS {
        for list in ["alerts", "alerts/groups", "silences"] {
            pair.same("GET", &format!("/api/v2/{list}?filter={filter}"), "").await;
        }
    }
    const SWITCHES: [&str; 22] = [
        "active=false",
        "silenced=false",
        "inhibited=false",
        "unprocessed=false",
        "muted=false",
        "active=false&silenced=false",
        "active=false&inhibited=false",
        "active=true",
        "active=1",
        "active=x",
        "active=",
        "silenced=FALSE",
        "inhibited=no",
        "pending=false",
        "expired=false",
        "active=false&expired=false",
        "active=false&pending=false&expired=false",
        "filter=team=db&filter=instance=a",
        "filter=team=db&active=false",
        "unknown=1",
        "active=false&active=true",
        "silenced=true&active=false",
    ];
    for query in SWITCHES {
        for list in ["alerts", "alerts/groups"] {
            pair.same("GET", &format!("/api/v2/{list}?{query}"), "").await;
        }
    }
    const RECEIVERS: [&str; 8] = [
        "receiver=team",
        "receiver=te",
        "receiver=.*",
        "receiver=db+admins",
        "receiver=db%20admins%7Cteam",
        "receiver=web.example",
        "receiver=(",
        "receiver=",
    ];
    for query in RECEIVERS {
        for list in ["alerts", "alerts/groups", "receivers"] {
            pair.same("GET", &format!("/api/v2/{list}?{query}"), "").await;
        }
    }
}

async fn other_requests(pair: &mut Pair) {
    for (method, path) in [
        ("GET", "/-/healthy"),
        ("HEAD", "/-/healthy"),
        ("GET", "/-/ready"),
        ("HEAD", "/-/ready"),
        ("POST", "/-/reload"),
        ("GET", "/api/v1/alerts"),
        ("POST", "/api/v1/alerts"),
        ("GET", "/api/v1/status"),
        ("GET", "/api/v2/nothing"),
        ("PATCH", "/api/v2/status"),
        ("POST", "/api/v2/receivers"),
        ("POST", "/api/v2/alerts/groups"),
        ("GET", "/api/v2/silence"),
        ("GET", "/api/v2/alerts/"),
        ("GET", "/api/v2"),
        ("GET", "/api/v2/"),
    ] {
        pair.same(method, path, "").await;
    }
    // The original lists the allowed methods in any order, and shows the path with the slash.
    pair.compare(Closeness::Code, "DELETE", "/api/v2/silences", "").await;
    pair.compare(Closeness::Code, "PUT", "/api/v2/alerts", "").await;
    pair.compare(Closeness::Code, "POST", "/api/v2/silence/x", "").await;
    pair.compare(Closeness::Code, "GET", "/api/v2/silence/", "").await;
    let [ours, theirs] = pair.compare(Closeness::Code, "GET", "/api/v2/status", "").await;
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    };
    for part in ["", "versionInfo", "config", "cluster"] {
        let of = |value: &Value| if part.is_empty() { keys(value) } else { keys(&value[part]) };
        assert_eq!(of(&ours), of(&theirs), "status {part}");
    }
    assert_eq!(ours["cluster"], theirs["cluster"], "both run alone");
}
