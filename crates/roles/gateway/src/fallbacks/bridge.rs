//! Carries a session's frames: plays the client's side of a WebSocket towards the connection, so that everything behind it is the
//! same as for one.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::mpsc,
};

use super::sessions::Session;
use crate::{
    protocol::{Encoding, Message, Push, codes::Disconnect, encode},
    settings::MESSAGE_BYTES_MAX,
};

/// Bytes between the connection and this.
pub(super) const BUFFER_BYTES: usize = 64 << 10;
/// Frames to the client that wait for the kernel to take them.
pub(super) const FRAMES_DOWN_MAX: usize = 4;

/// Carries frames until one of both sides has enough.
pub(super) async fn carry(
    wire: DuplexStream,
    first: Bytes,
    up: mpsc::Receiver<Bytes>,
    down: mpsc::Sender<Bytes>,
    encoding: Encoding,
    session: Session,
) {
    let (reading, writing) = tokio::io::split(wire);
    tokio::select! {
        _ = carry_up(writing, first, up, encoding) => {}
        _ = carry_down(reading, &down, encoding) => {}
        // The client's response is gone.
        () = down.closed() => {}
    }
    drop(session);
}

async fn carry_up(
    mut wire: WriteHalf<DuplexStream>,
    first: Bytes,
    mut up: mpsc::Receiver<Bytes>,
    encoding: Encoding,
) -> io::Result<()> {
    let mut next = Some(first);
    while let Some(payload) = next {
        wire.write_all(&frame(encoding, &payload)).await?;
        next = up.recv().await;
    }
    Ok(())
}

async fn carry_down(
    mut wire: ReadHalf<DuplexStream>,
    down: &mpsc::Sender<Bytes>,
    encoding: Encoding,
) -> io::Result<()> {
    loop {
        let (opcode, payload) = read(&mut wire).await?;
        let (payload, last) = match opcode {
            TEXT | BINARY => (payload, false),
            CLOSE => (goodbye(encoding, &payload), true),
            _ => continue,
        };
        if down.send(payload).await.is_err() || last {
            return Ok(());
        }
    }
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const WHOLE: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A frame as clients write it (RFC 6455 §5.2), masked with zeros.
fn frame(encoding: Encoding, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 14);
    frame.put_u8(WHOLE | if encoding == Encoding::Json { TEXT } else { BINARY });
    match payload.len() {
        length @ 0..=125 => frame.put_u8(MASKED | length as u8),
        length @ 126..=0xffff => {
            frame.put_u8(MASKED | 126);
            frame.put_u16(length as u16);
        }
        length => {
            frame.put_u8(MASKED | 127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_u32(0);
    frame.put_slice(payload);
    frame.freeze()
}

/// A frame as the connection wrote it: whole and not masked.
async fn read(wire: &mut ReadHalf<DuplexStream>) -> io::Result<(u8, Bytes)> {
    let opcode = wire.read_u8().await? & 0x0f;
    let length = match wire.read_u8().await? {
        126 => usize::from(wire.read_u16().await?),
        127 => usize::try_from(wire.read_u64().await?).map_err(io::Error::other)?,
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    wire.read_exact(&mut payload).await?;
    Ok((opcode, payload.into()))
}

/// The push that says what a close frame says.
fn goodbye(encoding: Encoding, payload: &[u8]) -> Bytes {
    let (code, reason) = match payload {
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason).into_owned()),
        _ => (1_000, String::new()),
    };
    let push = Push::Disconnect(Disconnect { code, reason: reason.into() });
    let mut frame = Vec::new();
    encoding.append(&mut frame, &encode(encoding, &Message::Push("".into(), push)));
    frame.into()
}

/// Whether a frame is one that a WebSocket would take.
pub(super) fn fits(payload: &[u8]) -> bool {
    payload.len() <= MESSAGE_BYTES_MAX
}
