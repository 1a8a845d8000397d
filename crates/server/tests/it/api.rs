//! The API over known samples: exact answers, exact errors.

use crate::server::{Folder, Server};

/// A server that scrapes nothing and holds two series, up to time 20.
async fn server() -> (Folder, Server) {
    let folder = Folder::new("global: {external_labels: {region: eu}}\n");
    let server = Server::in_memory(&folder, &[]).await;
    server.store(&[("__name__", "up"), ("job", "a")], &[(10, 1.0), (20, 0.5)]);
    server.store(&[("__name__", "up"), ("job", "b<&>")], &[(10, 0.0)]);
    (folder, server)
}

macro_rules! gets {
    ($server:expr, $($path:literal => $status:literal $expected:expr;)*) => {
        $(
            let answer = $server.get(concat!("/api/v1", $path)).await;
            assert_eq!((answer.status, answer.text.as_str()), ($status, $expected), "{}", $path);
            assert_eq!(answer.content_type, "application/json", "{}", $path);
        )*
    };
}

#[tokio::test]
async fn instant_queries() {
    let (_folder, server) = server().await;
    gets! { server,
        "/query?query=up&time=20" => 200 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\
            {\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"value\":[20,\"0.5\"]},\
            {\"metric\":{\"__name__\":\"up\",\"job\":\"b\\u003c\\u0026\\u003e\"},\"value\":[20,\"0\"]}]}}";
        "/query?query=1%2B1&time=4.5" => 200
            r#"{"status":"success","data":{"resultType":"scalar","result":[4.500,"2"]}}"#;
        "/query?query=%22x%22&time=0" => 200
            r#"{"status":"success","data":{"resultType":"string","result":[0,"x"]}}"#;
        "/query?query=up%7Bjob%3D%22a%22%7D%5B20s%5D&time=20" => 200
            "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[\
             {\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"values\":[[10,\"1\"],[20,\"0.5\"]]}]}}";
        "/query?query=up&time=20&limit=1" => 200
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\
             {\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"value\":[20,\"0.5\"]}]},\
             \"warnings\":[\"results truncated due to limit\"]}";
        "/query?query=up%2B" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \
             \\\"query\\\": 1:4: parse error: unexpected end of input\"}";
        "/query?query=up&time=x" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \
             \\\"time\\\": invalid time value for 'time': cannot parse \\\"x\\\" to a valid timestamp\"}";
        "/query?query=label_replace(up,%22x%22,%22%22,%22y%22,%22(%22)&time=20" => 422
            r#"{"status":"error","errorType":"execution","error":"invalid regular expression in label_replace(): ("}"#;
    }
    let posted = server.post("/api/v1/query", "query=up%7Bjob%3D%22a%22%7D&time=20").await;
    assert_eq!((posted.status, posted.json()["data"]["result"][0]["value"][1].as_str()), (200, Some("0.5")));
    let stats = server.get("/api/v1/query?query=up&time=20&stats=all").await.json();
    assert_eq!(stats["data"]["stats"]["samples"]["totalQueryableSamples"], 2);
    server.stop().await;
}

#[tokio::test]
async fn range_queries() {
    let (_folder, server) = server().await;
    gets! { server,
        "/query_range?query=up%7Bjob%3D%22a%22%7D&start=10&end=20&step=5" => 200
            "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\",\
             \"job\":\"a\"},\"values\":[[10,\"1\"],[15,\"1\"],[20,\"0.5\"]]}]}}";
        "/query_range?query=up&start=2&end=1&step=1" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\
             \"invalid parameter \\\"end\\\": end timestamp must not be before start time\"}";
        "/query_range?query=up&start=0&end=11001&step=1" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\
             \"error\":\"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query \
             resolution (?step=XX)\"}";
        "/query_range?query=up&start=0&end=1&step=0" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\
             \"invalid parameter \\\"step\\\": zero or negative query resolution step widths are not accepted. Try a \
             positive integer\"}";
        "/query_range?query=up&start=0&end=1" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\
             \"invalid parameter \\\"step\\\": cannot parse \\\"\\\" to a valid duration\"}";
        "/query_exemplars?query=up&start=0&end=1" => 200 r#"{"status":"success","data":[]}"#;
    }
    assert_eq!(server.get("/api/v1/query_range?query=up&start=0&end=11000&step=1").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn large_answers_are_streamed_whole() {
    let (_folder, server) = server().await;
    for number in 0..300 {
        let job = format!("job-{number:03}");
        server.store(&[("__name__", "many"), ("job", &job)], &[(0, f64::from(number)), (100, 0.25)]);
    }
    let answer = server.get("/api/v1/query_range?query=many&start=0&end=100&step=1").await.json();
    let result = answer["data"]["result"].as_array().expect("a matrix");
    assert_eq!(result.len(), 300);
    assert!(result.iter().all(|series| series["values"].as_array().is_some_and(|values| values.len() == 101)));
    assert_eq!(result[299]["values"][0][1], "299");
    let series = server.get("/api/v1/series?match%5B%5D=many").await.json();
    assert_eq!(series["data"].as_array().map(Vec::len), Some(300));
    server.stop().await;
}

#[tokio::test]
async fn labels_and_series() {
    let (_folder, server) = server().await;
    server.store(&[("__name__", "x"), ("http.method", "get")], &[(10, 1.0)]);
    gets! { server,
        "/labels" => 200 r#"{"status":"success","data":["__name__","http.method","job"]}"#;
        "/labels?match%5B%5D=up&limit=1" => 200
            r#"{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}"#;
        "/label/job/values" => 200 r#"{"status":"success","data":["a","b\u003c\u0026\u003e"]}"#;
        "/label/job/values?match%5B%5D=up&start=15&end=25" => 200 r#"{"status":"success","data":["a"]}"#;
        "/label/U__http_2e_method/values" => 200 r#"{"status":"success","data":["get"]}"#;
        "/label/nope/values" => 200 r#"{"status":"success","data":[]}"#;
        "/series?match%5B%5D=up%7Bjob%3D%22a%22%7D&match%5B%5D=x" => 200 "{\"status\":\"success\",\"data\":[\
             {\"__name__\":\"up\",\"job\":\"a\"},{\"__name__\":\"x\",\"http.method\":\"get\"}]}";
        "/series" => 400 r#"{"status":"error","errorType":"bad_data","error":"no match[] parameter provided"}"#;
        "/series?match%5B%5D=%7B%7D" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid \
             parameter \\\"match[]\\\": match[] must contain at least one non-empty matcher\"}";
        "/series?match%5B%5D=%7B__name__%3D~%22.%2B%22%2C%7D&limit=1" => 200 "{\"status\":\"success\",\"data\":[\
             {\"__name__\":\"up\",\"job\":\"a\"}],\"warnings\":[\"results truncated due to limit\"]}";
    }
    let posted = server.post("/api/v1/labels", "match%5B%5D=x").await;
    assert_eq!(posted.text, r#"{"status":"success","data":["__name__","http.method"]}"#);
    server.stop().await;
}

#[tokio::test]
async fn formatting_and_parsing_queries() {
    let (_folder, server) = server().await;
    gets! { server,
        "/format_query?query=sum(up)by(job)" => 200 r#"{"status":"success","data":"sum by (job) (up)"}"#;
        "/parse_query?query=up" => 200 "{\"status\":\"success\",\"data\":{\"type\":\"vectorSelector\",\"name\":\"up\",\
             \"offset\":0,\"offsetExpr\":null,\"matchers\":[{\"name\":\"__name__\",\"value\":\"up\",\"type\":\"=\"}],\
             \"timestamp\":null,\"startOrEnd\":null,\"anchored\":false,\"smoothed\":false}}";
    }
    assert_eq!(server.get("/api/v1/format_query?query=(").await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn trees_of_durations_and_of_fill_values() {
    const FEATURES: &str =
        "--enable-feature=promql-duration-expr,promql-extended-range-selectors,promql-binop-fill-modifiers";
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[FEATURES]).await;
    let tree = async |query: &str| {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        server.get(&format!("/api/v1/parse_query?{query}")).await.json()["data"].take()
    };
    let number =
        |value: &str, duration: bool| serde_json::json!({"type": "numberLiteral", "val": value, "duration": duration});
    let matrix = tree("x[step() + 1m] smoothed offset -(2 * 30s)").await;
    assert_eq!((&matrix["range"], &matrix["offset"]), (&0.into(), &0.into()));
    let step = serde_json::json!({"type": "durationExpr", "op": "step", "lhs": null, "rhs": null, "wrapped": false});
    let sum = serde_json::json!(
        {"type": "durationExpr", "op": "+", "lhs": step, "rhs": number("60", true), "wrapped": false}
    );
    assert_eq!(matrix["rangeExpr"], sum);
    let product = serde_json::json!(
        {"type": "durationExpr", "op": "*", "lhs": number("2", false), "rhs": number("30", true), "wrapped": true}
    );
    let negative = serde_json::json!(
        {"type": "durationExpr", "op": "-", "lhs": null, "rhs": product, "wrapped": false}
    );
    assert_eq!(matrix["offsetExpr"], negative);
    assert_eq!((&matrix["smoothed"], &matrix["anchored"]), (&true.into(), &false.into()));
    let subquery = tree("x[5m:max_of(step(), 10s)]").await;
    assert_eq!((&subquery["range"], &subquery["rangeExpr"]), (&300_000.into(), &serde_json::Value::Null));
    assert_eq!(subquery["stepExpr"]["op"], "max_of");
    let filled = tree("x + fill_left(1.5) y").await;
    assert_eq!(filled["matching"]["fillValues"], serde_json::json!({"lhs": 1.5, "rhs": null}));
    server.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let (_folder, server) = server().await;
    let missing = server.get("/api/v1/nope").await;
    assert_eq!((missing.status, missing.text.as_str()), (404, "404 page not found\n"));
    assert_eq!(server.get("/nope").await.status, 404);
    assert_eq!(server.post("/api/v1/status/config", "").await.status, 405);
    assert_eq!(server.post("/api/v1/label/job/values", "").await.status, 405);
    assert_eq!(server.get("/api/v1/admin/tsdb/delete_series").await.status, 405);
    let disabled = server.post("/api/v1/admin/tsdb/clean_tombstones", "").await;
    assert_eq!(disabled.status, 503);
    assert_eq!(disabled.text, r#"{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"#);
    assert_eq!(server.get("/-/healthy").await.text, "Firewatch Server is Healthy.\n");
    assert_eq!(server.get("/-/ready").await.status, 200);
    assert_eq!(server.post("/-/quit", "").await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn federation_gives_the_newest_samples_with_external_labels() {
    let (_folder, server) = server().await;
    let now = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs(),
    )
    .expect("seconds fit");
    server.store(&[("__name__", "fresh"), ("job", "a")], &[(now - 10, 1.0), (now - 5, 2.0)]);
    let answer = server.get("/federate?match%5B%5D=%7Bjob%3D%22a%22%7D").await;
    let expected = format!("# TYPE fresh untyped\nfresh{{job=\"a\",region=\"eu\"}} 2 {}000\n", now - 5);
    assert_eq!((answer.status, answer.text), (200, expected));
    server.stop().await;
}

#[tokio::test]
async fn status_tells_what_runs() {
    let (_folder, server) = server().await;
    let build = server.get("/api/v1/status/buildinfo").await.json();
    assert!(build["data"]["version"].as_str().is_some_and(|version| version.starts_with("3.")), "{build}");
    assert!(build["data"].get("features").is_none(), "clients take features for another product");
    let flags = server.get("/api/v1/status/flags").await.json();
    assert_eq!(flags["data"]["query.lookback-delta"], "5m");
    let runtime = server.get("/api/v1/status/runtimeinfo").await.json();
    assert_eq!(runtime["data"]["reloadConfigSuccess"], true);
    assert_eq!(runtime["data"]["storageRetention"], "15d");
    let config = server.get("/api/v1/status/config").await.json();
    let yaml = config["data"]["yaml"].as_str().expect("text");
    assert!(yaml.contains("scrape_interval: 1m") && yaml.contains("region: eu"), "{yaml}");
    gets! { server,
        "/status/walreplay" => 200 r#"{"status":"success","data":{"min":0,"max":0,"current":0}}"#;
        "/alerts" => 200 r#"{"status":"success","data":{"alerts":[]}}"#;
        "/rules" => 200 r#"{"status":"success","data":{"groups":[]}}"#;
        "/alertmanagers" => 200 r#"{"status":"success","data":{"activeAlertmanagers":[],"droppedAlertmanagers":[]}}"#;
        "/targets" => 200 r#"{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}"#;
        "/metadata" => 200 r#"{"status":"success","data":{}}"#;
        "/query?query=up&limit=-1" => 400 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid \
             parameter \\\"limit\\\": limit must be non-negative\"}";
    }
    server.stop().await;
}
