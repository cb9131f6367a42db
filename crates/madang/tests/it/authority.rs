//! A certificate authority that speaks ACME on this machine (Pebble, which the authors of Let's Encrypt made for tests), and a name
//! server for it by which all names are this machine.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
    task::{JoinHandle, JoinSet},
};

use crate::{
    secure::{Certificate, Client},
    site::until,
};

/// A name for which it gives no certificate.
pub(crate) const REFUSED: &str = "refused.madang.test";

/// An authority; it may run or not.
pub(crate) struct Authority {
    /// Its own HTTPS is signed by itself.
    own: Certificate,
    folder: tempfile::TempDir,
    directory: SocketAddr,
    management: SocketAddr,
    running: Option<(Child, JoinHandle<()>)>,
}

impl Authority {
    /// One that does not run yet.
    pub(crate) async fn prepare() -> Self {
        let (folder, own) = (tempfile::tempdir().unwrap(), Certificate::make());
        Self { own, folder, directory: free_address().await, management: free_address().await, running: None }
    }

    /// Runs it: it gives certificates for so many seconds, to whom this port of this machine speaks for.
    pub(crate) async fn start(&mut self, speaks_for_names: u16, lasts_s: u64) {
        let program =
            std::env::var("MADANG_TEST_PEBBLE").expect("MADANG_TEST_PEBBLE names the program, as `make test` does");
        let (naming, name_server) = serve_names().await;
        let settings = json!({ "pebble": {
            "listenAddress": self.directory, "managementListenAddress": self.management,
            "certificate": self.own.chain(), "privateKey": self.own.key(),
            "httpPort": 1, "tlsPort": speaks_for_names,
            "domainBlocklist": [REFUSED],
            "profiles": { "default": { "description": "short", "validityPeriod": lasts_s } },
            "retryAfter": { "authz": 1, "order": 1 },
        } });
        let file = self.folder.path().join("settings.json");
        std::fs::write(&file, settings.to_string()).unwrap();
        let server = Command::new(program)
            .arg("-config")
            .arg(&file)
            .args(["-dnsserver", &name_server.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stdout(std::fs::File::create(self.diary()).unwrap())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the authority starts");
        self.running = Some((server, naming));
        until("the authority answers", || async { self.root().await }).await;
    }

    /// How many orders were begun, whatever became of them.
    pub(crate) fn orders(&self) -> usize {
        std::fs::read_to_string(self.diary()).unwrap().matches("Added order").count()
    }

    fn diary(&self) -> PathBuf {
        self.folder.path().join("said")
    }

    /// The settings by which a site gets its certificate here.
    pub(crate) fn settings(&self, names: &str) -> Vec<(&'static str, String)> {
        vec![
            ("MADANG_TLS_ACME_DOMAINS", names.to_owned()),
            ("MADANG_TLS_ACME_DIRECTORY", format!("https://{}/dir", self.directory)),
            ("MADANG_TLS_ACME_DIRECTORY_ROOTS", self.own.chain().to_str().unwrap().to_owned()),
            ("MADANG_TLS_ACME_CONTACT", "host@example.org".to_owned()),
            ("MADANG_TLS_ACME_TERMS_ACCEPTED", "true".to_owned()),
            ("MADANG_TLS_ACME_RETRY_MS", "300".to_owned()),
            ("MADANG_TLS_LOOK_EVERY_MS", "200".to_owned()),
        ]
    }

    /// A client of this server that knows it by its name, and believes this authority.
    pub(crate) async fn client(&self, server: SocketAddr, name: &str) -> Client {
        let root = self.root().await.expect("it answers");
        Client::of(server, name, CertificateDer::from_pem_file(root).unwrap())
    }

    /// The certificate with which it signs, which is made anew with each start; none while it does not answer.
    async fn root(&self) -> Option<PathBuf> {
        let mut management = Client::new(self.management, &[&self.own]).http1_if_any().await.ok()?;
        let file = self.folder.path().join("root.pem");
        std::fs::write(&file, management.get("/roots/0").await.body).unwrap();
        Some(file)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        if let Some((_, naming)) = &self.running {
            naming.abort();
        }
    }
}

/// An address nobody listens on.
async fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}

/// Answers every question for an address (RFC 1035 §4.1) with this machine's, and every other one with nothing. Over TCP, as the
/// authority asks: a length stands before each message.
async fn serve_names() -> (JoinHandle<()>, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let naming = tokio::spawn(async move {
        let mut askers = JoinSet::new();
        while let Ok((mut asker, _)) = listener.accept().await {
            askers.spawn(async move {
                while let Ok(length) = asker.read_u16().await {
                    let mut question = vec![0; usize::from(length)];
                    asker.read_exact(&mut question).await?;
                    let answer = answer_to(&question);
                    asker.write_u16(answer.len() as u16).await?;
                    asker.write_all(&answer).await?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    (naming, address)
}

fn answer_to(question: &[u8]) -> Vec<u8> {
    const HEAD: usize = 12;
    const ADDRESS: [u8; 2] = [0, 1];
    // Behind the head the name, ended by 0, the type and the class.
    let name = question[HEAD..].iter().position(|byte| *byte == 0).expect("a name");
    let end = HEAD + name + 5;
    let is_for_address = question[end - 4..end - 2] == ADDRESS;
    let mut answer = question[..end].to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[6..HEAD].copy_from_slice(&[0, u8::from(is_for_address), 0, 0, 0, 0]);
    if is_for_address {
        // The name of the question: for 60 seconds this address.
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
