//! `tsdb` commands over folders of either kind, beside the original's tool.

use std::path::Path;
use std::process::Command;

use crate::original::{Original, program};
use crate::remote_write::{now_ms, snappy};
use crate::remote_write_2::{CONTENT_TYPE, Series, answer, post, request2};
use crate::server::{Folder, Server};

/// What a tool prints.
fn output(tool: &Path, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().expect("the tool runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ours() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_firewatch-promtool"))
}

/// Counters and odd floats, some hours ago: two blocks.
fn openmetrics(start: i64) -> String {
    let mut text = "# TYPE m counter\n".to_owned();
    for series in 0..5 {
        for at in (0..12_000).step_by(30).filter(|at| series != 4 || *at > 7_000) {
            let value = at as f64 / [1.0, 3.0, 7.0, 0.5, 11.0][series];
            text += &format!("m_total{{series=\"s{series}\",twin=\"s{series}\"}} {value} {}\n", start + at);
        }
    }
    text += "# TYPE g gauge\n";
    for at in 0..60 {
        let value = ["NaN", "+Inf", "-Inf", "1e+30", "-0.0", "1234567.0", "1e-9", "123456789012345"][at as usize % 8];
        text += &format!("g{{a=\"q\\\"uote\",b=\"x\\\\y\\nz\"}} {value} {}\n", start + at * 60);
    }
    text + "# EOF\n"
}

