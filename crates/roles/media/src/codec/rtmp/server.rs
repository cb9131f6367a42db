//! The server's end of a connection that publishes.
//!
//! Promise: feed it what was read, take events out, send what [`ServerSession::take_output`] gives. One publish per
//! connection. `play` is refused with a sentence. Tags before an accepted `publish` are lost.

use super::{
    ChunkReader, ChunkWriter, RtmpError,
    acknowledgement::Acknowledgement,
    capabilities,
    command::Command,
    handshake::Handshake,
    limits::{AMF_BYTES_MAX, MESSAGE_BYTES_MAX, STREAM_KEY_BYTES_MAX},
    message::{Message, MessageKind},
};
use crate::codec::{Tag, TagKind, amf0::Value};

/// Bytes each end may have under way; announced to the peer, enforced by nobody.
const WINDOW_BYTES: u32 = 5_000_000;
const COMMAND_CHUNK_STREAM: u8 = 3;
const CONTROL_CHUNK_STREAM: u8 = 2;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerEvent {
    /// The peer wants to publish. Answer with [`ServerSession::accept`] or [`ServerSession::refuse`].
    Publish {
        /// The publish name without its query: the stream key.
        stream_key: String,
    },
    /// A message of the accepted publisher.
    Tag(Tag),
    /// The publisher is done.
    Unpublished,
    /// The peer was turned away; send the output and close. The sentence says why.
    Refused(String),
}

/// The status a publisher hears when it is turned away or cut off (RTMP 1.0 section 7.2.2.6 and common practice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishStatus {
    /// The name is taken, or no such name may be published.
    BadName,
    /// The name is known, but publishing is not allowed at present, or no longer.
    Denied,
    /// What is published cannot be taken in.
    Failed,
}

impl PublishStatus {
    const fn code(self) -> &'static str {
        match self {
            Self::BadName => "NetStream.Publish.BadName",
            Self::Denied => "NetStream.Publish.Denied",
            Self::Failed => "NetStream.Publish.Failed",
        }
    }
}

