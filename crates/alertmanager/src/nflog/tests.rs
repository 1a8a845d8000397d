//! What the log knows now and after a restart.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn slack() -> ReceiverKey {
    ReceiverKey { receiver: "team".to_owned(), integration: "slack".to_owned(), index: 0 }
}

fn entry(second: i64, firing: &[u64]) -> Entry {
    Entry { timestamp: at(second), firing: firing.iter().copied().collect(), ..Entry::default() }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn entries_survive_a_restart_until_they_expire() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nflog");
    let log = NotificationLog::open(&path, 24 * HOUR, at(0)).expect("opens");
    log.record("{}:{}", &slack(), entry(10, &[1, 2]), 2 * HOUR).await.expect("recorded");
    log.record("{}:{}", &slack(), entry(5, &[3]), 2 * HOUR).await.expect("ignored");
    log.record("other", &slack(), entry(10, &[4]), HOUR).await.expect("recorded");

    let again = NotificationLog::open(&path, 24 * HOUR, at(10 + 3600)).expect("opens");
    assert_eq!(again.query("{}:{}", &slack()), Some(entry(10, &[1, 2])), "the newer entry stays");
    assert_eq!(again.query("other", &slack()), None, "expired");
    again.close().await;
    log.close().await;
}

#[tokio::test]
async fn files_that_are_mostly_dead_are_rewritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nflog");
    let log = NotificationLog::open(&path, 24 * HOUR, at(0)).expect("opens");
    for second in 0..1100 {
        log.record("group", &slack(), entry(second, &[1]), HOUR).await.expect("recorded");
    }
    let before = std::fs::metadata(&path).expect("there").len();
    let after = log.maintain(at(1100)).await.expect("maintained").expect("rewritten");
    assert!(after * 1000 < before, "{after} of {before}");
    assert_eq!(log.maintain(at(1100)).await.expect("maintained"), None);
    log.close().await;
    let again = NotificationLog::open(&path, 24 * HOUR, at(1100)).expect("opens");
    assert_eq!(again.query("group", &slack()), Some(entry(1099, &[1])));
    again.close().await;
}
