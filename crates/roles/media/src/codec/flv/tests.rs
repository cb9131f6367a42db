//! Tags made by hand, one for each way the standards write them; real captures are in the ingest's tests.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    codec::{
        Tag, TagKind,
        amf0::{self, Value},
    },
    frame::{AudioCodec, Metadata, Packet},
};

/// x264, 320x180.
const AVC_RECORD: &[u8] = &[
    0x01, 0x64, 0x00, 0x0c, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x0c, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01,
    0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x60, 0x01, 0x00, 0x06, 0x68,
    0xeb, 0xe3, 0xcb, 0x22, 0xc0,
];

fn unpack(bodies: &[(TagKind, Vec<u8>)]) -> Result<Vec<Packet>, FlvError> {
    let mut unpacker = Unpacker::default();
    let mut packets = Vec::new();
    for (kind, body) in bodies {
        let tag = Tag { kind: *kind, timestamp_ms: 40, body: body.clone().into() };
        unpacker.unpack(tag, |packet| packets.push(packet))?;
    }
    Ok(packets)
}

fn avc_config() -> (TagKind, Vec<u8>) {
    (TagKind::Video, [&[0x17, 0, 0, 0, 0], AVC_RECORD].concat())
}

fn frame(keyframe: bool, composition_ms: i32) -> Packet {
    Packet::Video { timestamp_ms: 40, composition_ms, keyframe, data: Bytes::from_static(&[0, 0, 0, 1, 9]) }
}

#[test]
fn one_picture_is_the_same_in_every_packaging() {
    let picture = [0, 0, 0, 1, 9];
    let legacy = [&[0x27, 1, 0xff, 0xff, 0xd8][..], &picture].concat();
    let coded_frames = [&[0xa1][..], b"avc1", &[0xff, 0xff, 0xd8], &picture].concat();
    let coded_frames_x = [&[0xa3][..], b"avc1", &picture].concat();
    let with_offset = [&[0xa7, 2, 0, 0, 9, 0x03][..], b"avc1", &picture].concat();
    let one_track = [&[0xa6, 0x03][..], b"avc1", &[0], &picture].concat();
    let two_tracks = [&[0xa6, 0x13][..], b"avc1", &[1, 0, 0, 1, 7], &[0, 0, 0, 5], &picture].concat();
    let two_codecs = [&[0xa6, 0x23][..], b"vp09", &[1, 0, 0, 1, 7], b"avc1", &[0, 0, 0, 5], &picture].concat();
    for (body, composition_ms) in [
        (legacy, -40),
        (coded_frames, -40),
        (coded_frames_x, 0),
        (with_offset, 0),
        (one_track, 0),
        (two_tracks, 0),
        (two_codecs, 0),
    ] {
        let packets = unpack(&[avc_config(), (TagKind::Video, body.clone())]).unwrap();
        assert_eq!(packets[1..], [frame(false, composition_ms)], "{body:x?}");
    }
}

#[test]
fn a_repeated_configuration_is_told_once_and_a_changed_one_again() {
    let mut other = avc_config();
    let level = other.1.len() - AVC_RECORD.len() + 3;
    other.1[level] += 1;
    let packets = unpack(&[avc_config(), avc_config(), other, avc_config()]).unwrap();
    let names: Vec<_> = packets
        .iter()
        .map(|packet| match packet {
            Packet::VideoConfig(config) => (config.codec_string.as_str(), config.width, config.height),
            _ => ("", 0, 0),
        })
        .collect();
    assert_eq!(names, [("avc1.64000c", 320, 180), ("avc1.64000d", 320, 180), ("avc1.64000c", 320, 180)]);
}

#[test]
fn frames_before_their_configuration_and_empty_ones_are_left_out() {
    let picture = (TagKind::Video, vec![0x17, 1, 0, 0, 0, 1]);
    let empty = (TagKind::Video, vec![0x17, 1, 0, 0, 0]);
    let end = (TagKind::Video, vec![0x17, 2, 0, 0, 0]);
    assert_eq!(unpack(&[picture, (TagKind::Audio, vec![0xaf, 1, 5])]), Ok(vec![]));
    assert_eq!(unpack(&[avc_config(), empty, end, (TagKind::Video, vec![])]).unwrap().len(), 1);
}

#[test]
fn opus_without_a_configuration_gets_the_usual_one() {
    let sound = [&[0x91][..], b"Opus", &[1, 2, 3]].concat();
    let packets = unpack(&[(TagKind::Audio, sound.clone()), (TagKind::Audio, sound)]).unwrap();
    assert!(matches!(&packets[0], Packet::AudioConfig(config) if config.codec == AudioCodec::Opus));
    let audio = Packet::Audio { timestamp_ms: 40, data: Bytes::from_static(&[1, 2, 3]) };
    assert_eq!(packets[1..], [audio.clone(), audio]);
}

#[test]
fn codecs_that_cannot_be_taken_in_are_named() {
    let error = |kind, body: Vec<u8>| unpack(&[(kind, body)]).unwrap_err().to_string();
    assert!(error(TagKind::Video, [&[0x90][..], b"vp09"].concat()).contains("VP9"));
    assert!(error(TagKind::Video, vec![0x12, 0]).contains("H.263"));
    assert!(error(TagKind::Audio, vec![0x2f, 0]).contains("MP3"));
    assert!(error(TagKind::Audio, [&[0x90][..], b"xxxx"].concat()).contains("xxxx"));
    assert_eq!(unpack(&[(TagKind::Video, vec![0x17, 0])]), Err(FlvError::Truncated("video")));
}

#[test]
fn metadata_is_read_with_and_without_its_envelope() {
    let values = Value::EcmaArray(vec![
        ("framerate".into(), Value::Number(30.0)),
        ("encoder".into(), Value::string("obs-output module")),
    ]);
    let mut body = Vec::new();
    for value in [Value::string("@setDataFrame"), Value::string("onMetaData"), values] {
        amf0::encode(&value, &mut body);
    }
    let expected = Packet::Metadata(Metadata { encoder: Some("obs-output module".into()), frame_rate: Some(30.0) });
    assert_eq!(unpack(&[(TagKind::Data, body[16..].to_vec())]), Ok(vec![expected.clone()]));
    assert_eq!(unpack(&[(TagKind::Data, body)]), Ok(vec![expected]));
    assert_eq!(unpack(&[(TagKind::Data, vec![2, 0, 200])]), Ok(vec![]));
}

proptest! {
    #[test]
    fn any_body_is_survived(
        kind in prop_oneof![Just(TagKind::Audio), Just(TagKind::Video), Just(TagKind::Data)],
        head in prop_oneof![Just(vec![]), Just(vec![0x17, 0, 0, 0, 0]), Just(vec![0xaf, 0]), Just(b"\x90av01".to_vec()),
            Just(b"\x90hvc1".to_vec()), Just(b"\xa7".to_vec()), Just(b"\xa6\x10avc1".to_vec()), Just(b"\x95\x20".to_vec())],
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = unpack(&[(kind, [head, rest].concat())]);
    }

    #[test]
    fn any_file_is_survived(rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_file([b"FLV\x01\x05\0\0\0\x09", &rest[..]].concat().into());
    }
}
