//! The packager under any order of packets and any timestamps, and over a day.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Timestamp;
use mp4_atom::{Decode, Moof};
use proptest::prelude::*;

use super::{
    Intake, Output, Segmenter, Window, WindowLimits,
    sample::{TICKS_PER_MS, TICKS_PER_SECOND},
};
use crate::frame::{AudioCodec, AudioConfig, Packet, VideoCodec, VideoConfig};

const LIMITS: WindowLimits = WindowLimits { length_ms: 60_000, recorded: false };

fn picture_settings(width: u16) -> Packet {
    // A baseline record with one parameter set of each kind; nothing here is decoded.
    let record = Bytes::from_static(&[1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 0xce]);
    let codec_string = "avc1.42001e".into();
    Packet::VideoConfig(Arc::new(VideoConfig { codec: VideoCodec::H264, record, codec_string, width, height: 90 }))
}

fn sound_settings(opus: bool) -> Packet {
    let (codec, record, codec_string) = match opus {
        false => (AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]), "mp4a.40.2"),
        true => (AudioCodec::Opus, Bytes::from_static(b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"), "opus"),
    };
    let codec_string = codec_string.into();
    Packet::AudioConfig(Arc::new(AudioConfig { codec, record, codec_string, sample_rate: 48_000, channels: 2 }))
}

fn picture(timestamp_ms: u32, composition_ms: i32, keyframe: bool) -> Packet {
    Packet::Video { timestamp_ms, composition_ms, keyframe, data: Bytes::from_static(&[0, 0, 0, 1, 9]) }
}

fn sound(timestamp_ms: u32) -> Packet {
    Packet::Audio { timestamp_ms, data: Bytes::from_static(&[0xfc, 1, 2]) }
}

/// What every stream must fulfil, checked as it is packaged.
#[derive(Default)]
struct Judge {
    video_end: i64,
    audio_end: i64,
    boundary: i64,
    open: Option<(i64, i64, Vec<u8>)>,
    segments: usize,
    parts: usize,
}

impl Judge {
    fn hear(&mut self, output: &Output) {
        match output {
            Output::Opened { start, .. } => {
                assert!(self.open.is_none() && *start >= self.boundary, "segments do not overlap");
                self.open = Some((*start, *start, Vec::new()));
            }
            Output::Part(part) => {
                let (_, end, bytes) = self.open.as_mut().expect("a part belongs to a segment");
                assert_eq!(part.start, *end, "each part starts where the one before ended");
                assert!(part.duration > 0);
                *end += part.duration;
                bytes.extend_from_slice(&part.bytes);
                self.parts += 1;
                self.boundary = *end;
                self.fragment(&part.bytes);
            }
            Output::Closed => {
                self.open.take().expect("a segment is closed once");
                self.segments += 1;
            }
        }
    }

