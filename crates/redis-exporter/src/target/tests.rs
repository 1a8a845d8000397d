//! Addresses and allow lists.

use std::net::IpAddr;

use super::{AllowList, Target};

#[test]
fn addresses_are_read() {
    for (address, expected) in [
        ("redis://h:1", "redis://h:1"),
        ("redis://h", "redis://h:6379"),
        ("rediss://user:p%40ss@h:2/3", "rediss://h:2"),
        ("h", "redis://h:6379"),
        ("h:7", "redis://h:7"),
        ("redis://[::1]:7", "redis://[::1]:7"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("/run/redis.sock", "unix:///run/redis.sock"),
    ] {
        assert_eq!(Target::parse(address).expect(address).place.to_string(), expected);
    }
    let target = Target::parse("redis://user:p%40ss@h").expect("an address");
    assert_eq!((target.user.as_str(), target.password.expose()), ("user", "p@ss"));
    assert!(!format!("{target:?}").contains("p@ss"));
}

#[test]
fn bad_addresses_are_refused_without_showing_the_password() {
    for address in ["http://h", "tcp://u:hidden@h", "redis://", "redis://u:hidden@h:port", "redis://[::1", "redis://:1"]
    {
        let error = Target::parse(address).expect_err(address).to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
}

fn check(rules: &[&str], name: &str, address: &str, port: u16) -> bool {
    let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    let address: IpAddr = address.parse().expect("an address");
    AllowList::new(&rules).expect("rules").allows(name, address, port)
}

#[test]
fn without_rules_only_private_networks_may_be_asked() {
    for address in ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"] {
        assert!(check(&[], "any", address, 6379), "{address}");
    }
    for address in
        ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "8.8.8.8", "172.32.0.1", "0.0.0.0", "2001:db8::1"]
    {
        assert!(!check(&[], "any", address, 6379), "{address}");
    }
}

#[test]
fn rules_say_what_may_be_asked() {
    assert!(check(&["10.0.0.0/8"], "h", "10.9.9.9", 1));
    assert!(!check(&["10.0.0.0/8"], "h", "127.0.0.1", 1), "a list replaces the default");
    assert!(check(&["10.0.0.1:6379"], "h", "10.0.0.1", 6379));
    assert!(!check(&["10.0.0.1:6379"], "h", "10.0.0.1", 6380));
    assert!(check(&["redis-*.example.com"], "redis-7.EXAMPLE.com", "8.8.8.8", 1));
    assert!(!check(&["redis-*.example.com"], "redis-7.example.com.evil.net", "8.8.8.8", 1));
    assert!(check(&["0.0.0.0/0"], "h", "8.8.8.8", 1));
    assert!(check(&["::/0"], "h", "2001:db8::1", 1));
    for rule in ["10.0.0.0/33", "a b", "", "http://x/y"] {
        assert!(AllowList::new(&[rule.to_owned()]).is_err(), "{rule:?}");
    }
}
