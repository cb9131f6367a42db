//! Wakes the subscribers of channels with news. The first news after a quiet time goes out at once; after that there is
//! a pause in which news gathers, so that a busy channel costs each subscriber one write per pause and not one per
//! publication.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedReceiver;

use super::Channel;

/// Channels taken from the queue at once; none is in it twice.
const CHANNELS_AT_ONCE: usize = 4_096;

/// Wakes for as long as there are channels to come.
pub(super) async fn run(mut dirty: UnboundedReceiver<Arc<Channel>>, pause: Duration) {
    let mut channels = Vec::new();
    while dirty.recv_many(&mut channels, CHANNELS_AT_ONCE).await > 0 {
        for channel in channels.drain(..) {
            channel.wake_members();
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}
