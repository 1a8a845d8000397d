//! One sensor of a chip: its files by property, and how their values are called.

use std::collections::BTreeMap;

use exporter::Batch;

use crate::collector::flag;

/// The kinds of sensors that are shown.
const KINDS: [&str; 14] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
    "freq",
];

const MILLI: f64 = 0.001;
const MICRO_DIVISOR: f64 = 1_000_000.0;

/// A sensor and the values of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sensor {
    kind: String,
    /// By property; a file without one, such as `pwm1`, has the empty property.
    values: BTreeMap<String, String>,
}

/// Splits the name of a file as `temp1_input` into kind, number and property. A file without number has number 0. Other
/// files than those of sensors give nothing.
pub(super) fn split(file: &str) -> Option<(&str, u32, &str)> {
    let digits = file.find(|letter: char| letter.is_ascii_digit()).unwrap_or(file.len());
    let (kind, rest) = file.split_at(digits);
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (number, property) = rest.split_at(end);
    let property = if property.is_empty() { "" } else { property.strip_prefix('_').filter(|text| !text.is_empty())? };
    let number = if number.is_empty() { 0 } else { number.parse().ok()? };
    KINDS.contains(&kind).then_some((kind, number, property))
}

/// A text as part of a name or label: in lower case, with underscores for what is not allowed, but none at the ends.
pub(super) fn clean(text: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == ':' || letter == '_';
    let text = text.to_lowercase();
    let replaced: String = text.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    replaced.trim_matches('_').to_owned()
}

impl Sensor {
    /// A sensor without values.
    pub(super) fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), values: BTreeMap::new() }
    }

    /// Sets the value of a property.
    pub(super) fn set(&mut self, property: &str, value: &str) {
        self.values.insert(property.to_owned(), value.to_owned());
    }

    /// Adds the sensor's metrics.
    pub(super) fn emit(&self, chip: &str, name: &str, out: &mut Batch) {
        let labels = [("chip", chip), ("sensor", name)];
        if let Some(label) = self.values.get("label") {
            out.gauge("node_hwmon_sensor_label", "Label for given chip and sensor")
                .with(&[labels[0], labels[1], ("label", label)], 1.0);
        }
        let main = self.values.get("").map_or("", String::as_str);
        match self.kind.as_str() {
            "beep_enable" => {
                out.gauge("node_hwmon_beep_enabled", "Hardware beep enabled").with(&labels, flag(main == "1"));
            }
            "vrm" => {
                if let Ok(version) = main.parse() {
                    out.gauge("node_hwmon_voltage_regulator_version", "Hardware voltage regulator")
                        .with(&labels, version);
                }
            }
            "update_interval" => {
                if let Ok(milliseconds) = main.parse::<f64>() {
                    out.gauge("node_hwmon_update_interval_seconds", "Hardware monitor update interval")
                        .with(&labels, milliseconds * MILLI);
                }
            }
            _ => {
                for (property, value) in self.values.iter().filter(|(property, _)| *property != "label") {
                    if let Ok(value) = value.parse() {
                        self.emit_property(property, value, labels, out);
                    }
                }
            }
        }
    }

    /// Adds the metric of one property, in base units where the kind of sensor tells the unit.
    fn emit_property(&self, property: &str, value: f64, labels: [(&str, &str); 2], out: &mut Batch) {
        let kind = self.kind.as_str();
        // `input` is the value itself, unless there is a file without property that is.
        let name = match property {
            "" => format!("node_hwmon_{kind}"),
            "input" if !self.values.contains_key("") => format!("node_hwmon_{kind}"),
            property => format!("node_hwmon_{kind}_{}", clean(property)),
        };
        let mut gauge = |suffix: &str, help: String, value: f64| {
            out.gauge(&format!("{name}{suffix}"), &help).with(&labels, value);
        };
        match (kind, property) {
            (_, "fault" | "alarm") => gauge("", format!("Hardware sensor {property} status ({kind})"), value),
            (_, "beep") => gauge("_enabled", "Hardware monitor sensor has beeping enabled".to_owned(), value),
            ("in" | "cpu", _) => {
                gauge("_volts", format!("Hardware monitor for voltage ({property})"), value * MILLI);
            }
            ("temp", property) if property != "type" => {
                let property = if property.is_empty() { "input" } else { property };
                gauge("_celsius", format!("Hardware monitor for temperature ({property})"), value * MILLI);
            }
            ("curr", _) => gauge("_amps", format!("Hardware monitor for current ({property})"), value * MILLI),
            ("energy", _) => {
                let help = format!("Hardware monitor for joules used so far ({property})");
                out.counter(&format!("{name}_joule_total"), &help).with(&labels, value / MICRO_DIVISOR);
            }
            ("power", "accuracy") => {
                gauge("", "Hardware monitor power meter accuracy, as a ratio".to_owned(), value / MICRO_DIVISOR);
            }
            ("power", "average_interval" | "average_interval_min" | "average_interval_max") => {
                let help = format!("Hardware monitor power usage update interval ({property})");
                gauge("_seconds", help, value * MILLI);
            }
            ("power", _) => {
                let help = format!("Hardware monitor for power usage in watts ({property})");
                gauge("_watt", help, value / MICRO_DIVISOR);
            }
            ("humidity", _) => {
                let help = format!(
                    "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) \
                     ({property})"
                );
                gauge("", help, value / MICRO_DIVISOR);
            }
            ("fan", "input" | "min" | "max" | "target") => {
                gauge("_rpm", format!("Hardware monitor for fan revolutions per minute ({property})"), value);
            }
            ("freq", "input") => {
                if let Some(label) = self.values.get("label") {
                    out.gauge(&format!("{name}_freq_mhz"), "Hardware monitor for GPU frequency in MHz")
                        .with(&[labels[0], ("sensor", &clean(label))], value / MICRO_DIVISOR);
                }
            }
            _ => gauge("", format!("Hardware monitor {kind} element {property}"), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_split() {
        for (file, expected) in [
            ("temp1_input", Some(("temp", 1, "input"))),
            ("pwm1", Some(("pwm", 1, ""))),
            ("pwm2_auto_point1_temp", Some(("pwm", 2, "auto_point1_temp"))),
            ("beep_enable", Some(("beep_enable", 0, ""))),
            ("temp1x", None),
            ("temp1_", None),
            ("name", None),
            ("uevent", None),
            ("1_input", None),
        ] {
            assert_eq!(split(file), expected, "{file}");
        }
    }

    #[test]
    fn names_are_cleaned() {
        for (text, expected) in [("coretemp.0", "coretemp_0"), ("0000:00:1f.3", "0000:00:1f_3"), ("_A B_", "a_b")] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn units_follow_the_kind() {
        let mut sensor = Sensor::new("temp");
        for (property, value) in
            [("input", "42500"), ("crit_alarm", "0"), ("type", "4"), ("label", "Core 0"), ("max", "x")]
        {
            sensor.set(property, value);
        }
        let mut out = Batch::new();
        sensor.emit("platform_coretemp_0", "temp1", &mut out);
        let names: Vec<_> = out.families().iter().map(|family| family.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "node_hwmon_sensor_label",
                "node_hwmon_temp_crit_alarm_celsius",
                "node_hwmon_temp_celsius",
                "node_hwmon_temp_type"
            ]
        );
    }
}
