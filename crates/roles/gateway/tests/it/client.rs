//! A client that speaks the protocol by hand, so that tests see every byte.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderName, HeaderValue, StatusCode},
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::server::Server;

/// Longer than anything a test waits for; a test that gets here fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    messages: VecDeque<Value>,
    next_id: u32,
    /// Frames and messages received.
    pub(crate) frames: usize,
    pub(crate) received: usize,
}

impl Client {
    /// Opens a WebSocket and nothing more.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_with(server, "", &[], None).await.expect("the upgrade was refused")
    }

    /// Opens a WebSocket with a query, headers and a size of the receive buffer.
    pub(crate) async fn open_with(
        server: &Server,
        query: &str,
        headers: &[(&str, &str)],
        receive_buffer: Option<u32>,
    ) -> Result<Self, StatusCode> {
        let mut request = format!("{}{query}", server.url()).into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = socket.connect(server.address).await.unwrap();
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(Self { socket, messages: VecDeque::new(), next_id: 1, frames: 0, received: 0 }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens and connects without an account.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_as(server, "").await
    }

    /// Opens and connects with a token.
    pub(crate) async fn connect_as(server: &Server, token: &str) -> Self {
        let mut client = Self::open(server).await;
        let reply = client.call("connect", json!({ "token": token })).await;
        assert!(reply["connect"]["client"].is_string(), "{reply}");
        client
    }

    /// Sends one frame as it is.
    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a command and returns its id.
    pub(crate) async fn send(&mut self, kind: &str, body: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_text(json!({ "id": id, kind: body }).to_string()).await;
        id
    }

    /// Sends a command and waits for its reply; pushes before it stay in the queue.
    pub(crate) async fn call(&mut self, kind: &str, body: Value) -> Value {
        let id = self.send(kind, body).await;
        self.reply(id).await
    }

    /// The reply with this id.
    pub(crate) async fn reply(&mut self, id: u32) -> Value {
        let mut before = VecDeque::new();
        loop {
            let message = self.message().await;
            if message["id"] == id {
                before.append(&mut self.messages);
                self.messages = before;
                return message;
            }
            before.push_back(message);
        }
    }

    /// Subscribes and returns the result.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Value {
        let reply = self.call("subscribe", json!({ "channel": channel })).await;
        assert!(reply["subscribe"].is_object(), "{reply}");
        reply["subscribe"].clone()
    }

    /// Subscribes from a position and returns the result.
    pub(crate) async fn recover(&mut self, channel: &str, offset: u64, epoch: &str) -> Value {
        let body = json!({ "channel": channel, "recover": true, "offset": offset, "epoch": epoch });
        let reply = self.call("subscribe", body).await;
        assert!(reply["subscribe"].is_object(), "{reply}");
        reply["subscribe"].clone()
    }

    /// The next push of a publication.
    pub(crate) async fn publication(&mut self) -> Value {
        loop {
            let message = self.message().await;
            if message["push"]["pub"].is_object() {
                return message["push"].clone();
            }
            assert_eq!(message, json!({}), "something else than a publication or a ping");
        }
    }

    /// The next message, whatever it is.
    pub(crate) async fn message(&mut self) -> Value {
        loop {
            if let Some(message) = self.messages.pop_front() {
                self.received += 1;
                return message;
            }
            match self.frame().await {
                Message::Text(text) => {
                    self.frames += 1;
                    let lines = text.as_str().split('\n');
                    self.messages.extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
                }
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Message {
        let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing came");
        frame.expect("the connection ended").expect("the connection broke")
    }

    /// The close code, after whatever comes before it.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(close) = self.frame().await {
                let CloseFrame { code, reason } = close.expect("a close without a code");
                // Agrees to the close.
                while let Some(Ok(_)) = self.socket.next().await {}
                return (code.into(), reason.to_string());
            }
        }
    }
}
