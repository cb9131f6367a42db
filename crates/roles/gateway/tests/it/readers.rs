//! Readers of publications in each form they come in.

use serde_json::{Value, json};

use crate::{client::Client, protobuf::BinaryClient, schema, server::Server};

/// A subscriber in one of the forms.
pub(crate) enum Reader {
    Json(Client),
    Differences(DifferenceReader),
    Protobuf(BinaryClient),
}

/// A publication as it was read.
pub(crate) struct Read {
    pub(crate) offset: u64,
    pub(crate) data: Value,
}

impl Reader {
    /// Subscribes to `room:1` behind `from`, in the form with this number; what it had missed that came in the reply.
    pub(crate) async fn recover(server: &Server, form: usize, from: u64) -> (Self, Vec<Read>) {
        let epoch = server.world.log.epoch();
        match form % 3 {
            0 => {
                let mut client = Client::connect(server).await;
                let result = client.recover("room:1", from, &epoch).await;
                assert_eq!((&result["recovered"], &result["offset"]), (&json!(true), &json!(from)));
                let missed = result["publications"].as_array().into_iter().flatten();
                (Self::Json(client), missed.map(Read::of_json).collect())
            }
            1 => {
                let mut reader = DifferenceReader::new(Client::connect(server).await);
                let missed = reader.subscribe_from(Some((from, &epoch))).await;
                (Self::Differences(reader), missed)
            }
            _ => {
                let (mut client, _) = BinaryClient::connect(server, "5").await;
                let channel = "room:1".to_owned();
                let request =
                    schema::SubscribeRequest { channel, recover: true, offset: from, epoch, ..Default::default() };
                let result = client.subscribe(request).await;
                assert_eq!((result.recovered, result.offset), (true, from));
                let missed = result.publications.iter().map(Read::of_protobuf).collect();
                (Self::Protobuf(client), missed)
            }
        }
    }

    /// The next publication.
    pub(crate) async fn read(&mut self) -> Read {
        match self {
            Self::Json(client) => Read::of_json(&client.publication().await["pub"]),
            Self::Differences(reader) => reader.read().await,
            Self::Protobuf(client) => Read::of_protobuf(&client.push().await.publication.unwrap()),
        }
    }
}

impl Read {
    fn of_json(publication: &Value) -> Self {
        Self { offset: publication["offset"].as_u64().unwrap_or_default(), data: publication["data"].clone() }
    }

    fn of_protobuf(publication: &schema::Publication) -> Self {
        Self { offset: publication.offset, data: serde_json::from_slice(&publication.data).unwrap() }
    }
}

/// A reader of `room:1` that takes differences.
pub(crate) struct DifferenceReader {
    client: Client,
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) differences: usize,
}

impl DifferenceReader {
    /// A reader by a connection that is or will be subscribed.
    pub(crate) fn new(client: Client) -> Self {
        Self { client, before: None, differences: 0 }
    }

    /// Subscribes, from a position or from now on.
    pub(crate) async fn subscribe(server: &Server, from: Option<u64>) -> Self {
        let mut reader = Self::new(Client::connect(server).await);
        reader.subscribe_from(from.map(|offset| (offset, ""))).await;
        reader
    }

    async fn subscribe_from(&mut self, from: Option<(u64, &str)>) -> Vec<Read> {
        let mut body = json!({ "channel": "room:1", "delta": "fossil" });
        if let Some((offset, epoch)) = from {
            body["recover"] = true.into();
            body["offset"] = offset.into();
            body["epoch"] = epoch.into();
        }
        let result = self.client.call("subscribe", body).await["subscribe"].clone();
        assert_eq!(result["delta"], true, "{result}");
        assert!(from.is_none() || result["recovered"] == true, "{result}");
        result["publications"].as_array().into_iter().flatten().map(|publication| self.take(publication)).collect()
    }

    /// The data of the next publication.
    pub(crate) async fn next(&mut self) -> Value {
        self.read().await.data
    }

    async fn read(&mut self) -> Read {
        let push = self.client.publication().await;
        self.take(&push["pub"])
    }

    fn take(&mut self, publication: &Value) -> Read {
        let text = publication["data"].as_str().expect("readers of differences get text").as_bytes();
        let data = if publication["delta"] == true {
            self.differences += 1;
            apply(self.before.as_deref().expect("a difference to nothing"), text)
        } else {
            text.to_vec()
        };
        let value = serde_json::from_slice(&data).unwrap();
        self.before = Some(data);
        Read { offset: publication["offset"].as_u64().unwrap_or_default(), data: value }
    }
}

/// Applies a difference of Fossil (fossil-scm.org/home/doc/trunk/www/delta_format.wiki).
pub(crate) fn apply(before: &[u8], difference: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    let mut rest = difference;
    let take = |rest: &mut &[u8]| {
        let mut value = 0;
        while let Some(digit) = DIGITS.iter().position(|digit| *digit == rest[0]) {
            value = (value << 6) + digit;
            *rest = &rest[1..];
        }
        let operator = rest[0];
        *rest = &rest[1..];
        (value, operator)
    };
    let (length, _) = take(&mut rest);
    let mut after = Vec::new();
    loop {
        let (count, operator) = take(&mut rest);
        match operator {
            b'@' => {
                let (from, _) = take(&mut rest);
                after.extend_from_slice(&before[from..from + count]);
            }
            b':' => {
                after.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
            }
            _ => {
                let sum = |sum: u32, word: &[u8]| {
                    let mut bytes = [0; 4];
                    bytes[..word.len()].copy_from_slice(word);
                    sum.wrapping_add(u32::from_be_bytes(bytes))
                };
                let expected = after.chunks(4).fold(0, sum);
                assert_eq!((after.len(), count as u32), (length, expected), "a difference to something else");
                return after;
            }
        }
    }
}
