//! Many connections on one thread, as cheap as they can be: one buffer to read into for all, no copy of what was read whole,
//! no timers. Connections that end are told to the load, which decides whether they come back.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use memchr::memmem;
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    dialects::{Calls, Dialect, Part, Said},
    frames::{self, TEXT},
};

/// Read at once from one connection.
const READ_BYTES: usize = 256 * 1024;
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// What the kernel may hold for a connection that was not read yet. Left alone it takes 32 MB for each: together with the
/// server, which has the same kernel here, the crowd ran it out of memory for TCP, and it dropped what it had received.
const UNREAD_BYTES_MAX: usize = 1 << 20;
/// So many connections come from one address: more, and the kernel has to search for free ports.
const PER_ADDRESS: usize = 4000;

/// The connections of one load.
pub(crate) struct Crowd<D> {
    pub(crate) dialect: D,
    /// Connections are spread over them, and come back to the next one.
    servers: Vec<SocketAddr>,
    /// The first address connections come from.
    from: Ipv4Addr,
    poll: Poll,
    links: Vec<Link>,
    /// Connections that have more to read.
    again: Vec<usize>,
    scratch: Vec<u8>,
    bytes_read: u64,
}

struct Link {
    stream: Option<TcpStream>,
    part: Part,
    room: String,
    /// How often it has begun.
    attempts: usize,
    open: Open,
    /// The beginning of something whose end was not read yet.
    tail: Vec<u8>,
    left: usize,
    unsent: Vec<u8>,
    /// The server has nothing more to say than what was not read yet.
    closing: bool,
}

/// How far the opening of a connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Connecting,
    Handshaking,
    Done,
}

/// What happened on a connection.
pub(crate) enum Event<'a> {
    Said(Said<'a>),
    /// It ended.
    Ended(io::Error),
}

impl<D: Dialect> Crowd<D> {
    pub(crate) fn new(dialect: D, servers: &[SocketAddr], from: Ipv4Addr) -> io::Result<Self> {
        let (poll, links, again, servers) = (Poll::new()?, Vec::new(), Vec::new(), servers.to_vec());
        Ok(Self { dialect, servers, from, poll, links, again, scratch: vec![0; READ_BYTES], bytes_read: 0 })
    }

    /// Begins another connection and returns its number.
    pub(crate) fn join(&mut self, part: Part, room: &str) -> io::Result<usize> {
        let number = self.links.len();
        self.links.push(Link::new(part, room.to_owned(), 0));
        self.begin(number)?;
        Ok(number)
    }

    /// Begins a connection anew that ended.
    pub(crate) fn rejoin(&mut self, number: usize, part: Part) -> io::Result<()> {
        if let Some(link) = self.links.get_mut(number) {
            *link = Link::new(part, std::mem::take(&mut link.room), link.attempts + 1);
        }
        self.begin(number)
    }

    fn begin(&mut self, number: usize) -> io::Result<()> {
        let Some(link) = self.links.get_mut(number) else { return Ok(()) };
        let server = self.servers.get((number + link.attempts) % self.servers.len().max(1));
        let server = *server.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
        let from = Ipv4Addr::from(u32::from(self.from) + (number / PER_ADDRESS) as u32);
        socket.bind(&SocketAddr::new(IpAddr::V4(from), 0).into())?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // Linux takes it twice: once for its own bookkeeping.
        socket.set_recv_buffer_size(UNREAD_BYTES_MAX / 2)?;
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                return Err(error);
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        link.stream = Some(stream);
        Ok(())
    }

    /// Puts a message of a connection in line; [`Crowd::flush`] sends the line.
    pub(crate) fn send(&mut self, number: usize, message: usize, payload: &[u8]) {
        if let Some(link) = self.links.get_mut(number) {
            self.dialect.send(&link.room, message, payload, &mut link.unsent);
        }
    }

    /// The same to another room.
    pub(crate) fn send_to(&mut self, number: usize, room: &str, message: usize, payload: &[u8]) {
        if let Some(link) = self.links.get_mut(number) {
            self.dialect.send(room, message, payload, &mut link.unsent);
        }
    }

    /// Puts a call of a procedure in line.
    pub(crate) fn call(&mut self, number: usize, message: usize, method: &str, data: &Value)
    where
        D: Calls,
    {
        if let Some(link) = self.links.get_mut(number) {
            self.dialect.call(message, method, data, &mut link.unsent);
        }
    }

