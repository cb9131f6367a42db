//! A plain client of the realtime connection: sends commands of the Centrifuge protocol as JSON and reads what comes.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::site::{PATIENCE, Person, Site};

/// What a connection runs over: TCP, or TLS.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// One connection.
pub(crate) struct Connection {
    socket: WebSocketStream<Box<dyn Wire>>,
    waiting: VecDeque<Value>,
    /// Pushes that came while a reply was awaited.
    pub(crate) pushes: VecDeque<Value>,
    next_id: u64,
    /// The code of the server's close frame, when it came.
    pub(crate) closed_with: Option<u16>,
}

impl Connection {
    /// Connects, signed in or not.
    pub(crate) async fn open(site: &Site, person: Option<&Person>) -> Self {
        Self::at(site.http, person.map_or("", |person| &person.token)).await
    }

    /// Connects to a server, with a token or without.
    pub(crate) async fn at(server: SocketAddr, token: &str) -> Self {
        Self::greeted(server, token).await.0
    }

    /// The same, with what the server says to it.
    pub(crate) async fn greeted(server: SocketAddr, token: &str) -> (Self, Value) {
        let stream = TcpStream::connect(server).await.unwrap();
        let mut connection = Self::unconnected(stream, format!("ws://{server}/connection/websocket")).await;
        let reply = connection.call("connect", json!({ "token": token })).await.unwrap()["connect"].take();
        assert!(reply["client"].is_string(), "{reply}");
        (connection, reply)
    }

    /// The same over a stream, with any request for a WebSocket.
    pub(crate) async fn over<S>(stream: S, request: impl IntoClientRequest + Unpin, token: &str) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = Self::unconnected(stream, request).await;
        let reply = connection.call("connect", json!({ "token": token })).await.unwrap();
        assert!(reply["connect"]["client"].is_string(), "{reply}");
        connection
    }

    /// Has a server refuse to connect this token; the code with which it closes.
    pub(crate) async fn refused_at(server: SocketAddr, token: &str) -> Option<u16> {
        let stream = TcpStream::connect(server).await.unwrap();
        let mut connection = Self::unconnected(stream, format!("ws://{server}/connection/websocket")).await;
        let reply = connection.call("connect", json!({ "token": token })).await;
        assert_eq!(reply, None, "it is refused");
        connection.closed_with
    }

    async fn unconnected<S>(stream: S, request: impl IntoClientRequest + Unpin) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream: Box<dyn Wire> = Box::new(stream);
        let (socket, _) = client_async(request, stream).await.unwrap();
        Self { socket, waiting: VecDeque::new(), pushes: VecDeque::new(), next_id: 0, closed_with: None }
    }

    /// Sends a command without waiting; gives its id.
    pub(crate) async fn send(&mut self, command: &str, body: Value) -> Option<u64> {
        self.next_id += 1;
        let text = json!({ "id": self.next_id, command: body }).to_string();
        self.socket.send(Message::text(text)).await.ok().map(|()| self.next_id)
    }

    /// Sends a command and gives its reply; `None` when the connection is gone.
    pub(crate) async fn call(&mut self, command: &str, body: Value) -> Option<Value> {
        let id = self.send(command, body).await?;
        loop {
            let message = self.message().await?;
            if message["id"] == id {
                return Some(message);
            }
            self.pushes.push_back(message);
        }
    }

    /// The next publication on any channel; `None` when the connection is gone.
    pub(crate) async fn publication(&mut self) -> Option<Value> {
        loop {
            let message = match self.pushes.pop_front() {
                Some(push) => push,
                None => self.message().await?,
            };
            if message["push"]["pub"].is_object() {
                return Some(message["push"].clone());
            }
        }
    }

    /// The next reply or push; answers pings.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            let frame = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("something comes")
                .and_then(Result::ok)?;
            if let Message::Close(Some(frame)) = &frame {
                self.closed_with = Some(frame.code.into());
            }
            let Message::Text(text) = frame else { continue };
            for line in text.lines() {
                let message: Value = serde_json::from_str(line).unwrap();
                if message == json!({}) {
                    self.socket.send(Message::text("{}")).await.ok()?;
                } else {
                    self.waiting.push_back(message);
                }
            }
        }
    }
}
