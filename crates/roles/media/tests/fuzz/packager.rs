//! The packager's part of the fuzz harness: real packets in any order, at any times, with any timestamps.

use bytes::Bytes;
use kernel::Timestamp;
use media::{PackagedPart, codec::Tag, codec::flv::Unpacker, frame::Packet, package};
use mp4_atom::{Decode, Moof};

use super::Random;

/// What a publisher's tags carry.
pub(crate) fn packets(tags: impl IntoIterator<Item = Tag>) -> Vec<Packet> {
    let (mut unpacker, mut packets) = (Unpacker::default(), Vec::new());
    for tag in tags {
        // A broken tag is left out, as the ingest does.
        let _ = unpacker.unpack(tag, |packet| packets.push(packet));
    }
    packets
}

/// Packages some of `one` and `other` in disorder and checks what must hold whatever comes.
pub(crate) fn round(one: &[Packet], other: &[Packet], random: &mut Random) {
    let mut input = Vec::new();
    let (mut now, mut shift) = (0, 0u32);
    for _ in 0..1 + random.below(4) {
        let source = if random.below(3) == 0 { other } else { one };
        let from = if random.below(2) == 0 { 0 } else { random.below(source.len()) };
        for packet in source.iter().skip(from).take(1 + random.below(source.len())) {
            match random.below(40) {
                0 => shift = random.next() as u32,
                1 => shift = shift.wrapping_add(random.below(15_000) as u32),
                2 => shift = shift.wrapping_sub(random.below(3_000) as u32),
                3 => now += random.below(20_000) as i64,
                4 => continue,
                5 => input.push((packet.clone(), Timestamp::from_millis(now))),
                _ => now += random.below(40) as i64,
            }
            input.push((moved(packet, shift, random), Timestamp::from_millis(now)));
        }
    }
    check(&package(input));
}

/// As they are, packets come out again: what the harness feeds must be packaged, or it tests nothing.
pub(crate) fn frames_out(packets: &[Packet]) -> usize {
    let parts = package(packets.iter().map(|packet| (packet.clone(), Timestamp::default())));
    check(&parts);
    parts.iter().map(|part| fragment(part).traf.iter().map(|traf| traf.trun[0].samples.len()).sum::<usize>()).sum()
}

fn moved(packet: &Packet, shift: u32, random: &mut Random) -> Packet {
    match packet.clone() {
        Packet::Video { timestamp_ms, composition_ms, keyframe, data } => Packet::Video {
            timestamp_ms: timestamp_ms.wrapping_add(shift),
            composition_ms: if random.below(50) == 0 { random.next() as i32 } else { composition_ms },
            keyframe: if random.below(30) == 0 { !keyframe } else { keyframe },
            data: if random.below(50) == 0 { Bytes::new() } else { data },
        },
        Packet::Audio { timestamp_ms, data } => Packet::Audio { timestamp_ms: timestamp_ms.wrapping_add(shift), data },
        other => other,
    }
}

fn check(parts: &[PackagedPart]) {
    for pair in parts.windows(2) {
        let end = pair[0].start_ticks + pair[0].duration_ticks;
        assert!(pair[0].duration_ticks > 0);
        match pair[0].segment == pair[1].segment {
            true => assert_eq!(pair[1].start_ticks, end, "parts of a segment follow each other"),
            false => assert!(pair[1].start_ticks >= end && pair[1].segment > pair[0].segment),
        }
    }
    let mut last = [-1, -1];
    for part in parts {
        if part.discontinuity {
            // The timescale of the sound may be another one from here on.
            last[1] = -1;
        }
        for traf in fragment(part).traf {
            let last = &mut last[(traf.tfhd.track_id - 1) as usize];
            let mut at = traf.tfdt.map_or(-1, |time| time.base_media_decode_time as i64);
            for sample in traf.trun[0].samples.iter() {
                assert!(at > *last, "{at} after {last}");
                *last = at;
                at += i64::from(sample.duration.unwrap_or(0));
            }
        }
    }
}

fn fragment(part: &PackagedPart) -> Moof {
    let moof = Moof::decode(&mut &part.bytes[..]);
    assert!(moof.is_ok(), "a fragment begins with its moof: {moof:?}");
    moof.unwrap_or_default()
}
