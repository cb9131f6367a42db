//! Frames nobody would send: mutations of a kept corpus through the command decoder.
//!
//! `MADANG_FUZZ_SECONDS` is how long to try (default 2); `MADANG_FUZZ_SEED` replays one mutation. What is found goes into
//! `corpus/` as a file of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use gateway::{
    protocol::{COMMANDS_PER_FRAME_MAX, Decoded, Encoding, Request, decode},
    settings::MESSAGE_BYTES_MAX,
};
use serde::de::IgnoredAny;

/// Pieces that decoders stumble over.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\n",
    "\r",
    "null",
    "true",
    "-",
    "1e999",
    "0.0",
    "18446744073709551616",
    "4294967296",
    "\"id\":",
    "\"data\":",
    "\"connect\":{}",
    "\"publish\":",
    "\u{feff}",
    "\u{0}",
    "{\"id\":1,",
    "}}\n{",
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

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutated(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
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
                let piece = PIECES[random.below(PIECES.len())].bytes();
                frame.splice(at..at, piece);
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

/// What must hold for any frame.
fn check(frame: &[u8]) {
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

#[test]
fn the_corpus_itself_holds() {
    let corpus = corpus();
    assert!(corpus.len() >= 10);
    corpus.iter().for_each(|frame| check(frame));
    let accepted = corpus.iter().filter(|frame| decode(Encoding::Json, frame).is_ok()).count();
    assert!(accepted >= 10, "the corpus does not reach into the decoder");
}

#[test]
fn mutations_of_the_corpus_hold() {
    let corpus = corpus();
    let number = |name| std::env::var(name).ok().map(|value: String| value.parse::<u64>().expect(name));
    if let Some(seed) = number("MADANG_FUZZ_SEED") {
        let frame = mutated(&corpus, seed);
        println!("{:?}", String::from_utf8_lossy(&frame));
        return check(&frame);
    }
    let until = Instant::now() + Duration::from_secs(number("MADANG_FUZZ_SECONDS").unwrap_or(2));
    let first = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    while Instant::now() < until {
        let seed = first.wrapping_add(tried);
        let frame = mutated(&corpus, seed);
        if let Err(panic) = std::panic::catch_unwind(|| check(&frame)) {
            eprintln!("MADANG_FUZZ_SEED={seed} frame {:?}", String::from_utf8_lossy(&frame));
            std::panic::resume_unwind(panic);
        }
        accepted += u64::from(decode(Encoding::Json, &frame).is_ok());
        tried += 1;
    }
    println!("{tried} frames, {accepted} accepted");
    assert!(
        tried > 100 && accepted > tried / 50,
        "{accepted} of {tried} frames were accepted: the mutations are too wild"
    );
}
