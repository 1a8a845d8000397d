//! `--web.config.file`: its effect is the `daemon` crate's, that the daemon takes it is seen here.

use alertmanager::app::App;

use crate::support::{options, request};

#[tokio::test]
async fn passwords_stand_before_all_routes() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("am.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
    write("web.yml", "basic_auth_users: {bob: $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}\n");
    let mut options = options(folder.path());
    options.web_config_file = folder.path().join("web.yml").display().to_string();
    let app = App::start(options.clone()).await.expect("the daemon starts");
    for path in ["/-/healthy", "/api/v2/alerts", "/"] {
        assert_eq!(request(app.address(), "GET", path, "").await, (401, "Unauthorized\n".to_owned()), "{path}");
    }
    app.stop().await;
    write("web.yml", "basic_auth_users: {bob: builder}\n");
    assert!(App::start(options).await.is_err(), "a file that cannot be used ends the start");
}
