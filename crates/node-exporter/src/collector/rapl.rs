//! `rapl`: the energy that the CPUs' power domains used.

use std::collections::HashMap;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::{Setup, sanitized};
use crate::parse::number;
use crate::roots::{ReadError, Roots, attribute, list, read};

pub(super) const FLAGS: &[Flag] = &[Flag::switch(
    "collector.rapl.enable-zone-label",
    false,
    "One metric for all zones, with the zone as a label, instead of a metric for each.",
)];

struct Rapl {
    roots: Arc<Roots>,
    zone_label: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let zone_label = setup.values.on("collector.rapl.enable-zone-label");
    Ok(Box::new(Rapl { roots: Arc::clone(&setup.roots), zone_label }))
}

/// Most systems let only root read the energy: it can be used to spy on other processes.
fn or_no_data(error: ReadError) -> CollectError {
    if error.is_forbidden() { CollectError::no_data(error.path.display().to_string()) } else { error.or_no_data() }
}

impl Collector for Rapl {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/powercap");
        let mut used: HashMap<String, u32> = HashMap::new();
        for entry in list(&directory).map_err(or_no_data)? {
            let path = directory.join(&entry);
            let Some(name) = attribute(&path.join("name")) else { continue };
            let (name, index) = name_and_index(&name, &used);
            used.insert(name.clone(), index.saturating_add(1));
            let energy = read(&path.join("energy_uj")).map_err(or_no_data)?;
            let joules = number::<f64>(0, energy.trim()).map_err(|error| error.in_file("energy_uj"))? / 1e6;
            let (index, path) = (index.to_string(), path.display().to_string());
            let labels = [("index", index.as_str()), ("path", &path), ("rapl_zone", &name)];
            if self.zone_label {
                out.counter("node_rapl_joules_total", "Current RAPL value in joules").with(&labels, joules);
            } else {
                let metric = format!("node_rapl_{}_joules_total", sanitized(&name));
                out.counter(&metric, &format!("Current RAPL {name} value in joules")).with(&labels[..2], joules);
            }
        }
        Ok(())
    }
}

/// `package-1` is package number 1; zones without a number are counted.
fn name_and_index(text: &str, used: &HashMap<String, u32>) -> (String, u32) {
    if let Some((name, Ok(index))) = text.split_once('-').map(|(name, index)| (name, index.parse())) {
        return (name.to_owned(), index);
    }
    (text.to_owned(), used.get(text).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_numbered() {
        let used = HashMap::from([("dram".to_owned(), 1)]);
        for (text, name, index) in
            [("package-1", "package", 1), ("dram", "dram", 1), ("core", "core", 0), ("a-b-1", "a-b-1", 0)]
        {
            assert_eq!(name_and_index(text, &used), (name.to_owned(), index));
        }
    }
}
