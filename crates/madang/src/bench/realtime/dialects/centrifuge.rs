//! Madang's: the Centrifuge client protocol as JSON, lines in text frames. Publications are read without a parser, by the
//! places their parts have; everything else is parsed.

use std::io;

use memchr::{memchr, memmem};
use serde_json::{Value, json, value::RawValue};

use super::{Calls, Dialect, Part, Position, Said};
use crate::bench::realtime::{
    frames::{self, CLOSE, Frame, TEXT},
    payload::digits,
};

/// The command whose answer makes a connection ready: a viewer's subscribe, a sender's connect.
const MAKES_READY: u64 = 2;
/// Messages are the commands that follow.
const FIRST_MESSAGE: usize = 3;

pub(crate) struct Centrifuge {
    token: Option<String>,
    /// How a publication of the room begins.
    publication: Vec<u8>,
    payload_bytes: usize,
}

impl Centrifuge {
    pub(crate) fn new(room: &str, token: Option<String>, payload_bytes: usize) -> Self {
        let publication = format!("{{\"push\":{{\"channel\":\"{room}\",\"pub\":{{\"data\":").into_bytes();
        Self { token, publication, payload_bytes }
    }

    fn connect(&self, id: u64) -> Value {
        match &self.token {
            Some(token) => json!({ "id": id, "connect": { "token": token } }),
            None => json!({ "id": id, "connect": {} }),
        }
    }

    /// The payload and the offset of a publication.
    fn publication<'a>(&self, line: &'a [u8]) -> Option<(&'a [u8], Option<u64>)> {
        let rest = line.strip_prefix(&self.publication[..]).or_else(|| after_data(line))?;
        let (payload, rest) = rest.split_at_checked(self.payload_bytes)?;
        Some((payload, offset(rest)))
    }

    /// Where the first of several lines ends. A publication's payload has a length and no such byte: it is not looked through.
    fn end_of_line(&self, lines: &[u8]) -> Option<usize> {
        let payload_end = self.publication.len() + self.payload_bytes;
        let known = if lines.starts_with(&self.publication) { payload_end.min(lines.len()) } else { 0 };
        memchr(b'\n', &lines[known..]).map(|end| known + end)
    }

    fn line(&self, line: &[u8], said: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
        if let Some((payload, offset)) = self.publication(line) {
            said(Said::Message { payload, offset });
        } else if line == b"{}" {
            said(Said::Ping(b"{}"));
        } else if let Some(command) = acknowledged(line) {
            said(Said::Acknowledged(command.checked_sub(FIRST_MESSAGE)));
        } else {
            reply(line, said)?;
        }
        Ok(())
    }
}

impl Dialect for Centrifuge {
    const ACKNOWLEDGES: bool = true;
    const RESUMES: bool = true;

    fn path(&self, _: &Part, _: &str) -> Option<String> {
        Some("/connection/websocket".to_owned())
    }

    fn greeting(&self, part: &Part, room: &str) -> Vec<u8> {
        let subscribe = match part {
            Part::Sender => None,
            Part::Viewer(None) => Some(json!({ "channel": room })),
            Part::Viewer(Some(Position { epoch, offset })) => {
                Some(json!({ "channel": room, "recover": true, "epoch": epoch, "offset": offset }))
            }
        };
        let commands = match subscribe {
            None => self.connect(MAKES_READY).to_string(),
            Some(subscribe) => format!("{}\n{}", self.connect(1), json!({ "id": MAKES_READY, "subscribe": subscribe })),
        };
        let mut frame = Vec::new();
        frames::append_masked(&mut frame, TEXT, commands.as_bytes());
        frame
    }

    fn send(&self, room: &str, number: usize, payload: &[u8], out: &mut Vec<u8>) {
        let mut command =
            format!("{{\"id\":{},\"publish\":{{\"channel\":\"{room}\",\"data\":", FIRST_MESSAGE + number).into_bytes();
        command.extend_from_slice(payload);
        command.extend_from_slice(b"}}");
        frames::append_masked(out, TEXT, &command);
    }

    fn read(&self, _: &mut usize, buffer: &mut [u8], mut said: impl FnMut(Said<'_>)) -> io::Result<usize> {
        let mut at = 0;
        while let Some(frame) = Frame::read(buffer, at)? {
            at = frame.payload.end;
            let mut rest = &buffer[frame.payload];
            if frame.opcode == CLOSE {
                said(if is_to_come_back(rest) { Said::Leave(rest) } else { Said::Refused(rest) });
                continue;
            }
            while let Some(end) = self.end_of_line(rest) {
                self.line(&rest[..end], &mut said)?;
                rest = &rest[end + 1..];
            }
            if !rest.is_empty() {
                self.line(rest, &mut said)?;
            }
        }
        Ok(at)
    }
}

impl Calls for Centrifuge {
    fn call(&self, number: usize, method: &str, data: &Value, out: &mut Vec<u8>) {
        let command = json!({ "id": FIRST_MESSAGE + number, "rpc": { "method": method, "data": data } });
        frames::append_masked(out, TEXT, command.to_string().as_bytes());
    }
}

/// The number of the command that this line says was done: a publication, or a call.
fn acknowledged(line: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(b"{\"id\":")?;
    let (number, what) = rest.split_at(memchr(b',', rest)?);
    (what == b",\"publish\":{}}" || what.starts_with(b",\"rpc\":{")).then(|| digits(number))?
}

/// The offset of a publication, in what stands behind its payload: who published it, the offset, and the epoch on the first of a
/// log. It is read from the end, so that nothing is searched for.
fn offset(behind: &[u8]) -> Option<u64> {
    let mut rest = behind.strip_suffix(b"}}}")?;
    if rest.ends_with(b"\"") {
        rest = &rest[..memmem::rfind(rest, b",\"epoch\":\"")?];
    }
    let length = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = rest.split_at(rest.len() - length);
    if before.ends_with(b",\"offset\":") { digits(number).map(|number| number as u64) } else { None }
}

/// What stands behind the data's name in a publication of any room.
fn after_data(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"push\":{\"channel\":\"")?;
    rest.get(memchr(b'"', rest)? + 1..)?.strip_prefix(b",\"pub\":{\"data\":")
}

