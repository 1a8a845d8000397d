//! The pages: there, safe, and where links in alerts lead.

use http_client::Request;

use crate::server::{Folder, Server};

#[tokio::test]
async fn pages_come_with_a_strict_policy() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &["--web.page-title=A <b> & \"c\""]).await;
    for page in ["query", "alerts", "targets", "rules", "status", "config", "flags"] {
        let answer = server.get(&format!("/{page}")).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/html; charset=utf-8"), "{page}");
        assert!(answer.text.contains("A &lt;b&gt; &amp; &quot;c&quot;") && !answer.text.contains("A <b>"), "{page}");
        assert!(!answer.text.contains("{{"), "{page}: every placeholder is filled");
        let inline = ["<script>", "onclick=", "style=", "javascript:"];
        assert!(inline.iter().all(|what| !answer.text.contains(what)), "{page}: nothing is inline");
        for part in answer.text.split(['"', '\'']).filter(|part| part.starts_with("assets/")) {
            assert_eq!(server.get(&format!("/{part}")).await.status, 200, "{part}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn scripts_find_what_they_import() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    for script in ["query", "alerts", "targets", "rules", "status", "config", "flags", "chart"] {
        let answer = server.get(&format!("/assets/{script}.js")).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/javascript; charset=utf-8"));
        for import in answer.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(server.get(&format!("/assets/{import}")).await.status, 200, "{import}");
        }
        assert!(!answer.text.contains("innerHTML") && !answer.text.contains("eval("), "{script}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_root_and_links_in_alerts_lead_to_the_query_page() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    assert_eq!(server.get("/").await.status, 302);
    let link = server.get("/graph?g0.expr=up+%3D%3D+0&g0.tab=1").await;
    assert!((300..400).contains(&link.status));
    server.stop().await;
}

#[tokio::test]
async fn everything_is_served_below_the_path_of_the_external_url() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &["--web.external-url=http://a.b/monitoring/"]).await;
    assert_eq!(server.get("/monitoring/query").await.status, 200);
    assert_eq!(server.get("/monitoring/-/healthy").await.status, 200);
    assert_eq!(server.get("/monitoring/api/v1/query?query=1").await.status, 200);
    assert_eq!(server.get("/query").await.status, 404);
    assert_eq!(server.get("/").await.status, 302);
    server.stop().await;
}

#[tokio::test]
async fn other_origins_may_read_only_when_allowed() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &["--web.cors.origin=https?://good\\.example"]).await;
    let allowed = async |origin: &'static str| {
        let url = server.url("/api/v1/query?query=1").parse().expect("a URL");
        let request = Request::get(url).header(http::header::ORIGIN, http::HeaderValue::from_static(origin));
        let client = http_client::Client::new(&http_client::HttpClientConfig::default(), "test").expect("a client");
        let response = client.send(request).await.expect("an answer");
        response.headers.get("access-control-allow-origin").cloned()
    };
    assert_eq!(allowed("http://good.example").await, Some(http::HeaderValue::from_static("http://good.example")));
    assert_eq!(allowed("http://good.example.evil").await, None);
    assert_eq!(allowed("http://evil").await, None);
    server.stop().await;
}

#[tokio::test]
async fn consoles_are_templates_of_the_user() {
    let folder = Folder::new("global: {external_labels: {zone: eu}}\n");
    for name in ["consoles/sub", "console_libraries"] {
        std::fs::create_dir_all(folder.path().join(name)).expect("the folder takes folders");
    }
    folder.write("console_libraries/a.lib", "{{ define \"row\" }}<td>{{ .Labels.job }}={{ .Value }}</td>{{ end }}");
    folder.write(
        "consoles/sub/page.html",
        "<b>{{ $path }} {{ $params.x }} {{ $externalLabels.zone }} {{ pathPrefix }}</b>{{ range query \"up\" }}{{ template \
         \"row\" . }}{{ end }}",
    );
    folder.write("consoles/bad.html", "a\n{{ .Nope }}");
    folder.write("secret.html", "secret");
    let templates = format!("--web.console.templates={}", folder.path().join("consoles").display());
    let libraries = format!("--web.console.libraries={}", folder.path().join("console_libraries").display());
    let flags = [templates.as_str(), libraries.as_str(), "--web.external-url=http://x/p", "--web.route-prefix=/"];
    let server = Server::in_memory(&folder, &flags).await;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    server.store(&[("__name__", "up"), ("job", "<a>")], &[(now_ms / 1_000, 1.0)]);
    let page = server.get("/consoles/sub/page.html?x=%3Ci%3E&y=2").await;
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/html; charset=utf-8"));
    assert_eq!(page.text, "<b>sub/page.html &lt;i&gt; eu /p</b><td>&lt;a&gt;=1</td>");
    let bad = server.get("/consoles/bad.html").await;
    assert!(bad.status == 500 && bad.text.contains("__console_/bad.html:2:3"), "{} {}", bad.status, bad.text);
    for path in ["nope.html", "..%2Fsecret.html", "../secret.html", "sub"] {
        let answer = server.get(&format!("/consoles/{path}")).await;
        assert!(answer.status == 404 && !answer.text.contains("secret\n"), "{path}: {}", answer.text);
    }
    server.stop().await;
}
