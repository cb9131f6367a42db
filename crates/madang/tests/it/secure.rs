//! Certificates of a test's own, and a client that speaks TLS and trusts them alone.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A certificate for this machine and its key, in files.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    /// A new one, signed by itself.
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Self { folder };
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "30",
            ])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .args([&certificate.key(), Path::new("-out"), &certificate.chain()])
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        certificate
    }

    pub(crate) fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// As it is shown to clients.
    pub(crate) fn shown(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.chain()).unwrap()
    }

    /// The settings with which a server speaks TLS, and others.
    pub(crate) fn settings<'a>(&self, others: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let own = [("MADANG_TLS_CERTIFICATE", path(self.chain())), ("MADANG_TLS_KEY", path(self.key()))];
        own.into_iter().chain(others.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
    }
}

/// Settings as a site takes them.
pub(crate) fn borrowed<'a>(settings: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Speaks TLS to one server.
pub(crate) struct Client {
    server: SocketAddr,
    name: String,
    trusted: Vec<CertificateDer<'static>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

impl Client {
    pub(crate) fn new(server: SocketAddr, trusted: &[&Certificate]) -> Self {
        let trusted = trusted.iter().map(|certificate| certificate.shown()).collect();
        Self { server, name: "localhost".to_owned(), trusted }
    }

    /// One that knows the server by this name, and trusts this authority.
    pub(crate) fn of(server: SocketAddr, name: &str, authority: CertificateDer<'static>) -> Self {
        Self { server, name: name.to_owned(), trusted: vec![authority] }
    }

    /// A connection whose handshake is done, offering these protocols.
    pub(crate) async fn connect(&self, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for certificate in &self.trusted {
            roots.add(certificate.clone()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(self.server).await?;
        let name = ServerName::try_from(self.name.clone()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// The certificate that new connections are shown.
    pub(crate) async fn shown(&self) -> CertificateDer<'static> {
        self.shown_if_any().await.unwrap()
    }

    /// The same; an error when there is none that is trusted for the name.
    pub(crate) async fn shown_if_any(&self) -> std::io::Result<CertificateDer<'static>> {
        let stream = self.connect(&[]).await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned())
    }

    /// A connection that speaks HTTP/1.1.
    pub(crate) async fn http1(&self) -> Http {
        self.http1_if_any().await.unwrap()
    }

    /// The same; an error when there is nobody.
    pub(crate) async fn http1_if_any(&self) -> std::io::Result<Http> {
        let stream = self.connect(&[b"http/1.1"]).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Ok(Http::One(sender, self.server))
    }

    /// A connection that speaks HTTP/2.
    pub(crate) async fn http2(&self) -> Http {
        let stream = self.connect(&[b"h2", b"http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Http::Two(sender, self.server)
    }
}

/// A connection on which requests are sent.
pub(crate) enum Http {
    One(http1::SendRequest<Full<Bytes>>, SocketAddr),
    Two(http2::SendRequest<Full<Bytes>>, SocketAddr),
}

impl Http {
    /// The same connection once more, for a request beside others.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::One(..) => panic!("one request at a time"),
            Self::Two(sender, server) => Self::Two(sender.clone(), *server),
        }
    }

    /// Whether the server has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::One(sender, _) => sender.is_closed(),
            Self::Two(sender, _) => sender.is_closed(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a request over HTTP/2 before it returns; the answer is waited for.
    pub(crate) fn ask(&mut self, path: &str) -> impl Future<Output = Answer> + use<> {
        let Self::Two(sender, server) = self else { panic!("one request at a time") };
        let request = Request::get(format!("https://{server}{path}")).body(Full::default()).unwrap();
        let response = sender.send_request(request);
        async move { Answer::of(response.await.unwrap()).await }
    }

    pub(crate) async fn post(&mut self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.send(Method::POST, path, &headers, &body.to_string()).await
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::from(body.to_owned());
        let response = match self {
            Self::One(sender, server) => {
                let request = request.uri(path).header("host", server.to_string()).body(body).unwrap();
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Self::Two(sender, server) => {
                let request = request.uri(format!("https://{server}{path}")).body(body).unwrap();
                sender.send_request(request).await.unwrap()
            }
        };
        Answer::of(response).await
    }
}
