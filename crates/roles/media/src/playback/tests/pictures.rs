//! Pictures of shows: made by ffmpeg while live, kept with the recording, a drawing where there is none.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use kernel::{BroadcastId, Clock};

use super::{
    clips::clip,
    show::{BROADCAST, Show},
};
use crate::{MediaSettings, Stage};

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 60";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];

fn with_program(ffmpeg: &str) -> Show {
    Show::with(MediaSettings { ffmpeg: ffmpeg.into(), ..MediaSettings::default() })
}

/// Stands for ffmpeg: writes a line for each time it runs, and gives the beginning of a JPEG.
struct CountingProgram {
    folder: PathBuf,
}

impl CountingProgram {
    fn in_folder(folder: &Path) -> Self {
        let program = Self { folder: folder.to_owned() };
        let runs = folder.join("runs");
        let text = format!("#!/bin/sh\necho run >>'{}'\ncat >/dev/null\nprintf '\\377\\330\\377'\n", runs.display());
        // Written by another process: a file that this one has open may be so in a child of another test, and is not run then.
        let write = "printf %s \"$1\" >\"$2\" && chmod +x \"$2\"";
        let status = Command::new("sh").args(["-c", write, "sh", &text, &program.path()]).status().unwrap();
        assert!(status.success());
        program
    }

    fn path(&self) -> String {
        self.folder.join("program").to_str().unwrap().to_owned()
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.folder.join("runs")).map_or(0, |runs| runs.lines().count())
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_live_show_has_a_picture_which_stays_with_its_replay() {
    let mut show = with_program("ffmpeg");
    show.go_live();
    show.connect();
    assert_eq!(show.get("thumbnail.jpg").await.header("content-type"), "image/svg+xml");
    show.send(&clip(5.0, VIDEO, ""));
    show.media.round().await;
    let first = show.get("thumbnail.jpg").await;
    assert_eq!(first.header("content-type"), "image/jpeg");
    assert!(first.body.starts_with(JPEG) && first.body.len() > 1_000);

    show.send(&super::playlists::later(&clip(3.0, "-vf negate -c:v libx264 -preset ultrafast -g 30", ""), 5_000));
    show.media.round().await;
    assert_eq!(show.get("thumbnail.jpg").await.body, first.body, "no sooner than after half a minute");
    show.wait_ms(30_000);
    show.media.round().await;
    let second = show.get("thumbnail.jpg").await.body;
    assert!(second.starts_with(JPEG) && second != first.body, "a new one");

    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;
    let show = show.kill_and_restart().await;
    assert_eq!(show.get("thumbnail.jpg").await.body, second, "kept with the recording");
}

#[tokio::test]
async fn a_picture_is_taken_only_on_air_and_once_in_half_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let program = CountingProgram::in_folder(folder.path());
    let mut show = with_program(&program.path());
    let packets = clip(5.0, VIDEO, "");
    show.connect();
    show.send(&packets);
    show.media.round().await;
    assert_eq!(program.runs(), 0, "a preview has no picture");

    show.go_live();
    show.disconnect();
    show.connect();
    let mut after_ms = 0;
    let mut send_more = |show: &mut Show| {
        show.send(&super::playlists::later(&packets, after_ms));
        after_ms += 5_000;
    };
    send_more(&mut show);
    show.media.round().await;
    assert_eq!(program.runs(), 1, "on air");
    assert_eq!(show.get("thumbnail.jpg").await.header("content-type"), "image/jpeg");
    show.wait_ms(29_999);
    show.media.round().await;
    assert_eq!(program.runs(), 1, "half a minute is not over");
    show.wait_ms(1);
    show.media.round().await;
    assert_eq!(program.runs(), 2);

    show.stage(Stage::Paused);
    send_more(&mut show);
    show.wait_ms(30_000);
    show.media.round().await;
    assert_eq!(program.runs(), 2, "paused, though the encoder goes on");
    show.go_live();
    show.media.round().await;
    assert_eq!(program.runs(), 3, "on air again");
    show.disconnect();
    show.wait_ms(30_000);
    show.media.round().await;
    assert_eq!(program.runs(), 3, "the encoder is away");
    show.connect();
    send_more(&mut show);
    show.stage(Stage::Ended);
    show.wait_ms(30_000);
    show.media.round().await;
    show.media.replay_complete(BROADCAST).await;
    show.media.round().await;
    assert_eq!(program.runs(), 3, "ended");
}

#[tokio::test]
async fn without_the_program_there_is_a_drawing_and_one_line_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _while_in_scope = tracing::subscriber::set_default(subscriber);
    let packets = clip(5.0, VIDEO, "");
    let mut show = with_program("no-such-program");
    show.go_live();
    show.connect();
    show.send(&packets);
    let another = BroadcastId::from_raw(18);
    show.media.expect(another, crate::Take::default(), Stage::Live { timeline_start: show.clock.now() });
    let mut sink = show.media.packager().open(another, 1);
    packets.iter().for_each(|packet| sink.push(packet.clone(), show.clock.now()));
    for _ in 0..3 {
        show.media.round().await;
        show.wait_ms(30_000);
    }
    let drawing = show.get("thumbnail.jpg").await;
    assert_eq!((drawing.status.as_u16(), drawing.header("content-type")), (200, "image/svg+xml"));
    assert!(drawing.text().contains("<svg"));
    let said = log.text();
    let lines: Vec<_> = said.lines().filter(|line| line.contains("thumbnails")).collect();
    assert_eq!(lines.len(), 1, "one line for all shows and all times: {said}");
    assert!(lines[0].contains("no-such-program") && lines[0].contains("placeholder"), "{said}");
}

#[tokio::test]
async fn a_preview_that_nobody_feeds_any_more_is_forgotten() {
    let mut show = Show::new();
    show.connect();
    show.send(&clip(5.0, VIDEO, ""));
    show.media.round().await;
    show.disconnect();
    show.wait_ms(4 * 60_000);
    show.media.round().await;
    assert!(show.media.health(BROADCAST).is_some());
    show.wait_ms(2 * 60_000);
    show.media.round().await;
    assert!(show.media.health(BROADCAST).is_none());
}
