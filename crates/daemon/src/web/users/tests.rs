//! Who is let in, and at what cost.

use super::*;

fn users(pairs: &[(&str, &str)]) -> Result<Users, String> {
    let hashes = pairs.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
    Users::new(&hashes).map_err(|fault| format!("{}: {}", fault.key, fault.message))
}

/// The cheapest hash of a password.
fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("the cost is allowed")
}

fn basic(credentials: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))).expect("base64 is fine in a header")
}

#[tokio::test]
async fn only_the_right_password_of_a_known_name_is_welcome() {
    let users = users(&[("alice", &hash("wonder:land")), ("bob", &hash("builder"))]).expect("valid");
    // The second round is answered from memory.
    for round in 0..2 {
        let check = async |header: Option<HeaderValue>, expected: Verdict| {
            assert_eq!(users.judge(header.as_ref()).await, expected, "{header:?} in round {round}");
        };
        check(Some(basic("alice:wonder:land")), Verdict::Welcome).await;
        check(Some(basic("bob:builder")), Verdict::Welcome).await;
        check(Some(basic("bob:wonder:land")), Verdict::Refused).await;
        check(Some(basic("alice:wonderland")), Verdict::Refused).await;
        check(Some(basic("alice:")), Verdict::Refused).await;
        check(Some(basic("carol:builder")), Verdict::Refused).await;
        check(Some(basic(":")), Verdict::Refused).await;
        check(Some(basic("alice")), Verdict::Refused).await;
        check(Some(HeaderValue::from_static("Bearer builder")), Verdict::Refused).await;
        check(Some(HeaderValue::from_static("Basic ???")), Verdict::Refused).await;
        check(None, Verdict::Refused).await;
    }
    let lower = basic("bob:builder").to_str().expect("ASCII").replacen("Basic", "bASIC", 1);
    assert_eq!(users.judge(HeaderValue::from_str(&lower).ok().as_ref()).await, Verdict::Welcome);
}

#[tokio::test]
async fn without_users_all_are_welcome() {
    assert_eq!(users(&[]).expect("valid").judge(None).await, Verdict::Welcome);
}

#[tokio::test]
async fn wrong_passwords_are_remembered_in_bounds_and_push_out_no_right_ones() {
    let users = users(&[("bob", &hash("builder"))]).expect("valid");
    assert_eq!(users.judge(Some(&basic("bob:builder"))).await, Verdict::Welcome);
    for attempt in 0..REMEMBERED_MAX + 20 {
        assert_eq!(users.judge(Some(&basic(&format!("bob:{attempt}")))).await, Verdict::Refused);
    }
    let remembered = users.remembered.lock().expect("no test panicked");
    assert_eq!((remembered.right.len(), remembered.wrong.len()), (1, REMEMBERED_MAX));
    assert_eq!(remembered.oldest_wrong.len(), REMEMBERED_MAX);
}

#[tokio::test]
async fn few_may_wait_and_the_known_need_not() {
    let users = users(&[("bob", &hash("builder"))]).expect("valid");
    assert_eq!(users.judge(Some(&basic("bob:builder"))).await, Verdict::Welcome);
    let turn = users.turn.acquire().await.expect("nobody closes it");
    users.waiting.store(WAITING_MAX, Ordering::Relaxed);
    assert_eq!(users.judge(Some(&basic("bob:new"))).await, Verdict::Busy);
    assert_eq!(users.judge(Some(&basic("bob:builder"))).await, Verdict::Welcome);
    users.waiting.store(0, Ordering::Relaxed);
    drop(turn);
    assert_eq!(users.judge(Some(&basic("bob:new"))).await, Verdict::Refused);
    assert_eq!(users.waiting.load(Ordering::Relaxed), 0, "places are given back");
}

#[test]
fn hashes_are_checked() {
    let check = |hash: &str, expected: Result<(), &str>| match (users(&[("bob", hash)]), expected) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err(expected)) => assert!(error.contains(expected), "{hash}: {error}"),
        (result, _) => panic!("{hash}: {result:?}"),
    };
    let body = "4VeFDzXIoPHKnKTU3O3GH.N.vZu06CVqczYZ8WvfzrddFU6tGqjR.";
    for version in ["2y", "2a", "2b"] {
        check(&format!("${version}$18${body}"), Ok(()));
    }
    check("doe", Err("hashedSecret too short to be a bcrypted password"));
    check("", Err("too short"));
    check(&format!("x2y$10${body}"), Err("must start with '$', but hashedSecret started with 'x'"));
    check(&format!("$3y$10${body}"), Err("version '3' requested is newer"));
    check(&format!("$2y$03${body}"), Err("cost 3 is outside allowed inclusive range 4..31"));
    check(&format!("$2y$32${body}"), Err("cost 32 is outside"));
    check(&format!("$2y$31${body}"), Err("cost 31 is over the limit of 18"));
    check(&format!("$2y$xx${body}"), Err("no cost"));
    check(&format!("$2y$10$!{}", &body[1..]), Err("not a bcrypt hash"));
}
