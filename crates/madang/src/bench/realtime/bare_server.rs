//! The least a WebSocket server can do for a room: whatever a sender says goes to every viewer, as one frame each. No rooms, no
//! history, no acknowledgement, nothing parsed. The limit other servers are measured against.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{self, Frame, PING, PONG, TEXT};

const LISTENER: Token = Token(usize::MAX);
/// As many connections may wait to be accepted as at Madang's own port.
const BACKLOG: i32 = 4_096;
const READ_BYTES: usize = 64 * 1024;
/// Frames that all viewers have are let go once they are this many bytes.
const LET_GO_BYTES: usize = 4 << 20;

/// How much is written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// All a viewer has not got yet.
    Batched,
    /// One message.
    Single,
}

struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    /// Where in the log it stands; none: it is no viewer.
    cursor: Option<u64>,
    open: bool,
}

struct Server {
    poll: Poll,
    writes: Writes,
    clients: Vec<Option<Client>>,
    /// Frames in order, from the byte `begin` on.
    log: Vec<u8>,
    begin: u64,
    scratch: Vec<u8>,
}

/// Serves until the process is ended; prints where.
#[allow(clippy::print_stdout, reason = "whoever started it wants to know where it listens")]
pub(crate) fn run(address: SocketAddr, writes: Writes) -> io::Result<()> {
    let mut listener = listen(address)?;
    println!("{}", listener.local_addr()?);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (log, scratch) = (Vec::new(), vec![0; READ_BYTES]);
    let mut server = Server { poll, writes, clients: Vec::new(), log, begin: 0, scratch };
    let mut events = Events::with_capacity(4096);
    loop {
        server.poll.poll(&mut events, None)?;
        let before = server.end();
        for event in events.iter() {
            match event.token() {
                LISTENER => server.accept(&listener)?,
                Token(number) => {
                    server.serve(number, event.is_readable());
                    server.write(number);
                }
            }
        }
        if server.end() > before {
            (0..server.clients.len()).for_each(|number| server.write(number));
            server.let_go();
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Server {
    fn end(&self) -> u64 {
        self.begin + self.log.len() as u64
    }

    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.clients.len());
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            let (unread, unsent) = (Vec::new(), Vec::new());
            self.clients.push(Some(Client { stream, unread, unsent, cursor: None, open: false }));
        }
        Ok(())
    }

    fn serve(&mut self, number: usize, is_readable: bool) {
        let end = self.end();
        let Some(place) = self.clients.get_mut(number) else { return };
        let Some(client) = place.as_mut().filter(|_| is_readable) else { return };
        loop {
            match client.stream.read(&mut self.scratch) {
                Ok(read @ 1..) => client.unread.extend_from_slice(&self.scratch[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => {
                    *place = None;
                    return;
                }
            }
        }
        if client.take(end, &mut self.log).is_err() {
            *place = None;
        }
    }

    fn write(&mut self, number: usize) {
        let Some(place) = self.clients.get_mut(number) else { return };
        let Some(client) = place else { return };
        if client.write(&self.log, self.begin, self.writes).is_err() {
            *place = None;
        }
    }

    fn let_go(&mut self) {
        let slowest = self.clients.iter().flatten().filter_map(|client| client.cursor).min().unwrap_or(self.end());
        let passed = (slowest - self.begin) as usize;
        if passed > LET_GO_BYTES {
            self.log.drain(..passed);
            self.begin = slowest;
        }
    }
}

impl Client {
    /// Takes what was read: the handshake, then frames, which become the log's.
    fn take(&mut self, end: u64, log: &mut Vec<u8>) -> io::Result<()> {
        let mut at = 0;
        if !self.open {
            let Some(head) = memchr::memmem::find(&self.unread, b"\r\n\r\n") else { return Ok(()) };
            self.unsent = frames::answer(&self.unread[..head])?;
            self.open = true;
            self.cursor = (!self.unread.starts_with(b"GET /send")).then_some(end);
            at = head + 4;
        }
        while let Some(frame) = Frame::read(&self.unread, at)? {
            at = frame.payload.end;
            frame.unmask(&mut self.unread);
            let payload = &self.unread[frame.payload.clone()];
            match frame.opcode {
                TEXT => frames::append(log, TEXT, payload),
                PING => frames::append(&mut self.unsent, PONG, payload),
                _ => {}
            }
        }
        self.unread.drain(..at);
        Ok(())
    }

    fn write(&mut self, log: &[u8], begin: u64, writes: Writes) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let Some(written) = written(self.stream.write(&self.unsent))? else { return Ok(()) };
            self.unsent.drain(..written);
        }
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        loop {
            let from = (*cursor - begin) as usize;
            let waiting = &log[from..];
            let now = match writes {
                Writes::Single => Frame::read(log, from)?.map_or(waiting, |frame| &log[from..frame.payload.end]),
                Writes::Batched => waiting,
            };
            if now.is_empty() {
                return Ok(());
            }
            let Some(written) = written(self.stream.write(now))? else { return Ok(()) };
            *cursor += written as u64;
        }
    }
}

/// None: the socket takes no more now.
fn written(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Ok(written) => Ok(Some(written)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
