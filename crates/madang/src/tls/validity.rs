//! From when and until when a certificate holds: the two times in it, and nothing else of it (RFC 5280 §4.1).

use kernel::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from_s: i64,
    pub(super) until_s: i64,
}

impl Validity {
    /// Of a certificate as DER; none when it is not one.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let mut outer = Reader(certificate);
        let mut certificate = Reader(outer.value(SEQUENCE)?);
        let mut signed = Reader(certificate.value(SEQUENCE)?);
        if signed.0.first() == Some(&VERSION) {
            signed.any()?;
        }
        // The serial number, how it is signed, by whom.
        for _ in 0..3 {
            signed.any()?;
        }
        let mut times = Reader(signed.value(SEQUENCE)?);
        Some(Self { from_s: times.time()?, until_s: times.time()? })
    }

    /// When two thirds of its time are over.
    pub(super) fn renewed_at(self) -> Timestamp {
        let life_ms = (self.until_s - self.from_s).saturating_mul(1_000);
        Timestamp::from_millis(self.from_s.saturating_mul(1_000)).plus_millis(life_ms / 3 * 2)
    }
}

/// What was not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, whatever it is: its tag and its value.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// A time that ends with `Z` and has seconds, as all in certificates do.
    fn time(&mut self) -> Option<i64> {
        let (tag, value) = self.any()?;
        let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
        let text = match tag {
            // Two digits of the year: from 1950 on.
            UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
            GENERALIZED_TIME => text.to_owned(),
            _ => return None,
        };
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let days = days_since_1970(number(0, 4)?, number(4, 6)?, number(6, 8)?);
        Some(((days * 24 + number(8, 10)?) * 60 + number(10, 12)?) * 60 + number(12, 14)?)
    }
}

/// Of a day of the Gregorian calendar. Years begin with March here, so that a leap day is the last of one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_read_in_either_form() {
        let time = |tag: u8, text: &str| [&[tag, text.len() as u8][..], text.as_bytes()].concat();
        let element = |tag: u8, value: &[u8]| [&[tag, 0x82, 0, value.len() as u8][..], value].concat();
        let certificate = |from: Vec<u8>, until: Vec<u8>| {
            let times = element(SEQUENCE, &[from, until].concat());
            let before = [&[VERSION, 0][..], &[2, 1, 7], &[SEQUENCE, 0], &[SEQUENCE, 0]].concat();
            element(SEQUENCE, &element(SEQUENCE, &[before, times].concat()))
        };
        let read =
            Validity::of(&certificate(time(UTC_TIME, "700101000010Z"), time(GENERALIZED_TIME, "20240229120000Z")));
        assert_eq!(read, Some(Validity { from_s: 10, until_s: 1_709_208_000 }));
        let whole = certificate(time(UTC_TIME, "261128000000Z"), time(UTC_TIME, "270226000000Z"));
        let read = Validity::of(&whole).unwrap();
        assert_eq!(read.until_s - read.from_s, 90 * 86_400);
        assert_eq!(read.renewed_at().as_millis(), (read.from_s + 60 * 86_400) * 1_000);
        for end in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..end]), None, "cut at {end}");
        }
    }
}
