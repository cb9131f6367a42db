//! Peers that break the WebSocket protocol itself (RFC 6455).

use std::time::Duration;

use futures_util::SinkExt;
use gateway::Settings;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{client::Client, server::Server};

/// A socket right behind the upgrade.
async fn upgraded(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /connection/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test]
async fn malformed_frames_end_the_connection_and_nothing_else() {
    let server = Server::start().await;
    let cases: [(&str, &[u8]); 8] = [
        ("not masked", &[0x81, 0x02, b'{', b'}']),
        ("reserved opcode", &[0x83, 0x80, 0, 0, 0, 0]),
        ("reserved bits", &[0xf1, 0x80, 0, 0, 0, 0]),
        ("fragmented control frame", &[0x09, 0x80, 0, 0, 0, 0]),
        ("long control frame", &[0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0]),
        ("continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0]),
        ("a length of many exabytes", &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        ("text that is no UTF-8", &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
    ];
    for (what, frame) in cases {
        let mut stream = upgraded(&server).await;
        stream.write_all(frame).await.unwrap();
        stream.write_all(&[0; 300]).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        // The peer may see a reset, because it sent what nobody read.
        let _ = end.unwrap_or_else(|_| panic!("{what}: the connection stays open"));
    }
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    while server.gateway.connections() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_in_one_byte_fragments_is_a_message() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    let text = "{\"id\":1,\"connect\":{}}";
    for (index, byte) in text.bytes().enumerate() {
        let kind = if index == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![byte], OpCode::Data(kind), index + 1 == text.len());
        client.socket.send(Message::Frame(frame)).await.unwrap();
    }
    assert!(client.reply(1).await["connect"].is_object());
    let endless = Frame::message(vec![b' '; 1_000], OpCode::Data(Data::Text), false);
    client.socket.send(Message::Frame(endless)).await.unwrap();
    for _ in 0..70 {
        let more = Frame::message(vec![b' '; 1_000], OpCode::Data(Data::Continue), false);
        if client.socket.send(Message::Frame(more)).await.is_err() {
            break;
        }
    }
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn a_flood_of_control_frames_is_not_free() {
    let server = Server::with(Settings { commands_per_second_max: 100, ..Default::default() }).await;
    let mut client = Client::connect(&server).await;
    for _ in 0..400 {
        if client.socket.feed(Message::Ping(vec![0; 100].into())).await.is_err() {
            break;
        }
    }
    let _ = client.socket.flush().await;
    assert_eq!(client.closed().await.0, 3013);
    assert_eq!(Client::connect(&server).await.call("ping", json!({})).await["ping"], json!({}));
}
