//! Connected clients: the answer to `CLIENT LIST`, one line a client.

use super::Out;

/// Fields that are numbers: name in the line, metric, help.
const NUMBERS: &[(&str, &str)] = &[
    ("sub", "connected_client_channel_subscriptions_count"),
    ("psub", "connected_client_pattern_matching_subscriptions_count"),
    ("ssub", "connected_client_shard_channel_subscriptions_count"),
    ("watch", "connected_client_shard_channel_watched_keys"),
    ("qbuf", "connected_client_query_buffer_length_bytes"),
    ("qbuf-free", "connected_client_query_buffer_free_space_bytes"),
    ("obl", "connected_client_output_buffer_length_bytes"),
    ("oll", "connected_client_output_list_length"),
    ("omem", "connected_client_output_buffer_memory_usage_bytes"),
    ("tot-mem", "connected_client_total_memory_consumed_bytes"),
];

/// Adds a metric set for each client. The port makes every connection a series of its own, so it must be asked for.
pub fn emit(out: &mut Out<'_>, list: &str, include_port: bool, now_seconds: f64) {
    for line in list.lines() {
        let field = |name: &str| {
            let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
            fields.find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
        };
        let Some(address) = field("addr") else { continue };
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let text = |name| field(name).unwrap_or("");
        let identity = [("id", text("id")), ("name", text("name"))];
        let mut labels = identity.to_vec();
        labels.extend([("flags", text("flags")), ("db", text("db")), ("host", host)]);
        if include_port {
            labels.push(("port", port));
        }
        // Only newer servers tell these.
        labels.extend(["user", "resp"].iter().filter_map(|name| Some((*name, field(name)?))));
        out.plain_gauge("connected_client_info", &labels, 1.0);
        for (name, metric) in NUMBERS {
            if let Some(value) = field(name).and_then(|value| value.parse().ok()) {
                out.plain_gauge(metric, &identity, value);
            }
        }
        for (name, metric) in
            [("age", "connected_client_created_at_timestamp"), ("idle", "connected_client_idle_since_timestamp")]
        {
            if let Some(seconds) = field(name).and_then(|value| value.parse::<f64>().ok()) {
                out.plain_gauge(metric, &identity, now_seconds - seconds);
            }
        }
    }
}
