//! What was stored is there after a restart.

use testkit::{Answer, Target};

use crate::server::{Folder, Server};

#[tokio::test]
async fn samples_and_alerts_survive_a_restart() {
    let target = Target::always(Answer::text("value 42\n")).await;
    let folder = Folder::new(&format!(
        "scrape_configs:\n- job_name: app\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  static_configs: \
         [{{targets: ['{}']}}]\n",
        target.address()
    ));
    let server = Server::on_disk(&folder, &[]).await;
    server.wait_for("value", "42").await;
    let before = server.query("count_over_time(value[1m])").await;
    server.stop().await;
    folder.write("prometheus.yml", "");
    let server = Server::on_disk(&folder, &[]).await;
    server.wait_for("max_over_time(value[1m])", "42").await;
    let after = server.query("count_over_time(value[1m])").await;
    let count = |found: &[(String, String)]| found[0].1.parse::<f64>().expect("a number");
    assert!(count(&after) >= count(&before), "{before:?} before, {after:?} after");
    server.stop().await;
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[]).await;
    let second = server::App::start(folder.flags(&[])).await;
    assert!(second.is_err_and(|error| daemon::run::chain(&error).contains("in use by another process")));
    server.stop().await;
}
