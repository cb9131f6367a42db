//! Certificates that the site gets itself, from an authority that speaks ACME.

use madang::client::ApiClient;
use serde_json::json;

use crate::{
    authority::{Authority, REFUSED},
    parts::Ground,
    realtime::Connection,
    secure::{Http, borrowed},
    site::{Site, metric, until},
};

const NAME: &str = "live.madang.test";
/// Longer than a test takes.
const A_DAY_S: u64 = 86_400;

async fn metric_over_tls(http: &mut Http, name: &str) -> Option<f64> {
    metric(&http.get("/metrics").await.body, name)
}

const GOT: &str = "madang_tls_orders_total{outcome=\"got\"}";
const FAILED: &str = "madang_tls_orders_total{outcome=\"refused\"}";

#[tokio::test(flavor = "multi_thread")]
async fn a_site_gets_its_certificate_and_renews_it_while_people_are_connected() {
    let mut authority = Authority::prepare().await;
    let settings = authority.settings(NAME);
    let site = Site::start_with(&[]).await.halt().await.start(&borrowed(&settings)).await;
    let url = format!("wss://{NAME}/connection/websocket");

    // There is no authority yet: the site is there all the same.
    until("an order failed", || async {
        let (_, exposition) = site.api.fetch("/metrics").await.unwrap();
        metric(&exposition, FAILED).filter(|failed| *failed > 0.0)
    })
    .await;

    authority.start(site.http.port(), 20).await;
    let client = authority.client(site.http, NAME).await;
    let first = until("a certificate is shown", || async { client.shown_if_any().await.ok() }).await;
    let mut open = Connection::over(client.connect(&[]).await.unwrap(), url, "").await;
    let mut http = client.http1().await;
    assert_eq!(http.get("/healthz").await.status, 200);
    let until_s = metric_over_tls(&mut http, "madang_tls_certificate_expires_seconds").await.unwrap();
    assert!(until_s > 1_700_000_000.0, "{until_s}");
    let (plain, _) = ApiClient::new(site.http).fetch("/healthz").await.unwrap();
    assert_eq!(plain, 400, "who speaks no TLS is told so from now on");

    until("another one is shown", || async { (client.shown().await != first).then_some(()) }).await;
    let reply = open.call("subscribe", json!({ "channel": "live:1" })).await;
    assert!(reply.is_some_and(|reply| reply["error"].is_object()), "who is connected stays connected");
    assert_eq!(http.get("/healthz").await.status, 200);
    assert!(metric_over_tls(&mut http, GOT).await.unwrap() >= 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_refused_leaves_the_old_certificate_and_says_why() {
    let mut authority = Authority::prepare().await;
    let halted = Site::start_with(&[]).await.halt().await;
    authority.start(halted.http().port(), A_DAY_S).await;
    let site = halted.start(&borrowed(&authority.settings(NAME))).await;
    let client = authority.client(site.http, NAME).await;
    let first = until("a certificate is shown", || async { client.shown_if_any().await.ok() }).await;

    let log = tempfile::NamedTempFile::new().unwrap();
    let more = authority.settings(&format!("{NAME},{REFUSED}"));
    let site = site.halt().await.start_logging(log.path(), &borrowed(&more)).await;
    assert_eq!(client.shown().await, first, "from its start on");
    let mut http = client.http1().await;
    until("an order failed", async || metric_over_tls(&mut http, FAILED).await.filter(|failed| *failed > 0.0)).await;
    let told = std::fs::read_to_string(log.path()).unwrap();
    assert!(told.contains(REFUSED) && told.contains("rejectedIdentifier"), "{told}");
    assert_eq!(client.shown().await, first);

    until("it was tried again", async || metric_over_tls(&mut http, FAILED).await.filter(|failed| *failed >= 3.0))
        .await;
    drop(site);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_of_a_site_asks_and_all_show_what_it_got() {
    let mut authority = Authority::prepare().await;
    let settings = authority.settings(NAME);
    let ground = Ground::new().await;
    let api = ground.process("api", "api", &borrowed(&settings)).await;
    let gateway = ground.process("gateway", "gateway", &borrowed(&settings)).await;
    let batches = [
        ground.process("batch", "batch-1", &borrowed(&settings)).await,
        ground.process("batch", "batch-2", &borrowed(&settings)).await,
    ];
    // Whoever has the name on port 443 answers the authority, which begins when all are there that could ask.
    authority.start(gateway.http.port(), A_DAY_S).await;
    let mut shown = Vec::new();
    for process in [&api, &gateway, &batches[0], &batches[1]] {
        let client = authority.client(process.http, NAME).await;
        shown.push(until("a certificate is shown", || async { client.shown_if_any().await.ok() }).await);
    }
    assert!(shown.iter().all(|one| *one == shown[0]), "all show one");
    assert_eq!(authority.orders(), 1, "it was asked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_refused_by_name() {
    let whole = [
        ("MADANG_TLS_ACME_DOMAINS", NAME),
        ("MADANG_TLS_ACME_CONTACT", "host@example.org"),
        ("MADANG_TLS_ACME_TERMS_ACCEPTED", "true"),
    ];
    let cases = [
        (("MADANG_TLS_ACME_TERMS_ACCEPTED", "false"), "tls.acme.terms_accepted"),
        (("MADANG_TLS_ACME_CONTACT", ""), "tls.acme.contact"),
        (("MADANG_TLS_ACME_CONTACT", "nobody"), "tls.acme.contact"),
        (("MADANG_TLS_ACME_DIRECTORY", "http://127.0.0.1:1/dir"), "tls.acme.directory"),
        (("MADANG_TLS_ACME_DOMAINS", "*.madang.test"), "tls.acme.domains"),
        (("MADANG_TLS_ACME_DOMAINS", "192.0.2.7"), "tls.acme.domains"),
        (("MADANG_TLS_ACME_DOMAINS", "live_.madang.test"), "tls.acme.domains"),
        (("MADANG_TLS_ACME_DIRECTORY_ROOTS", "/nowhere/roots.pem"), "tls.acme.directory_roots"),
        (("MADANG_ROLE", "gateway"), "tls.acme.domains"),
    ];
    for (wrong, named) in cases {
        let mut settings = whole.to_vec();
        settings.push(wrong);
        let (status, error) = Site::refused(&settings).await;
        assert!(!status.success() && error.contains(named), "{wrong:?} was refused with {error}");
    }
}
