//! Requests as fast as they are answered.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{AnyError, connection::Connection, processor};

/// What one connection saw.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    pub(crate) bytes: u64,
}

pub(crate) async fn run(
    server: SocketAddr,
    pids: &[u32],
    file: &Path,
    connections: usize,
    seconds: u64,
) -> Result<Value, AnyError> {
    let text = std::fs::read_to_string(file)?;
    let requests: Arc<Vec<Vec<u8>>> =
        Arc::new(text.lines().filter(|line| !line.is_empty()).map(|line| request(server, line)).collect());
    if requests.is_empty() {
        return Err(format!("{} holds no request", file.display()).into());
    }
    let load = |number: usize, until: Instant| {
        let requests = requests.clone();
        async move {
            let mut connection = Connection::open(server).await?;
            let mut tally = Tally::default();
            let mut turn = number;
            while Instant::now() < until {
                let answer = connection.exchange(&requests[turn % requests.len()]).await?;
                tally.answers += 1;
                tally.errors += u64::from(answer.status >= 400);
                tally.bytes += answer.body;
                turn += 1;
            }
            Ok(tally)
        }
    };
    measure(pids, connections, seconds, load).await
}

/// One request as bytes, from a line `METHOD PATH [BODY]`.
pub(crate) fn request(server: SocketAddr, line: &str) -> Vec<u8> {
    let mut parts = line.splitn(3, ' ');
    let (method, path, body) = (parts.next().unwrap_or("GET"), parts.next().unwrap_or("/"), parts.next().unwrap_or(""));
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\n");
    match (method, body) {
        ("GET" | "HEAD", _) => format!("{head}\r\n"),
        (_, body) => format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
    }
    .into_bytes()
}

/// Runs `connections` loads until the time is up, and sets what they saw beside the processor time of the server.
pub(crate) async fn measure<F>(
    pids: &[u32],
    connections: usize,
    seconds: u64,
    load: impl Fn(usize, Instant) -> F,
) -> Result<Value, AnyError>
where
    F: Future<Output = std::io::Result<Tally>> + Send + 'static,
{
    let begun = Instant::now();
    let before = processor::seconds(pids)?;
    let until = begun + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for number in 0..connections {
        running.spawn(load(number, until));
    }
    let mut sum = Tally::default();
    while let Some(tally) = running.join_next().await {
        let tally = tally??;
        sum.answers += tally.answers;
        sum.errors += tally.errors;
        sum.bytes += tally.bytes;
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), processor::seconds(pids)? - before);
    Ok(json!({
        "answers": sum.answers, "errors": sum.errors, "bytes": sum.bytes, "wall_s": wall, "cpu_s": cpu,
        "answers_per_core_s": sum.answers as f64 / cpu, "bytes_per_core_s": sum.bytes as f64 / cpu,
    }))
}
