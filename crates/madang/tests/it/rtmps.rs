//! Encoders that publish over TLS.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    encoder::{Encoder, H264, TEST_CARD},
    going_live::assert_whole,
    secure::{Certificate, Client, Http, borrowed},
    site::{PATIENCE, Site, id, until},
};

/// A site that speaks TLS with encoders, too.
struct Secure {
    site: Site,
    rtmps: SocketAddr,
    http: Http,
    token: String,
    certificate: Certificate,
}

impl Secure {
    async fn start(others: &[(&str, &str)]) -> Self {
        let certificate = Certificate::make();
        let settings = certificate.settings(&[others, &[("MADANG_RTMPS", "127.0.0.1:0")]].concat());
        let site = Site::start_with(&borrowed(&settings)).await;
        let told = site.output.iter().find_map(|line| line.strip_prefix("  over TLS  rtmps://")).unwrap();
        let rtmps = told.strip_suffix("/live").unwrap().parse().unwrap();
        let mut http = Client::new(site.http, &[&certificate]).http2().await;
        let body = json!({ "handle": "host", "password": "correct horse", "display_name": "Host" });
        let account = http.post("/api/v1/accounts", None, &body).await.json();
        let token = account["token"].as_str().unwrap().to_owned();
        Self { site, rtmps, http, token, certificate }
    }

    async fn broadcast(&self) -> Value {
        self.http.again().post("/api/v1/broadcasts", Some(&self.token), &json!({ "title": "Show" })).await.json()
    }

    /// An encoder that trusts the site's certificate.
    fn encoder(&self, key: &str, seconds: u32, coding: &[&str]) -> Encoder {
        let chain = self.certificate.chain();
        let coding = [coding, &["-ca_file", chain.to_str().unwrap()]].concat();
        Encoder::publish_to(&format!("rtmps://{}/live/{key}", self.rtmps), seconds, TEST_CARD, &coding)
    }

    async fn until(&self, broadcast: &Value, field: &str, value: &str) {
        let path = format!("/api/v1/broadcasts/{}", id(broadcast));
        let is_so = async || (self.http.again().get(&path).await.json()[field] == value).then_some(());
        until(&format!("{field} is {value}"), is_so).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heavy_stream_over_rtmps_reaches_the_player_whole() {
    let secure = Secure::start(&[]).await;
    let broadcast = secure.broadcast().await;
    // Without loss: some 25 Mbit/s.
    let coding = [H264, &["-qp", "0"]].concat();
    let encoder = secure.encoder(broadcast["stream_key"].as_str().unwrap(), 6, &coding);
    secure.until(&broadcast, "state", "live").await;
    let (content, said) = encoder.finish().await;
    assert!(content, "{said}");
    secure.until(&broadcast, "stream", "interrupted").await;
    let end = format!("/api/v1/broadcasts/{}/end", id(&broadcast));
    secure.http.again().post(&end, Some(&secure.token), &json!({})).await;
    let media = format!("/live/{}/media.m3u8", id(&broadcast));
    until("the replay is complete", async || {
        let playlist = secure.http.again().get(&media).await.body;
        String::from_utf8_lossy(&playlist).contains("#EXT-X-ENDLIST").then_some(())
    })
    .await;
    // Without TLS, so that no player has to be told of the certificate.
    let site = secure.site.halt().await.start(&[]).await;
    assert_whole(&format!("http://{}/live/{}/index.m3u8", site.http, id(&broadcast)), 180, 30.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_over_rtmps_is_told_why_it_is_refused() {
    let secure = Secure::start(&[]).await;
    let (content, said) = secure.encoder("made-up", 6, H264).finish().await;
    assert!(!content && said.contains("the stream key is not known"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_get_as_far_as_rtmp_is_let_go_while_others_publish() {
    let secure = Secure::start(&[("MADANG_INGEST_HANDSHAKE_TIMEOUT_MS", "2000")]).await;
    let mut silent = TcpStream::connect(secure.rtmps).await.unwrap();
    let mut plain = TcpStream::connect(secure.rtmps).await.unwrap();
    plain.write_all(&[3; 1_537]).await.unwrap();
    let mut after_tls = Client::new(secure.rtmps, &[&secure.certificate]).connect(&[]).await.unwrap();

    let broadcast = secure.broadcast().await;
    let encoder = secure.encoder(broadcast["stream_key"].as_str().unwrap(), 60, H264);
    secure.until(&broadcast, "state", "live").await;
    for stream in [&mut silent, &mut plain] {
        let ended = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "it is held");
    }
    assert!(timeout(PATIENCE, after_tls.read_to_end(&mut Vec::new())).await.is_ok(), "it is held");
    encoder.kill().await;
    secure.until(&broadcast, "stream", "interrupted").await;
}
