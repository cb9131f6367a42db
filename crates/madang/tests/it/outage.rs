//! PostgreSQL goes away under a running site and comes back: who asks meanwhile is told to try again, what was acknowledged
//! is there, and the site heals by itself.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::Method;
use madang::client::{ApiClient, CallError};
use ports::sqlx::{self, Connection as _, PgConnection};
use serde_json::{Value, json};

use crate::{
    encoder::Encoder,
    ground::ENGINE,
    realtime::Connection,
    site::{Person, Site, id, until},
};

/// A PostgreSQL server of one test alone.
pub(crate) struct Server {
    folder: PathBuf,
    url: String,
}

impl Server {
    pub(crate) fn start(purpose: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("madang-test-{purpose}-{}", std::process::id()));
        let mut server = Self { folder, url: String::new() };
        let told = server.run("start");
        server.url = told.split_once('=').expect("it tells its URL").1.trim().to_owned();
        server
    }

    /// A database of it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn command(&self, word: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres-for-tests");
        let mut command = Command::new(script);
        command.arg(word).env("MADANG_TEST_POSTGRES_DIR", &self.folder);
        command
    }

    /// `scripts/postgres-for-tests`; gives what it said.
    pub(crate) fn run(&self, word: &str) -> String {
        let output = self.command(word).output().unwrap();
        assert!(output.status.success(), "{word}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends every connection but the one that asks, again and again: some of them while they are asked something.
    pub(crate) async fn cut_connections(&self) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let mut cut = 0;
        while cut < 100 {
            cut += self.cut_some(&mut connection).await;
        }
    }

    async fn cut_some(&self, connection: &mut PgConnection) -> usize {
        let text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        sqlx::query(text).fetch_all(connection).await.unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not `run`, whose complaints would end the other tests too.
        let _ = self.command("stop").output();
    }
}

/// The answer; none when the caller is told to try again, and after how many seconds.
pub(crate) fn answer(result: Result<Value, CallError>) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(CallError::Status { status: 503, body, .. }) => {
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert!(problem["code"].is_string() && problem["retry_after_s"].is_u64(), "{problem}");
            None
        }
        Err(other) => panic!("neither an answer nor a retry: {other}"),
    }
}

