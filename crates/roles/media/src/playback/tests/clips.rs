//! Clips that ffmpeg encodes, and what ffmpeg and ffprobe say of a file.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use bytes::Bytes;

use crate::{
    codec::flv::{Unpacker, read_file},
    frame::Packet,
};

/// `MADANG_TEST_FFMPEG`, or the one in the Python package `imageio-ffmpeg`, or the one in the path: the distribution's may
/// be too old for enhanced FLV.
pub(crate) fn ffmpeg() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        if let Some(path) = std::env::var_os("MADANG_TEST_FFMPEG") {
            return path.into();
        }
        let ask = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
        let answer = Command::new("python3").args(["-c", ask]).stderr(Stdio::null()).output();
        let path = answer.ok().filter(|answer| answer.status.success()).map(|answer| answer.stdout);
        path.and_then(|path| String::from_utf8(path).ok()).map_or("ffmpeg".into(), |path| path.trim().into())
    };
    FOUND.get_or_init(find).clone()
}

/// Encodes `seconds` of a moving picture and a tone; empty arguments leave a track out.
pub(crate) fn clip(seconds: f64, video: &str, audio: &str) -> Vec<Packet> {
    let mut command = Command::new(ffmpeg());
    command.args(["-hide_banner", "-loglevel", "error"]);
    if !video.is_empty() {
        command.args(["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"]);
    }
    if !audio.is_empty() {
        command.args(["-f", "lavfi", "-i", "sine=f=440:r=44100"]);
    }
    command.args(["-t", &seconds.to_string(), "-pix_fmt", "yuv420p", "-threads", "2"]);
    command.args(video.split_whitespace()).args(audio.split_whitespace()).args(["-f", "flv", "-"]);
    let output = command.output().expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    unpack(output.stdout.into())
}

fn unpack(file: Bytes) -> Vec<Packet> {
    let (mut unpacker, mut packets) = (Unpacker::default(), Vec::new());
    for tag in read_file(file).expect("ffmpeg writes FLV") {
        unpacker.unpack(tag, |packet| packets.push(packet)).expect("ffmpeg's tags are understood");
    }
    packets
}

/// One packet of a file, in the units of its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probed {
    pub(crate) present: i64,
    pub(crate) decode: i64,
    pub(crate) duration: i64,
    pub(crate) bytes: usize,
    pub(crate) keyframe: bool,
}

/// What ffprobe finds in the first track of this kind (`v` or `a`).
pub(crate) fn probe(file: &[u8], kind: &str) -> Vec<Probed> {
    let entries = "packet=pts,dts,duration,size,flags";
    let arguments = ["-v", "error", "-select_streams", kind, "-show_entries", entries, "-of", "csv=p=0", "-i"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("ffprobe").args(arguments).arg(&path).output().expect("ffprobe runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |field: Option<&str>| field.and_then(|field| field.parse().ok()).unwrap_or(i64::MIN);
    let line = |line: &str| {
        let mut fields = line.split(',');
        let (present, decode) = (number(fields.next()), number(fields.next()));
        let (duration, bytes) = (number(fields.next()), number(fields.next()) as usize);
        Probed { present, decode, duration, bytes, keyframe: fields.next().is_some_and(|flags| flags.contains('K')) }
    };
    text.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// How many frames of this kind (`v` or `a`) ffmpeg decodes; panics at the first complaint.
pub(crate) fn decode(file: &[u8], kind: &str) -> usize {
    let mut child = Command::new(ffmpeg())
        .args(["-hide_banner", "-loglevel", "warning", "-xerror", "-i", "pipe:0", "-map", &format!("0:{kind}")])
        .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg runs");
    let (mut input, file) = (child.stdin.take().unwrap(), file.to_vec());
    let feed = std::thread::spawn(move || input.write_all(&file).map(drop));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap().expect("ffmpeg reads to the end");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.starts_with('#')).count()
}
