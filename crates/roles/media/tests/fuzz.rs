//! Fuzzes the parsers of what publishers and servers send, and the packager: real captures, mutated by a seed, for a while.
//!
//! `MADANG_FUZZ_SECONDS` sets how long each target is tried (default 2); a target is a test of its own. A failure prints the
//! seed of its round; `MADANG_FUZZ_SEED` and the test's name run that one round again.

#![allow(clippy::print_stdout, reason = "what was tried, and how to try it again")]

use std::{
    panic::{catch_unwind, resume_unwind},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use media::codec::{
    Tag, TagKind,
    amf0::{self, Value},
    flv::{Unpacker, read_file},
    rtmp::{ClientEvent, ClientSession, PublishTarget, RtmpError, ServerEvent, ServerSession},
};

#[path = "fuzz/packager.rs"]
mod packager;

const HANDSHAKE_BYTES: usize = 1 + 2 * 1_536;
const CAPTURES: [&[u8]; 3] = [
    include_bytes!("../corpus/ffmpeg_h264_aac.rtmp"),
    include_bytes!("../corpus/ffmpeg_hevc_aac.rtmp"),
    include_bytes!("../corpus/ffmpeg_av1_opus.rtmp"),
];
const FILE: &[u8] = include_bytes!("../corpus/h264_aac.flv");

#[test]
fn mutations_of_a_publisher_hold() {
    attack("RTMP server", server_round);
}

#[test]
fn mutations_of_a_servers_answers_hold() {
    attack("RTMP client", client_round);
}

#[test]
fn mutations_of_a_file_and_of_its_bodies_hold() {
    attack("FLV and AMF", flv_round);
}

#[test]
fn packets_in_disorder_hold() {
    attack("packager", packager_round);
}

/// The captures as they are: what the harness feeds must be what the parsers understand, or it tests nothing.
#[test]
fn the_captures_are_understood_before_they_are_mutated() {
    for capture in CAPTURES {
        let (events, error) = serve(capture, usize::MAX);
        assert_eq!(error, None);
        let tags = events.iter().filter(|event| matches!(event, ServerEvent::Tag(_))).count();
        assert!(tags > 20 && events.last() == Some(&ServerEvent::Unpublished), "{tags} tags");
        assert_eq!(serve(capture, 1), (events.clone(), None), "one byte at a time");
        assert!(unpack(events.clone().into_iter().filter_map(tag_of)) > 20);
        assert!(packager::frames_out(&packager::packets(events.into_iter().filter_map(tag_of))) > 20);
        assert!(matches!(publish(&answers(capture)), Ok(Some(ClientEvent::Publishing))));
    }
    assert!(unpack(read_file(Bytes::from_static(FILE)).unwrap()) > 20);
}

/// Runs rounds of one target until its own time is over.
fn attack(target: &str, round: fn(&mut Random)) {
    if let Some(seed) = number("MADANG_FUZZ_SEED") {
        return round(&mut Random(seed));
    }
    let time = Duration::from_secs(number("MADANG_FUZZ_SECONDS").unwrap_or(2));
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let seed = start.wrapping_add(rounds);
        if let Err(panic) = catch_unwind(|| round(&mut Random(seed))) {
            println!("{target}: round {rounds} failed; to run it again: MADANG_FUZZ_SEED={seed} and its name");
            resume_unwind(panic);
        }
        rounds += 1;
    }
    println!("{target}: {rounds} rounds from seed {start}");
    assert!(rounds > 0);
}

fn server_round(random: &mut Random) {
    let input = mutated(capture(random), HANDSHAKE_BYTES, random);
    let whole = serve(&input, usize::MAX);
    let pieces = serve(&input, 1 + random.below(300));
    assert_eq!(whole, pieces, "the same bytes give the same events however they are cut");
    unpack(whole.0.into_iter().filter_map(tag_of));
}

fn client_round(random: &mut Random) {
    let _ = publish(&mutated(&answers(capture(random)), HANDSHAKE_BYTES, random));
}