/// Says one thing after the other, each until it is taken.
pub(crate) async fn talk(
    api: ApiClient,
    path: String,
    writer: Person,
    taken: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
) {
    while !enough.load(Ordering::Relaxed) {
        let text = format!("message {}", taken.load(Ordering::Relaxed));
        let body = json!({ "text": text, "client_id": text });
        match answer(api.post(&path, Some(&writer.token), &body).await) {
            Some(_) => drop(taken.fetch_add(1, Ordering::Relaxed)),
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Asks for one thing after the other.
async fn ask(api: ApiClient, asker: Person, enough: Arc<AtomicBool>) {
    while !enough.load(Ordering::Relaxed) {
        for path in ["/api/v1/me", "/api/v1/me/channel", "/api/v1/broadcasts?state=ended"] {
            answer(api.get(path, Some(&asker.token)).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_survives_a_postgresql_that_goes_away_and_comes_back() {
    let server = Server::start("outage");
    let settings = [
        (ENGINE, server.url()),
        ("MADANG_CHAT_RATE", "off"),
        ("MADANG_CHAT_ROOM_RATE", "off"),
        ("MADANG_API_REQUEST_RATE", "off"),
    ];
    let mut site = Site::start_with(&settings).await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let _encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 240);
    site.until_state(&broadcast, "live").await;
    let watched = json!({ "broadcast": id(&broadcast) });
    let session = site.api.post("/api/v1/playbacks", Some(&fan.token), &watched).await.unwrap()["session"].clone();
    let hearts = |seq: u64| {
        let (api, body) = (site.api.clone(), json!({ "session": session, "seq": seq, "taps": [1, 2, 3] }));
        async move { answer(api.post("/api/v1/hearts", None, &body).await) }
    };
    assert_eq!(hearts(1).await.unwrap()["total"], 3);

    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let mut reader = Connection::open(&site, None).await;
    reader.call("subscribe", json!({ "channel": format!("chat:{}", id(&broadcast)) })).await.unwrap();
    let (taken, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let talking = tokio::spawn(talk(site.api.clone(), path.clone(), fan.clone(), taken.clone(), enough.clone()));
    let asking = tokio::spawn(ask(site.api.clone(), host.clone(), enough.clone()));
    let goes_on = async |what: &str| {
        let before = taken.load(Ordering::Relaxed);
        until(what, || async { (taken.load(Ordering::Relaxed) >= before + 20).then_some(()) }).await;
    };
    goes_on("messages are taken").await;

    server.cut_connections().await;
    goes_on("messages are taken after the connections were cut").await;

    server.run("crash");
    let new = json!({ "handle": "new", "password": "correct horse", "display_name": "new" });
    let sign_in = json!({ "handle": "fan", "password": "correct horse" });
    let (title, nothing) = (json!({ "title": "another" }), json!(null));
    let show = format!("/api/v1/broadcasts/{}", id(&broadcast));
    let report = format!("{show}/report");
    let requests = [
        (Method::POST, "/api/v1/accounts", None, &new),
        (Method::POST, "/api/v1/sessions", None, &sign_in),
        (Method::GET, "/api/v1/me", Some(&host), &nothing),
        (Method::GET, "/api/v1/me/channel", Some(&host), &nothing),
        (Method::POST, "/api/v1/broadcasts", Some(&host), &title),
        (Method::GET, "/api/v1/broadcasts?state=ended", None, &nothing),
        (Method::PATCH, &show, Some(&host), &title),
        (Method::GET, &report, Some(&host), &nothing),
        (Method::GET, "/api/v1/channels/host/mod-log", Some(&host), &nothing),
        (Method::GET, &path, None, &nothing),
    ];
    let refused = requests.map(|(method, path, person, body)| {
        let (api, path, body) = (site.api.clone(), path.to_owned(), body.clone());
        let token = person.map(|person| person.token.clone());
        tokio::spawn(
            async move { answer(api.call(method, &path, token.as_deref(), &body).await).map(|told| (path, told)) },
        )
    });
    for request in refused {
        assert_eq!(request.await.unwrap(), None, "answered without a database");
    }
    assert_eq!(site.api.fetch("/readyz").await.unwrap().0, 503);
    assert_eq!(site.api.fetch("/healthz").await.unwrap().0, 200);
    let counted_meanwhile = hearts(2).await.is_some();

    server.run("resume");
    goes_on("messages are taken after the server came back").await;
    until("the site is ready again", || async { (site.api.fetch("/readyz").await.ok()?.0 == 200).then_some(()) }).await;
    if !counted_meanwhile {
        until("hearts are counted again", || hearts(2)).await;
    }
    assert_eq!(hearts(3).await.unwrap()["total"], 9, "each batch once");
    site.person("new").await;
    site.broadcast(&fan).await;
    enough.store(true, Ordering::Relaxed);
    talking.await.unwrap();
    asking.await.unwrap();

    let taken = taken.load(Ordering::Relaxed) as u64;
    let head =
        reader.call("history", json!({ "channel": format!("chat:{}", id(&broadcast)), "limit": 0 })).await.unwrap();
    assert_eq!(head["history"]["offset"], taken, "nothing twice");
    for number in 1..=taken {
        let publication = reader.publication().await.expect("the reader was not sent away")["pub"].clone();
        let expected = (&json!(number), &json!(format!("message {}", number - 1)));
        assert_eq!((&publication["offset"], &publication["data"]["client_id"]), expected);
    }
    until("the hearts are kept", || async { (site.show(&broadcast).await["hearts"] == 9).then_some(()) }).await;
    let live = site.show(&broadcast).await;
    assert_eq!((&live["state"], &live["stream"]), (&json!("live"), &json!("arriving")), "{live}");
    assert!(site.is_running());
    assert_eq!(site.stop().await.code(), Some(0));
}
