//! What is sent: `{"s":"003","n":"0001234","p":"…"}` of an exact length, with the sender and its number at fixed places.

const SENDER: std::ops::Range<usize> = 6..9;
const NUMBER: std::ops::Range<usize> = 16..23;
const PADDING: usize = 30;
const END: &[u8] = b"\"}";

/// The shortest there is.
pub(crate) const SHORTEST: usize = PADDING + END.len();

/// The payload of a sender's message, `length` bytes long.
pub(crate) fn make(sender: usize, number: usize, length: usize) -> Vec<u8> {
    let mut payload = format!("{{\"s\":\"{sender:03}\",\"n\":\"{number:07}\",\"p\":\"").into_bytes();
    payload.resize(length.max(SHORTEST) - END.len(), b'x');
    payload.extend_from_slice(END);
    payload
}

/// The sender and the number of a payload; none: it is not one of these.
pub(crate) fn read(payload: &[u8]) -> Option<(usize, usize)> {
    if !payload.ends_with(END) || !payload.starts_with(b"{\"s\":\"") {
        return None;
    }
    Some((digits(payload.get(SENDER)?)?, digits(payload.get(NUMBER)?)?))
}

/// The number these digits write.
pub(crate) fn digits(text: &[u8]) -> Option<usize> {
    text.iter().try_fold(0_usize, |number, digit| {
        digit.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add((digit - b'0').into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_length_and_says_whose_it_is() {
        let payload = make(42, 1_234_567, 146);
        assert_eq!(payload.len(), 146);
        assert_eq!(read(&payload), Some((42, 1_234_567)));
        assert_eq!(read(&payload[..145]), None);
        assert!(serde_json::from_slice::<serde_json::Value>(&payload).is_ok());
    }
}
