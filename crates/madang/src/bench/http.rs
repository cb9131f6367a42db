//! Requests, as fast as they are answered or at a steady pace.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Interval, interval_at},
};

use super::{AnyError, connection::Connection, processor};

/// What one connection saw.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    pub(crate) bytes: u64,
}

/// Requests as bytes: those of each bearer, in the order in which they are sent.
pub(crate) struct Asked(Vec<Vec<Vec<u8>>>);

impl Asked {
    /// From a file of lines `METHOD PATH [BODY]`, for the bearers of the tokens in another file; for nobody without one.
    pub(crate) fn read(server: SocketAddr, requests: &Path, tokens: Option<&Path>) -> Result<Self, AnyError> {
        let lines = |file: &Path| -> Result<Vec<String>, AnyError> {
            let text = std::fs::read_to_string(file)?;
            let lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            if lines.is_empty() { Err(format!("{} holds nothing", file.display()).into()) } else { Ok(lines) }
        };
        let requests = lines(requests)?;
        let of = |token: Option<&str>| requests.iter().map(|line| request(server, token, line)).collect();
        let Some(tokens) = tokens else { return Ok(Self(vec![of(None)])) };
        Ok(Self(lines(tokens)?.iter().map(|token| of(Some(token))).collect()))
    }

    fn of(&self, connection: usize) -> &[Vec<u8>] {
        &self.0[connection % self.0.len()]
    }
}

pub(crate) async fn run(
    server: SocketAddr,
    pids: &[u32],
    asked: Asked,
    rate: Option<f64>,
    connections: usize,
    seconds: u64,
) -> Result<Value, AnyError> {
    let asked = Arc::new(asked);
    let load = |number: usize, until: Instant| {
        let asked = asked.clone();
        async move {
            let requests = asked.of(number);
            let mut pace = rate.map(|rate| pace(number, connections, rate));
            let mut connection = Connection::open(server).await?;
            let mut tally = Tally::default();
            let mut turn = number;
            while Instant::now() < until {
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
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

/// When a connection sends, so that all together send `rate` requests a second, evenly.
fn pace(number: usize, connections: usize, rate: f64) -> Interval {
    let between = Duration::from_secs_f64(1.0 / rate);
    let connections = u32::try_from(connections).unwrap_or(u32::MAX);
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    interval_at(tokio::time::Instant::now() + between * number, between * connections)
}

/// One request as bytes, from a line `METHOD PATH [BODY]`.
pub(crate) fn request(server: SocketAddr, token: Option<&str>, line: &str) -> Vec<u8> {
    let mut parts = line.splitn(3, ' ');
    let (method, path, body) = (parts.next().unwrap_or("GET"), parts.next().unwrap_or("/"), parts.next().unwrap_or(""));
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\n{bearer}");
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
