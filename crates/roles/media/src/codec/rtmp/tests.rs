//! Both ends against each other, and the reader against every way to cut and chunk a stream.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::codec::{Tag, TagKind};

fn target(app: &str) -> PublishTarget {
    PublishTarget { app: app.into(), address: format!("rtmp://127.0.0.1/{app}"), stream_key: "key?token=1".into() }
}

fn tags() -> Vec<Tag> {
    let tag = |kind, timestamp_ms, bytes: usize| {
        let body = Bytes::from((0..bytes).map(|at| (at % 251) as u8).collect::<Vec<_>>());
        Tag { kind, timestamp_ms, body }
    };
    vec![
        tag(TagKind::Data, 0, 40),
        tag(TagKind::Video, 0, 200_000),
        tag(TagKind::Audio, 0, 300),
        tag(TagKind::Audio, 23, 300),
        tag(TagKind::Audio, 46, 300),
        tag(TagKind::Audio, 69, 300),
        tag(TagKind::Video, 0x0100_0005, 100_000),
        tag(TagKind::Video, u32::MAX - 3, 70_000),
        tag(TagKind::Video, 29, 70_000),
        tag(TagKind::Video, 7, 1),
        tag(TagKind::Audio, 92, 0),
    ]
}

/// Runs a client against a server, handing bytes over in pieces of `piece`; gives the server's events.
fn run(app: &str, tags: &[Tag], piece: usize, accept: bool) -> (Vec<ServerEvent>, Vec<ClientEvent>) {
    let mut server = ServerSession::new("live", 7);
    let mut client = ClientSession::new(target(app), 8);
    let (mut server_events, mut client_events) = (Vec::new(), Vec::new());
    loop {
        let to_server = client.take_output();
        for mut bytes in to_server.chunks(piece) {
            while let Some(event) = server.next_event(&mut bytes).unwrap() {
                match &event {
                    ServerEvent::Publish { .. } if accept => server.accept(),
                    ServerEvent::Publish { .. } => server.refuse(PublishStatus::BadName, "no"),
                    _ => {}
                }
                server_events.push(event);
            }
        }
        let to_client = server.take_output();
        for mut bytes in to_client.chunks(piece) {
            while let Some(event) = client.next_event(&mut bytes).unwrap() {
                if event == ClientEvent::Publishing {
                    tags.iter().for_each(|tag| client.send(tag));
                    client.finish();
                }
                client_events.push(event);
            }
        }
        if to_server.is_empty() && to_client.is_empty() {
            return (server_events, client_events);
        }
    }
}

#[test]
fn a_publisher_gets_its_tags_through_whole_and_in_order_however_the_bytes_are_cut() {
    let mut expected = vec![ServerEvent::Publish { stream_key: "key".into() }];
    expected.extend(tags().into_iter().map(ServerEvent::Tag));
    expected.push(ServerEvent::Unpublished);
    for piece in [1, 2, 7, 1_000, 65_536, usize::MAX] {
        let (server, client) = run("live", &tags(), piece, true);
        assert_eq!(server, expected, "pieces of {piece}");
        assert_eq!(client, [ClientEvent::Publishing]);
    }
}

#[test]
fn the_wrong_application_and_a_refused_key_are_told_by_status() {
    let (server, client) = run("other", &[], 64, true);
    assert!(matches!(&server[..], [ServerEvent::Refused(reason)] if reason.contains("other")));
    let code = |event: &ClientEvent| match event {
        ClientEvent::Refused { code, .. } => code.clone(),
        ClientEvent::Publishing => String::new(),
    };
    assert_eq!(client.iter().map(code).collect::<Vec<_>>(), ["NetConnection.Connect.Rejected"]);
    let (_, client) = run("live/", &[], 64, false);
    assert_eq!(client.iter().map(code).collect::<Vec<_>>(), ["NetStream.Publish.BadName"]);
}

#[test]
fn acknowledgements_come_as_asked_and_a_window_of_zero_asks_for_none() {
    let mut server = ServerSession::new("live", 1);
    let mut client = Vec::new();
    client.push(3);
    client.extend([0; 2 * 1_536]);
    assert_eq!(server.next_event(&mut &client[..]), Ok(None));
    server.take_output();
    let mut writer = ChunkWriter::default();
    let window = |writer: &mut ChunkWriter, bytes: u32| {
        let mut output = Vec::new();
        writer.write(&mut output, 2, 5, 0, 0, &bytes.to_be_bytes());
        output
    };
    server.next_event(&mut &window(&mut writer, 0)[..]).unwrap();
    assert!(server.take_output().is_empty());
    server.next_event(&mut &window(&mut writer, 100)[..]).unwrap();
    let mut reader = ChunkReader::default();
    let output = server.take_output();
    let message = reader.next_message(&mut &output[..]).unwrap().unwrap();
    assert_eq!(message.number, 3);
    assert_eq!(&message.payload[..], 3_097_u32.to_be_bytes());
}

#[test]
fn a_ping_is_answered_and_play_is_refused_politely() {
    let (mut server, mut writer, mut output) = (ServerSession::new("live", 1), ChunkWriter::default(), vec![3]);
    output.extend([0; 2 * 1_536]);
    writer.write(&mut output, 2, 4, 0, 0, &[0, 6, 1, 2, 3, 4]);
    let object = crate::codec::amf0::Value::object([("app", crate::codec::amf0::Value::string("live"))]);
    let connect = command::Command::encode("connect", 1.0, &[object]);
    writer.write(&mut output, 3, 20, 0, 0, &connect);
    writer.write(&mut output, 3, 20, 1, 0, &command::Command::encode("play", 0.0, &[]));
    assert_eq!(server.next_event(&mut &output[..]), Ok(None));
    let answer = server.take_output();
    let answer = String::from_utf8_lossy(&answer[1 + 2 * 1_536..]).into_owned();
    assert!(answer.contains("\0\u{7}\u{1}\u{2}\u{3}\u{4}"), "{answer:?}");
    assert!(answer.contains("NetStream.Play.Failed"), "{answer:?}");
}

