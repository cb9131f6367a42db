//! Batches of hearts over WebSockets: each connection has a playback session of its own, and sends its next batch as soon as the
//! one before is answered.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use mio::Events;
use serde_json::{Value, json};

use super::{
    crowd::{Crowd, Event},
    dialects::{Centrifuge, Part, Said},
    room::ready,
};
use crate::bench::{AnyError, processor};

const PATIENCE: Duration = Duration::from_secs(60);
/// Connections opened before it is waited for them.
const OPENED_AT_ONCE: usize = 500;
/// Milliseconds between the taps of a batch.
const TAP_EVERY: usize = 100;

/// Sends for `seconds`, one session of the file `sessions` on each connection. Where a channel stands behind it, the connection is
/// subscribed to that.
pub(crate) fn run(
    mut crowd: Crowd<Centrifuge>,
    sessions: &Path,
    taps: usize,
    seconds: u64,
    pids: &[u32],
) -> Result<Value, AnyError> {
    let lines = std::fs::read_to_string(sessions)?;
    let lines: Vec<(&str, Option<&str>)> = lines.lines().map(session_and_channel).collect();
    let sessions: Vec<&str> = lines.iter().map(|(session, _)| *session).collect();
    let positions: Vec<usize> = (1..=taps).map(|number| number * TAP_EVERY).collect();
    let mut events = Events::with_capacity(4096);
    for some in lines.chunks(OPENED_AT_ONCE) {
        for (_, channel) in some {
            let part = channel.map_or(Part::Sender, |_| Part::Viewer(None));
            crowd.join(part, channel.unwrap_or_default())?;
        }
        ready(&mut crowd, &mut events, some.len(), PATIENCE)?;
    }
    let mut sent = vec![0_usize; sessions.len()];
    let mut idle: Vec<usize> = (0..sessions.len()).collect();
    let (mut answered, mut refused, mut ended, mut first_refusal) = (0_usize, 0_usize, 0_usize, String::new());
    let (begun, before) = (Instant::now(), processor::seconds(pids)?);
    let time = Duration::from_secs(seconds);
    let mut measured = None;
    // After the time, the batches on their way are still waited for: the total has to be right to the tap.
    while measured.is_none() || (idle.len() + ended < sessions.len() && begun.elapsed() < time + PATIENCE) {
        if begun.elapsed() < time {
            for number in std::mem::take(&mut idle) {
                sent[number] += 1;
                let data = json!({ "session": sessions[number], "seq": sent[number], "taps": positions });
                crowd.call(number, sent[number], "hearts", &data);
                crowd.flush(number);
            }
        } else if measured.is_none() {
            measured = Some((answered, begun.elapsed().as_secs_f64(), processor::seconds(pids)? - before));
        }
        crowd.turn(&mut events, Duration::from_millis(20), |number, event| match event {
            Event::Said(Said::Acknowledged(_)) => {
                answered += 1;
                idle.push(number);
            }
            Event::Said(Said::Refused(why)) => {
                refused += 1;
                idle.push(number);
                if first_refusal.is_empty() {
                    first_refusal = String::from_utf8_lossy(why).into_owned();
                }
            }
            Event::Said(_) => {}
            Event::Ended(error) => {
                ended += 1;
                first_refusal = format!("connection {number} ended: {error}");
            }
        })?;
    }
    let (batches, wall, cpu) = measured.unwrap_or_default();
    Ok(json!({
        "sessions": sessions.len(), "answers": answered, "hearts": answered * taps, "errors": refused + ended,
        "first_refusal": first_refusal, "wall_s": wall, "cpu_s": cpu, "batches_per_core_s": batches as f64 / cpu,
    }))
}

fn session_and_channel(line: &str) -> (&str, Option<&str>) {
    line.split_once(' ').map_or((line, None), |(session, channel)| (session, Some(channel)))
}
