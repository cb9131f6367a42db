//! A frame of length-prefixed messages to commands.
//!
//! Numbers of fields: `Command` and the requests of the published schema.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    super::{
        COMMANDS_PER_FRAME_MAX, Command, Connect, DecodeError, Decoded, FLAG_REJECT_UNRECOVERED, FOSSIL, History,
        Request, Since, Subscribe,
    },
    reader::{Reader, Value},
};

/// Members of the maps of one command at the most.
const MAP_MEMBERS_MAX: usize = 1_024;

/// The commands of one frame, in order.
pub(crate) fn decode(frame: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
    let mut commands = Vec::new();
    let mut rest = Reader(frame);
    while !rest.0.is_empty() {
        if commands.len() == COMMANDS_PER_FRAME_MAX {
            return Err(DecodeError::TooManyCommands);
        }
        let message = rest.delimited()?;
        commands.push(Decoded { command: command(message)?, bytes: message.len() });
    }
    Ok(commands)
}

fn command(message: &[u8]) -> Result<Command, DecodeError> {
    let (mut id, mut first): (u32, Option<(u32, Request)>) = (0, None);
    let mut fields = Reader(message);
    while let Some((number, value)) = fields.field()? {
        match number {
            1 => id = value.number()? as u32,
            4..=15 => {
                let request = request(number, value.bytes()?)?;
                // As everywhere in this protocol: of several requests that with the smallest number counts.
                if first.as_ref().is_none_or(|(of, _)| number <= *of) {
                    first = Some((number, request));
                }
            }
            _ => {}
        }
    }
    let unnamed = if id == 0 { Request::Pong } else { Request::Unknown };
    Ok(Command { id, request: first.map_or(unnamed, |(_, request)| request) })
}

fn request(number: u32, body: &[u8]) -> Result<Request, DecodeError> {
    Ok(match number {
        4 => Request::Connect(connect(body)?),
        5 => Request::Subscribe(subscribe(body)?),
        6 => Request::Unsubscribe { channel: Simple::of(body)?.channel()? },
        7 => {
            let fields = Simple::of(body)?;
            Request::Publish { channel: fields.channel()?, data: fields.bytes_of(2)? }
        }
        8 => Request::Presence { channel: Simple::of(body)?.channel()? },
        9 => Request::PresenceStats { channel: Simple::of(body)?.channel()? },
        10 => Request::History(history(body)?),
        11 => Simple::of(body).map(|_| Request::Ping)?,
        12 => Request::Send { data: Simple::of(body)?.bytes_of(1)? },
        13 => {
            let fields = Simple::of(body)?;
            Request::Rpc { method: fields.text_of(2)?, data: fields.bytes_of(1)? }
        }
        14 => Request::Refresh { token: Simple::of(body)?.text_of(1)? },
        _ => {
            let fields = Simple::of(body)?;
            Request::SubRefresh { channel: fields.channel()?, token: fields.text_of(2)? }
        }
    })
}

/// A message of which only the first two fields matter, the last of each.
#[derive(Default)]
struct Simple<'a>([Option<Value<'a>>; 2]);

impl<'a> Simple<'a> {
    fn of(body: &'a [u8]) -> Result<Self, DecodeError> {
        let (mut simple, mut fields) = (Self::default(), Reader(body));
        while let Some((number, value)) = fields.field()? {
            if let Some(place) = simple.0.get_mut(number as usize - 1) {
                *place = Some(value);
            }
        }
        Ok(simple)
    }

    fn channel(&self) -> Result<String, DecodeError> {
        self.text_of(1)
    }

    fn text_of(&self, number: usize) -> Result<String, DecodeError> {
        self.get(number).map_or(Ok(String::new()), Value::text)
    }

    fn bytes_of(&self, number: usize) -> Result<Option<Bytes>, DecodeError> {
        self.get(number).map(|value| value.bytes().map(Bytes::copy_from_slice)).transpose()
    }

    fn get(&self, number: usize) -> Option<Value<'a>> {
        self.0.get(number - 1).copied().flatten()
    }
}

fn connect(body: &[u8]) -> Result<Connect, DecodeError> {
    let (mut connect, mut fields) = (Connect::default(), Reader(body));
    while let Some((number, value)) = fields.field()? {
        match number {
            1 => connect.token = given(value)?,
            2 => connect.data = data(value)?,
            3 => {
                let (channel, position) = member(value)?;
                let position = position.map_or(Ok(&[][..]), Value::bytes)?;
                if let Some(since) = subscribe(position)?.recover {
                    insert(&mut connect.subs, channel, since)?;
                }
            }
            4 => connect.name = value.text()?,
            5 => connect.version = value.text()?,
            6 => {
                let (name, header) = member(value)?;
                insert(&mut connect.headers, name, header.map_or(Ok(String::new()), Value::text)?)?;
            }
            _ => {}
        }
    }
    Ok(connect)
}

fn subscribe(body: &[u8]) -> Result<Subscribe, DecodeError> {
    let (mut subscribe, mut fields) = (Subscribe::default(), Reader(body));
    let (mut recover, mut since) = (false, Since::default());
    while let Some((number, value)) = fields.field()? {
        match number {
            1 => subscribe.channel = value.text()?,
            2 => subscribe.token = given(value)?,
            3 => recover = value.number()? != 0,
            6 => since.epoch = value.text()?,
            7 => since.offset = value.number()?,
            8 => subscribe.data = data(value)?,
            9 => subscribe.positioned = value.number()? != 0,
            10 => subscribe.recoverable = value.number()? != 0,
            11 => subscribe.join_leave = value.number()? != 0,
            12 => subscribe.fossil_delta = value.bytes()? == FOSSIL.as_bytes(),
            14 => subscribe.reject_unrecovered = value.number()? as i64 & FLAG_REJECT_UNRECOVERED != 0,
            _ => {}
        }
    }
    subscribe.recover = recover.then_some(since);
    Ok(subscribe)
}

fn history(body: &[u8]) -> Result<History, DecodeError> {
    let (mut history, mut fields) = (History::default(), Reader(body));
    while let Some((number, value)) = fields.field()? {
        match number {
            1 => history.channel = value.text()?,
            // A negative int32 is sent as a number of 64 bits.
            7 => history.limit = i64::from(value.number()? as i32),
            8 => {
                let fields = Simple::of(value.bytes()?)?;
                let offset = fields.get(1).map_or(Ok(0), Value::number)?;
                history.since = Some(Since { offset, epoch: fields.text_of(2)? });
            }
            9 => history.reverse = value.number()? != 0,
            _ => {}
        }
    }
    Ok(history)
}

/// A member of a map: its name, and its value when there is one.
fn member(value: Value<'_>) -> Result<(String, Option<Value<'_>>), DecodeError> {
    let fields = Simple::of(value.bytes()?)?;
    Ok((fields.text_of(1)?, fields.get(2)))
}

fn insert<T>(map: &mut BTreeMap<String, T>, name: String, value: T) -> Result<(), DecodeError> {
    if map.len() == MAP_MEMBERS_MAX {
        return Err(DecodeError::NotProtobuf("a map with too many members"));
    }
    map.insert(name, value);
    Ok(())
}

fn given(value: Value<'_>) -> Result<Option<String>, DecodeError> {
    Ok(Some(value.text()?).filter(|text| !text.is_empty()))
}

fn data(value: Value<'_>) -> Result<Option<Bytes>, DecodeError> {
    Ok(Some(Bytes::copy_from_slice(value.bytes()?)))
}
