//! The end of a publisher session inside the packager.

use std::sync::Arc;

use kernel::Timestamp;

use super::Stream;
use crate::{frame::Packet, needs::PacketSink};

/// Takes one publish epoch's packets; deaf once a newer epoch has opened.
pub(crate) struct Sink {
    stream: Arc<Stream>,
    publish_epoch: i64,
}

impl Sink {
    /// Opens the stream for a publish epoch.
    pub(crate) fn open(stream: Arc<Stream>, publish_epoch: i64, now: Timestamp) -> Self {
        let mut front = stream.front();
        let mut out = Vec::new();
        front.connect(publish_epoch, now, &mut out);
        stream.emit(&mut front, out);
        drop(front);
        Self { stream, publish_epoch }
    }
}

impl PacketSink for Sink {
    fn push(&mut self, packet: Packet, now: Timestamp) {
        let mut front = self.stream.front();
        if front.publish_epoch() == self.publish_epoch {
            let mut out = Vec::new();
            front.push(packet, now, &mut out);
            self.stream.emit(&mut front, out);
        }
    }

    fn close(self: Box<Self>, now: Timestamp) {
        let mut front = self.stream.front();
        if front.publish_epoch() == self.publish_epoch {
            let mut out = Vec::new();
            front.disconnect(now, &mut out);
            self.stream.emit(&mut front, out);
        }
        drop(front);
        self.stream.advance();
    }
}
