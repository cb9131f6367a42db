//! The cheapest honest WebSocket server that passes on what it gets: one room, no log, no rules, no parser. Handshakes and
//! frames as RFC 6455 has them. Each connection stands at a place in one buffer of finished frames; what lies before it is
//! written at once, or frame by frame where that is asked for. It is the limit others are measured against.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use memchr::memmem;
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use slab::Slab;

use super::frames::{self, CLOSE, Frame, PING, PONG, TEXT};

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;
/// The buffer is cut when it is longer than this and everybody has had its beginning.
const CUT_BYTES: usize = 4 << 20;
/// A viewer that is further behind ends.
const BEHIND_BYTES_MAX: u64 = 512 << 20;

pub(crate) struct Server {
    listener: TcpListener,
    poll: Poll,
    peers: Slab<Peer>,
    /// Frames in a row; `base` bytes that came before them are gone.
    frames: Vec<u8>,
    base: u64,
    frame_by_frame: bool,
    scratch: Vec<u8>,
    again: Vec<usize>,
}

struct Peer {
    stream: TcpStream,
    /// What was read without its end.
    tail: Vec<u8>,
    /// Handshake answers and pongs.
    unsent: Vec<u8>,
    /// Where this viewer stands in all frames; none: it only sends, or has not shaken hands.
    place: Option<u64>,
    open: bool,
    writable: bool,
}

impl Server {
    pub(crate) fn bind(address: SocketAddr, frame_by_frame: bool) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(listener(address)?);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (peers, frames, again) = (Slab::new(), Vec::new(), Vec::new());
        Ok(Self { listener, poll, peers, frames, base: 0, frame_by_frame, scratch: vec![0; READ_BYTES], again })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let patience = (!self.again.is_empty()).then_some(std::time::Duration::ZERO);
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let mut woken: Vec<usize> = std::mem::take(&mut self.again);
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(key) => {
                        if event.is_writable() && let Some(peer) = self.peers.get_mut(key) {
                            peer.writable = true;
                        }
                        woken.push(key);
                    }
                }
            }
            let before = self.end();
            woken.iter().for_each(|key| self.read(*key));
            if self.end() > before {
                let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
                keys.into_iter().for_each(|key| self.write(key));
            } else {
                woken.into_iter().for_each(|key| self.write(key));
            }
            self.cut();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.peers.vacant_entry();
            self.poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE | Interest::WRITABLE)?;
            let (tail, unsent) = (Vec::new(), Vec::new());
            entry.insert(Peer { stream, tail, unsent, place: None, open: false, writable: true });
        }
    }

    fn end(&self) -> u64 {
        self.base + self.frames.len() as u64
    }

    fn read(&mut self, key: usize) {
        let end = self.end();
        let Some(peer) = self.peers.get_mut(key) else { return };
        match peer.read(&mut self.scratch, end, &mut self.frames) {
            Ok(true) => self.again.push(key),
            Ok(false) => {}
            Err(_) => drop(self.peers.try_remove(key)),
        }
    }

    fn write(&mut self, key: usize) {
        let end = self.end();
        let Some(peer) = self.peers.get_mut(key) else { return };
        let far_behind = peer.place.is_some_and(|place| end - place > BEHIND_BYTES_MAX);
        if far_behind || peer.write(&self.frames, self.base, self.frame_by_frame).is_err() {
            self.peers.try_remove(key);
        }
    }

    fn cut(&mut self) {
        if self.frames.len() < CUT_BYTES {
            return;
        }
        let slowest = self.peers.iter().filter_map(|(_, peer)| peer.place).min().unwrap_or(self.end());
        let gone = (slowest - self.base) as usize;
        if gone * 2 >= self.frames.len() {
            self.frames.drain(..gone);
            self.base = slowest;
        }
    }
}

impl Peer {
    /// Reads once and appends the frames to pass on; says whether there may be more to read.
    fn read(&mut self, scratch: &mut Vec<u8>, end: u64, passed_on: &mut Vec<u8>) -> io::Result<bool> {
        let begun = self.tail.len();
        scratch.resize((begun + READ_BYTES).max(scratch.len()), 0);
        scratch[..begun].copy_from_slice(&self.tail);
        let read = match self.stream.read(&mut scratch[begun..begun + READ_BYTES]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let buffer = &mut scratch[..begun + read];
        let mut at = 0;
        if !self.open {
            at = self.handshake(buffer, end)?;
        }
        while let Some(frame) = if self.open { Frame::read(buffer, at)? } else { None } {
            at = frame.payload.end;
            frame.unmask(buffer);
            match frame.opcode {
                CLOSE => return Err(io::ErrorKind::UnexpectedEof.into()),
                PING => frames::append(&mut self.unsent, PONG, &buffer[frame.payload]),
                PONG => {}
                _ => frames::append(passed_on, TEXT, &buffer[frame.payload]),
            }
        }
        self.tail.clear();
        self.tail.extend_from_slice(&buffer[at..]);
        if self.tail.is_empty() {
            self.tail = Vec::new();
        }
        Ok(read == READ_BYTES)
    }

    fn handshake(&mut self, buffer: &[u8], end: u64) -> io::Result<usize> {
        let Some(head) = memmem::find(buffer, b"\r\n\r\n") else { return Ok(0) };
        self.unsent = frames::answer(&buffer[..head])?;
        self.open = true;
        self.place = (!buffer.starts_with(b"GET /send ")).then_some(end);
        Ok(head + 4)
    }

    fn write(&mut self, frames: &[u8], base: u64, frame_by_frame: bool) -> io::Result<()> {
        while self.writable && !self.unsent.is_empty() {
            let written = self.put(None, frames)?;
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
        while let (true, Some(place)) = (self.writable, self.place) {
            let from = (place - base) as usize;
            if from == frames.len() {
                break;
            }
            let to = if frame_by_frame { next_frame(frames, from)? } else { frames.len() };
            self.place = Some(place + self.put(Some(from..to), frames)? as u64);
        }
        Ok(())
    }

    /// Writes a part of the frames, or what is unsent; nothing while the connection takes nothing.
    fn put(&mut self, part: Option<std::ops::Range<usize>>, frames: &[u8]) -> io::Result<usize> {
        let bytes = part.map_or(&self.unsent[..], |part| &frames[part]);
        match self.stream.write(bytes) {
            Ok(written) => Ok(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }
}

/// Where the frame ends that begins at `from`.
fn next_frame(frames: &[u8], from: usize) -> io::Result<usize> {
    let frame = Frame::read(frames, from)?.ok_or_else(|| io::Error::other("half a frame"))?;
    Ok(frame.payload.end)
}

/// A listener with room for a crowd that comes at once.
fn listener(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