/// The state of one connection.
#[derive(Debug)]
pub struct ServerSession {
    app: &'static str,
    handshake: Option<Handshake>,
    reader: ChunkReader,
    writer: ChunkWriter,
    acknowledgement: Acknowledgement,
    output: Vec<u8>,
    connected: bool,
    streams: u32,
    publish: Publish,
    message_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publish {
    No,
    Asked(u32),
    Accepted(u32),
    Over,
}

impl ServerSession {
    /// A new connection. `app` is the only application served; `seed` makes the handshake's bytes differ between connections.
    pub fn new(app: &'static str, seed: u64) -> Self {
        Self {
            app,
            handshake: Some(Handshake::server(seed)),
            reader: ChunkReader::default(),
            writer: ChunkWriter::default(),
            acknowledgement: Acknowledgement::default(),
            output: Vec::new(),
            connected: false,
            streams: 0,
            publish: Publish::No,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    /// Sets the limit of a publisher's message in bytes.
    pub fn set_message_bytes_max(&mut self, bytes: usize) {
        self.message_bytes_max = bytes;
    }

    /// Whether the handshake is over.
    pub fn is_open(&self) -> bool {
        self.handshake.is_none()
    }

    /// Takes bytes off the front of `input` until something happens; `None` when they are all taken.
    ///
    /// # Errors
    /// [`RtmpError`] when the peer breaks the protocol or a limit; close the connection then.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<ServerEvent>, RtmpError> {
        let before = input.len();
        let event = self.advance(input);
        self.acknowledgement.count(before - input.len());
        if let (Ok(None), Some(sequence)) = (&event, self.acknowledgement.due()) {
            self.control(3, &sequence.to_be_bytes());
        }
        event
    }

    /// What to send to the peer; empty when there is nothing.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Lets the peer publish: its tags come as events from now on.
    pub fn accept(&mut self) {
        if let Publish::Asked(stream) = self.publish {
            self.publish = Publish::Accepted(stream);
            self.reader.set_message_bytes_max(self.message_bytes_max);
            self.status(stream, "status", "NetStream.Publish.Start", "The stream is taken in.");
        }
    }

    /// Turns the peer away, or cuts an accepted publisher off; send the output and close.
    pub fn refuse(&mut self, status: PublishStatus, description: &str) {
        if let Publish::Asked(stream) | Publish::Accepted(stream) = self.publish {
            self.publish = Publish::Over;
            self.status(stream, "error", status.code(), description);
        }
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<ServerEvent>, RtmpError> {
        if let Some(handshake) = &mut self.handshake {
            if !handshake.receive(input, &mut self.output)? {
                return Ok(None);
            }
            self.handshake = None;
        }
        while let Some(message) = self.reader.next_message(input)? {
            if let Some(event) = self.receive(message)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn receive(&mut self, message: Message) -> Result<Option<ServerEvent>, RtmpError> {
        match message.kind() {
            MessageKind::Tag(kind) => Ok(self.tag(kind, message)),
            MessageKind::Command => self.command(&message),
            MessageKind::WindowSize => {
                let window = message.control_value().ok_or(RtmpError::ControlTruncated(message.number))?;
                self.acknowledgement.set_window(window);
                Ok(None)
            }
            MessageKind::UserControl => {
                // A ping (6) is answered by the same bytes as a pong (7).
                if let [0, 6, time @ ..] = &message.payload[..]
                    && time.len() == 4
                {
                    self.control(4, &[&[0, 7], time].concat());
                }
                Ok(None)
            }
            MessageKind::Aggregate => Err(RtmpError::Aggregate),
            _ => Ok(None),
        }
    }

    fn tag(&self, kind: TagKind, message: Message) -> Option<ServerEvent> {
        let mut body = message.payload;
        if kind == TagKind::Data && body.len() > AMF_BYTES_MAX {
            return None;
        }
        if message.number == 15 {
            body = body.slice(body.len().min(1)..);
        }
        let tag = Tag { kind, timestamp_ms: message.timestamp_ms, body };
        (self.publish == Publish::Accepted(message.stream)).then_some(ServerEvent::Tag(tag))
    }

    fn command(&mut self, message: &Message) -> Result<Option<ServerEvent>, RtmpError> {
        let command = Command::decode(message)?;
        if command.name == "connect" {
            return Ok(self.connect(&command));
        }
        if !self.connected {
            return Err(RtmpError::NotConnected(command.name.chars().take(32).collect()));
        }
        match command.name.as_str() {
            "releaseStream" | "FCPublish" => self.result(command.transaction, Value::Undefined),
            "createStream" => {
                self.streams = self.streams.saturating_add(1);
                self.result(command.transaction, Value::Number(f64::from(self.streams)));
            }
            "publish" => return Ok(self.publish(message.stream, command.text(0).unwrap_or_default())),
            "play" | "play2" => {
                let description = "This server takes streams in. Watch them on its web page.";
                self.status(message.stream, "error", "NetStream.Play.Failed", description);
            }
            "FCUnpublish" | "closeStream" | "deleteStream" => return Ok(self.unpublish()),
            _ => {}
        }
        Ok(None)
    }

    fn connect(&mut self, command: &Command) -> Option<ServerEvent> {
        let asked = command.object().and_then(|object| object.get("app")).and_then(Value::as_str).unwrap_or_default();
        let app = asked.split('?').next().unwrap_or_default().trim_matches('/');
        if app != self.app {
            let shown: String = app.chars().take(64).collect();
            let reason = format!("There is no application {shown:?} here; publish to rtmp://…/{} instead.", self.app);
            let status = status_object("error", "NetConnection.Connect.Rejected", &reason);
            self.send_command(0, "_error", command.transaction, &[Value::Null, status]);
            return Some(ServerEvent::Refused(reason));
        }
        self.connected = true;
        self.control(5, &WINDOW_BYTES.to_be_bytes());
        self.control(6, &[&WINDOW_BYTES.to_be_bytes()[..], &[2]].concat());
        self.writer.set_chunk_bytes(4_096, &mut self.output);
        let enhanced = command.object().is_some_and(capabilities::are_asked_for);
        let properties =
            Value::object([("fmsVer", Value::string("FMS/3,0,1,123")), ("capabilities", Value::Number(31.0))]);
        let mut status = status_object("status", "NetConnection.Connect.Success", "Connected.");
        if let Value::Object(entries) = &mut status {
            entries.push(("objectEncoding".to_owned(), Value::Number(0.0)));
            if enhanced {
                entries.extend(capabilities::answer());
            }
        }
        self.send_command(0, "_result", command.transaction, &[properties, status]);
        None
    }

    fn publish(&mut self, stream: u32, name: &str) -> Option<ServerEvent> {
        let stream_key = name.split('?').next().unwrap_or_default();
        if matches!(self.publish, Publish::Asked(_) | Publish::Accepted(_)) {
            let description = "This connection publishes already; open another one.";
            self.status(stream, "error", PublishStatus::BadName.code(), description);
            return None;
        }
        self.publish = Publish::Asked(stream);
        if stream_key.is_empty() || stream_key.len() > STREAM_KEY_BYTES_MAX {
            let reason = format!("A stream key has 1 to {STREAM_KEY_BYTES_MAX} bytes.");
            self.refuse(PublishStatus::BadName, &reason);
            return Some(ServerEvent::Refused(reason));
        }
        Some(ServerEvent::Publish { stream_key: stream_key.to_owned() })
    }

    fn unpublish(&mut self) -> Option<ServerEvent> {
        let Publish::Accepted(stream) = self.publish else { return None };
        self.publish = Publish::Over;
        self.status(stream, "status", "NetStream.Unpublish.Success", "The stream has ended.");
        Some(ServerEvent::Unpublished)
    }

    fn status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        self.send_command(stream, "onStatus", 0.0, &[Value::Null, status_object(level, code, description)]);
    }

    fn result(&mut self, transaction: f64, value: Value) {
        self.send_command(0, "_result", transaction, &[Value::Null, value]);
    }

    fn send_command(&mut self, stream: u32, name: &str, transaction: f64, values: &[Value]) {
        let body = Command::encode(name, transaction, values);
        self.writer.write(&mut self.output, COMMAND_CHUNK_STREAM, 20, stream, 0, &body);
    }

    fn control(&mut self, number: u8, body: &[u8]) {
        self.writer.write(&mut self.output, CONTROL_CHUNK_STREAM, number, 0, 0, body);
    }
}

fn status_object(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", Value::string(level)),
        ("code", Value::string(code)),
        ("description", Value::string(description)),
    ])
}