/// A folder of the original with blocks, and a head with floats and native histograms.
async fn data_folder(folder: &Folder, tool: &Path) -> Option<()> {
    let now = now_ms();
    let peer = folder.path().join("peer");
    folder.write("in.om", &openmetrics(now / 1000 - 6 * 3_600));
    let input = folder.path().join("in.om").display().to_string();
    output(tool, &["tsdb", "create-blocks-from", "openmetrics", &input, &peer.display().to_string()]);
    let flags = ["--web.enable-remote-write-receiver", "--enable-feature=native-histograms"];
    let original = Original::start(folder, "prometheus.yml", &flags).await?;
    for step in 0..300 {
        let at_ms = now - 300_000 + step * 1000;
        let floats = Series::of(&[1, 2, 3, 4]).sample(at_ms, step as f64 / 3.0);
        let mut series = vec![floats];
        if step < 50 {
            series.push(Series::of(&[1, 10]).histogram(at_ms, 3 + step as u64, 2 + 2 * step as u8));
        }
        let body = snappy(&request2(series));
        let told = answer(post(original.url("/api/v1/write"), CONTENT_TYPE, "snappy", body)).await;
        assert!(told.starts_with("204"), "{told}");
    }
    Some(())
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn folders_of_the_original_are_dumped_and_analyzed_as_by_its_tool() {
    let Some(tool) = program("promtool") else { return };
    let folder = Folder::new("");
    if data_folder(&folder, &tool).await.is_none() {
        return;
    }
    let data = folder.path().join("peer").display().to_string();
    let floats = "--match={__name__!=\"h\"}";
    let from = format!("--min-time={}", now_ms() - 5 * 3_600_000);
    for command in [
        vec!["dump", floats],
        vec!["dump-openmetrics", floats],
        vec!["dump", "--match={__name__=\"a\"}", "--match={series=~\"s[12]\"}"],
        vec!["dump", floats, &from],
    ] {
        let arguments = [&["tsdb"], command.as_slice(), &[data.as_str()]].concat();
        let (mine, theirs) = (output(ours(), &arguments), output(&tool, &arguments));
        assert!(mine.lines().count() > 300, "{command:?}: {mine}");
        assert!(mine == theirs, "{command:?}: {:?}", mine.lines().zip(theirs.lines()).find(|(a, b)| a != b));
    }
    for command in [vec!["analyze", "--limit=100"], vec!["analyze", "--extended", "--limit=100", "--match={a=~\".*\"}"]]
    {
        let arguments = [&["tsdb"], command.as_slice(), &[data.as_str()]].concat();
        // What is as frequent comes in any order there.
        let (mine, theirs) = (output(ours(), &arguments), output(&tool, &arguments));
        assert_eq!(sorted(&mine), sorted(&theirs), "{command:?}");
    }
    // The original's tool loses histograms on the way. Ours has them, and an imported folder has the same.
    let dumped = output(ours(), &["tsdb", "dump", &data]);
    assert_eq!(dumped.lines().filter(|line| line.starts_with("{__name__=\"h\"} {count:")).count(), 50);
    let store = folder.path().join("store").display().to_string();
    output(ours(), &["tsdb", "import", &data, "--storage.tsdb.path", &store]);
    assert!(output(ours(), &["tsdb", "dump", &store]) == dumped);
    // Out again, as blocks that the original reads.
    let blocks = folder.path().join("blocks");
    output(ours(), &["tsdb", "create-blocks", "--storage.tsdb.path", &store, &blocks.display().to_string()]);
    std::fs::create_dir(blocks.join("wal")).expect("made");
    let blocks = blocks.display().to_string();
    let arguments = ["tsdb", "dump", floats, &blocks];
    assert!(output(&tool, &arguments) == output(ours(), &arguments));
    let analyzed = output(ours(), &["tsdb", "analyze", "--extended", &blocks]);
    let theirs = output(&tool, &["tsdb", "analyze", "--extended", &blocks]);
    assert_eq!(sorted(&analyzed), sorted(&theirs));
}

#[tokio::test]
async fn stores_are_analyzed_and_listed() {
    let folder = Folder::new("");
    let store = folder.path().join("store").display().to_string();
    folder.write("in.om", &openmetrics(1_790_000_000));
    let input = folder.path().join("in.om").display().to_string();
    output(ours(), &["tsdb", "create-blocks-from", "openmetrics", &input, &store]);
    let analyzed = output(ours(), &["tsdb", "analyze", "--limit=2", &store]);
    for expected in ["Total Series: 6\n", "Label names: 5\n", "Highest cardinality metric names:\n5 m_total\n1 g\n"] {
        assert!(analyzed.contains(expected), "{analyzed}");
    }
    let listed = output(ours(), &["tsdb", "list", &store]);
    let row = listed.lines().nth(1).unwrap_or_default();
    assert!(row.split_whitespace().nth(6) == Some("6"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_get_a_past() {
    let folder = Folder::new("");
    let rule = "groups: [{name: g, interval: 1m, rules: [{record: a:sum, expr: sum(a), labels: {new: x}}, \
                {alert: No, expr: a > 0}, {record: a:twice, expr: a * 2}]}]\n";
    folder.write("rules.yml", rule);
    let server = Server::in_memory(&folder, &[]).await;
    for series in ["1", "2"] {
        let samples: Vec<(i64, f64)> = (0..400).map(|at| (6_000 + at * 60, at as f64)).collect();
        server.store(&[("__name__", "a"), ("s", series)], &samples);
    }
    let (url, store) = (server.url(""), folder.path().join("store").display().to_string());
    let rules = folder.path().join("rules.yml").display().to_string();
    let arguments = ["--start=6000", "--end=29940", "--url", &url, "--output-dir", &store, &rules].map(str::to_owned);
    let printed = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        output(ours(), &[&["tsdb", "create-blocks-from", "rules"], arguments.as_slice()].concat())
    });
    let printed = printed.await.expect("it runs");
    assert!(printed.contains("1200 samples"), "{printed}");
    let dumped = output(ours(), &["tsdb", "dump", &store]);
    let expected =
        (0..400).map(|at| format!("{{__name__=\"a:sum\", new=\"x\"}} {} {}", at * 2, (6_000 + at * 60) * 1000));
    let twice = |series: &str| {
        let line = |at| format!("{{__name__=\"a:twice\", s=\"{series}\"}} {} {}", at * 2, (6_000 + at * 60) * 1000);
        (0..400).map(line).collect::<Vec<_>>()
    };
    let expected: Vec<String> = expected.chain(twice("1")).chain(twice("2")).collect();
    assert_eq!(dumped.lines().collect::<Vec<_>>(), expected);
    server.stop().await;
}