fn flv_round(random: &mut Random) {
    let file = mutated(FILE, 13, random);
    if let Ok(tags) = read_file(file.into()) {
        unpack(tags);
    }
    // The bodies alone too: a broken frame of tags would hide most of them.
    let tags = read_file(Bytes::from_static(FILE)).unwrap_or_default();
    unpack(tags.into_iter().map(|tag| Tag { body: mutated(&tag.body, 0, random).into(), ..tag }));
}

fn packager_round(random: &mut Random) {
    let of = |capture: &[u8]| packager::packets(serve(capture, usize::MAX).0.into_iter().filter_map(tag_of));
    let (one, other) = (of(capture(random)), of(capture(random)));
    packager::round(&one, &other, random);
}

fn capture(random: &mut Random) -> &'static [u8] {
    CAPTURES[random.below(CAPTURES.len())]
}

/// Plays a publisher's bytes to a server in pieces, accepting what asks.
fn serve(input: &[u8], piece: usize) -> (Vec<ServerEvent>, Option<RtmpError>) {
    let (mut session, mut events) = (ServerSession::new("live", 1), Vec::new());
    for mut piece in input.chunks(piece) {
        loop {
            match session.next_event(&mut piece) {
                Ok(Some(event)) => {
                    if matches!(event, ServerEvent::Publish { .. }) {
                        session.accept();
                    }
                    events.push(event);
                }
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        session.take_output();
    }
    (events, None)
}

/// What a server answers to this publisher.
fn answers(input: &[u8]) -> Vec<u8> {
    let (mut session, mut input) = (ServerSession::new("live", 1), input);
    while let Ok(Some(event)) = session.next_event(&mut input) {
        if matches!(event, ServerEvent::Publish { .. }) {
            session.accept();
        }
    }
    session.take_output()
}

/// Plays a server's bytes to a publisher; the first thing that happened.
fn publish(mut input: &[u8]) -> Result<Option<ClientEvent>, RtmpError> {
    let target = PublishTarget { app: "live".into(), address: "rtmp://there/live".into(), stream_key: "good".into() };
    ClientSession::new(target, 2).next_event(&mut input)
}

fn tag_of(event: ServerEvent) -> Option<Tag> {
    if let ServerEvent::Tag(tag) = event { Some(tag) } else { None }
}

/// Unpacks the tags, going on behind those that cannot be; gives the number of packets.
fn unpack(tags: impl IntoIterator<Item = Tag>) -> usize {
    let (mut unpacker, mut packets) = (Unpacker::default(), 0);
    for tag in tags {
        if tag.kind == TagKind::Data {
            round_trip(&tag.body);
        }
        let _ = unpacker.unpack(tag, |_| packets += 1);
    }
    packets
}

/// Whatever AMF0 can be read can be written and read again.
fn round_trip(body: &[u8]) {
    let mut reader = amf0::Reader::new(body);
    while let Ok(Some(value)) = reader.next_value() {
        let mut written = Vec::new();
        amf0::encode(&value, &mut written);
        let again = amf0::Reader::new(&written).next_value();
        assert!(matches!(again, Ok(Some(again)) if is_same(&again, &value)), "{value:?}");
    }
}

/// Equal, where a number that is none equals itself.
fn is_same(one: &Value, other: &Value) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// One to eight changes to `original`, behind `from` for the most part.
fn mutated(original: &[u8], from: usize, random: &mut Random) -> Vec<u8> {
    const TELLING: [u8; 12] = [0, 1, 2, 3, 8, 9, 0x12, 0x14, 0x7f, 0x80, 0xc4, 0xff];
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(8) {
        let from = if random.below(20) == 0 { 0 } else { from.min(bytes.len()) };
        let at = from + random.below(bytes.len() - from + 1);
        let length = random.below(16).min(bytes.len() - at);
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = TELLING[random.below(TELLING.len())],
            2 => bytes[at..at + length].fill(TELLING[random.below(TELLING.len())]),
            3 => drop(bytes.drain(at..at + length)),
            4 => drop(bytes.splice(at..at, (0..length).map(|_| random.next() as u8))),
            _ if random.below(4) == 0 => bytes.truncate(at),
            _ => {
                let other = bytes[at..at + length].to_vec();
                let to = from + random.below(bytes.len() - from + 1);
                bytes.splice(to..to, other);
            }
        }
    }
    bytes
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to just under `limit`; 0 when that is 0.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
