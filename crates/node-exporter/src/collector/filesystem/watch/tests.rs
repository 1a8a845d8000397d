//! Cases of `collector::filesystem::watch`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const BOUND: Duration = Duration::from_secs(20);

fn questions(names: &[&str]) -> Vec<Question> {
    names.iter().map(|name| Question { key: (*name).to_owned(), path: PathBuf::from(*name) }).collect()
}

fn space(size_bytes: f64) -> Space {
    Space { size_bytes, ..Space::default() }
}

/// Mounts whose name begins with "dead" answer when told to; others answer at once.
struct Mounts {
    release: mpsc::Sender<()>,
    asked_dead: Arc<AtomicUsize>,
    watch: Watch,
}

fn mounts(timeout: Duration) -> Mounts {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let asked_dead = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked_dead);
    let ask: Ask = Arc::new(move |path| {
        if path.starts_with("gone") {
            return Err(io::Error::from_raw_os_error(2));
        }
        if path.to_string_lossy().starts_with("dead") {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = gate.lock().recv_timeout(BOUND);
        }
        Ok(space(1.0))
    });
    Mounts { release, asked_dead, watch: Watch::new(2, timeout, ask) }
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let mounts = mounts(BOUND);
    let answers = mounts.watch.ask(questions(&["a", "gone", "b"]));
    assert_eq!(answers, [Ok(space(1.0)), Err("no such file or directory".to_owned()), Ok(space(1.0))]);
}

#[test]
fn dead_mounts_cost_one_thread_each_and_hide_no_other() {
    let mounts = mounts(Duration::from_millis(1));
    for _ in 0..4 {
        let started = Instant::now();
        let answers = mounts.watch.ask(questions(&["dead1", "dead2", "dead3", "a", "b"]));
        assert!(started.elapsed() < BOUND / 2);
        assert_eq!(answers[..3], [(); 3].map(|()| Err(TIMEOUT.to_owned())));
        assert_eq!(answers[3..], [Ok(space(1.0)), Ok(space(1.0))]);
    }
    assert!(mounts.asked_dead.load(Ordering::SeqCst) <= 3, "each dead mount was asked once");
    drop(mounts.release);
    let released = Instant::now();
    while mounts.watch.ask(questions(&["dead1"]))[0].is_err() {
        assert!(released.elapsed() < BOUND, "an answer that came late counts");
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_mount_is_answered_for_by_its_last_answer_until_it_is_stuck() {
    let timeout = Duration::from_secs(5);
    let started = Instant::now();
    let ago = |seconds| started.checked_sub(Duration::from_secs(seconds)).unwrap();
    let mut state = State { last: Some((ago(15), Ok(space(2.0)))), ..State::default() };
    assert!(state.begin() && !state.begin(), "a mount that owes an answer is not asked again");
    assert_eq!(state.verdict(started, timeout), Ok(space(2.0)));
    state.asked = Some(ago(6));
    assert_eq!(state.verdict(started, timeout), Err(TIMEOUT.to_owned()));
    state.end(Ok(space(3.0)), timeout);
    assert_eq!(state.verdict(started, timeout), Ok(space(3.0)));
    assert!(!state.begin(), "it took too long, so it is left alone");
    assert_eq!(state.pause, PAUSE);
    state.asked = Some(ago(6));
    state.end(Ok(space(3.0)), timeout);
    assert_eq!(state.pause, PAUSE * 2);
    state.asked = Some(started);
    state.end(Ok(space(3.0)), timeout);
    assert!(state.begin(), "it was quick again");
}

#[test]
fn errors_read_as_in_the_original() {
    for (number, expected) in
        [(2, "no such file or directory"), (13, "permission denied"), (116, "stale NFS file handle")]
    {
        assert_eq!(error_text(&io::Error::from_raw_os_error(number)), expected);
    }
}
