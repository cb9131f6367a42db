//! Frames nobody would send: mutations of kept corpora through the decoders of commands.
//!
//! `MADANG_FUZZ_SECONDS` is how long to try each (default 2); `MADANG_FUZZ_SEED` replays one mutation. What is
//! found goes into `corpus/` or `corpus_protobuf/` as a file of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use gateway::{
    protocol::{COMMANDS_PER_FRAME_MAX, Decoded, Encoding, Request, decode},
    settings::MESSAGE_BYTES_MAX,
};
use serde::de::IgnoredAny;

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

/// One way of writing commands, and how to attack it.
struct Target {
    encoding: Encoding,
    corpus: &'static str,
    pieces: &'static [&'static [u8]],
    check: fn(&[u8]),
}

const TARGETS: [Target; 2] = [
    Target { encoding: Encoding::Json, corpus: "corpus", pieces: JSON_PIECES, check: check_json },
    Target { encoding: Encoding::Protobuf, corpus: "corpus_protobuf", pieces: PROTOBUF_PIECES, check: check_protobuf },
];

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

#[test]
fn the_corpora_themselves_hold() {
    for target in TARGETS {
        let corpus = corpus(&target);
        assert!(corpus.len() >= 10);
        corpus.iter().for_each(|frame| (target.check)(frame));
        let accepted = corpus.iter().filter(|frame| decode(target.encoding, frame).is_ok()).count();
        assert!(accepted >= 10, "the corpus does not reach into the decoder");
    }
}

#[test]
fn mutations_of_the_json_corpus_hold() {
    attack(&TARGETS[0]);
}

#[test]
fn mutations_of_the_protobuf_corpus_hold() {
    attack(&TARGETS[1]);
}

fn attack(target: &Target) {
    let corpus = corpus(target);
    let number = |name| std::env::var(name).ok().map(|value: String| value.parse::<u64>().expect(name));
    if let Some(seed) = number("MADANG_FUZZ_SEED") {
        let frame = mutated(&corpus, target.pieces, seed);
        println!("{:?} {:?}", target.encoding, String::from_utf8_lossy(&frame));
        return (target.check)(&frame);
    }
    let until = Instant::now() + Duration::from_secs(number("MADANG_FUZZ_SECONDS").unwrap_or(2));
    let first = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    while Instant::now() < until {
        let seed = first.wrapping_add(tried);
        let frame = mutated(&corpus, target.pieces, seed);
        if let Err(panic) = std::panic::catch_unwind(|| (target.check)(&frame)) {
            eprintln!("MADANG_FUZZ_SEED={seed} {:?} frame {frame:?}", target.encoding);
            std::panic::resume_unwind(panic);
        }
        accepted += u64::from(decode(target.encoding, &frame).is_ok());
        tried += 1;
    }
    println!("{:?}: {tried} frames, {accepted} accepted", target.encoding);
    assert!(
        tried > 100 && accepted > tried / 100,
        "{accepted} of {tried} frames were accepted: the mutations are too wild"
    );
}
