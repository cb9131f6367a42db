//! Real encoders: what they encode, what ffprobe says of it, and how they publish it.

use std::{path::PathBuf, process::Stdio, sync::OnceLock};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::frame::Packet;

/// Two seconds of a moving picture and a tone.
pub(super) struct Source {
    ffmpeg: PathBuf,
    video: &'static str,
    audio: &'static str,
}

impl Source {
    /// Encoded and published by the distribution's ffmpeg.
    pub(super) fn old(video: &'static str, audio: &'static str) -> Self {
        Self { ffmpeg: "ffmpeg".into(), video, audio }
    }

    /// Encoded and published by one that speaks Enhanced RTMP.
    pub(super) fn new(video: &'static str, audio: &'static str) -> Self {
        Self { ffmpeg: newer_ffmpeg(), video, audio }
    }
}

/// `MADANG_TEST_FFMPEG`, or the one in the Python package `imageio-ffmpeg`, or the one in the path.
fn newer_ffmpeg() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        if let Some(path) = std::env::var_os("MADANG_TEST_FFMPEG") {
            return path.into();
        }
        let ask = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
        let answer = std::process::Command::new("python3").args(["-c", ask]).stderr(Stdio::null()).output();
        let path = answer.ok().filter(|answer| answer.status.success()).map(|answer| answer.stdout);
        path.and_then(|path| String::from_utf8(path).ok()).map_or("ffmpeg".into(), |path| path.trim().into())
    };
    FOUND.get_or_init(find).clone()
}

/// A file that was encoded.
pub(super) struct Encoded {
    folder: TempDir,
}

/// One packet as ffprobe sees it.
#[derive(Debug, Deserialize)]
struct Probed {
    pts_time: String,
    dts_time: String,
    size: String,
    flags: String,
}

#[derive(Deserialize)]
struct ProbedPackets {
    packets: Vec<Probed>,
}

/// One packet, in milliseconds from the first of its kind.
#[derive(Debug, PartialEq)]
struct Seen {
    decode_ms: i64,
    composition_ms: i64,
    bytes: usize,
    keyframe: bool,
}

impl Encoded {
    pub(super) async fn make(source: &Source) -> Self {
        let this = Self { folder: tempfile::tempdir().unwrap() };
        let mut command = Command::new(&source.ffmpeg);
        command.args(["-hide_banner", "-loglevel", "error", "-y"]);
        if !source.video.is_empty() {
            command.args(["-f", "lavfi", "-i", "testsrc=s=320x180:r=30"]);
        }
        if !source.audio.is_empty() {
            command.args(["-f", "lavfi", "-i", "sine=f=440:r=48000"]);
        }
        command.args(["-t", "2", "-pix_fmt", "yuv420p"]);
        command.args(source.video.split_whitespace()).args(source.audio.split_whitespace());
        let output = command.arg(this.file()).output().await.expect("ffmpeg runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        this
    }

    /// Publishes the file as it is; what ffmpeg printed, if it failed.
    pub(super) async fn publish(&self, source: &Source, url: &str) -> Result<(), String> {
        let mut command = Command::new(&source.ffmpeg);
        command.args(["-hide_banner", "-loglevel", "error", "-i"]).arg(self.file());
        let output = command.args(["-c", "copy", "-f", "flv", url]).output().await.expect("ffmpeg runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(printed) }
    }

    /// Every packet arrived once, in order, with its size, its times to the millisecond, and its keyframe mark.
    pub(super) async fn assert_same(&self, packets: &[Packet]) {
        let (video, audio) = (self.probe("v").await, self.probe("a").await);
        assert!(video.0.len() + audio.0.len() > 50, "two seconds were encoded");
        let arrived_video = seen(packets, |packet| match packet {
            Packet::Video { timestamp_ms, composition_ms, keyframe, data } => {
                Some((*timestamp_ms, *composition_ms, *keyframe, data.len()))
            }
            _ => None,
        });
        let arrived_audio = seen(packets, |packet| match packet {
            Packet::Audio { timestamp_ms, data } => Some((*timestamp_ms, 0, true, data.len())),
            _ => None,
        });
        assert_alike(&arrived_video.0, &video.0);
        assert_alike(&arrived_audio.0, &audio.0);
        if let (Some(video), Some(audio), Some(arrived_video), Some(arrived_audio)) =
            (video.1, audio.1, arrived_video.1, arrived_audio.1)
        {
            let difference = (audio - video) - (arrived_audio - arrived_video);
            assert!(difference.abs() <= 2, "sound and picture moved against each other by {difference} ms");
        }
    }

    /// The packets of a stream, and where the first begins.
    async fn probe(&self, stream: &str) -> (Vec<Seen>, Option<i64>) {
        let entries = "packet=pts_time,dts_time,size,flags";
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-of", "json", "-select_streams", stream, "-show_entries", entries]);
        let output = command.arg(self.file()).output().await.expect("ffprobe runs");
        let probed: ProbedPackets = serde_json::from_slice(&output.stdout).expect("ffprobe prints JSON");
        let ms = |time: &str| (time.parse::<f64>().unwrap() * 1_000.0).round() as i64;
        let first = probed.packets.first().map(|packet| ms(&packet.dts_time));
        let seen = |packet: &Probed| Seen {
            decode_ms: ms(&packet.dts_time) - first.unwrap_or_default(),
            composition_ms: ms(&packet.pts_time) - ms(&packet.dts_time),
            bytes: packet.size.parse().unwrap(),
            keyframe: packet.flags.starts_with('K'),
        };
        (probed.packets.iter().map(seen).collect(), first)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("encoded.mp4")
    }
}

fn seen(packets: &[Packet], take: impl Fn(&Packet) -> Option<(u32, i32, bool, usize)>) -> (Vec<Seen>, Option<i64>) {
    let taken: Vec<_> = packets.iter().filter_map(take).collect();
    let first = taken.first().map(|packet| i64::from(packet.0));
    let seen = |&(timestamp_ms, composition_ms, keyframe, bytes): &(u32, i32, bool, usize)| Seen {
        decode_ms: i64::from(timestamp_ms) - first.unwrap_or_default(),
        composition_ms: composition_ms.into(),
        bytes,
        keyframe,
    };
    (taken.iter().map(seen).collect(), first)
}

fn assert_alike(arrived: &[Seen], encoded: &[Seen]) {
    assert_eq!(arrived.len(), encoded.len(), "packets that arrived, and that were encoded");
    for (index, (arrived, encoded)) in arrived.iter().zip(encoded).enumerate() {
        // One millisecond of rounding in the container and one in FLV.
        let alike = arrived.bytes == encoded.bytes
            && arrived.keyframe == encoded.keyframe
            && (arrived.decode_ms - encoded.decode_ms).abs() <= 2
            && (arrived.composition_ms - encoded.composition_ms).abs() <= 2;
        assert!(alike, "packet {index}: {arrived:?} arrived, {encoded:?} was encoded");
    }
}
