//! Text files as the original's tests have them.

use std::collections::BTreeSet;
use std::fs;

use testkit::corpus::{close, folder};

use crate::TOPIC;
use crate::hosted::{difference, page_of};

/// What the original's answer to one case has: samples, help and types. Its modification times are of no use.
fn lines(page: &str) -> BTreeSet<String> {
    let own = |line: &&str| {
        !line.contains("node_textfile_mtime_seconds")
            && !line.contains("node_scrape_")
            && !line.contains("node_exporter_build_info")
            && !line.contains("firewatch_")
    };
    page.lines().filter(own).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_the_original() {
    let Some(folder) = folder(TOPIC) else { return };
    let fixtures = folder.join("fixtures/textfile");
    let mut names: Vec<_> = fs::read_dir(&fixtures)
        .expect("the cases can be listed")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".out").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    let mut failures = Vec::new();
    for name in &names {
        let golden = fs::read_to_string(fixtures.join(format!("{name}.out"))).expect("the answer is text");
        let directory = if name == "glob_extra_dimension" { "*_extra_dimension" } else { name.as_str() };
        let directory = format!("{}/{directory}", fixtures.display());
        let page = page_of(&[
            "--collector.disable-defaults".to_owned(),
            "--collector.textfile".to_owned(),
            "--web.disable-exporter-metrics".to_owned(),
            format!("--collector.textfile.directory={directory}"),
        ])
        .await
        .replace(&fixtures.display().to_string(), "fixtures/textfile");
        let difference = difference(&lines(&golden), &lines(&page));
        if !difference.is_empty() {
            failures.push(format!("{name}: - is the original's, + is ours:\n{difference}"));
        }
    }
    close("text files", names.len(), &failures);
}
