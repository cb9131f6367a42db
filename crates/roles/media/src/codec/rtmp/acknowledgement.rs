//! Counts received bytes and says when the peer wants to hear of them (RTMP 1.0 sections 5.4.3 and 5.4.4).

/// What was received and what of it was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acknowledgement {
    window: u32,
    received: u64,
    acknowledged: u64,
}

impl Acknowledgement {
    /// The peer's window in bytes; 0 means that it wants no acknowledgements.
    pub(super) fn set_window(&mut self, bytes: u32) {
        self.window = bytes;
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// The sequence number to send now, if a window is full. It wraps at 2^32.
    pub(super) fn due(&mut self) -> Option<u32> {
        if self.window == 0 || self.received - self.acknowledged < u64::from(self.window) {
            return None;
        }
        self.acknowledged = self.received;
        Some(self.received as u32)
    }
}
