//! The publisher's end of a connection.
//!
//! Promise: feed it what was read, send what [`ClientSession::take_output`] gives; once [`ClientEvent::Publishing`]
//! came, [`ClientSession::send`] takes tags. Tags before that are lost.

use super::{
    ChunkReader, ChunkWriter, RtmpError,
    acknowledgement::Acknowledgement,
    command::Command,
    handshake::Handshake,
    limits::MESSAGE_BYTES_MAX,
    message::{Message, MessageKind},
};
use crate::codec::{Tag, TagKind, amf0::Value};

const CHUNK_BYTES: u32 = 64 * 1024;
const CONNECT: f64 = 1.0;
const CREATE_STREAM: f64 = 4.0;

/// Where to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishTarget {
    /// The application, `live`.
    pub app: String,
    /// The whole address without the stream key, as the server is told it.
    pub address: String,
    /// The stream key.
    pub stream_key: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The server takes tags from now on.
    Publishing,
    /// The server turned us away, or cut us off; close the connection.
    Refused {
        /// The status, e.g. `NetStream.Publish.BadName`.
        code: String,
        /// The server's sentence.
        description: String,
    },
}

/// The state of one connection.
#[derive(Debug)]
pub struct ClientSession {
    target: PublishTarget,
    handshake: Option<Handshake>,
    reader: ChunkReader,
    writer: ChunkWriter,
    acknowledgement: Acknowledgement,
    output: Vec<u8>,
    stream: Option<u32>,
    publishing: bool,
}

impl ClientSession {
    /// A new connection; its first bytes are in the output. `seed` makes the handshake's bytes differ.
    pub fn new(target: PublishTarget, seed: u64) -> Self {
        let mut output = Vec::new();
        let handshake = Some(Handshake::client(seed, &mut output));
        let mut reader = ChunkReader::default();
        reader.set_message_bytes_max(MESSAGE_BYTES_MAX);
        Self {
            target,
            handshake,
            reader,
            writer: ChunkWriter::default(),
            acknowledgement: Acknowledgement::default(),
            output,
            stream: None,
            publishing: false,
        }
    }

    /// Takes bytes off the front of `input` until something happens; `None` when they are all taken.
    ///
    /// # Errors
    /// [`RtmpError`] when the server breaks the protocol or a limit; close the connection then.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<ClientEvent>, RtmpError> {
        let before = input.len();
        let event = self.advance(input);
        self.acknowledgement.count(before - input.len());
        if let (Ok(None), Some(sequence)) = (&event, self.acknowledgement.due()) {
            self.writer.write(&mut self.output, 2, 3, 0, 0, &sequence.to_be_bytes());
        }
        event
    }

    /// What to send to the server; empty when there is nothing.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// How much waits to be sent.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// Adds a tag to the output.
    pub fn send(&mut self, tag: &Tag) {
        let Some(stream) = self.stream.filter(|_| self.publishing) else { return };
        let chunk_stream = match tag.kind {
            TagKind::Audio => 4,
            TagKind::Data => 5,
            TagKind::Video => 6,
        };
        self.writer.write(&mut self.output, chunk_stream, tag.kind.number(), stream, tag.timestamp_ms, &tag.body);
    }

    /// Says goodbye in the output.
    pub fn finish(&mut self) {
        let Some(stream) = self.stream.filter(|_| self.publishing) else { return };
        self.publishing = false;
        let key = Value::string(&self.target.stream_key);
        self.command(0, "FCUnpublish", 6.0, &[Value::Null, key]);
        self.command(0, "deleteStream", 7.0, &[Value::Null, Value::Number(f64::from(stream))]);
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<ClientEvent>, RtmpError> {
        if let Some(handshake) = &mut self.handshake {
            if !handshake.receive(input, &mut self.output)? {
                return Ok(None);
            }
            self.handshake = None;
            self.connect();
        }
        while let Some(message) = self.reader.next_message(input)? {
            if let Some(event) = self.receive(&message)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn connect(&mut self) {
        self.writer.set_chunk_bytes(CHUNK_BYTES, &mut self.output);
        let codecs = ["avc1", "hvc1", "av01", "mp4a", "Opus"].map(Value::string).to_vec();
        let object = Value::object([
            ("app", Value::string(&self.target.app)),
            ("type", Value::string("nonprivate")),
            ("flashVer", Value::string("FMLE/3.0 (compatible; madang)")),
            ("tcUrl", Value::string(&self.target.address)),
            ("fourCcList", Value::StrictArray(codecs)),
        ]);
        self.command(0, "connect", CONNECT, &[object]);
    }

    fn receive(&mut self, message: &Message) -> Result<Option<ClientEvent>, RtmpError> {
        match message.kind() {
            MessageKind::Command => self.answer(&Command::decode(message)?),
            MessageKind::WindowSize => {
                let window = message.control_value().ok_or(RtmpError::ControlTruncated(message.number))?;
                self.acknowledgement.set_window(window);
                Ok(None)
            }
            MessageKind::UserControl => {
                if let [0, 6, time @ ..] = &message.payload[..]
                    && time.len() == 4
                {
                    self.writer.write(&mut self.output, 2, 4, 0, 0, &[&[0, 7], time].concat());
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn answer(&mut self, command: &Command) -> Result<Option<ClientEvent>, RtmpError> {
        let status = command.values.get(1);
        match (command.name.as_str(), command.transaction) {
            ("_result", CONNECT) => {
                let key = Value::string(&self.target.stream_key);
                self.command(0, "releaseStream", 2.0, &[Value::Null, key.clone()]);
                self.command(0, "FCPublish", 3.0, &[Value::Null, key]);
                self.command(0, "createStream", CREATE_STREAM, &[Value::Null]);
                Ok(None)
            }
            ("_result", CREATE_STREAM) => {
                let stream = status.and_then(Value::as_number).unwrap_or(1.0) as u32;
                self.stream = Some(stream);
                let (key, kind) = (Value::string(&self.target.stream_key), Value::string("live"));
                self.command(stream, "publish", 5.0, &[Value::Null, key, kind]);
                Ok(None)
            }
            // Servers may refuse the two courtesies and still create the stream.
            ("_error", CONNECT | CREATE_STREAM) => Ok(Some(refused(status))),
            ("onStatus", _) => {
                let text = |name| status.and_then(|status| status.get(name)).and_then(Value::as_str);
                if text("code") == Some("NetStream.Publish.Start") {
                    self.publishing = true;
                    return Ok(Some(ClientEvent::Publishing));
                }
                Ok((text("level") == Some("error")).then(|| refused(status)))
            }
            _ => Ok(None),
        }
    }

    fn command(&mut self, stream: u32, name: &str, transaction: f64, values: &[Value]) {
        let body = Command::encode(name, transaction, values);
        self.writer.write(&mut self.output, 3, 20, stream, 0, &body);
    }
}

fn refused(status: Option<&Value>) -> ClientEvent {
    let text = |name| status.and_then(|status| status.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned();
    ClientEvent::Refused { code: text("code"), description: text("description") }
}
