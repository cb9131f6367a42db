//! The simple handshake of both ends (RTMP 1.0 section 5.2).
//!
//! Promise: an end that has received nothing holds no buffer. The echo of the peer's bytes is not checked: several
//! encoders send it wrong, and it protects nothing.

use kernel::random::{STEP, mix};

use super::RtmpError;

const VERSION: u8 = 3;
const PACKET_BYTES: usize = 1_536;

/// One end of the handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    received: Vec<u8>,
    answered: bool,
    opening: bool,
    seed: u64,
}

impl Handshake {
    /// The end that waits for C0 and C1, then sends S0, S1 and S2.
    pub(super) fn server(seed: u64) -> Self {
        Self { received: Vec::new(), answered: false, opening: false, seed }
    }

    /// The end that opens: `output` gets C0 and C1.
    pub(super) fn client(seed: u64, output: &mut Vec<u8>) -> Self {
        write_opening(seed, output);
        Self { received: Vec::new(), answered: false, opening: true, seed }
    }

    /// Takes the peer's bytes off `input`; true when the handshake is over.
    pub(super) fn receive(&mut self, input: &mut &[u8], output: &mut Vec<u8>) -> Result<bool, RtmpError> {
        self.take(1 + PACKET_BYTES, input);
        if let Some(&version) = self.received.first().filter(|version| **version != VERSION) {
            return Err(RtmpError::Version(version));
        }
        if self.received.len() < 1 + PACKET_BYTES {
            return Ok(false);
        }
        if !self.answered {
            if !self.opening {
                write_opening(self.seed, output);
            }
            output.extend_from_slice(&self.received[1..=PACKET_BYTES]);
            self.answered = true;
        }
        self.take(1 + 2 * PACKET_BYTES, input);
        Ok(self.received.len() == 1 + 2 * PACKET_BYTES)
    }

    fn take(&mut self, until: usize, input: &mut &[u8]) {
        let missing = until.saturating_sub(self.received.len());
        let (bytes, rest) = input.split_at(missing.min(input.len()));
        self.received.extend_from_slice(bytes);
        *input = rest;
    }
}

/// The version, a time of 0, four zeros that say "no digest", and bytes that differ between connections.
fn write_opening(seed: u64, output: &mut Vec<u8>) {
    output.push(VERSION);
    output.extend_from_slice(&[0; 8]);
    let mut state = seed;
    for _ in 0..(PACKET_BYTES - 8) / 8 {
        // The bytes only need to differ between connections.
        output.extend_from_slice(&mix(state).to_be_bytes());
        state = state.wrapping_add(STEP);
    }
}
