//! Every dependency comes under a licence that Apache-2.0 software may ship with.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::exec;

/// Licences without conditions on the code that uses them.
const FREE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    // Its conditions are about its own files, which are used as they are.
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub(super) fn check() -> Result<Vec<String>> {
    let text = exec::output(exec::cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cannot read the output of cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_free))
        .map(|package| format!("{}: licence {} is not on the list", package["name"], package["license"]))
        .collect())
}

/// Whether one alternative of an SPDX expression consists of free licences only. Exceptions (`WITH …`) only add rights.
fn is_free(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    flat.split(" OR ").any(|alternative| {
        alternative.split(" AND ").all(|licence| {
            let name = licence.split(" WITH ").next().unwrap_or_default().trim();
            FREE.contains(&name)
        })
    })
}
