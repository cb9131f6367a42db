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
    let (mut arrived, mut refused, mut first_refusal, mut ended) = (0_u64, 0_u64, String::new(), 0_u64);
    let (begun, before, own) = (Instant::now(), processor::seconds(pids)?, processor::seconds(&[std::process::id()])?);
    let mut last = (begun, 0);
    while arrived < wanted {
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
            Event::Said(Said::Message { payload, offset }) => {
                if let (Some(viewer), Some((sender, index))) = (viewers.get_mut(number), payload::read(payload)) {
                    viewer.take(sender, index, offset);
                    arrived += 1;
                }
            }
            Event::Said(Said::Acknowledged) => senders[number - shape.viewers].acknowledged += 1,
            Event::Said(Said::Refused(why)) => {
                refused += 1;
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
        if arrived != last.1 {
            last = (Instant::now(), arrived);
        } else if last.0.elapsed() > shape.patience {
            break;
        }
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), processor::seconds(pids)? - before);
    let mut count = Count::default();
    viewers.iter().for_each(|viewer| count += viewer.count);
    Ok(json!({
        "messages": each * shape.senders, "deliveries": count.delivered, "lost": wanted.saturating_sub(count.delivered),
        "doubled": count.doubled, "out_of_order": count.out_of_order, "offset_breaks": count.offset_breaks,
        "refused": refused, "connections_ended": ended, "first_refusal": first_refusal,
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
