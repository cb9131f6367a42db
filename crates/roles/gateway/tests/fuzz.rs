//! Frames nobody would send: mutations of kept corpora through the decoders of commands, and that of WebSocket frames.
//!
//! `MADANG_FUZZ_SECONDS` is how long to try each (default 2); `MADANG_FUZZ_SEED` replays one mutation. What is
//! found goes into `corpus/`, `corpus_protobuf/` or `corpus_frames/` as a file of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::{
    io::{Cursor, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use gateway::{
    protocol::{COMMANDS_PER_FRAME_MAX, Decoded, Encoding, Request, decode},
    read_frames,
    settings::MESSAGE_BYTES_MAX,
};
use serde::de::IgnoredAny;
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{Role, WebSocket, WebSocketConfig},
};

/// Pieces that decoders of JSON stumble over.
const JSON_PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\n",
    b"\r",
    b"null",
    b"true",
    b"-",
    b"1e999",
    b"0.0",
    b"18446744073709551616",
    b"4294967296",
    b"\"id\":",
    b"\"data\":",
    b"\"connect\":{}",
    b"\"publish\":",
    b"\xef\xbb\xbf",
    b"\0",
    b"{\"id\":1,",
    b"}}\n{",
];

/// Pieces that decoders of Protobuf stumble over: lengths, numbers without end, types, members of maps.
const PROTOBUF_PIECES: &[&[u8]] = &[
    b"\0",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x08",
    b"\x0a",
    b"\x0b",
    b"\x0d",
    b"\x09",
    b"\x22\x00",
    b"\x2a\x00",
    b"\x3a\x00",
    b"\x1a\x04\x0a\x00\x12\x00",
    b"\x32\x00",
    b"\xc0",
    b"\xfe",
];

/// Pieces that decoders of WebSocket frames stumble over: whole frames of every kind, lengths, halves of characters.
const FRAME_PIECES: &[&[u8]] = &[
    b"\0",
    b"\x80",
    b"\xff",
    b"\x81\x80\0\0\0\0",
    b"\x01\x80\0\0\0\0",
    b"\x00\x80\0\0\0\0",
    b"\x00\x8a\0\0\0\0abcdefghij",
    b"\x80\x80\0\0\0\0",
    b"\x02\x81\0\0\0\0\xff",
    b"\x89\x81\x01\x01\x01\x01p",
    b"\x8a\x80\0\0\0\0",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x81\xfe\x00\x7e\0\0\0\0",
    b"\x82\xfe\x10\x01\0\0\0\0",
    b"\x82\xff\0\0\0\0\0\x01\0\0",
    b"\x82\xff\x80\0\0\0\0\0\0\0",
    b"\xf4\x8f",
    b"\xbf\xbf",
];

/// One decoder, and how to attack it.
struct Target {
    name: &'static str,
    corpus: &'static str,
    pieces: &'static [&'static [u8]],
    accepts: fn(&[u8]) -> bool,
    check: fn(&[u8]),
}

const JSON: Target = Target {
    name: "JSON",
    corpus: "corpus",
    pieces: JSON_PIECES,
    accepts: |frame| decode(Encoding::Json, frame).is_ok(),
    check: check_json,
};

const PROTOBUF: Target = Target {
    name: "Protobuf",
    corpus: "corpus_protobuf",
    pieces: PROTOBUF_PIECES,
    accepts: |frame| decode(Encoding::Protobuf, frame).is_ok(),
    check: check_protobuf,
};

const FRAMES: Target = Target {
    name: "WebSocket",
    corpus: "corpus_frames",
    pieces: FRAME_PIECES,
    accepts: |bytes| read_frames(bytes, usize::MAX, SMALL_MESSAGE_BYTES_MAX).1.is_none(),
    check: check_frames,
};

/// A limit of messages that mutations reach.
const SMALL_MESSAGE_BYTES_MAX: usize = 256;

