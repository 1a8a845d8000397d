//! Bytes from a network: whatever they are, the answer is one.

use proptest::prelude::*;
use storage::MemoryStorage;

use super::*;

/// One small message after another, nested as those of requests are.
fn message(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let tag = |field: u64, kind: u64| varint(field << 3 | kind);
    let number = (1_u64..18, prop_oneof![0_u64..16, any::<u64>()])
        .prop_map(move |(field, number)| [tag(field, 0), varint(number)].concat());
    let double =
        (1_u64..8, any::<f64>()).prop_map(move |(field, value)| [tag(field, 1), value.to_le_bytes().to_vec()].concat());
    let text = (1_u64..18, prop_oneof![Just("__name__".to_owned()), "[a-c]{0,3}"])
        .prop_map(move |(field, text)| [tag(field, 2), varint(text.len() as u64), text.into_bytes()].concat());
    let packed = (1_u64..18, proptest::collection::vec(0_u8..20, 0..8))
        .prop_map(move |(field, bytes)| [tag(field, 2), varint(bytes.len() as u64), bytes].concat());
    let leaf = prop_oneof![number, double, text, packed];
    if depth == 0 {
        return proptest::collection::vec(leaf, 0..4).prop_map(|parts| parts.concat()).boxed();
    }
    let nested = (1_u64..6, message(depth - 1))
        .prop_map(move |(field, body)| [tag(field, 2), varint(body.len() as u64), body].concat());
    proptest::collection::vec(prop_oneof![1 => leaf, 3 => nested], 0..6).prop_map(|parts| parts.concat()).boxed()
}

fn varint(number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    metrics_model::varint::put(&mut out, number);
    out
}

/// A request of version 2 that is right.
fn request() -> Vec<u8> {
    let field = |field: u64, body: &[u8]| [varint(field << 3 | 2), varint(body.len() as u64), body.to_vec()].concat();
    let texts = ["", "__name__", "a", "id", "1", "Help."].map(|text| field(4, text.as_bytes())).concat();
    let sample = [vec![9], 1.5_f64.to_le_bytes().to_vec(), vec![16, 100]].concat();
    let histogram = [&[8, 3, 25], &5_f64.to_le_bytes()[..], &[90, 2, 16, 2, 98, 2, 2, 2, 120, 101]].concat();
    let exemplar = [&[10, 2, 3, 4, 17], &0.5_f64.to_le_bytes()[..], &[24, 100]].concat();
    let parts =
        [field(1, &[1, 2]), field(2, &sample), field(3, &histogram), field(4, &exemplar), field(5, &[8, 1, 24, 5])];
    [texts, field(5, &parts.concat())].concat()
}

fn receive(receiver: &Receiver, bytes: &[u8]) {
    let body = snap::raw::Encoder::new().compress_vec(bytes).unwrap_or_default();
    for version in [Version::One, Version::Two] {
        let (written, result) = receiver.receive(&MemoryStorage::new(), &body, version, 1_000);
        // What is told of is told in order.
        assert!(written.is_none() || version == Version::Two, "{result:?}");
    }
    receiver.receive(&MemoryStorage::new(), bytes, Version::Two, 1_000).1.err();
}

#[test]
fn the_request_is_right() {
    let receiver = Receiver::new(&Registry::new());
    let body = snap::raw::Encoder::new().compress_vec(&request()).unwrap_or_default();
    let (written, result) = receiver.receive(&MemoryStorage::new(), &body, Version::Two, 1_000);
    assert_eq!(written, Some(Written { samples: 1, histograms: 1, exemplars: 1 }), "{result:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_messages(bytes in message(3)) {
        receive(&Receiver::new(&Registry::new()), &bytes);
    }

    #[test]
    fn damaged_requests(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let mut bytes = request();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let receiver = Receiver::new(&Registry::new());
        receive(&receiver, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        receive(&receiver, &bytes);
    }
}
