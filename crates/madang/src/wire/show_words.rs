//! A word between the processes of a site: something was decided about a show. The process that has its stream looks at the
//! row at once.
//!
//! May lose any word, and may be told twice: that process looks at its rows every second anyway.

use std::sync::Arc;

use kernel::BroadcastId;
use live::{Broadcasts, needs::OtherProcesses};
use ports::bus::{Bus, BusError, Listener, Publication};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Where it is said; no client can name it.
const CHANNEL: &str = "\0shows";
/// Words that wait to be looked into; more are dropped.
const WAITING_MAX: usize = 1_024;

/// Tells the others over the bus.
pub(crate) struct ToldOverBus(pub(crate) Arc<dyn Bus>);

impl OtherProcesses for ToldOverBus {
    fn changed(&self, broadcast: BroadcastId) {
        let bus = self.0.clone();
        // Whoever decided something does not wait for Redis.
        tokio::spawn(async move {
            let word = Publication { data: broadcast.to_string().into(), ..Publication::default() };
            if let Err(error) = bus.publish(CHANNEL, vec![word]).await {
                tracing::debug!(%broadcast, %error, "the other processes are not told; they look within a second");
            }
        });
    }
}

/// What a process hears that has streams and no gateway.
pub(crate) struct ShowWords(mpsc::Receiver<BroadcastId>);

impl ShowWords {
    /// Listens from now on. The bus has no other listener in this process.
    pub(crate) async fn listen(bus: &dyn Bus) -> Result<Self, BusError> {
        let (told, heard) = mpsc::channel(WAITING_MAX);
        bus.attach(Arc::new(Ear(told)));
        bus.subscribe(CHANNEL).await?;
        Ok(Self(heard))
    }

    /// Looks at the shows it hears of, until cancelled.
    pub(crate) async fn run(mut self, broadcasts: Arc<Broadcasts>, cancel: CancellationToken) {
        while let Some(Some(broadcast)) = cancel.run_until_cancelled(self.0.recv()).await {
            metrics::counter!("madang_show_words_heard_total").increment(1);
            broadcasts.changed_elsewhere(broadcast).await;
        }
    }
}

struct Ear(mpsc::Sender<BroadcastId>);

impl Listener for Ear {
    fn deliver(&self, channel: &str, publications: &[Publication]) {
        let words = publications.iter().filter(|_| channel == CHANNEL);
        for word in words.filter_map(|word| std::str::from_utf8(&word.data).ok()?.parse().ok()) {
            // What does not fit is seen with the next look at the rows.
            let _ = self.0.try_send(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use engines::embedded::LocalBus;

    use super::*;

    #[tokio::test]
    async fn what_is_said_is_heard_and_what_makes_no_sense_is_not() {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        let mut words = ShowWords::listen(&*bus).await.unwrap();
        let nonsense = Publication { data: "{}".into(), ..Publication::default() };
        bus.publish(CHANNEL, vec![nonsense]).await.unwrap();
        ToldOverBus(bus.clone()).changed(BroadcastId::from_raw(7));
        assert_eq!(words.0.recv().await, Some(BroadcastId::from_raw(7)));
    }
}
