//! Cases of `crew`.

use std::sync::mpsc;
use std::time::Duration;

use super::Crew;

const BOUND: Duration = Duration::from_secs(10);

#[test]
fn stuck_jobs_do_not_keep_others_from_running_and_surplus_threads_end() {
    let crew = Crew::new("test", 2, 8);
    let (release, gate) = mpsc::channel::<()>();
    let gate = std::sync::Arc::new(parking_lot::Mutex::new(gate));
    for _ in 0..3 {
        let gate = std::sync::Arc::clone(&gate);
        crew.submit(move || {
            let _ = gate.lock().recv_timeout(BOUND);
        });
    }
    let (done, finished) = mpsc::channel();
    crew.submit(move || done.send(()).unwrap());
    let mut helped = 0;
    while finished.recv_timeout(Crew::help_interval()).is_err() {
        crew.help();
        helped += 1;
        assert!(helped < 1000, "the job was never taken");
    }
    for _ in 0..3 {
        release.send(()).unwrap();
    }
    assert_eq!(crew.stop(BOUND), 0);
}

/// Gives the crew a job that is stuck until the sender is dropped, and waits until it is taken.
fn stick(crew: &Crew) -> mpsc::Sender<()> {
    let (release, gate) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    crew.submit(move || {
        started.send(()).unwrap();
        let _ = gate.recv_timeout(BOUND);
    });
    running.recv_timeout(BOUND).unwrap();
    release
}

#[test]
fn a_job_that_comes_while_all_are_stuck_needs_no_help() {
    let crew = Crew::new("test", 1, 2);
    let release = stick(&crew);
    // What has been taken for that long is taken for stuck.
    std::thread::sleep(2 * Crew::help_interval());
    let (done, finished) = mpsc::channel();
    crew.submit(move || done.send(()).unwrap());
    assert_eq!(finished.recv_timeout(BOUND / 2), Ok(()));
    drop(release);
    assert_eq!(crew.stop(BOUND), 0);
}

#[test]
fn a_panicking_job_leaves_the_crew_working() {
    let crew = Crew::new("test", 1, 1);
    crew.submit(|| panic!("a fault in a job"));
    let (done, finished) = mpsc::channel();
    crew.submit(move || done.send(7).unwrap());
    assert_eq!(finished.recv_timeout(BOUND), Ok(7));
    assert_eq!(crew.stop(BOUND), 0);
}

#[test]
fn stop_does_not_wait_for_a_stuck_job_beyond_the_grace() {
    let crew = Crew::new("test", 1, 1);
    let release = stick(&crew);
    assert_eq!(crew.stop(Duration::from_millis(5)), 1);
    drop(release);
}