/// Random numbers from a seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit.max(1)
    }
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(target.corpus);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutated(corpus: &[Vec<u8>], pieces: &[&[u8]], seed: u64) -> Vec<u8> {
    let mut random = Random(seed | 1);
    let mut frame = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(8) {
        let at = random.below(frame.len() + 1);
        match random.below(7) {
            0 => frame.insert(at, random.next() as u8),
            1 if at < frame.len() => frame[at] ^= 1 << random.below(8),
            2 if at < frame.len() => drop(frame.remove(at)),
            3 => frame.truncate(at),
            4 => {
                let piece = pieces[random.below(pieces.len())];
                frame.splice(at..at, piece.iter().copied());
            }
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                frame.splice(at..at, other[from..].iter().copied());
            }
            _ => {
                let end = at + random.below(frame.len() - at + 1);
                let again = frame[at..end].repeat(1 + random.below(40));
                frame.splice(at..at, again);
            }
        }
        frame.truncate(MESSAGE_BYTES_MAX);
    }
    frame
}

/// What must hold for any frame that is read as JSON.
fn check_json(frame: &[u8]) {
    let start = Instant::now();
    let decoded = decode(Encoding::Json, frame);
    assert!(start.elapsed() < Duration::from_secs(5), "decoding took {:?}", start.elapsed());
    let Ok(commands) = decoded else { return };
    let lines: Vec<&[u8]> =
        frame.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    assert_eq!(commands.len(), lines.len(), "a command for each line");
    assert!((1..=COMMANDS_PER_FRAME_MAX).contains(&commands.len()));
    for (Decoded { command, bytes }, line) in commands.iter().zip(lines) {
        assert_eq!(*bytes, line.len());
        serde_json::from_slice::<IgnoredAny>(line).expect("a command that is no JSON was accepted");
        if let Request::Publish { data: Some(data), .. } | Request::Rpc { data: Some(data), .. } = &command.request {
            serde_json::from_slice::<IgnoredAny>(data).expect("embedded data that is no JSON was accepted");
            assert!(line.windows(data.len()).any(|window| window == data), "embedded data was changed");
            assert!(!data.contains(&b'\n'));
        }
    }
}

/// What must hold for any frame that is read as Protobuf.
fn check_protobuf(frame: &[u8]) {
    let start = Instant::now();
    let decoded = decode(Encoding::Protobuf, frame);
    assert!(start.elapsed() < Duration::from_secs(5), "decoding took {:?}", start.elapsed());
    let Ok(commands) = decoded else { return };
    assert!((1..=COMMANDS_PER_FRAME_MAX).contains(&commands.len()));
    let bytes: usize = commands.iter().map(|decoded| decoded.bytes).sum();
    assert!(bytes < frame.len(), "each message has a length before it");
    for Decoded { command, .. } in commands {
        if let Request::Publish { data: Some(data), .. } | Request::Rpc { data: Some(data), .. } = &command.request {
            assert!(data.is_empty() || frame.windows(data.len()).any(|window| window == data), "a value was changed");
        }
    }
}

