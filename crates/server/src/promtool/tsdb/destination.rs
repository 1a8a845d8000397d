//! Where samples go: into a store of ours that no server has open, or into a running server.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http_client::Request;
use metrics_model::{Labels, Sample};
use prometheus_data::stream;
use tsdb::{Db, Imported, Options};

use super::chain;
use crate::promtool::server::{self, HeaderOptions, HttpOptions};
use crate::web::api::v1::IMPORT_BYTES_MAX;

/// Bytes that are sent in one request; a series more may follow.
const PART_BYTES: usize = 16 << 20;

/// How long a server may take for one request.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Which of the two.
#[derive(Debug, Clone, Args)]
pub(in crate::promtool) struct Place {
    /// A running server, which has --web.enable-admin-api.
    #[arg(long, value_name = "URL", conflicts_with = "path")]
    pub(super) url: Option<String>,
    /// The folder of a store that no server has open.
    #[arg(long = "storage.tsdb.path", default_value = "data/", value_name = "FOLDER")]
    pub(super) path: PathBuf,
    #[command(flatten)]
    pub(super) http: HttpOptions,
}

/// A place that takes samples.
pub(super) enum Destination {
    /// A store, and what it was given so far.
    Store(Box<Db>),
    /// A server, and what waits to be sent.
    Server { server: Box<Running>, waiting: Vec<u8> },
}

/// A running server, and how it is reached.
pub(super) struct Running {
    url: String,
    http: HttpOptions,
}

/// Samples on their way to a [`Destination`].
pub(super) struct Sink<'a> {
    way: Way<'a>,
}

enum Way<'a> {
    Store(tsdb::Importer<'a>),
    Server { server: &'a Running, waiting: &'a mut Vec<u8>, done: Imported },
}

impl Destination {
    pub(super) fn open(into: &Place) -> Result<Self, String> {
        if let Some(url) = &into.url {
            let server = Box::new(Running { url: url.clone(), http: into.http.clone() });
            return Ok(Self::Server { server, waiting: Vec::new() });
        }
        // The server that will have the store decides what is too old.
        let options = Options { retention: None, late_limit: None, background: false, ..Options::default() };
        Db::open(&into.path, options).map(|db| Self::Store(Box::new(db))).map_err(|error| chain(&error))
    }

    pub(super) fn sink(&mut self) -> Sink<'_> {
        let way = match self {
            Self::Store(db) => Way::Store(db.importer()),
            Self::Server { server, waiting } => Way::Server { server, waiting, done: Imported::default() },
        };
        Sink { way }
    }
}

impl Sink<'_> {
    /// Adds samples of a series, in order of time.
    pub(super) fn add(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), String> {
        match &mut self.way {
            Way::Store(importer) => importer.add(labels, samples).map_err(|error| chain(&error)),
            Way::Server { server, waiting, done } => {
                let before = waiting.len();
                stream::put(waiting, labels, samples);
                if waiting.len() > IMPORT_BYTES_MAX && before > 0 {
                    // Too much together: what came before goes first.
                    let last = waiting.split_off(before);
                    send(server, waiting, done)?;
                    **waiting = last;
                }
                if waiting.len() >= PART_BYTES { send(server, waiting, done) } else { Ok(()) }
            }
        }
    }

    /// Everything is taken when this returns.
    pub(super) fn finish(self) -> Result<Imported, String> {
        match self.way {
            Way::Store(importer) => importer.finish().map_err(|error| chain(&error)),
            Way::Server { server, waiting, mut done } => {
                if !waiting.is_empty() {
                    send(server, waiting, &mut done)?;
                }
                Ok(done)
            }
        }
    }
}

fn send(running: &Running, waiting: &mut Vec<u8>, done: &mut Imported) -> Result<(), String> {
    let url = server::url(&running.url, "/api/v1/admin/tsdb/import")?;
    let request = Request::post(url, stream::MEDIA_TYPE, std::mem::take(waiting)).timeout(TIMEOUT);
    let answer = server::data(&server::send(&running.http, &HeaderOptions::default(), request)?)?;
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    done.samples += number("samples");
    done.expired += number("expired");
    done.future += number("future");
    done.partitions += number("partitions");
    Ok(())
}

/// Says what was done.
pub(super) fn report(imported: &Imported) {
    println!("{} samples imported", imported.samples);
    if imported.expired > 0 {
        println!("{} samples left out: older than what the server keeps", imported.expired);
    }
    if imported.future > 0 {
        println!("{} samples left out: in the future", imported.future);
    }
}
