//! What is there after ends of every kind.

use super::*;

fn open(path: &Path) -> (Journal, Found<(u32, String)>) {
    Journal::open(path).expect("the journal opens")
}

#[tokio::test]
async fn acknowledged_records_are_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let (journal, found) = open(&path);
    assert_eq!((found.records.len(), found.damaged), (0, 0));
    let writes: Vec<_> = (0..100).map(|at| journal.append(&(at, format!("text\n{at}")))).collect();
    for written in writes {
        written.wait().await.expect("written");
    }
    // No close: this is what a kill leaves behind.
    let (again, found) = open(&path);
    assert_eq!(found.records.len(), 100);
    assert_eq!(found.records[99], (99, "text\n99".to_owned()), "in order");
    again.close().await;
    journal.close().await;
}

#[tokio::test]
async fn half_lines_and_damaged_lines_cost_only_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let (journal, _) = open(&path);
    for at in 0..3 {
        journal.append(&(at, String::new())).wait().await.expect("written");
    }
    journal.close().await;
    let mut bytes = std::fs::read(&path).expect("readable");
    let line_bytes = bytes.len() / 3;
    bytes[line_bytes + 20] ^= 1;
    bytes.truncate(bytes.len() - 2);
    std::fs::write(&path, &bytes).expect("writable");

    let (journal, found) = open(&path);
    assert_eq!((found.records, found.damaged), (vec![(0, String::new())], 2));
    journal.append(&(7, String::new())).wait().await.expect("written");
    journal.close().await;
    let (journal, found) = open(&path);
    assert_eq!(found.records, [(0, String::new()), (7, String::new())], "new records do not run into the half line");
    journal.close().await;
}

#[tokio::test]
async fn a_rewrite_replaces_what_was_queued_before_and_keeps_what_came_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let (journal, _) = open(&path);
    let writes = [
        journal.append(&(1, String::new())),
        journal.rewrite(&[(2, String::new()), (3, String::new())]),
        journal.append(&(4, String::new())),
    ];
    let mut size_bytes = 0;
    for written in writes {
        size_bytes = written.wait().await.expect("written");
    }
    assert_eq!(size_bytes, std::fs::metadata(&path).expect("there").len());
    journal.close().await;
    let (journal, found) = open(&path);
    assert_eq!(found.records.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3, 4]);
    journal.close().await;
}
