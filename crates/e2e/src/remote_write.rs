//! A client that writes to a server.

use metrics_model::varint::put as varint;

/// One series: its labels, in order of the names, and its samples, milliseconds and value.
#[derive(Debug)]
pub struct Series<'a> {
    /// Names and values.
    pub labels: Vec<(&'a str, String)>,
    /// In order of time.
    pub samples: Vec<(u64, f64)>,
}

/// The body of a request.
///
/// # Panics
/// When it is larger than compressing allows.
#[must_use]
pub fn body(series: &[Series<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for series in series {
        let mut one = Vec::new();
        for (name, value) in &series.labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut one, 1, &label);
        }
        for (at_ms, value) in &series.samples {
            let mut sample = vec![1 << 3 | 1];
            sample.extend_from_slice(&value.to_bits().to_le_bytes());
            sample.push(2 << 3);
            varint(&mut sample, *at_ms);
            field(&mut one, 2, &sample);
        }
        field(&mut out, 1, &one);
    }
    snap::raw::Encoder::new().compress_vec(&out).expect("small")
}

/// Sends a request with `agent`; gives status and answer, or `None` if nobody answers.
#[must_use]
pub fn send(agent: &ureq::Agent, server: &str, body: &[u8]) -> Option<(u16, String)> {
    let request = agent
        .post(format!("{server}/api/v1/write"))
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-write-version", "0.1.0");
    let mut answer = request.send(body).ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    Some((answer.status().as_u16(), text))
}

/// An agent for [`send`], which keeps its connection.
#[must_use]
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
