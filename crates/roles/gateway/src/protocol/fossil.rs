//! Differences between two values, in the form of the Fossil version control system
//! (fossil-scm.org/home/doc/trunk/www/delta_format.wiki).
//!
//! Promise: whoever has the first value and applies the difference gets the second one, to the byte. A difference never
//! cuts a character of UTF-8 in two, so the difference of two texts is a text. Work is linear in the lengths of both.

use std::collections::HashMap;

use bytes::Bytes;

const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
/// Bytes that must be the same for a piece to be found.
const BLOCK_BYTES: usize = 8;
/// Longer values are sent whole.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Pieces shorter than their own command are not worth it.
const COPY_BYTES_MIN: usize = 8;

/// The difference from `before` to `after`; none when it would not be shorter than `after`.
pub(super) fn difference(before: &[u8], after: &[u8]) -> Option<Bytes> {
    if before.len().max(after.len()) > VALUE_BYTES_MAX {
        return None;
    }
    let mut out = Vec::with_capacity(64);
    number(&mut out, after.len() as u32);
    out.push(b'\n');
    let mut written = 0;
    for copy in copies(before, after) {
        literal(&mut out, after.get(written..copy.to)?);
        number(&mut out, copy.length as u32);
        out.push(b'@');
        number(&mut out, copy.from as u32);
        out.push(b',');
        written = copy.to + copy.length;
        if out.len() >= after.len() {
            return None;
        }
    }
    literal(&mut out, after.get(written..)?);
    number(&mut out, checksum(after));
    out.push(b';');
    (out.len() < after.len()).then(|| out.into())
}

/// A piece that both values have.
#[derive(Debug, Clone, Copy)]
struct Copy {
    from: usize,
    to: usize,
    length: usize,
}

/// What `after` has from `before`, in the order of `after`: what they begin with, pieces, and what they end with.
fn copies(before: &[u8], after: &[u8]) -> Vec<Copy> {
    let begins = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let rests = before.iter().skip(begins).rev().zip(after.iter().skip(begins).rev());
    let ends = rests.take_while(|(one, other)| one == other).count();
    let mut copies = Vec::new();
    keep(&mut copies, after, Copy { from: 0, to: 0, length: begins });
    pieces(&mut copies, before, after, begins, ends);
    keep(&mut copies, after, Copy { from: before.len() - ends, to: after.len() - ends, length: ends });
    copies
}

/// The pieces between what both begin and end with.
fn pieces(copies: &mut Vec<Copy>, before: &[u8], after: &[u8], begins: usize, ends: usize) {
    let Some(middle) = after.get(..after.len() - ends) else { return };
    let block = |bytes: &[u8], at: usize| bytes.get(at..at + BLOCK_BYTES).and_then(|block| block.try_into().ok());
    let mut places: HashMap<[u8; BLOCK_BYTES], usize> = HashMap::new();
    if begins + BLOCK_BYTES > middle.len() {
        return;
    }
    for at in (0..before.len()).step_by(BLOCK_BYTES) {
        if let Some(block) = block(before, at) {
            places.entry(block).or_insert(at);
        }
    }
    let (mut at, mut written) = (begins, begins);
    while let Some(found) = block(middle, at) {
        let Some(&from) = places.get(&found) else {
            at += 1;
            continue;
        };
        let forwards = |(one, other): &(&u8, &u8)| one == other;
        let length = before.iter().skip(from).zip(middle.iter().skip(at)).take_while(forwards).count();
        let earlier = before.iter().take(from).rev().zip(middle.iter().take(at).skip(written).rev());
        let back = earlier.take_while(forwards).count();
        keep(copies, after, Copy { from: from - back, to: at - back, length: length + back });
        at += length;
        written = at;
    }
}

/// Takes a piece, cut to whole characters, when it is long enough.
fn keep(copies: &mut Vec<Copy>, after: &[u8], mut copy: Copy) {
    let is_inside = |at: usize| after.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    while copy.length > 0 && is_inside(copy.to) {
        copy = Copy { from: copy.from + 1, to: copy.to + 1, length: copy.length - 1 };
    }
    while copy.length > 0 && is_inside(copy.to + copy.length) {
        copy.length -= 1;
    }
    if copy.length >= COPY_BYTES_MIN {
        copies.push(copy);
    }
}

