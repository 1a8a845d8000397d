//! Exemplars on their way into the store.

use storage::Storage as _;

use super::*;

impl Rig {
    fn page(&mut self, body: &str) -> String {
        let content_type = "application/openmetrics-text; version=1.0.0".to_owned();
        self.answer(Ok(Fetched { body: body.to_owned().into(), content_type }))
    }

    /// The exemplars of all series, as `series: labels value@time`.
    fn exemplars(&self) -> Vec<String> {
        let all = self.storage.exemplars(&[&[]], TimeRange::ALL).unwrap();
        let shown = all.into_iter().flat_map(|series| {
            let name = series.labels.metric_name().to_owned();
            series
                .exemplars
                .into_iter()
                .map(move |it| format!("{name} {} {}@{}", it.labels, it.value, it.timestamp_ms as f64 / 1000.0))
        });
        shown.collect()
    }
}

#[test]
fn they_come_with_their_samples() {
    let mut rig =
        Rig::new("metric_relabel_configs: [{source_labels: [__name__], regex: dropped_total, action: drop}]\n");
    let page = |value: &str| {
        format!(
            "# TYPE a counter\na_total 1 # {{id=\"x\"}} {value}\n# TYPE b counter\nb_total 1 # {{id=\"y\"}} 2 0.5\n\
             # TYPE dropped counter\ndropped_total 1 # {{id=\"z\"}} 3\n# EOF\n"
        )
    };
    assert_eq!(rig.page(&page("7")), "");
    let first = [r#"a_total {id="x"} 7@1"#, r#"b_total {id="y"} 2@0.5"#];
    assert_eq!(rig.exemplars(), first);
    // The same ones again are nothing new.
    assert_eq!(rig.page(&page("7")), "");
    assert_eq!(rig.exemplars(), first);
    assert_eq!(rig.page(&page("8")), "");
    assert_eq!(rig.exemplars(), [first[0], r#"a_total {id="x"} 8@3"#, first[1]]);
    assert_eq!(rig.metrics.exemplar_out_of_order.get(), 0);
    // One that is older than the last is dropped and counted; the scrape is fine.
    assert_eq!(rig.page("# TYPE b counter\nb_total 2 # {id=\"w\"} 2 0.4\n# EOF\n"), "");
    assert_eq!((rig.exemplars().len(), rig.metrics.exemplar_out_of_order.get()), (3, 1));
    let long = "x".repeat(129);
    assert_eq!(rig.page(&format!("# TYPE c counter\nc_total 2 # {{id=\"{long}\"}} 2\n# EOF\n")), "");
    assert_eq!((rig.exemplars().len(), rig.samples("c_total")), (3, "5=2".to_owned()));
}
