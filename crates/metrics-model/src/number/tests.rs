//! Spellings of numbers, each way.

use super::{NumberError, format_fixed, format_float, format_general, format_openmetrics, parse_float, push_general};

#[test]
fn json_form_has_exponents_only_far_out() {
    let check = |value: f64, expected: &str| assert_eq!(format_float(value), expected, "{value:e}");
    check(0.0, "0");
    check(-0.0, "-0");
    check(1.0, "1");
    check(-1.5, "-1.5");
    check(0.1, "0.1");
    check(0.000_001, "0.000001");
    check(0.000_000_1, "1e-07");
    check(1.25e-10, "1.25e-10");
    check(123_456_789.0, "123456789");
    check(1e15, "1000000000000000");
    check(123e18, "123000000000000000000");
    check(1e21, "1e+21");
    check(-2.5e300, "-2.5e+300");
    check(f64::NAN, "NaN");
    check(f64::INFINITY, "+Inf");
    check(f64::NEG_INFINITY, "-Inf");
    check(1_435_781_451.781, "1435781451.781");
}

#[test]
fn fixed_form_has_no_exponent() {
    assert_eq!(format_fixed(1e21), "1000000000000000000000");
    assert_eq!(format_fixed(1.5e-7), "0.00000015");
    assert_eq!(format_fixed(f64::MIN_POSITIVE).len(), 326);
}

#[test]
fn general_form_has_exponents_where_shorter() {
    let check = |value: f64, expected: &str| assert_eq!(format_general(value), expected, "{value:e}");
    check(0.0, "0");
    check(100_000.0, "100000");
    check(1e6, "1e+06");
    check(1_234_567.0, "1.234567e+06");
    check(1_520_872_607.123, "1.520872607123e+09");
    check(0.0001, "0.0001");
    check(0.000_049_351, "4.9351e-05");
    check(324_789.3, "324789.3");
    check(-3000.0, "-3000");
    check(f64::MAX, "1.7976931348623157e+308");
    check(5e-324, "5e-324");
}

#[test]
fn openmetrics_form_shows_that_it_is_a_float() {
    let check = |value: f64, expected: &str| assert_eq!(format_openmetrics(value), expected, "{value:e}");
    check(0.0, "0.0");
    check(-0.0, "-0.0");
    check(17.0, "17.0");
    check(0.5, "0.5");
    check(1e10, "1e+10");
    check(f64::INFINITY, "+Inf");
}

#[test]
fn bounds_have_one_zero() {
    let mut text = String::new();
    super::push_bound(&mut text, -0.0);
    super::push_bound(&mut text, -1.0);
    assert_eq!(text, "0.0-1.0");
}

#[test]
fn reads_every_spelling() {
    let check = |text: &str, expected: f64| {
        let value = parse_float(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
    };
    check("1", 1.0);
    check("+1.5e3", 1500.0);
    check("-.5", -0.5);
    check("5.", 5.0);
    check("1_23.50_0_0e+1_2", 123.5e12);
    check("inf", f64::INFINITY);
    check("-Infinity", f64::NEG_INFINITY);
    check("-0", -0.0);
    check("1e-400", 0.0);
    check("0x1p-3", 0.125);
    check("0X1.8P3", 12.0);
    check("0x_1p0", 1.0);
    check("0x.8p1", 1.0);
    check("0x1.fffffffffffff8p0", 2.0);
    check("0x1.00000000000008p0", 1.0);
    check("0x1.000000000000080000000001p0", 1.0 + f64::EPSILON);
    check("0x1p-1074", 5e-324);
    check("0x1p-1075", 0.0);
    check("0x1.8p-1075", 5e-324);
    check("0x1.fffffffffffffp1023", f64::MAX);
    check("-0x0p5", -0.0);
    assert!(parse_float("nAn").is_ok_and(f64::is_nan));
}

#[test]
fn refuses_other_text() {
    let syntax =
        ["", "+", ".", "1e", "e5", "+nan", "1x", " 1", "1 ", "0x1", "0xp1", "0x1p", "_1", "1_", "1__2", "1_.5"];
    for text in syntax {
        assert_eq!(parse_float(text), Err(NumberError::Syntax), "{text:?}");
    }
    for text in ["1e400", "-1e400", "0x1p1024", "0x1.fffffffffffff8p1023", "0x1p99999999999999999999"] {
        assert_eq!(parse_float(text), Err(NumberError::Range), "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_written_reads_back(bits: u64) {
        let value = f64::from_bits(bits);
        if !value.is_nan() {
            for text in [format_float(value), format_fixed(value), format_general(value)] {
                proptest::prop_assert_eq!(parse_float(&text).map(f64::to_bits), Ok(bits), "{}", text);
            }
        }
    }

    #[test]
    fn appends(value: f64) {
        let mut text = "x ".to_owned();
        push_general(&mut text, value);
        proptest::prop_assert_eq!(text, format!("x {}", format_general(value)));
    }
}
