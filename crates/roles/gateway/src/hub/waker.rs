//! Wakes the subscribers of channels with news. The first news after a quiet time goes out at once; after that there is
//! a pause in which news gathers, so that a busy channel costs each subscriber one write per pause and not one per
//! publication.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedReceiver;

use super::Channel;

/// Wakes for as long as there are channels to come.
pub(super) async fn run(mut dirty: UnboundedReceiver<Arc<Channel>>, pause: Duration) {
    while let Some(channel) = dirty.recv().await {
        channel.wake_members();
        while let Ok(channel) = dirty.try_recv() {
            channel.wake_members();
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}
