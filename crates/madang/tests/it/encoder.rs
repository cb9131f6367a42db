//! Real encoders: ffmpeg publishing to the site, and reading back what a player gets.

use std::{net::SocketAddr, process::Stdio};

use serde_json::Value;
use tokio::process::{Child, Command};

/// The ffmpeg that can send enhanced RTMP, named by the test command; else the one on the PATH.
pub(crate) fn ffmpeg() -> String {
    std::env::var("MADANG_TEST_FFMPEG").unwrap_or_else(|_| "ffmpeg".into())
}

/// A picture that changes with every frame, and a tone.
pub(crate) const TEST_CARD: &[&str] = &[
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=640x360:rate=30",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=44100",
];

/// H.264 with B-frames and AAC, a keyframe every 2 s.
pub(crate) const H264: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-b_strategy",
    "0",
    "-g",
    "60",
    "-sc_threshold",
    "0",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
];

/// An encoder at work; killed with the test.
pub(crate) struct Encoder {
    child: Child,
}

impl Encoder {
    /// Publishes in real time, `seconds` long.
    pub(crate) fn publish(rtmp: SocketAddr, key: &str, seconds: u32, input: &[&str], coding: &[&str]) -> Self {
        Self::publish_to(&format!("rtmp://{rtmp}/live/{key}"), seconds, input, coding)
    }

    /// The same to any address.
    pub(crate) fn publish_to(url: &str, seconds: u32, input: &[&str], coding: &[&str]) -> Self {
        let child = Command::new(ffmpeg())
            .args(["-nostdin", "-loglevel", "error", "-re"])
            .args(input)
            .args(coding)
            .args(["-t", &seconds.to_string(), "-f", "flv", url])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("ffmpeg runs");
        Self { child }
    }

    /// A test card in H.264 with B-frames and AAC.
    pub(crate) fn test_card(rtmp: SocketAddr, key: &str, seconds: u32) -> Self {
        Self::publish(rtmp, key, seconds, TEST_CARD, H264)
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end: whether it was content, and what it said.
    pub(crate) async fn finish(self) -> (bool, String) {
        let output = self.child.wait_with_output().await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Pulls the plug.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Every packet of one kind (`v` or `a`) that ffprobe finds at `source`, with its times in seconds.
pub(crate) async fn packets(source: &str, kind: &str) -> Vec<Value> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", kind, "-show_packets", "-of", "json", source])
        .output()
        .await
        .expect("ffprobe runs");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    found["packets"].as_array().cloned().unwrap_or_default()
}

/// The presentation times of packets, in seconds, in order of presentation.
pub(crate) fn presentation_times(packets: &[Value]) -> Vec<f64> {
    let mut times: Vec<f64> =
        packets.iter().map(|packet| packet["pts_time"].as_str().unwrap().parse().unwrap()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Decodes everything at `source`; gives the number of pictures and what the decoder complained of.
pub(crate) async fn decode(source: &str, kind: &str) -> (usize, String) {
    let output = Command::new(ffmpeg())
        .args(["-v", "error", "-i", source, "-map", &format!("0:{kind}:0"), "-f", "framecrc", "-"])
        .output()
        .await
        .expect("ffmpeg runs");
    let frames = String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with('#')).count();
    (frames, String::from_utf8_lossy(&output.stderr).into_owned())
}
