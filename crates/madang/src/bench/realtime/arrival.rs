//! A crowd that comes at one instant, and one that stays and says nothing.

use std::time::{Duration, Instant};

use mio::Events;
use serde_json::{Value, json};

use super::{
    crowd::{Crowd, Event},
    dialects::{Dialect, Part, Said},
    room::ready,
};
use crate::bench::{AnyError, processor};

const PATIENCE: Duration = Duration::from_secs(60);
/// Connections opened before it is waited for them.
const OPENED_AT_ONCE: usize = 500;

/// Connects `viewers` at once, and waits until all are subscribed.
pub(crate) fn at_once<D: Dialect>(
    mut crowd: Crowd<D>,
    room: &str,
    viewers: usize,
    pids: &[u32],
) -> Result<Value, AnyError> {
    let mut events = Events::with_capacity(4096);
    let (begun, before) = (Instant::now(), processor::seconds(pids)?);
    for _ in 0..viewers {
        crowd.join(Part::Viewer(None), room)?;
    }
    ready(&mut crowd, &mut events, viewers, PATIENCE)?;
    let wall = begun.elapsed().as_secs_f64();
    Ok(json!({ "viewers": viewers, "ready": viewers, "wall_s": wall, "cpu_s": processor::seconds(pids)? - before }))
}

/// Connects `viewers` one after the other, and lets them answer pings for `seconds`.
pub(crate) fn idle<D: Dialect>(
    mut crowd: Crowd<D>,
    room: &str,
    viewers: usize,
    seconds: u64,
    pids: &[u32],
) -> Result<Value, AnyError> {
    let mut events = Events::with_capacity(4096);
    let empty = processor::resident_kb(pids)?;
    for number in 1..=viewers {
        crowd.join(Part::Viewer(None), room)?;
        if number % OPENED_AT_ONCE == 0 || number == viewers {
            ready(&mut crowd, &mut events, (number - 1) % OPENED_AT_ONCE + 1, PATIENCE)?;
        }
    }
    let full = processor::resident_kb(pids)?;
    let (begun, before, mut pings, mut ended) = (Instant::now(), processor::seconds(pids)?, 0_u64, 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        crowd.turn(&mut events, Duration::from_millis(100), |_, event| match event {
            Event::Said(Said::Ping(_)) => pings += 1,
            Event::Ended(_) => ended += 1,
            Event::Said(_) => {}
        })?;
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), processor::seconds(pids)? - before);
    let bytes = (processor::resident_kb(pids)? as f64 - empty as f64) * 1024.0 / viewers as f64;
    Ok(json!({
        "viewers": viewers, "ended": ended, "pings": pings, "bytes_per_connection": bytes,
        "bytes_per_connection_at_once": (full as f64 - empty as f64) * 1024.0 / viewers as f64,
        "wall_s": wall, "cpu_s": cpu, "cores": cpu / wall,
    }))
}
