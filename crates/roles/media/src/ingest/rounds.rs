//! Looks at publishers' sockets in rounds, all of them in the same moment, instead of whenever something arrives.
//!
//! A publisher sends some 75 packets a second. Waking for each costs more than handling it, so for the time of a session
//! its socket leaves the reactor and is read once a round; the streams of a process share one awakening. The price is
//! half a round of latency on average. What a round leaves unread waits in the socket for the next one.

use std::{io, net::TcpStream as Socket, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::line::Line;

/// The distance of two rounds: a tenth of a part, and enough for 25 Mbit/s with a buffer of 64 KiB.
const ROUND: Duration = Duration::from_millis(20);
/// Reads in a round at the most, so that nobody who sends without end keeps the others waiting.
const READS_MAX: usize = 16;
/// Bytes that wait for a peer to take them at the most; a publisher is sent a few acknowledgements a minute.
const UNSENT_BYTES_MAX: usize = 16 * 1024;

/// The rhythm all publishers of a process share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounds {
    origin: Instant,
}

impl Rounds {
    /// Rounds that begin now.
    pub(super) fn begin() -> Self {
        Self { origin: Instant::now() }
    }

    /// Returns when the next round begins.
    pub(super) async fn next(self) {
        let now = Instant::now();
        let into_round = (now - self.origin).as_nanos() % ROUND.as_nanos();
        let left = ROUND.saturating_sub(Duration::from_nanos(u64::try_from(into_round).unwrap_or_default()));
        sleep_until(now + left).await;
    }
}

/// A socket that is looked at, and does not call.
#[derive(Debug)]
pub(super) struct QuietSocket {
    line: Line<Socket>,
    /// What the peer has not taken yet.
    unsent: Vec<u8>,
}

/// What a look at a socket found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Bytes or none, all handed over.
    Open,
    /// Its end.
    Closed,
}

impl QuietSocket {
    /// Takes a stream out of the reactor.
    pub(super) fn new(line: Line<TcpStream>) -> io::Result<Self> {
        Ok(Self { line: line.into_quiet()?, unsent: Vec::new() })
    }

    /// Gives the stream back to the reactor; `None` when it is of no use to say more on it.
    pub(super) fn into_line(self) -> Option<Line<TcpStream>> {
        if self.unsent.is_empty() { self.line.into_waiting().ok() } else { None }
    }

    /// Reads what is there, by way of `buffer`, and hands it to `take` until that fails.
    pub(super) fn read<E: From<io::Error>>(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Found, E> {
        for _ in 0..READS_MAX {
            match self.line.read(buffer) {
                Ok(0) => return Ok(Found::Closed),
                Ok(length) => {
                    take(buffer.get(..length).unwrap_or_default())?;
                    if length < buffer.len() && self.line.ends_with_a_short_read() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Found::Open)
    }

    /// Sends what the peer takes of what is to be sent, now and from before; the rest goes with the next round.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        if self.unsent.is_empty() && !self.line.is_unsent() {
            return Ok(());
        }
        match self.line.write(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if self.unsent.len() > UNSENT_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read what is sent to it"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    async fn pair() -> (TcpStream, QuietSocket) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (near.unwrap(), QuietSocket::new(Line::plain(far.unwrap().0)).unwrap())
    }

    #[tokio::test]
    async fn a_look_hands_over_what_is_there_and_then_the_end() {
        let (mut near, mut socket) = pair().await;
        let (mut buffer, mut taken) = ([0; 4], Vec::new());
        let mut look = |taken: &mut Vec<u8>| {
            socket.read(&mut buffer, |bytes| {
                taken.extend_from_slice(bytes);
                Ok::<_, io::Error>(())
            })
        };
        assert_eq!(look(&mut taken).unwrap(), Found::Open);
        near.write_all(b"more than the buffer holds").await.unwrap();
        near.shutdown().await.unwrap();
        while look(&mut taken).unwrap() == Found::Open {
            tokio::task::yield_now().await;
        }
        assert_eq!(taken, b"more than the buffer holds");
    }

    #[tokio::test]
    async fn a_peer_that_never_reads_is_given_up() {
        let (_near, mut socket) = pair().await;
        let given_up = (0..100_000).find_map(|_| socket.send(&[0; 1_024]).err());
        assert_eq!(given_up.map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert!(socket.unsent.len() <= UNSENT_BYTES_MAX + 1_024);
    }

    #[tokio::test(start_paused = true)]
    async fn rounds_of_all_begin_in_the_same_moment() {
        let rounds = Rounds::begin();
        tokio::time::advance(Duration::from_millis(7)).await;
        let early = tokio::spawn(async move {
            rounds.next().await;
            Instant::now()
        });
        tokio::time::advance(Duration::from_millis(6)).await;
        rounds.next().await;
        assert_eq!(Instant::now() - rounds.origin, ROUND);
        assert_eq!(early.await.unwrap(), Instant::now());
    }
}
