//! An S3 server of a test's own: a process on a free port that keeps its objects in memory, and ends with the value.
//!
//! Used when `MADANG_TEST_S3_SERVER` names the `moto_server` program; the test command installs it and says so.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot have its server must fail loudly")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long the server may take to be there, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bucket that is there.
const BUCKET: &str = "madang-test";

/// A running server with one bucket.
#[derive(Debug)]
pub struct S3Process {
    address: SocketAddr,
    process: Child,
}

impl S3Process {
    /// Starts one; none when no program was named.
    pub fn start() -> Option<Self> {
        let program = std::env::var_os("MADANG_TEST_S3_SERVER").filter(|program| !program.is_empty())?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &free.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the S3 server starts");
        let mut server = Self { address: free, process };
        let begun = Instant::now();
        while TcpStream::connect(server.address).is_err() {
            let ended = server.process.try_wait().ok().flatten();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "the S3 server did not answer: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let made = server.ask("PUT", &format!("/{BUCKET}"), "");
        assert!(made.starts_with("HTTP/1.1 200"), "no bucket: {made}");
        Some(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The setting that names its bucket, with this prefix.
    pub fn url(&self, prefix: &str) -> String {
        Self::url_by_way_of(self.address, prefix)
    }

    /// The same over another address that leads to it.
    pub fn url_by_way_of(address: SocketAddr, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}?endpoint=http://{address}")
    }

    /// What the server answers to a request about the bucket, by no one in particular; it asks nobody for a signature.
    pub fn ask_bucket(&self, method: &str, rest: &str, body: &str) -> String {
        self.ask(method, &format!("/{BUCKET}{rest}"), body)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.address).expect("the S3 server answers");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request\r\n\r\n{body}",
            self.address,
            body.len()
        );
        socket
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| socket.write_all(request.as_bytes()))
            .expect("it is asked");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the S3 server answers");
        answer
    }
}

impl Drop for S3Process {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
