//! `os`: which distribution the host runs.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};
use jiff::civil::Date;
use jiff::tz::Offset;

use super::Setup;
use crate::parse::os_release::{self, OsRelease};
use crate::roots::{Roots, read_if_there};

/// Where the file may be, in the order that the distributions' documentation gives.
const FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

struct Os {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Os { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Os {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for file in FILES {
            if let Some(text) = read_if_there(&self.roots.host(file))? {
                let release = os_release::parse(&text).map_err(|error| error.in_file(file))?;
                return emit(&release, out);
            }
        }
        Err(CollectError::no_data(FILES.join(", ")))
    }
}

fn emit(release: &OsRelease, out: &mut Batch) -> Result<(), CollectError> {
    let [id, id_like, name] = ["ID", "ID_LIKE", "NAME"].map(|key| release.get(key));
    out.gauge(
        "node_os_info",
        "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, \
         pretty_name, variant, variant_id, version, version_codename, version_id.",
    )
    .with(
        &[
            ("build_id", release.get("BUILD_ID")),
            ("id", id),
            ("id_like", id_like),
            ("image_id", release.get("IMAGE_ID")),
            ("image_version", release.get("IMAGE_VERSION")),
            ("name", name),
            ("pretty_name", release.get("PRETTY_NAME")),
            ("variant", release.get("VARIANT")),
            ("variant_id", release.get("VARIANT_ID")),
            ("version", release.get("VERSION")),
            ("version_codename", release.get("VERSION_CODENAME")),
            ("version_id", release.get("VERSION_ID")),
        ],
        1.0,
    );
    if let Some(version) = release.version_number() {
        out.gauge("node_os_version", "Metric containing the major.minor part of the OS version.")
            .with(&[("id", id), ("id_like", id_like), ("name", name)], version);
    }
    let end = release.get("SUPPORT_END");
    if !end.is_empty() {
        let failed = |error: jiff::Error| CollectError::failed("parse SUPPORT_END", error);
        let date: Date = end.parse().map_err(failed)?;
        let end = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(failed)?;
        out.gauge(
            "node_os_support_end_timestamp_seconds",
            "Metric containing the end-of-life date timestamp of the OS.",
        )
        .value(end.as_second() as f64);
    }
    Ok(())
}
