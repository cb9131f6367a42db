//! The gateway's WebSocket, sending every message back: `make autobahn` runs the Autobahn cases against it.
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{io, net::SocketAddr, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use rest::{Takeover, UpgradeRequest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Longer than any message of the suite.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
const HEAD_BYTES_MAX: usize = 16 << 10;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let route = gateway::echo(MESSAGE_BYTES_MAX);
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, peer, route.clone()));
    }
}

/// As much HTTP as it takes to hand a connection over.
async fn serve(mut stream: TcpStream, peer: SocketAddr, route: Arc<dyn Takeover>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let early = Bytes::from(bytes.split_off(end));
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let headers: HeaderMap = fields
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect();
    match route.open(&UpgradeRequest { query: None, headers: &headers, client: peer.ip() }) {
        Ok(opened) => {
            stream.write_all(&opened.answer).await?;
            (opened.serve)(Box::pin(stream), early).await;
            Ok(())
        }
        Err(refusal) => {
            let status = refusal.status.as_u16();
            stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").as_bytes()).await
        }
    }
}
