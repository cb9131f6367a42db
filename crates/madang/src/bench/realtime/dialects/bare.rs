//! The bare server's: a frame is a message.

use std::io;

use super::{Dialect, Part, Said};
use crate::bench::realtime::frames::{self, CLOSE, Frame, TEXT};

pub(crate) struct Bare;

impl Dialect for Bare {
    const ACKNOWLEDGES: bool = false;

    fn path(&self, part: &Part, _: &str) -> Option<String> {
        Some(if *part == Part::Sender { "/send" } else { "/" }.to_owned())
    }

    fn greeting(&self, _: &Part, _: &str) -> Vec<u8> {
        Vec::new()
    }

    fn send(&self, _: &str, _: usize, payload: &[u8], out: &mut Vec<u8>) {
        frames::append_masked(out, TEXT, payload);
    }

    fn read(&self, _: &mut usize, buffer: &mut [u8], mut said: impl FnMut(Said<'_>)) -> io::Result<usize> {
        let mut at = 0;
        while let Some(frame) = Frame::read(buffer, at)? {
            at = frame.payload.end;
            let payload = &buffer[frame.payload];
            match frame.opcode {
                CLOSE => said(Said::Refused(payload)),
                _ => said(Said::Message { payload, offset: None }),
            }
        }
        Ok(at)
    }
}
