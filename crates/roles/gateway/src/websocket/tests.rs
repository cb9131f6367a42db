//! The codec against an independent one (tungstenite's), and against bytes of every kind.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        Role, WebSocket, WebSocketConfig,
        frame::{
            Frame, FrameHeader,
            coding::{Control, Data, OpCode},
        },
    },
};

use super::*;

const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Feeds `bytes` in pieces that end at `cuts`.
fn decode(bytes: &[u8], cuts: &[usize]) -> (Vec<Event>, Result<(), Violation>) {
    let (mut decoder, mut events) = (Decoder::new(MESSAGE_BYTES_MAX), Vec::new());
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    for pair in ends.windows(2) {
        let mut piece = bytes[pair[0]..pair[1]].to_vec();
        if let Err(violation) = decoder.feed(&mut piece, |event| events.push(event)) {
            return (events, Err(violation));
        }
    }
    (events, Ok(()))
}

fn client_frame(opcode: OpCode, last: bool, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let header = FrameHeader { is_final: last, opcode, mask: Some(mask), ..FrameHeader::default() };
    let mut out = Vec::new();
    let mut masked = payload.to_vec();
    masked.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    header.format(payload.len() as u64, &mut out).unwrap();
    out.extend_from_slice(&masked);
    out
}

/// One message as a client may send it, and the event it gives.
fn message() -> impl Strategy<Value = (Vec<u8>, Event)> {
    let text = prop_oneof![".{0,60}", "[a-z가-힣]{100,300}"].prop_map(|text| (true, text.into_bytes()));
    let binary =
        proptest::collection::vec(any::<u8>(), 0..70_000).prop_filter("fits", |b| b.len() <= MESSAGE_BYTES_MAX);
    let data = (prop_oneof![text, binary.prop_map(|bytes| (false, bytes))], any::<[u8; 4]>(), 1_usize..5);
    let data = data.prop_map(|((is_text, payload), mask, pieces)| {
        let size = payload.len().div_ceil(pieces).max(1);
        let mut chunks: Vec<&[u8]> = payload.chunks(size).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let last = chunks.len() - 1;
        let first = OpCode::Data(if is_text { Data::Text } else { Data::Binary });
        let mut bytes = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let opcode = if index == 0 { first } else { OpCode::Data(Data::Continue) };
            bytes.extend(client_frame(opcode, index == last, chunk, mask));
            if index < last {
                // Control frames may come between the fragments.
                bytes.extend(client_frame(OpCode::Control(Control::Pong), true, b"", mask));
            }
        }
        (bytes, if is_text { Event::Text(payload.into()) } else { Event::Binary(payload.into()) })
    });
    let ping = (proptest::collection::vec(any::<u8>(), 0..126), any::<[u8; 4]>()).prop_map(|(payload, mask)| {
        (client_frame(OpCode::Control(Control::Ping), true, &payload, mask), Event::Ping(payload.into()))
    });
    prop_oneof![4 => data, 1 => ping]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_a_client_sends_arrives_however_it_is_cut(
        messages in proptest::collection::vec(message(), 1..6),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<Event> = messages.into_iter().map(|(_, event)| event).collect();
        let (events, ended) = decode(&bytes, &cuts);
        let events: Vec<Event> = events.into_iter().filter(|event| *event != Event::Pong).collect();
        prop_assert_eq!(ended, Ok(()));
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn any_bytes_give_the_same_whole_and_in_pieces(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x81), Just(0x80), Just(0x01)], 0..200),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        prop_assert_eq!(decode(&bytes, &[]), decode(&bytes, &cuts));
    }

    #[test]
    fn what_the_server_sends_is_read_by_another_implementation(
        payload in proptest::collection::vec(any::<u8>(), 0..70_000),
        text in ".{0,200}",
    ) {
        let mut bytes = frame(Kind::Binary, &payload).to_vec();
        bytes.extend_from_slice(&frame(Kind::Text, text.as_bytes()));
        bytes.extend_from_slice(&frame(Kind::Ping, b"p"));
        bytes.extend_from_slice(&close(3001, &text));
        let config = WebSocketConfig::default().max_frame_size(Some(1 << 20));
        let stream = std::io::Cursor::new(bytes);
        let mut socket = WebSocket::from_raw_socket(ReadOnly(stream), Role::Client, Some(config));
        prop_assert_eq!(socket.read().unwrap(), Message::Binary(payload.into()));
        prop_assert_eq!(socket.read().unwrap(), Message::Text(text.as_str().into()));
        prop_assert_eq!(socket.read().unwrap(), Message::Ping("p".into()));
        let Message::Close(Some(close)) = socket.read().unwrap() else { panic!("no close") };
        prop_assert_eq!(u16::from(close.code), 3001);
        prop_assert!(text.starts_with(close.reason.as_str()));
    }
}

