//! How parameters are read.

use std::time::Duration;

use super::{Params, parse_time};
use crate::web::api::error::ApiError;

fn params(query: &str) -> Params {
    let mut params = Params::default();
    params.add(query.as_bytes());
    params
}

#[test]
fn times_are_seconds_or_rfc_3339() {
    let check = |text: &str, expected: Result<i64, &str>| {
        assert_eq!(parse_time(text), expected.map_err(str::to_owned), "{text}");
    };
    check("0", Ok(0));
    check("1543578564.705", Ok(1_543_578_564_705));
    check("-1", Ok(-1_000));
    check("1e3", Ok(1_000_000));
    check("2015-06-03T13:21:58.555Z", Ok(1_433_337_718_555));
    check("2015-06-03T14:21:58.555+01:00", Ok(1_433_337_718_555));
    check("292277025-08-18T07:12:54.999999999Z", Ok(i64::MAX));
    check("", Err("cannot parse \"\" to a valid timestamp"));
    check("foo", Err("cannot parse \"foo\" to a valid timestamp"));
    check("NaN", Err("cannot parse \"NaN\" to a valid timestamp"));
    check("30", Ok(30_000));
}

#[test]
fn durations_are_seconds_or_units() {
    let check = |text: &str, expected: Option<Duration>| {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("timeout", text).finish();
        assert_eq!(params(&query).duration("timeout").ok().flatten(), expected, "{text}");
    };
    check("", None);
    check("1.5", Some(Duration::from_millis(1_500)));
    check("1h30m", Some(Duration::from_secs(5_400)));
    check("-5", Some(Duration::ZERO));
    check("abc", None);
    check("1e300", None);
}

#[test]
fn limits_are_not_negative() {
    assert_eq!(params("").limit(), Ok(0));
    assert_eq!(params("limit=7").limit(), Ok(7));
    let refused = |text| matches!(params(text).limit(), Err(ApiError::BadData(_)));
    assert!(refused("limit=-1"));
    assert!(refused("limit=x"));
}

#[test]
fn forms_come_before_the_url() {
    let mut both = params("query=form&match[]=a");
    both.add(b"query=url&match[]=b");
    assert_eq!(both.get("query"), "form");
    assert_eq!(both.all("match[]").collect::<Vec<_>>(), ["a", "b"]);
}
