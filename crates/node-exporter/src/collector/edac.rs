//! `edac`: memory errors that were corrected or not, by controller, row and channel.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse;
use crate::roots::{Roots, attribute, list_if_there, number, numbered, read};

struct Edac {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Edac { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Edac {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for (controller, path) in numbered(&self.roots.sys("devices/system/edac/mc"), "mc") {
            let labels = [("controller", controller.as_str())];
            out.counter("node_edac_correctable_errors_total", "Total correctable memory errors.")
                .with(&labels, count(&path, "ce_count")?);
            out.counter("node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors.")
                .with(&labels, count(&path, "ue_count")?);
            // Errors of a controller that could not tell in which row.
            emit_row(&controller, "unknown", count(&path, "ce_noinfo_count")?, count(&path, "ue_noinfo_count")?, out);
            for (row, path) in numbered(&path, "csrow") {
                emit_row(&controller, &row, count(&path, "ce_count")?, count(&path, "ue_count")?, out);
                emit_channels(&controller, &row, &path, out)?;
            }
        }
        Ok(())
    }
}

fn count(directory: &Path, file: &str) -> Result<f64, CollectError> {
    let text = read(&directory.join(file))?;
    parse::number(0, text.trim()).map_err(|error| error.in_file(file))
}

fn emit_row(controller: &str, row: &str, correctable: f64, uncorrectable: f64, out: &mut Batch) {
    let labels = [("controller", controller), ("csrow", row)];
    out.counter("node_edac_csrow_correctable_errors_total", "Total correctable memory errors for this csrow.")
        .with(&labels, correctable);
    out.counter("node_edac_csrow_uncorrectable_errors_total", "Total uncorrectable memory errors for this csrow.")
        .with(&labels, uncorrectable);
}

fn emit_channels(controller: &str, row: &str, directory: &Path, out: &mut Batch) -> Result<(), CollectError> {
    for file in list_if_there(directory) {
        let channel = file.strip_prefix("ch").and_then(|rest| rest.strip_suffix("_ce_count"));
        let Some(channel) = channel.filter(|channel| channel.bytes().all(|byte| byte.is_ascii_digit())) else {
            continue;
        };
        let label = attribute(&directory.join(format!("ch{channel}_dimm_label")))
            .map_or_else(|| "unknown".to_owned(), |label| dimm_label(&label));
        let labels = [("controller", controller), ("csrow", row), ("channel", channel), ("dimm_label", &label)];
        out.counter("node_edac_channel_correctable_errors_total", "Total correctable memory errors for this channel.")
            .with(&labels, count(directory, &file)?);
        if let Some(uncorrectable) = number(&directory.join(format!("ch{channel}_ue_count"))) {
            out.counter(
                "node_edac_channel_uncorrectable_errors_total",
                "Total uncorrectable memory errors for this channel.",
            )
            .with(&labels, uncorrectable);
        }
    }
    Ok(())
}

/// The kernel's own label `mc#0csrow#1channel#2` becomes `mc0_csrow1_channel2`, as the original has it.
fn dimm_label(label: &str) -> String {
    label.replace('#', "").replace("csrow", "_csrow").replace("channel", "_channel")
}