#[test]
fn limits_hold_and_name_themselves() {
    let announce = |length: u32| {
        let mut header = vec![3, 0, 0, 0];
        header.extend(&length.to_be_bytes()[1..]);
        header.extend([20, 0, 0, 0, 0]);
        header
    };
    let too_large = announce(70_000);
    let error = ChunkReader::default().next_message(&mut &too_large[..]);
    assert_eq!(error, Err(RtmpError::MessageTooLarge { bytes: 70_000, max: 65_536 }));
    let too_many: Vec<u8> = (2..68).flat_map(|id| [vec![0, id], announce(0)[1..].to_vec()].concat()).collect();
    let mut reader = ChunkReader::default();
    let mut input = &too_many[..];
    let result = loop {
        match reader.next_message(&mut input) {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(result, Err(RtmpError::TooManyChunkStreams));
    for bytes in [0_u32, 0x8000_0000, 0x0100_0001] {
        let mut output = Vec::new();
        ChunkWriter::default().write(&mut output, 2, 1, 0, 0, &bytes.to_be_bytes());
        assert_eq!(ChunkReader::default().next_message(&mut &output[..]), Err(RtmpError::ChunkSize(bytes)));
    }
}

#[test]
fn headers_that_lean_on_the_last_one_count_from_it() {
    // Full header at 1000 ms; then the bare header, which after a full one adds its time again (section 5.3.1.2.4);
    // then a delta of 5; then the bare header, which adds 5 again; all of two bytes.
    let bytes = [
        [&[0x04, 0, 3, 0xe8, 0, 0, 2, 9, 1, 0, 0, 0][..], &[1, 2]].concat(),
        [&[0xc4][..], &[3, 4]].concat(),
        [&[0x84, 0, 0, 5][..], &[5, 6]].concat(),
        [&[0xc4][..], &[7, 8]].concat(),
    ]
    .concat();
    let mut reader = ChunkReader::default();
    let mut input = &bytes[..];
    let mut times = Vec::new();
    while let Some(message) = reader.next_message(&mut input).unwrap() {
        assert_eq!((message.number, message.stream, message.payload.len()), (9, 1, 2));
        times.push(message.timestamp_ms);
    }
    assert_eq!(times, [1_000, 2_000, 2_005, 2_010]);
}

/// Cuts each message into chunks and interleaves the chunks of several chunk streams, full headers only.
fn interleave(messages: &[Message], chunk_bytes: usize) -> Vec<u8> {
    let mut output = Vec::new();
    ChunkWriter::default().set_chunk_bytes(chunk_bytes as u32, &mut output);
    let mut rest: Vec<_> = messages.iter().map(|message| (message, message.payload.chunks(chunk_bytes))).collect();
    for (index, (message, chunks)) in rest.iter_mut().enumerate() {
        let extended = message.timestamp_ms >= 0x00ff_ffff;
        output.extend([0, index as u8]);
        output.extend(&message.timestamp_ms.min(0x00ff_ffff).to_be_bytes()[1..]);
        output.extend(&(message.payload.len() as u32).to_be_bytes()[1..]);
        output.push(message.number);
        output.extend(message.stream.to_le_bytes());
        output.extend(if extended { message.timestamp_ms.to_be_bytes().to_vec() } else { Vec::new() });
        output.extend(chunks.next().unwrap_or_default());
    }
    while rest.iter().any(|(_, chunks)| chunks.len() > 0) {
        for (index, (message, chunks)) in rest.iter_mut().enumerate() {
            let Some(chunk) = chunks.next() else { continue };
            output.extend([0xc0, index as u8]);
            if message.timestamp_ms >= 0x00ff_ffff {
                output.extend(message.timestamp_ms.to_be_bytes());
            }
            output.extend(chunk);
        }
    }
    output
}

proptest! {
    #[test]
    fn interleaved_messages_come_out_whole(
        messages in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..3_000)), 1..8),
        chunk_bytes in prop_oneof![1..300_usize, Just(1_024), Just(65_536), Just(1_000_000)],
        piece in 1..4_000_usize,
    ) {
        let messages: Vec<Message> = messages.into_iter()
            .map(|(timestamp_ms, payload)| Message { number: 9, stream: 1, timestamp_ms, payload: payload.into() })
            .collect();
        let bytes = interleave(&messages, chunk_bytes);
        let mut reader = ChunkReader::default();
        let mut received = Vec::new();
        for mut input in bytes.chunks(piece) {
            while let Some(message) = reader.next_message(&mut input).unwrap() {
                received.push(message);
            }
        }
        let sort = |mut messages: Vec<Message>| {
            messages.sort_by_key(|message| (message.timestamp_ms, message.payload.clone()));
            messages
        };
        prop_assert_eq!(sort(received), sort(messages));
    }

    #[test]
    fn any_bytes_behind_the_handshake_are_survived(
        bytes in prop::collection::vec(prop_oneof![0_u8..32, any::<u8>()], 0..3_000),
        piece in 1..500_usize,
    ) {
        let mut server = ServerSession::new("live", 0);
        server.next_event(&mut &[&[3][..], &[0; 2 * 1_536]].concat()[..]).unwrap();
        'bytes: for mut input in bytes.chunks(piece) {
            loop {
                match server.next_event(&mut input) {
                    Ok(Some(_)) => server.accept(),
                    Ok(None) => break,
                    Err(_) => break 'bytes,
                }
            }
        }
    }
}