fn literal(out: &mut Vec<u8>, bytes: &[u8]) {
    if !bytes.is_empty() {
        number(out, bytes.len() as u32);
        out.push(b':');
        out.extend_from_slice(bytes);
    }
}

/// Appends a number in digits of 6 bits, the highest first.
fn number(out: &mut Vec<u8>, value: u32) {
    let digits = (32 - value.leading_zeros()).div_ceil(6).max(1);
    for digit in (0..digits).rev() {
        out.push(DIGITS[(value >> (6 * digit)) as usize & 0x3f]);
    }
}

/// The sum of all 32-bit big-endian words, the last one filled up with zeros.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    words.iter().fold(u32::from_be_bytes(last), |sum, word| sum.wrapping_add(u32::from_be_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number and the byte behind it.
    fn take(rest: &mut &[u8]) -> (usize, u8) {
        let digits = rest.iter().take_while(|byte| DIGITS.contains(byte)).count();
        let digit = |byte| DIGITS.iter().position(|digit| digit == byte).unwrap();
        let value = rest[..digits].iter().fold(0, |value, byte| (value << 6) + digit(byte));
        let operator = rest[digits];
        *rest = &rest[digits + 1..];
        (value, operator)
    }

    /// Applies a difference as the format says.
    fn apply(before: &[u8], mut rest: &[u8]) -> Vec<u8> {
        let (length, b'\n') = take(&mut rest) else { panic!() };
        let mut after = Vec::new();
        loop {
            match take(&mut rest) {
                (count, b'@') => {
                    let (from, b',') = take(&mut rest) else { panic!() };
                    after.extend_from_slice(&before[from..from + count]);
                }
                (count, b':') => {
                    let (now, later) = rest.split_at(count);
                    std::str::from_utf8(now).expect("a literal cuts a character");
                    after.extend_from_slice(now);
                    rest = later;
                }
                (sum, b';') => {
                    assert_eq!((sum as u32, rest, after.len()), (checksum(&after), &[][..], length));
                    return after;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_small_change_costs_little() {
        let text =
            |number: u32| format!("{{\"type\":\"state\",\"host\":\"마당의 주인\",\"viewers\":{number},\"points\":12}}");
        let (before, after) = (text(1_234), text(1_235));
        let found = difference(before.as_bytes(), after.as_bytes()).unwrap();
        assert!(found.len() < 30, "{}", String::from_utf8_lossy(&found));
        assert_eq!(apply(before.as_bytes(), &found), after.as_bytes());
        assert_eq!(difference(b"one thing", b"another"), None);
        assert_eq!(difference(&vec![1; VALUE_BYTES_MAX + 1], &vec![1; VALUE_BYTES_MAX + 1]), None);
    }

    /// Texts whose parts return, in other places and changed.
    fn texts() -> impl Strategy<Value = (String, String)> {
        let part = prop_oneof!["[a-c]{0,30}", "[가-나🎉a]{0,20}", Just("a piece of some length".to_owned())];
        let parts = || prop::collection::vec(part.clone(), 0..8);
        (parts(), parts(), prop::collection::vec((0..8_usize, any::<bool>()), 0..8)).prop_map(|(old, new, picks)| {
            let pick = |(index, from_old): &(usize, bool)| {
                let parts = if *from_old { &old } else { &new };
                parts.get(*index).cloned().unwrap_or_default()
            };
            (old.concat(), picks.iter().map(pick).collect())
        })
    }

    proptest! {
        #[test]
        fn what_is_applied_gives_what_was_meant((before, after) in texts()) {
            if let Some(found) = difference(before.as_bytes(), after.as_bytes()) {
                prop_assert!(found.len() < after.len());
                prop_assert_eq!(apply(before.as_bytes(), &found), after.as_bytes());
            }
        }

        #[test]
        fn any_bytes_may_be_compared(
            before in prop::collection::vec(any::<u8>(), 0..300),
            after in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = difference(&before, &after);
        }
    }
}
