//! HTTP/2 over TLS: many requests on one connection, to its end.

use std::{process::Command, sync::Arc, time::Duration};

use api::Settings;
use axum::http::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{Connection, SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use crate::server::Server;

/// Both ends of TLS with a certificate for this machine.
fn tls() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([&key, std::path::Path::new("-out"), &chain])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificate = CertificateDer::from_pem_file(chain).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    (Arc::new(server), Arc::new(client))
}

type Sender = SendRequest<Full<Bytes>>;

/// A connection, and what becomes of it.
async fn connect(server: &Server, tls: Arc<ClientConfig>) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let (sender, connection) = shake_hands(server, tls).await;
    (sender, tokio::spawn(connection))
}

async fn shake_hands(
    server: &Server,
    tls: Arc<ClientConfig>,
) -> (Sender, Connection<TokioIo<TlsStream<TcpStream>>, Full<Bytes>, TokioExecutor>) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let stream = TlsConnector::from(tls).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap()
}

/// The status and the body of an answer.
async fn get(mut sender: Sender, path: &str) -> hyper::Result<(u16, Bytes)> {
    let request = Request::get(format!("https://localhost{path}")).body(Full::default()).unwrap();
    let response = sender.send_request(request).await?;
    Ok((response.status().as_u16(), response.into_body().collect().await?.to_bytes()))
}

#[tokio::test]
async fn a_stop_lets_the_requests_of_a_connection_end_and_takes_no_new_ones() {
    let (at_server, at_client) = tls();
    let server = Server::start_with(Settings::default(), Some(at_server)).await;
    let (sender, connection) = connect(&server, at_client.clone()).await;
    let slow = tokio::spawn(get(sender.clone(), "/api/v1/slow"));
    server.slow_began.notified().await;
    let (status, who) = get(sender.clone(), "/api/v1/who").await.unwrap();
    assert_eq!((status, who.as_ref()), (200, &br#"{"account":null,"address":"127.0.0.1","https":true}"#[..]));
    assert!(!slow.is_finished());

    let (idle, ended) = connect(&server, at_client).await;
    assert_eq!(get(idle, "/healthz").await.unwrap().0, 200);
    server.cancel.cancel();
    ended.await.unwrap().unwrap();
    assert!(!server.serving.is_finished());
    server.slow_end.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), (200, Bytes::from_static(b"done")));
    connection.await.unwrap().unwrap();
    assert!(get(sender, "/healthz").await.is_err());
    server.serving.await.unwrap();
}

#[tokio::test]
async fn a_connection_carries_a_hundred_requests_at_once() {
    let (at_server, at_client) = tls();
    let server = Server::start_with(Settings::default(), Some(at_server)).await;
    let (sender, mut connection) = shake_hands(&server, at_client).await;
    tokio::select! {
        answer = get(sender, "/healthz") => assert_eq!(answer.unwrap().0, 200),
        ended = &mut connection => panic!("{ended:?}"),
    }
    assert_eq!(connection.current_max_send_streams(), 100);
}

#[tokio::test]
async fn a_panic_is_one_500() {
    let (at_server, at_client) = tls();
    let server = Server::start_with(Settings::default(), Some(at_server)).await;
    let (sender, _connection) = connect(&server, at_client).await;
    for path in ["/api/v1/panic", "/lean/panic"] {
        assert_eq!(get(sender.clone(), path).await.unwrap().0, 500, "{path}");
    }
    assert_eq!(get(sender, "/healthz").await.unwrap().0, 200, "the same connection goes on");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_does_not_hold_its_connection() {
    let (at_server, at_client) = tls();
    let settings =
        Settings { max_connections: 1, header_timeout_ms: 300, write_timeout_ms: 300, ..Settings::default() };
    let server = Server::start_with(settings, Some(at_server)).await;
    let (mut sender, connection) = connect(&server, at_client).await;
    let request = Request::get("https://localhost/lean/large").body(Full::default()).unwrap();
    let unread = sender.send_request(request).await.unwrap();
    assert_eq!(unread.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    assert!(ended.expect("the client is waited for no longer").unwrap().is_err());
    drop(unread);
}