/// Whether clients come back after this close frame: the protocol's codes below 3500 ask them to.
fn is_to_come_back(close: &[u8]) -> bool {
    matches!(close, [high, low, ..] if (3_000..3_500).contains(&u16::from_be_bytes([*high, *low])))
}

fn reply(line: &[u8], said: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
    let value: Value = serde_json::from_slice(line)?;
    let subscribed = &value["subscribe"];
    if value["error"].is_object() || value["push"]["disconnect"].is_object() || value["push"]["unsubscribe"].is_object()
    {
        said(Said::Refused(line));
    } else if value["id"] == MAKES_READY {
        if subscribed["was_recovering"] == true && subscribed["recovered"] != true {
            said(Said::Refused(line));
        }
        said(Said::Ready(subscribed["epoch"].as_str().unwrap_or_default()));
        if subscribed["publications"].is_array() {
            recovered(line, said)?;
        }
    }
    Ok(())
}

/// The publications in the reply to a subscription, as the bytes they are.
fn recovered(line: &[u8], said: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
    #[derive(serde::Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        subscribe: Subscribed<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Subscribed<'a> {
        #[serde(borrow, default)]
        publications: Vec<Publication<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Publication<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
        offset: Option<u64>,
    }
    let reply: Reply<'_> = serde_json::from_slice(line)?;
    for one in reply.subscribe.publications {
        said(Said::Message { payload: one.data.get().as_bytes(), offset: one.offset });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Vec<String> {
        let (mut frame, mut told) = (Vec::new(), Vec::new());
        frames::append(&mut frame, TEXT, lines.as_bytes());
        let read = Centrifuge::new("room", None, 7).read(&mut 0, &mut frame, |said| {
            told.push(match said {
                Said::Message { payload, offset } => format!("{} at {offset:?}", String::from_utf8_lossy(payload)),
                Said::Refused(why) => format!("refused: {}", String::from_utf8_lossy(why)),
                other => format!("{other:?}"),
            })
        });
        assert_eq!(read.unwrap(), frame.len());
        told
    }

    #[test]
    fn publications_have_their_offset_whatever_stands_before_and_behind_it() {
        let push =
            |behind: &str| format!("{{\"push\":{{\"channel\":\"room\",\"pub\":{{\"data\":[\"one\"]{behind}}}}}}}");
        let info = r#","info":{"user":"","client":"a,\"offset\":9"}"#;
        for (behind, offset) in [
            (r#","offset":41"#.to_owned(), "Some(41)"),
            (format!(r#"{info},"offset":42"#), "Some(42)"),
            (format!(r#"{info},"offset":1,"epoch":"e""#), "Some(1)"),
            (info.to_owned(), "None"),
            (String::new(), "None"),
        ] {
            let told = read(&format!("{}\n{}", push(&behind), push(&behind)));
            assert_eq!(told, vec![format!("[\"one\"] at {offset}"); 2], "{behind}");
        }
    }

    #[test]
    fn acknowledgements_say_of_which_message() {
        let told = read("{\"id\":3,\"publish\":{}}\n{\"id\":14,\"rpc\":{\"data\":1}}\n{}");
        assert_eq!(told, ["Acknowledged(Some(0))", "Acknowledged(Some(11))", "Ping([123, 125])"]);
        let error = "{\"id\":3,\"error\":{\"code\":100,\"message\":\"no\"}}";
        assert_eq!(read(error), [format!("refused: {error}")]);
    }

    #[test]
    fn who_comes_back_says_where_it_was_and_gets_what_it_missed() {
        let dialect = Centrifuge::new("room", None, 7);
        let position = Position { epoch: "e".into(), offset: 5 };
        let mut greeting = dialect.greeting(&Part::Viewer(Some(position)), "room");
        let frame = Frame::read(&greeting, 0).unwrap().unwrap();
        frame.unmask(&mut greeting);
        let commands: Vec<Value> = greeting[frame.payload]
            .split(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let subscribe = json!({ "channel": "room", "recover": true, "epoch": "e", "offset": 5 });
        assert_eq!(commands, [json!({ "id": 1, "connect": {} }), json!({ "id": 2, "subscribe": subscribe })]);

        let reply = |recovered| {
            let missed = json!([{ "data": ["six"], "offset": 6 }]);
            json!({ "id": 2, "subscribe": { "epoch": "e", "was_recovering": true, "recovered": recovered, "publications": missed } })
                .to_string()
        };
        assert_eq!(read(&reply(true)), ["Ready(\"e\")", "[\"six\"] at Some(6)"]);
        assert_eq!(read(&reply(false))[0], format!("refused: {}", reply(false)));
    }
}