/// What must hold for any bytes of a WebSocket.
fn check_frames(bytes: &[u8]) {
    let start = Instant::now();
    let (mut events, violation) = read_frames(bytes, usize::MAX, SMALL_MESSAGE_BYTES_MAX);
    for piece_bytes in [1, 2, 7, 131] {
        let in_pieces = read_frames(bytes, piece_bytes, SMALL_MESSAGE_BYTES_MAX);
        assert_eq!(in_pieces, (events.clone(), violation), "the same whole and in pieces of {piece_bytes}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "decoding took {:?}", start.elapsed());
    let payloads: usize = events.iter().map(|(_, payload)| payload.len()).sum();
    assert!(payloads + 6 * events.len() <= bytes.len(), "every frame has a head of six bytes at least");
    for (number, (opcode, payload)) in events.iter().enumerate() {
        match opcode {
            1 => assert!(std::str::from_utf8(payload).is_ok(), "text that is no UTF-8 was accepted"),
            8 => assert_eq!((number + 1, violation), (events.len(), None), "something follows a goodbye"),
            _ => {}
        }
        let most = if *opcode < 8 { SMALL_MESSAGE_BYTES_MAX } else { 125 };
        assert!(payload.len() <= most, "a payload of {} bytes was accepted", payload.len());
    }
    if let Some((8, code)) = events.last_mut() {
        // The other implementation does not know all codes that have been given out since the RFC.
        let code = std::mem::take(code).first_chunk().map(|code| u16::from_be_bytes(*code));
        assert!(matches!(code, None | Some(1000..=1003 | 1007..=1014 | 3000..=4999)), "{code:?} was accepted");
    }
    let read_by_another = read_by_another(bytes, &events);
    assert_eq!(
        events.get(..read_by_another.len()),
        Some(&read_by_another[..]),
        "another implementation reads the same"
    );
}

/// As many events of a client's bytes as were `expected`, as another implementation of the protocol reads them. It looks for
/// UTF-8 before a message has ended, and so may end sooner.
fn read_by_another(bytes: &[u8], expected: &[(u8, bytes::Bytes)]) -> Vec<(u8, bytes::Bytes)> {
    let config = WebSocketConfig::default().max_message_size(Some(SMALL_MESSAGE_BYTES_MAX));
    let stream = Listening(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let event = |message: Message| match message {
        Message::Text(text) => (1, text.into()),
        Message::Binary(bytes) => (2, bytes),
        Message::Ping(payload) => (9, payload),
        Message::Pong(_) => (10, bytes::Bytes::new()),
        Message::Close(_) => (8, bytes::Bytes::new()),
        Message::Frame(frame) => panic!("{frame:?}"),
    };
    let mut events = Vec::new();
    while events.len() < expected.len() {
        match socket.read() {
            Ok(message) => events.push(event(message)),
            Err(tungstenite::Error::Utf8(_)) => break,
            Err(error) => panic!("another implementation does not read {:?}: {error}", expected.get(events.len())),
        }
    }
    events
}

/// A stream that is read, and forgets what is written.
struct Listening<'a>(Cursor<&'a [u8]>);

impl Read for Listening<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Listening<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_corpora_themselves_hold() {
    for target in [JSON, PROTOBUF, FRAMES] {
        let corpus = corpus(&target);
        assert!(corpus.len() >= 10);
        corpus.iter().for_each(|frame| (target.check)(frame));
        let accepted = corpus.iter().filter(|frame| (target.accepts)(frame)).count();
        assert!(accepted >= 10, "the corpus does not reach into the decoder");
    }
}

#[test]
fn mutations_of_the_json_corpus_hold() {
    attack(&JSON);
}

#[test]
fn mutations_of_the_protobuf_corpus_hold() {
    attack(&PROTOBUF);
}

#[test]
fn mutations_of_the_frame_corpus_hold() {
    attack(&FRAMES);
}

fn attack(target: &Target) {
    let corpus = corpus(target);
    let number = |name| std::env::var(name).ok().map(|value: String| value.parse::<u64>().expect(name));
    if let Some(seed) = number("MADANG_FUZZ_SEED") {
        let frame = mutated(&corpus, target.pieces, seed);
        println!("{} {:?}", target.name, String::from_utf8_lossy(&frame));
        return (target.check)(&frame);
    }
    let until = Instant::now() + Duration::from_secs(number("MADANG_FUZZ_SECONDS").unwrap_or(2));
    let first = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    while Instant::now() < until {
        let seed = first.wrapping_add(tried);
        let frame = mutated(&corpus, target.pieces, seed);
        if let Err(panic) = std::panic::catch_unwind(|| (target.check)(&frame)) {
            eprintln!("MADANG_FUZZ_SEED={seed} {} frame {frame:?}", target.name);
            std::panic::resume_unwind(panic);
        }
        accepted += u64::from((target.accepts)(&frame));
        tried += 1;
    }
    println!("{}: {tried} frames, {accepted} accepted", target.name);
    assert!(
        tried > 100 && accepted > tried / 100,
        "{accepted} of {tried} frames were accepted: the mutations are too wild"
    );
}
