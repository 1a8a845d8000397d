//! The value of a query as the original's JSON.

use metrics_model::FloatHistogram;
use promql::{InstantSample, PointValue, QueryStats, RangeSeries, Value};

use super::histogram;
use super::json::{Fields, Json};
use super::respond::{BodyWriter, ClientGone};

/// After so many points the writer looks whether there is enough for a chunk.
const POINTS_PER_CHECK: usize = 2_048;

/// Writes `"resultType":...,"result":...` as the fields of an object that the caller opened.
pub(crate) fn write(writer: &mut BodyWriter, value: &Value) -> Result<(), ClientGone> {
    let json = &mut writer.json;
    json.raw("\"resultType\":");
    json.string(value.value_type().as_str());
    json.raw(",\"result\":");
    match value {
        Value::Scalar { timestamp_ms, value } => json.point(*timestamp_ms, *value),
        Value::String { timestamp_ms, text } => {
            json.raw("[");
            json.timestamp(*timestamp_ms);
            json.raw(",");
            json.string(text);
            json.raw("]");
        }
        Value::Vector(samples) => list(writer, samples, |writer, sample| {
            instant_sample(&mut writer.json, sample);
            writer.checkpoint()
        })?,
        Value::Matrix(series) => list(writer, series, range_series)?,
    }
    Ok(())
}

fn list<T>(
    writer: &mut BodyWriter,
    elements: &[T],
    mut write: impl FnMut(&mut BodyWriter, &T) -> Result<(), ClientGone>,
) -> Result<(), ClientGone> {
    writer.json.raw("[");
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            writer.json.raw(",");
        }
        write(writer, element)?;
    }
    writer.json.raw("]");
    Ok(())
}

fn instant_sample(json: &mut Json, sample: &InstantSample) {
    json.object(|fields| {
        fields.labels("metric", &sample.labels);
        match &sample.value {
            PointValue::Float(value) => fields.key("value").point(sample.timestamp_ms, *value),
            PointValue::Histogram(value) => histogram_point(fields.key("histogram"), sample.timestamp_ms, value),
        }
    });
}

fn range_series(writer: &mut BodyWriter, series: &RangeSeries) -> Result<(), ClientGone> {
    writer.json.raw("{\"metric\":");
    writer.json.labels(&series.labels);
    if !series.floats.is_empty() {
        writer.json.raw(",\"values\":");
        points(writer, &series.floats, |json, value| {
            let (timestamp_ms, value) = *value;
            json.point(timestamp_ms, value);
        })?;
    }
    if !series.histograms.is_empty() {
        writer.json.raw(",\"histograms\":");
        points(writer, &series.histograms, |json, (timestamp_ms, value)| histogram_point(json, *timestamp_ms, value))?;
    }
    writer.json.raw("}");
    writer.checkpoint()
}

fn points<T>(writer: &mut BodyWriter, points: &[T], write: impl Fn(&mut Json, &T)) -> Result<(), ClientGone> {
    writer.json.raw("[");
    for (number, point) in points.iter().enumerate() {
        if number > 0 {
            writer.json.raw(",");
            if number % POINTS_PER_CHECK == 0 {
                writer.checkpoint()?;
            }
        }
        write(&mut writer.json, point);
    }
    writer.json.raw("]");
    Ok(())
}

fn histogram_point(json: &mut Json, timestamp_ms: i64, value: &FloatHistogram) {
    json.array(|elements| {
        elements.next().timestamp(timestamp_ms);
        histogram::write(elements.next(), value);
    });
}

/// What a query cost, for `stats=`.
pub(crate) fn write_stats(fields: &mut Fields<'_>, stats: &QueryStats, queued: std::time::Duration, per_step: bool) {
    let queued = queued.as_secs_f64();
    let preparation = stats.preparation.as_secs_f64();
    let evaluation = stats.evaluation.as_secs_f64();
    let sorting = stats.sorting.as_secs_f64();
    let total = preparation + evaluation + sorting;
    fields.key("stats").object(|fields| {
        fields.key("timings").object(|fields| {
            fields.float("evalTotalTime", total);
            fields.float("resultSortTime", sorting);
            fields.float("queryPreparationTime", preparation);
            fields.float("innerEvalTime", evaluation);
            fields.float("execQueueTime", queued);
            fields.float("execTotalTime", queued + total);
        });
        fields.key("samples").object(|fields| {
            let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            for (total, steps, number, per_number) in [
                ("totalQueryableSamples", "totalQueryableSamplesPerStep", stats.samples_total, &stats.samples_per_step),
                ("samplesRead", "samplesReadPerStep", stats.samples_read, &stats.read_per_step),
            ] {
                if per_step {
                    fields.key(steps).array(|elements| {
                        for (timestamp_ms, samples) in per_number {
                            elements.next().array(|pair| {
                                pair.next().timestamp(*timestamp_ms);
                                pair.next().integer(integer(*samples));
                            });
                        }
                    });
                }
                fields.integer(total, integer(number));
            }
            fields.count("peakSamples", stats.samples_peak);
        });
    });
}
