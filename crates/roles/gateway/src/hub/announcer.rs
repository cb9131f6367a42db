//! Tells the bus who comes to channels and leaves them.

use std::sync::Arc;

use ports::bus::{Bus, Movement};
use tokio::sync::mpsc;

/// Movements that wait to be told at the most; more are not told at all.
const WAITING_MAX: usize = 16_384;
/// Movements taken from the queue at once.
const AT_ONCE: usize = 512;

/// Hands movements on in their order.
#[derive(Clone)]
pub(super) struct Announcer(mpsc::Sender<(Arc<str>, Movement)>);

/// What the announcer was given.
pub(super) type Announced = mpsc::Receiver<(Arc<str>, Movement)>;

impl Announcer {
    pub(super) fn new() -> (Self, Announced) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    pub(super) fn announce(&self, channel: &Arc<str>, movement: Movement) {
        if self.0.try_send((channel.clone(), movement)).is_err() {
            metrics::counter!("madang_gateway_movements_dropped").increment(1);
        }
    }
}

/// Tells the bus for as long as there is something to tell.
pub(super) async fn run(mut announced: Announced, bus: Arc<dyn Bus>) {
    let mut waiting = Vec::new();
    while announced.recv_many(&mut waiting, AT_ONCE).await > 0 {
        let mut rest = waiting.drain(..).peekable();
        while let Some((channel, movement)) = rest.next() {
            let mut movements = vec![movement];
            while let Some((_, movement)) = rest.next_if(|(next, _)| *next == channel) {
                movements.push(movement);
            }
            if let Err(error) = bus.announce(&channel, movements).await {
                tracing::debug!(%channel, %error, "who came and left was not told");
            }
        }
    }
}
