//! Input made to exhaust a reader: it is refused with its place (or read, where it is merely large), and memory stays
//! flat. A binary of its own with one test, because it watches the memory of the whole process.

use metrics_model::exposition::protobuf::{self, ProtobufOptions, ProtobufReader};
use metrics_model::exposition::{Entry, MediaType, ReadOptions, Reader, text};
use metrics_model::name::NameScheme;

/// What reading may need besides its input: far below any of the inputs.
const GROWTH_BYTES_MAX: u64 = 8 << 20;
const LINE_BYTES: usize = 100 << 20;

#[test]
fn large_and_malicious_input() {
    long_lines();
    many_braces();
    truncated_messages();
    declared_lengths();
}

/// Reads everything; gives the number of samples and the error.
fn scrape(media_type: MediaType, input: &[u8]) -> (usize, Option<String>) {
    let mut reader = Reader::new(media_type, input, ReadOptions { fold_created: true, ..ReadOptions::default() });
    let mut samples = 0;
    while let Some(entry) = reader.next() {
        match entry {
            Ok(Entry::Sample(_)) => samples += 1,
            Ok(_) => {}
            Err(error) => return (samples, Some(error.to_string())),
        }
    }
    (samples, None)
}

/// Reads with flat memory; the error must say `expected`, where empty means that there is none.
#[track_caller]
fn check(media_type: MediaType, input: &[u8], expected: &str) {
    let (outcome, growth) = watched(|| scrape(media_type, input));
    let error = outcome.1.unwrap_or_default();
    assert!(error.contains(expected) && expected.is_empty() == error.is_empty(), "{media_type:?}: {error:?}");
    assert!(error.len() < 1000, "an error repeats little of its input");
    assert!(growth <= GROWTH_BYTES_MAX, "{media_type:?}: {growth} more bytes in use, {expected:?}");
}

/// The text between `head` and `tail`, filled up with `byte` to the length of a long line.
fn line(head: &str, byte: u8, tail: &str) -> Vec<u8> {
    let mut line = head.as_bytes().to_vec();
    line.resize(LINE_BYTES - tail.len(), byte);
    line.extend_from_slice(tail.as_bytes());
    line
}

fn long_lines() {
    let text = |input: Vec<u8>, expected| check(MediaType::Text, &input, expected);
    text(line("a", b'a', ""), "line 1, column 104857601: expected a value");
    text(line("a{b=\"", b'x', "\"} 1\n"), "");
    text(line("a{b=\"", b'x', ""), "line 1, column 5: expected a label value that ends in a double quote");
    text(line("a{b=\"", b'\\', ""), "line 1, column 5: expected a label value that ends");
    text(line("a ", b'1', "\n"), "line 1, column 3: invalid number");
    text(line("a 1 ", b'1', "\n"), "line 1, column 5: invalid timestamp");
    text(line("# ", b'x', "\n"), "");
    text(line("# HELP a ", b'x', "\n"), "");
    text(line("# TYPE a ", b'x', "\n"), "line 1, column 9: invalid metric type");
    text(line("", b' ', ""), "");
    text(line("", b'\xff', ""), "line 1, column 1: invalid UTF-8");
    let openmetrics = |input: Vec<u8>, expected| check(MediaType::OpenMetrics, &input, expected);
    openmetrics(line("a{b=\"", b'x', "\"} 1\n# EOF\n"), "");
    openmetrics(line("a 1 # {b=\"", b'x', "\"} 1\n# EOF\n"), "");
    openmetrics(line("# TYPE a counter\na 1 # {b=\"", b'x', ""), "line 2, column 10: expected a label value");
    openmetrics(line("# UNIT a ", b'x', "\n"), "line 1, column 10: unit");
}

fn many_braces() {
    for open in ["{", "a{", "a{b={", "a{b=\"c\",{", "# {", "a 1 # {{"] {
        let input = open.repeat(1_000_000);
        check(MediaType::Text, input.as_bytes(), if open.starts_with('#') { "" } else { "line 1, column " });
        check(MediaType::OpenMetrics, input.as_bytes(), "line 1, column ");
        let strict = text::read_families(input.as_bytes(), NameScheme::Utf8);
        assert!(strict.is_err_and(|error| error.to_string().len() < 1000), "{open}");
    }
}

/// A family of the protobuf format that has everything nested that there is.
fn message() -> Vec<u8> {
    let page = "# HELP h x\n# TYPE h histogram\nh_bucket{a=\"b\",le=\"1\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 2\n\
                h_sum{a=\"b\"} 3\nh_count{a=\"b\"} 2\n";
    let families = text::read_families(page.as_bytes(), NameScheme::Utf8).expect("the page is valid");
    let mut message = Vec::new();
    protobuf::write_families(&mut message, &families);
    message
}

fn truncated_messages() {
    let message = message();
    assert_eq!(scrape(MediaType::Protobuf, &message), (4, None));
    for len in 1..message.len() {
        check(MediaType::Protobuf, &message[..len], "more bytes, got ");
        assert!(protobuf::read_families(&message[..len]).is_err(), "{len}");
    }
}

/// Lengths up to 2^64-1 in place of every byte, so of every length at any depth.
fn declared_lengths() {
    let message = message();
    let lengths = [1_u64 << 20, u64::from(u32::MAX), i64::MAX as u64, u64::MAX - 1, u64::MAX];
    let (errors, growth) = watched(|| {
        let mut errors = 0;
        for at in 0..message.len() {
            for length in lengths {
                let mut input = message[..at].to_vec();
                push_varint(&mut input, length);
                input.extend_from_slice(&message[at + 1..]);
                let mut reader = ProtobufReader::new(&input, ProtobufOptions::default());
                errors += std::iter::from_fn(|| reader.next().map(|entry| usize::from(entry.is_err()))).sum::<usize>();
                assert!(protobuf::read_families(&input).map_or(0, |families| families.len()) <= 1);
            }
        }
        errors
    });
    assert!(errors > message.len(), "only {errors} errors");
    assert!(growth <= GROWTH_BYTES_MAX, "{growth} more bytes in use");
    let mut first = Vec::new();
    push_varint(&mut first, u64::MAX);
    check(MediaType::Protobuf, &first, "byte 0: expected 18446744073709551615 more bytes, got 0");
    check(MediaType::Protobuf, &[0xff; 32], "byte 0: expected a number of at most ten bytes");
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Runs `work`; tells by how much the process grew meanwhile, where the system tells.
fn watched<T>(work: impl FnOnce() -> T) -> (T, u64) {
    // Sets the peak back to what is in use now.
    let can_watch = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = peak_bytes();
    let result = work();
    let growth = if can_watch { peak_bytes().saturating_sub(before) } else { 0 };
    (result, growth)
}

/// The most memory that the process had in use since the last look.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}
