//! A busy room: viewers, senders, and a window of messages each sender may have on their way. A message has arrived when it is
//! acknowledged (where the server acknowledges) and one chosen viewer has it; every viewer's account is checked.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::Events;
use serde_json::{Value, json};

use super::{
    crowd::{Crowd, Event},
    dialects::{Dialect, Part, Said},
    payload,
    viewer::{Count, Viewer},
};
use crate::bench::{AnyError, processor};

/// What a busy room does.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) room: String,
    pub(crate) viewers: usize,
    pub(crate) senders: usize,
    /// Messages of all senders together.
    pub(crate) messages: usize,
    pub(crate) payload_bytes: usize,
    pub(crate) window: usize,
    /// How long nothing may arrive before the load gives up.
    pub(crate) patience: Duration,
}

/// How long it is waited for doubles once all is there.
const LATE: Duration = Duration::from_millis(300);

/// What went wrong.
#[derive(Default)]
struct Trouble {
    refused: u64,
    connections_ended: u64,
    first: String,
}

impl Trouble {
    fn refused(&mut self, why: &[u8]) {
        self.refused += 1;
        self.note(|| String::from_utf8_lossy(why).into_owned());
    }

    fn ended(&mut self, number: usize, error: &io::Error) {
        self.connections_ended += 1;
        self.note(|| format!("connection {number} ended: {error}"));
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if self.first.is_empty() {
            self.first = what();
        }
    }
}

#[derive(Default, Clone)]
struct Sender {
    sent: usize,
    acknowledged: usize,
}

pub(crate) fn run<D: Dialect>(mut crowd: Crowd<D>, shape: &Shape, pids: &[u32]) -> Result<Value, AnyError> {
    let each = shape.messages / shape.senders;
    let mut events = Events::with_capacity(1024);
    open(&mut crowd, &mut events, shape)?;
    let mut viewers = vec![(); shape.viewers].into_iter().map(|()| Viewer::new(shape.senders)).collect::<Vec<_>>();
    let mut senders = vec![Sender::default(); shape.senders];
    let wanted = (each * shape.senders * shape.viewers) as u64;
    let (mut arrived, mut foreign, mut trouble) = (0_u64, 0_u64, Trouble::default());
    let (begun, before, own) = (Instant::now(), processor::seconds(pids)?, processor::seconds(&[std::process::id()])?);
    let mut last = (begun, 0);
    let mut all_there = None;
    while all_there.is_none_or(|(at, ..): (Instant, f64)| at.elapsed() < LATE) {
        for (index, sender) in senders.iter_mut().enumerate() {
            let seen = viewers[index % shape.viewers].next(index);
            let over = if D::ACKNOWLEDGES { seen.min(sender.acknowledged) } else { seen };
            while sender.sent < each && sender.sent - over.min(sender.sent) < shape.window {
                crowd.send(shape.viewers + index, sender.sent, &payload::make(index, sender.sent, shape.payload_bytes));
                sender.sent += 1;
            }
            crowd.flush(shape.viewers + index);
        }
        crowd.turn(&mut events, Duration::from_millis(100), |number, event| match event {
            Event::Said(Said::Message { payload, offset }) => match (viewers.get_mut(number), payload::read(payload)) {
                (Some(viewer), Some((sender, index))) => arrived += u64::from(viewer.take(sender, index, offset)),
                _ => foreign += 1,
            },
            Event::Said(Said::Acknowledged) => {
                if let Some(sender) = number.checked_sub(shape.viewers).and_then(|index| senders.get_mut(index)) {
                    sender.acknowledged += 1;
                }
            }
            Event::Said(Said::Refused(why)) => trouble.refused(why),
            Event::Said(_) => {}
            Event::Ended(error) => trouble.ended(number, &error),
        })?;
        if arrived == wanted && all_there.is_none() {
            // What comes twice may come late.
            all_there = Some((Instant::now(), processor::seconds(pids)?));
        }
        if arrived != last.1 {
            last = (Instant::now(), arrived);
        } else if last.0.elapsed() > shape.patience || trouble.connections_ended > 0 {
            break;
        }
    }
    let (at, after) = match all_there {
        Some(found) => found,
        None => (Instant::now(), processor::seconds(pids)?),
    };
    let (wall, cpu) = (at.duration_since(begun).as_secs_f64(), after - before);
    let mut count = Count::default();
    viewers.iter().for_each(|viewer| count += viewer.count);
    Ok(json!({
        "messages": each * shape.senders, "deliveries": count.delivered, "lost": wanted.saturating_sub(count.delivered),
        "doubled": count.doubled, "out_of_order": count.out_of_order, "offset_breaks": count.offset_breaks,
        "foreign": foreign, "refused": trouble.refused, "connections_ended": trouble.connections_ended, "first_trouble": trouble.first,
        "bytes_per_delivery": crowd.bytes_read() as f64 / count.delivered.max(1) as f64,
        "wall_s": wall, "cpu_s": cpu, "load_cpu_s": processor::seconds(&[std::process::id()])? - own,
        "deliveries_per_core_s": count.delivered as f64 / cpu,
    }))
}

/// Opens the viewers' connections, then the senders', and waits until all are ready.
fn open<D: Dialect>(crowd: &mut Crowd<D>, events: &mut Events, shape: &Shape) -> Result<(), AnyError> {
    for (count, part) in [(shape.viewers, Part::Viewer), (shape.senders, Part::Sender)] {
        for _ in 0..count {
            crowd.join(part.clone(), &shape.room)?;
        }
        ready(crowd, events, count, shape.patience)?;
    }
    Ok(())
}

/// Waits until so many more connections are ready.
pub(crate) fn ready<D: Dialect>(
    crowd: &mut Crowd<D>,
    events: &mut Events,
    count: usize,
    patience: Duration,
) -> Result<(), AnyError> {
    let (mut ready, mut wrong, begun) = (0, None, Instant::now());
    while ready < count {
        crowd.turn(events, Duration::from_millis(100), |number, event| match event {
            Event::Said(Said::Ready(_)) => ready += 1,
            Event::Said(Said::Refused(why)) => {
                wrong = Some(format!("connection {number}: {}", String::from_utf8_lossy(why)))
            }
            Event::Ended(error) => wrong = Some(format!("connection {number}: {error}")),
            Event::Said(_) => {}
        })?;
        if let Some(wrong) = wrong.take() {
            return Err(wrong.into());
        }
        if begun.elapsed() > patience {
            return Err(io::Error::other(format!("{ready} of {count} connections became ready")).into());
        }
    }
    Ok(())
}
