//! Rooms at a steady pace: how long a message takes to each viewer, and what serving it costs.

use std::time::{Duration, Instant};

use mio::Events;
use serde_json::{Value, json};

use super::{
    crowd::{Crowd, Event},
    dialects::{Dialect, Part, Said},
    payload,
    room::ready,
};
use crate::bench::{AnyError, processor};

/// What happens.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) room: String,
    pub(crate) rooms: usize,
    /// Viewers of each room.
    pub(crate) viewers: usize,
    /// Messages a second in each room.
    pub(crate) rate: f64,
    pub(crate) payload_bytes: usize,
    pub(crate) seconds: u64,
}

const OPENING_MAX: Duration = Duration::from_secs(60);
/// What is on its way at the end may take so long.
const LATE_MAX: Duration = Duration::from_secs(5);
/// Connections that send; each sends to rooms of its own, one after the other.
const SENDERS_MAX: usize = 100;
/// Connections opened before it is waited for them.
const OPENED_AT_ONCE: usize = 500;

pub(crate) fn run<D: Dialect>(mut crowd: Crowd<D>, pace: &Pace, pids: &[u32]) -> Result<Value, AnyError> {
    let mut events = Events::with_capacity(4096);
    let name = |room: usize| if pace.rooms == 1 { pace.room.clone() } else { format!("{}{room}", pace.room) };
    let all = pace.rooms * pace.viewers;
    for number in 0..all {
        crowd.join(Part::Viewer(None), &name(number / pace.viewers))?;
        if (number + 1) % OPENED_AT_ONCE == 0 || number + 1 == all {
            ready(&mut crowd, &mut events, number % OPENED_AT_ONCE + 1, OPENING_MAX)?;
        }
    }
    let senders = (0..pace.rooms.min(SENDERS_MAX)).map(|_| crowd.join(Part::Sender, &pace.room));
    let senders = senders.collect::<Result<Vec<_>, _>>()?;
    ready(&mut crowd, &mut events, senders.len(), OPENING_MAX)?;

    let (begun, before) = (Instant::now(), processor::seconds(pids)?);
    let interval = Duration::from_secs_f64(1.0 / (pace.rate * pace.rooms as f64));
    let messages = (pace.seconds as f64 / interval.as_secs_f64()) as usize;
    let (mut sent, mut latencies, mut wrong): (Vec<Instant>, Vec<u32>, u64) = (Vec::new(), Vec::new(), 0);
    let wanted = messages * pace.viewers;
    let mut cpu_at_end = None;
    while latencies.len() < wanted {
        let now = Instant::now();
        while sent.len() < messages && begun + interval * sent.len() as u32 <= now {
            let number = sent.len();
            let text = payload::make(0, number, pace.payload_bytes);
            let sender = senders[number % pace.rooms % senders.len()];
            crowd.send_to(sender, &name(number % pace.rooms), number, &text);
            sent.push(Instant::now());
            crowd.flush(sender);
        }
        if sent.len() == messages && cpu_at_end.is_none() && begun.elapsed() >= Duration::from_secs(pace.seconds) {
            cpu_at_end = Some((begun.elapsed(), processor::seconds(pids)?));
        }
        if begun.elapsed() > Duration::from_secs(pace.seconds) + LATE_MAX {
            break;
        }
        let patience = interval.min(Duration::from_millis(1));
        crowd.turn(&mut events, patience, |_, event| match event {
            Event::Said(Said::Message { payload, .. }) => {
                let at = payload::read(payload).and_then(|(_, number)| sent.get(number));
                latencies.extend(at.map(|at| at.elapsed().as_micros() as u32));
            }
            Event::Said(Said::Refused(_)) | Event::Ended(_) => wrong += 1,
            Event::Said(_) => {}
        })?;
    }
    let (wall, after) = match cpu_at_end {
        Some(found) => found,
        None => (begun.elapsed(), processor::seconds(pids)?),
    };
    latencies.sort_unstable();
    let percentile = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        f64::from(latencies.get(index.min(latencies.len().saturating_sub(1))).copied().unwrap_or(0)) / 1_000.0
    };
    let cpu = after - before;
    Ok(json!({
        "messages": messages, "deliveries": latencies.len(), "lost": wanted - latencies.len(), "wrong": wrong,
        "p50_ms": percentile(0.5), "p99_ms": percentile(0.99), "wall_s": wall.as_secs_f64(), "cpu_s": cpu,
        "cores": cpu / wall.as_secs_f64(), "deliveries_per_core_s": latencies.len() as f64 / cpu,
    }))
}
