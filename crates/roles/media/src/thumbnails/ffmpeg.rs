//! One frame out of a segment, as a JPEG, made by `ffmpeg` in a process of its own.

use std::{io, process::Stdio, time::Duration};

use bytes::Bytes;
use tokio::{io::AsyncWriteExt, process::Command};

/// How long one picture may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A picture may not be larger.
const BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a shell, and `nice`, answer when the program is not there.
const NOT_FOUND: i32 = 127;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The program, or the one that runs it politely, is not there.
    #[error("there is no program {0:?}")]
    Absent(String),
    /// It could not be run.
    #[error("ffmpeg cannot be run: {0}")]
    Run(#[from] io::Error),
    /// It took too long.
    #[error("ffmpeg took longer than {} s", TIMEOUT.as_secs())]
    Timeout,
    /// It made nothing useful.
    #[error("ffmpeg made no picture: {0}")]
    Nothing(String),
}

const SCALE: &str = "scale=640:640:force_original_aspect_ratio=decrease:force_divisible_by=2";

/// The first frame of the segment, 640 pixels wide, or high if it is higher than wide.
pub(super) async fn frame(program: &str, init: &[u8], segment: &[u8]) -> Result<Bytes, FrameError> {
    // A picture may wait; the streams may not.
    let mut child = Command::new("nice")
        .args(["-n", "15", program, "-v", "error", "-nostdin", "-threads", "1", "-f", "mp4", "-i", "pipe:0"])
        .args(["-an", "-frames:v", "1", "-vf", SCALE, "-q:v", "5", "-f", "mjpeg", "pipe:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FrameError::Absent("nice".into()),
            _ => FrameError::Run(error),
        })?;
    let mut input = child.stdin.take();
    let feed = async {
        if let Some(input) = &mut input {
            // It stops reading once it has its frame.
            let fed = async { input.write_all(init).await.and(input.write_all(segment).await) };
            let _ = fed.await;
        }
        drop(input);
    };
    let run = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(TIMEOUT, run).await.map_err(|_| FrameError::Timeout)??;
    if output.status.code() == Some(NOT_FOUND) {
        return Err(FrameError::Absent(program.to_owned()));
    }
    if !output.stdout.starts_with(&[0xff, 0xd8]) || output.stdout.len() > BYTES_MAX {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(FrameError::Nothing(said.trim().chars().take(200).collect()));
    }
    Ok(output.stdout.into())
}
