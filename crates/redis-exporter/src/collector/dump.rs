//! The server's dump file, where exporter and server share a file system.

use std::path::{Path, PathBuf};

use super::Out;
use crate::reply::Reply;

/// Where the settings say that the file is. The server names it, so a name that leaves its folder is none.
#[must_use]
pub fn path(settings: &Reply) -> Option<PathBuf> {
    let text = |key| settings.get(key).and_then(Reply::text).filter(|text| !text.is_empty());
    let (folder, file) = (text("dir")?, text("dbfilename")?);
    let bare = Path::new(&file).file_name().is_some_and(|name| name == file.as_str());
    bare.then(|| Path::new(&folder).join(file))
}

/// Adds the file's size.
pub fn emit(out: &mut Out<'_>, bytes: u64) {
    out.gauge("rdb_current_size_bytes", "Current RDB file size in bytes", &[], bytes as f64);
}

#[cfg(test)]
mod tests {
    use super::{Reply, path};

    #[test]
    fn a_name_that_leaves_the_folder_is_none() {
        let check = |file: &str, expected: Option<&str>| {
            let pairs = ["dir", "/data", "dbfilename", file].map(|text| Reply::Text(text.as_bytes().to_vec()));
            assert_eq!(path(&Reply::List(pairs.to_vec())), expected.map(Into::into), "{file}");
        };
        check("dump.rdb", Some("/data/dump.rdb"));
        for bad in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a/"] {
            check(bad, None);
        }
        assert_eq!(path(&Reply::Nil), None);
    }
}
