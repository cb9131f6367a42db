//! What a server tells of its addresses.

use serde_json::json;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_all_addresses_tells_addresses_that_can_be_used() {
    let site = Site::start_at("0.0.0.0:0", &[]).await;
    let (http, rtmp) = (site.http.port(), site.rtmp.port());
    let told = site.output.join("\n");
    assert!(told.contains(&format!("  Web UI    http://localhost:{http}\n")), "{told}");
    assert!(told.contains(&format!("  Encoders  rtmp://localhost:{rtmp}/live\n")), "{told}");
    assert!(told.contains("Other machines"), "{told}");
    assert!(told.contains(&format!("  http://localhost:{http}/claim?token=")), "{told}");

    // A host is told the name by which it came.
    let host = site.person("host").await;
    let ingest_url = json!(format!("rtmp://127.0.0.1:{rtmp}/live"));
    assert_eq!(site.broadcast(&host).await["ingest_url"], ingest_url);
    let channel = site.api.get("/api/v1/me/channel", Some(&host.token)).await.unwrap();
    assert_eq!(channel["ingest_url"], ingest_url);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_one_address_tells_that_one() {
    let site = Site::start().await;
    let expected = [
        "Madang is ready.".to_owned(),
        format!("  Web UI    http://{}", site.http),
        format!("  Encoders  rtmp://{}/live", site.rtmp),
    ];
    assert_eq!(site.output[..3], expected);
    assert!(!site.output.iter().any(|line| line.contains("Other machines")));
    let host = site.person("host").await;
    assert_eq!(site.broadcast(&host).await["ingest_url"], json!(format!("rtmp://{}/live", site.rtmp)));
}
