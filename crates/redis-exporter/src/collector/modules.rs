//! Loaded modules: the section Modules, `module:name=x,ver=1,…`.

use super::Out;
use crate::info::{Info, Parts};

/// Adds a metric for each module.
pub fn emit(out: &mut Out<'_>, info: &Info) {
    for field in info.fields().iter().filter(|field| field.name == "module") {
        let parts = Parts::new(&field.value);
        // Lists stand in brackets and hold commas of their own (`usedby=[a,b]`): only the plain values are shown.
        let part = |name| parts.get(name).unwrap_or("");
        let labels = ["name", "ver", "api", "filters", "usedby", "using"].map(|name| (name, part(name)));
        out.gauge("module_info", "Information about loaded Redis module", &labels, 1.0);
    }
}