    fn fragment(&mut self, bytes: &Bytes) {
        let moof = Moof::decode(&mut &bytes[..]).unwrap();
        let mut data = 0;
        for traf in &moof.traf {
            let end = if traf.tfhd.track_id == 1 { &mut self.video_end } else { &mut self.audio_end };
            let mut at = traf.tfdt.as_ref().unwrap().base_media_decode_time.cast_signed();
            assert!(at >= *end, "decoding times grow: {at} after {end}");
            for sample in traf.trun[0].samples.iter() {
                at += i64::from(sample.duration.unwrap());
                data += sample.size.unwrap() as usize;
                assert!(sample.duration != Some(0));
            }
            // The next frame may come before this one was assumed to end, never before it began.
            let last = traf.trun[0].samples.iter().last().unwrap().duration.unwrap();
            *end = at - i64::from(last) + 1;
        }
        let mut moof_bytes = Vec::new();
        mp4_atom::Encode::encode(&moof, &mut moof_bytes).unwrap();
        assert_eq!(bytes.len(), moof_bytes.len() + 8 + data, "all of the data is some frame's");
    }
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let stamp = prop_oneof![
        8 => (0u32..20_000).boxed(),
        2 => (u32::MAX - 5_000..=u32::MAX).boxed(),
        1 => any::<u32>().boxed(),
    ];
    let composition = prop_oneof![4 => (-100i32..200).boxed(), 1 => any::<i32>().boxed()];
    prop_oneof![
        1 => (1u16..3).prop_map(picture_settings),
        1 => any::<bool>().prop_map(sound_settings),
        8 => (stamp.clone(), composition, any::<bool>()).prop_map(|(at, offset, key)| picture(at, offset, key)),
        8 => stamp.prop_map(sound),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_packets_make_a_stream_that_only_moves_forward(
        packets in prop::collection::vec((any_packet(), 0i64..500), 1..250),
        settings_first in any::<bool>(),
    ) {
        let (mut intake, mut segmenter, mut judge) = (Intake::default(), Segmenter::default(), Judge::default());
        let mut window = Window::new(LIMITS, Timestamp::default(), 0);
        let mut now = 0;
        let lead = if settings_first { vec![(picture_settings(1), 0), (sound_settings(false), 0)] } else { Vec::new() };
        for (packet, after_ms) in lead.into_iter().chain(packets) {
            now += after_ms;
            let mut out = Vec::new();
            intake.push(packet, Timestamp::from_millis(now), now, &mut segmenter, &mut out);
            for output in out {
                judge.hear(&output);
                window.apply(output);
            }
            prop_assert!(window.playlist(false).is_none_or(|text| text.len() < 2_000_000));
        }
        let mut out = Vec::new();
        intake.finish(&mut segmenter, &mut out);
        out.iter().for_each(|output| judge.hear(output));
        prop_assert!(judge.open.is_none(), "what was opened is closed");
    }

    #[test]
    fn steady_packets_with_jitter_lose_nothing(
        frame_ms in 8u32..120,
        jitter in prop::collection::vec(0u32..3, 400),
        offset in 0u32..u32::MAX,
    ) {
        let (mut intake, mut segmenter, mut judge) = (Intake::default(), Segmenter::default(), Judge::default());
        let mut out = Vec::new();
        let mut push = |packet, now: u32, out: &mut Vec<Output>| {
            let now = i64::from(now);
            intake.push(packet, Timestamp::from_millis(now), now, &mut segmenter, out);
        };
        push(picture_settings(1), 0, &mut out);
        push(sound_settings(false), 0, &mut out);
        let mut heard = 0;
        for (index, jitter) in jitter.iter().enumerate() {
            let at = index as u32 * frame_ms + jitter;
            push(picture(offset.wrapping_add(at), 0, index % 30 == 0), at, &mut out);
            while heard * 64 / 3 <= at {
                push(sound(offset.wrapping_add(heard * 64 / 3)), at, &mut out);
                heard += 1;
            }
        }
        intake.finish(&mut segmenter, &mut out);
        let (mut pictures, mut sounds) = (0, 0);
        for output in &out {
            judge.hear(output);
            if let Output::Part(part) = output {
                let limit = 200 * TICKS_PER_MS + i64::from(frame_ms + 4) * TICKS_PER_MS;
                prop_assert!(part.duration <= limit, "{} > {limit}", part.duration);
                let moof = Moof::decode(&mut &part.bytes[..]).unwrap();
                for traf in moof.traf {
                    let count = traf.trun[0].samples.len();
                    if traf.tfhd.track_id == 1 { pictures += count } else { sounds += count }
                }
            }
        }
        prop_assert_eq!(pictures, 400);
        // Sound stamped before the first picture, which may be late by its jitter, is left out.
        prop_assert!(u32::try_from(sounds).unwrap() + 1 >= heard, "{sounds} of {heard}");
        prop_assert_eq!(out.iter().filter(|output| matches!(output, Output::Opened { discontinuity: true, .. })).count(), 0);
    }
}

#[test]
fn a_day_drifts_nowhere_and_grows_nothing() {
    let (mut intake, mut segmenter, mut judge) = (Intake::default(), Segmenter::default(), Judge::default());
    let mut window = Window::new(WindowLimits { length_ms: 600_000, recorded: true }, Timestamp::default(), 0);
    let mut out = Vec::new();
    // 24 hours of ten pictures a second that cross the wrap of the timestamps after twelve.
    let first = u32::MAX - 12 * 3_600_000;
    let pictures = 24 * 3_600 * 10u32;
    let mut heard = 0u32;
    intake.push(picture_settings(1), Timestamp::default(), 0, &mut segmenter, &mut out);
    intake.push(sound_settings(true), Timestamp::default(), 0, &mut segmenter, &mut out);
    let mut most = 0;
    for index in 0..pictures {
        let ms = index * 100;
        let now = Timestamp::from_millis(ms.into());
        let packet = picture(first.wrapping_add(ms), 0, index % 20 == 0);
        intake.push(packet, now, ms.into(), &mut segmenter, &mut out);
        while heard * 60 <= ms {
            // 60 ms of Opus, by its first byte.
            let packet =
                Packet::Audio { timestamp_ms: first.wrapping_add(heard * 60), data: Bytes::from_static(&[0x18]) };
            intake.push(packet, now, ms.into(), &mut segmenter, &mut out);
            heard += 1;
        }
        for output in out.drain(..) {
            judge.hear(&output);
            if let Some(super::Change::Closed { segment }) = window.apply(output) {
                window.settle(segment.name, super::Kept::Stored);
            }
        }
        most = most.max(window.bytes_in_memory() + window.segments().count() * 256);
    }
    assert_eq!(judge.segments, 24 * 3_600 / 2 - 1, "every two seconds");
    assert_eq!(judge.parts, judge.segments * 10 + 9, "every 200 ms");
    let day_s = f64::from(pictures) / 10.0;
    let (video_s, audio_s) = (judge.video_end as f64 / TICKS_PER_SECOND as f64, judge.audio_end as f64 / 48_000.0);
    assert!((day_s - video_s).abs() < 0.3 && (video_s - audio_s).abs() < 0.1, "{video_s} {audio_s}");
    assert!(window.segments().count() <= 301, "ten minutes");
    assert!(most < 400_000, "{most} bytes at the most");
}

fn packaged(packets: impl IntoIterator<Item = Packet>) -> (Intake, Window, Vec<Output>) {
    let (mut intake, mut segmenter, mut out) = (Intake::default(), Segmenter::default(), Vec::new());
    let mut window = Window::new(WindowLimits { length_ms: 600_000, recorded: true }, Timestamp::default(), 0);
    let mut now = 0;
    for packet in packets {
        if let Packet::Video { timestamp_ms, .. } | Packet::Audio { timestamp_ms, .. } = packet {
            now = i64::from(timestamp_ms);
        }
        intake.push(packet, Timestamp::from_millis(now), now, &mut segmenter, &mut out);
    }
    for output in &out {
        window.apply(output.clone());
    }
    (intake, window, out)
}

#[test]
fn without_keyframes_segments_are_cut_at_ten_seconds_and_say_so() {
    let pictures = (0..900u32).map(|index| picture(index * 40, 0, index == 0));
    let (_, mut window, _) = packaged([picture_settings(1)].into_iter().chain(pictures));
    let text = String::from_utf8(window.playlist(false).unwrap().to_vec()).unwrap();
    assert_eq!(text.matches("#EXTINF:10.00000,").count(), 3, "{text}");
    assert!(text.contains("#EXT-X-TARGETDURATION:10\n") && !text.contains("INDEPENDENT-SEGMENTS"), "{text}");
}

#[test]
fn segments_are_cut_at_the_first_keyframe_from_two_seconds_on() {
    // Keyframes at 0, 1.5, 3.0, 3.2 and 5.2 s.
    let keyframes = [0, 1_500, 3_000, 3_200, 5_200];
    let pictures = (0..160u32).map(|index| picture(index * 40, 0, keyframes.contains(&(index * 40))));
    let (_, _, out) = packaged([picture_settings(1)].into_iter().chain(pictures));
    let starts: Vec<i64> = out
        .iter()
        .filter_map(|output| if let Output::Opened { start, .. } = output { Some(start / TICKS_PER_MS) } else { None })
        .collect();
    assert_eq!(starts, [0, 3_000, 5_200]);
}

#[test]
fn health_measures_and_warns() {
    let mut packets = vec![picture_settings(1), Packet::Metadata(crate::frame::Metadata::default())];
    packets.extend((0..500u32).map(|index| picture(index * 33 + index / 3, 0, index % 150 == 0)));
    let (intake, ..) = packaged(packets);
    let health = intake.health(Timestamp::from_millis(16_700));
    let video = health.video.unwrap();
    assert!((video.fps - 30.0).abs() < 0.05 && video.keyframe_interval_ms == Some(5_000), "{video:?}");
    assert!((1_000..1_400).contains(&video.bitrate_bps), "five bytes, thirty times a second: {video:?}");
    let codes: Vec<_> = health.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["keyframe_interval", "no_audio"]);
    let later = intake.health(Timestamp::from_millis(30_000));
    assert!(later.warnings.iter().any(|warning| warning.code == "no_video"));
}

#[test]
fn sound_alone_of_a_stream_with_a_picture_is_not_shown() {
    let at = |ms: u32| Timestamp::from_millis(1_000_000 + i64::from(ms));
    let settings = || [(picture_settings(160), at(0)), (sound_settings(false), at(0))];
    let pieces = || (0..20_u32).map(|number| (sound(number * 21), at(number * 21)));
    assert!(
        super::offline::package(settings().into_iter().chain(pieces())).is_empty(),
        "the publisher left before a keyframe"
    );
    let alone = [(sound_settings(false), at(0))].into_iter().chain(pieces());
    assert!(!super::offline::package(alone).is_empty(), "sound that never had a picture is shown");
}