    /// Bytes read so far, over all connections.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    pub(crate) fn flush(&mut self, number: usize) {
        if let Some(link) = self.links.get_mut(number) {
            link.flush();
        }
    }

    /// Waits for something to happen, no longer than `patience`, and tells it.
    pub(crate) fn turn(
        &mut self,
        events: &mut Events,
        patience: Duration,
        mut on: impl FnMut(usize, Event<'_>),
    ) -> io::Result<()> {
        let again = std::mem::take(&mut self.again);
        let patience = if again.is_empty() { patience } else { Duration::ZERO };
        match self.poll.poll(events, Some(patience)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        for number in again {
            self.happened(number, &mut on);
        }
        for event in events.iter() {
            let number = event.token().0;
            if let Some(link) = self.links.get_mut(number) {
                link.closing |= event.is_read_closed() || event.is_error();
            }
            self.happened(number, &mut on);
        }
        Ok(())
    }

    fn happened(&mut self, number: usize, on: &mut impl FnMut(usize, Event<'_>)) {
        let Some(link) = self.links.get_mut(number).filter(|link| link.stream.is_some()) else { return };
        let result = link.opened(&self.dialect, number, on).and_then(|()| {
            link.flush();
            link.read(&self.dialect, &mut self.scratch, &mut self.bytes_read, &mut |said| on(number, Event::Said(said)))
        });
        match result {
            // No further event tells of an end that has been told.
            Ok(more) if more || link.closing => self.again.push(number),
            Ok(_) => {}
            Err(error) => {
                link.stream = None;
                on(number, Event::Ended(error));
            }
        }
    }
}

impl Link {
    fn new(part: Part, room: String, attempts: usize) -> Self {
        let (tail, unsent) = (Vec::new(), Vec::new());
        Self { stream: None, part, room, attempts, open: Open::Connecting, tail, left: 0, unsent, closing: false }
    }

    /// Says the first words once the connection is there.
    fn opened<D: Dialect>(
        &mut self,
        dialect: &D,
        number: usize,
        on: &mut impl FnMut(usize, Event<'_>),
    ) -> io::Result<()> {
        if self.open != Open::Connecting {
            return Ok(());
        }
        let Some(stream) = &self.stream else { return Ok(()) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        if stream.peer_addr().is_err() {
            return Ok(());
        }
        match dialect.path(&self.part, &self.room) {
            Some(path) => {
                self.open = Open::Handshaking;
                self.unsent.extend_from_slice(&frames::request(&path));
            }
            None => self.greet(dialect, &mut |said| on(number, Event::Said(said))),
        }
        Ok(())
    }

    fn greet<D: Dialect>(&mut self, dialect: &D, said: &mut impl FnMut(Said<'_>)) {
        self.open = Open::Done;
        let greeting = dialect.greeting(&self.part, &self.room);
        if greeting.is_empty() {
            said(Said::Ready(""));
        }
        self.unsent.extend_from_slice(&greeting);
    }

    fn flush(&mut self) {
        while let (Some(stream), false) = (&mut self.stream, self.unsent.is_empty()) {
            match stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                // Either it becomes writable, or reading tells that the connection ended.
                Err(_) => return,
            }
        }
    }

    /// Reads once; says whether there may be more.
    fn read<D: Dialect>(
        &mut self,
        dialect: &D,
        scratch: &mut Vec<u8>,
        bytes_read: &mut u64,
        said: &mut impl FnMut(Said<'_>),
    ) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else { return Ok(false) };
        let begun = self.tail.len();
        if scratch.len() < begun + READ_BYTES {
            scratch.resize(begun + READ_BYTES, 0);
        }
        scratch[..begun].copy_from_slice(&self.tail);
        let room = READ_BYTES;
        let read = match stream.read(&mut scratch[begun..begun + room]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotConnected && self.open == Open::Connecting => {
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        *bytes_read += read as u64;
        let buffer = &mut scratch[..begun + read];
        let mut at = 0;
        if self.open == Open::Handshaking {
            at = self.handshake(dialect, buffer, said)?;
        }
        if self.open == Open::Done {
            let mut answers = Vec::new();
            at += dialect.read(&mut self.left, &mut buffer[at..], |what| match what {
                Said::Ping(answer) => {
                    answers.push(answer);
                    said(Said::Ping(answer));
                }
                what => said(what),
            })?;
            for answer in answers {
                match dialect.path(&self.part, &self.room) {
                    Some(_) => frames::append_masked(&mut self.unsent, TEXT, answer),
                    None => self.unsent.extend_from_slice(answer),
                }
            }
        }
        self.tail.clear();
        self.tail.extend_from_slice(&buffer[at..]);
        if self.tail.is_empty() {
            self.tail = Vec::new();
        }
        self.flush();
        Ok(read == room)
    }

    /// Reads the answer to the handshake; returns where it ends, 0 as long as it has no end.
    fn handshake<D: Dialect>(
        &mut self,
        dialect: &D,
        buffer: &[u8],
        said: &mut impl FnMut(Said<'_>),
    ) -> io::Result<usize> {
        let Some(end) = memmem::find(buffer, b"\r\n\r\n") else {
            return if buffer.len() > HEAD_BYTES_MAX {
                Err(io::Error::other("no end of the answer's head"))
            } else {
                Ok(0)
            };
        };
        if !buffer.starts_with(b"HTTP/1.1 101") {
            let line = String::from_utf8_lossy(&buffer[..end.min(100)]).into_owned();
            return Err(io::Error::other(format!("no WebSocket: {line}")));
        }
        self.greet(dialect, said);
        Ok(end + 4)
    }
}