/// A stream that takes and forgets what is written.
struct ReadOnly(std::io::Cursor<Vec<u8>>);

impl std::io::Read for ReadOnly {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for ReadOnly {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_violation_is_called_what_it_is() {
    let mask = [1, 2, 3, 4];
    let masked = |opcode, last, payload: &[u8]| client_frame(opcode, last, payload, mask);
    let text = OpCode::Data(Data::Text);
    let close_with = |payload: &[u8]| masked(OpCode::Control(Control::Close), true, payload);
    let protocol = |bytes: Vec<u8>| assert!(matches!(decode(&bytes, &[]).1, Err(Violation::Protocol(_))), "{bytes:?}");
    protocol(frame(Kind::Text, b"not masked").to_vec());
    protocol(vec![0xc1, 0x80, 0, 0, 0, 0]);
    protocol(vec![0x83, 0x80, 0, 0, 0, 0]);
    protocol(masked(OpCode::Data(Data::Continue), true, b""));
    protocol([masked(text, false, b"a"), masked(text, true, b"b")].concat());
    protocol(masked(OpCode::Control(Control::Ping), false, b""));
    protocol(masked(OpCode::Control(Control::Ping), true, &[0; 126]));
    protocol(vec![0x81, 0xfe, 0, 125, 0, 0, 0, 0]);
    protocol(vec![0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
    protocol(close_with(&[3]));
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        protocol(close_with(&code.to_be_bytes()));
    }
    let fragments = masked(OpCode::Data(Data::Continue), false, b"").repeat(1_024);
    protocol([masked(text, false, b""), fragments].concat());
    assert_eq!(decode(&masked(text, true, b"\xff"), &[]).1, Err(Violation::NotUtf8));
    assert_eq!(decode(&close_with(b"\x03\xe8\xff"), &[]).1, Err(Violation::NotUtf8));
    let long = vec![b'a'; MESSAGE_BYTES_MAX + 1];
    assert_eq!(decode(&masked(text, true, &long), &[]).1, Err(Violation::TooLong));
    let halves = [masked(text, false, &long[..60_000]), masked(OpCode::Data(Data::Continue), true, &long[..6_000])];
    assert_eq!(decode(&halves.concat(), &[]).1, Err(Violation::TooLong));
}

#[test]
fn after_a_goodbye_nothing_counts() {
    let mask = [9, 8, 7, 6];
    let goodbye = client_frame(OpCode::Control(Control::Close), true, &1000_u16.to_be_bytes(), mask);
    let late = client_frame(OpCode::Data(Data::Text), true, b"late", mask);
    assert_eq!(decode(&[goodbye, late].concat(), &[]), (vec![Event::Close(Some(1000))], Ok(())));
    let silent = Frame::close(None);
    assert!(silent.payload().is_empty());
    let silent = client_frame(OpCode::Control(Control::Close), true, b"", mask);
    assert_eq!(decode(&silent, &[]), (vec![Event::Close(None)], Ok(())));
}

#[test]
fn text_ends_where_it_cannot_become_utf8_and_not_where_it_still_can() {
    let part = |first, last, payload: &[u8]| {
        let opcode = OpCode::Data(if first { Data::Text } else { Data::Continue });
        client_frame(opcode, last, payload, [5, 0, 250, 1])
    };
    let outcome = |parts: &[Vec<u8>]| decode(&parts.concat(), &[]).1;
    let euro = "€".as_bytes();
    for wrong in [b"\xf4\x90".as_slice(), b"\xed\xa0", b"\xc0", b"\x80", b"a\xff", b"\xe2\x82a"] {
        assert_eq!(outcome(&[part(true, false, b"\xce\xba"), part(false, false, wrong)]), Err(Violation::NotUtf8));
    }
    assert_eq!(outcome(&[part(true, false, &euro[..1]), part(false, false, b"a")]), Err(Violation::NotUtf8));
    assert_eq!(outcome(&[part(true, false, &euro[..2]), part(false, true, b"")]), Err(Violation::NotUtf8));
    let bytewise = [part(true, false, &euro[..1]), part(false, false, &euro[1..2]), part(false, true, &euro[2..])];
    assert_eq!(outcome(&bytewise[..2]), Ok(()));
    assert_eq!(decode(&bytewise.concat(), &[]).0, [Event::Text("€".into())]);
    // Also inside one frame.
    let whole = part(true, true, b"ab\xff\xff\xffcd");
    assert_eq!(outcome(&[whole[..9].to_vec()]), Err(Violation::NotUtf8));
}
