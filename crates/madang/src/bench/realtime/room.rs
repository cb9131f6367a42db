//! A busy room: viewers, senders, and a window of messages each sender may have on their way. A message has arrived when it is
//! acknowledged (where the server acknowledges) and one chosen viewer has it; every viewer's account is checked.
//!
//! The load breaks off when a connection ends, unless it is told that connections come back. Then a viewer goes on where it was,
//! and a sender sends again what was not acknowledged, in its order. What was acknowledged must come to every viewer once. What
//! was sent again may stand in the log as often as it was sent, because its sender could not know that it had been taken: it may
//! come so often ("came again"). Whatever comes more often than it was sent came doubled.

mod account;
mod outage;
mod returning;
mod sender;
mod viewer;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use mio::Events;
use serde_json::{Value, json};

use self::{account::Account, sender::Bounds};
use super::{
    crowd::{Crowd, Event},
    dialects::{Dialect, Part, Said},
    payload,
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
    /// Whether connections that end come back.
    pub(crate) resumes: bool,
    /// Whether senders go on after their messages until the standard input ends.
    pub(crate) until_told: bool,
    /// How long nothing may arrive before the load gives up.
    pub(crate) patience: Duration,
}

/// How long it is waited for doubles once all is there.
const LATE: Duration = Duration::from_millis(300);
/// How long it is waited at once for something to happen; not so long while a connection waits to come back.
const TURN_MAX: Duration = Duration::from_millis(100);
const TURN_MAX_AWAY: Duration = Duration::from_millis(5);

pub(crate) fn run<D: Dialect>(mut crowd: Crowd<D>, shape: &Shape, pids: &[u32]) -> Result<Value, AnyError> {
    if shape.resumes && !D::RESUMES {
        return Err("viewers of this server cannot come back to where they were".into());
    }
    let each = shape.messages / shape.senders;
    let mut bounds = Bounds { messages: usize::MAX, window: shape.window, acknowledges: D::ACKNOWLEDGES };
    let may_end = Arc::new(AtomicBool::new(!shape.until_told));
    if shape.until_told {
        end_with_the_input(may_end.clone());
    }
    let mut events = Events::with_capacity(1024);
    let mut account = Account::new(shape);
    open(&mut crowd, &mut events, shape, &mut account)?;
    let half_way = account.wanted(each) / 2;
    let (begun, before, own) = (Instant::now(), processor::seconds(pids)?, processor::seconds(&[std::process::id()])?);
    let mut last = (begun, 0);
    let mut all_there = None;
    while all_there.is_none_or(|(at, ..): (Instant, f64)| at.elapsed() < LATE) {
        come_back(&mut crowd, &mut account);
        if may_end.load(Ordering::Relaxed) {
            bounds.messages = each;
        }
        send(&mut crowd, &mut account, shape, bounds);
        let patience = if account.returning.nobody_is_away() { TURN_MAX } else { TURN_MAX_AWAY };
        crowd.turn(&mut events, patience, |number, event| account.take(number, event))?;
        account.look();
        if shape.resumes && last.1 < half_way && account.arrived >= half_way {
            tell_half_way();
        }
        let is_all_sent = bounds.messages == each && account.arrived == account.wanted(each);
        if is_all_sent && account.all_acknowledged() && all_there.is_none() {
            // What comes twice may come late.
            all_there = Some((Instant::now(), processor::seconds(pids)?));
        }
        if account.arrived != last.1 {
            last = (Instant::now(), account.arrived);
        } else if last.0.elapsed() > shape.patience || (account.connections_ended > 0 && !shape.resumes) {
            break;
        }
    }
    let (at, after) = match all_there {
        Some(found) => found,
        None => (Instant::now(), processor::seconds(pids)?),
    };
    let (wall, cpu) = (at.duration_since(begun).as_secs_f64(), after - before);
    let delivered = account.count().delivered;
    let mut told = account.told(account.wanted(each));
    told["messages"] = json!(account.wanted(each) / shape.viewers as u64);
    told["bytes_per_delivery"] = json!(crowd.bytes_read() as f64 / delivered.max(1) as f64);
    told["wall_s"] = json!(wall);
    told["load_cpu_s"] = json!(processor::seconds(&[std::process::id()])? - own);
    if !pids.is_empty() {
        told["cpu_s"] = json!(cpu);
        told["deliveries_per_core_s"] = json!(delivered as f64 / cpu);
    }
    Ok(told)
}

/// Connects those anew whose pause is over.
fn come_back<D: Dialect>(crowd: &mut Crowd<D>, account: &mut Account) {
    for number in account.returning.due(Instant::now()) {
        if let Err(error) = crowd.rejoin(number, account.part(number)) {
            account.ended(number, &error);
        }
    }
}

/// Lets everybody send what there is room for.
fn send<D: Dialect>(crowd: &mut Crowd<D>, account: &mut Account, shape: &Shape, bounds: Bounds) {
    for (index, sender) in account.senders.iter_mut().enumerate() {
        let connection = shape.viewers + index;
        if account.returning.is_away(connection) {
            continue;
        }
        let seen = account.viewers[index % shape.viewers].next(index);
        while let Some(number) = sender.next(seen, bounds) {
            crowd.send(connection, number, &payload::make(index, number, shape.payload_bytes));
        }
        crowd.flush(connection);
    }
}

#[allow(
    clippy::print_stderr,
    reason = "whoever runs the load may want to know, and the result alone goes to the output"
)]
fn tell_half_way() {
    eprintln!("half way");
}

/// Says so when the standard input has ended.
fn end_with_the_input(has_ended: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        has_ended.store(true, Ordering::Relaxed);
    });
}

/// Opens the viewers' connections, then the senders', and waits until all are ready.
fn open<D: Dialect>(
    crowd: &mut Crowd<D>,
    events: &mut Events,
    shape: &Shape,
    account: &mut Account,
) -> Result<(), AnyError> {
    for (count, part) in [(shape.viewers, Part::Viewer(None)), (shape.senders, Part::Sender)] {
        for _ in 0..count {
            crowd.join(part.clone(), &shape.room)?;
        }
        ready_each(crowd, events, count, shape.patience, |number, epoch| account.ready(number, epoch))?;
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
    ready_each(crowd, events, count, patience, |_, _| {})
}

/// The same, and tells of each the epoch of the log it reads.
fn ready_each<D: Dialect>(
    crowd: &mut Crowd<D>,
    events: &mut Events,
    count: usize,
    patience: Duration,
    mut on: impl FnMut(usize, &str),
) -> Result<(), AnyError> {
    let (mut ready, mut wrong, begun) = (0, None, Instant::now());
    while ready < count {
        crowd.turn(events, Duration::from_millis(100), |number, event| match event {
            Event::Said(Said::Ready(epoch)) => {
                ready += 1;
                on(number, epoch);
            }
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
