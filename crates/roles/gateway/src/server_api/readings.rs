//! What can be known: who is there, what was published, which channels there are.

use ports::{about::ClientInfo, room_log::RoomLogError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ServerApi,
    answer::{Answer, Position, checked, room, shown, unanswered},
};
use crate::{
    fleet::Node,
    needs::ClientError,
    protocol::{History, codes},
    settings::PRESENCE_CLIENTS_MAX,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OfChannel {
    channel: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Past {
    channel: String,
    limit: i64,
    since: Option<Position>,
    reverse: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fitting {
    pattern: String,
}

impl ServerApi {
    pub(super) async fn presence(&self, OfChannel { channel }: OfChannel) -> Answer {
        let members = self.gateway.shared().presence(checked(&channel)?, PRESENCE_CLIENTS_MAX).await;
        let members = members
            .map_err(|error| unanswered(&error))?
            .ok_or_else(|| ClientError::limit("clients in a presence", PRESENCE_CLIENTS_MAX))?;
        let presence: Map<String, Value> = members.iter().map(|info| (info.client.clone(), told(info))).collect();
        Ok(json!({ "presence": presence }))
    }

    pub(super) async fn presence_stats(&self, OfChannel { channel }: OfChannel) -> Answer {
        let stats = self.gateway.shared().presence_stats(checked(&channel)?).await;
        let stats = stats.map_err(|error| unanswered(&error))?;
        Ok(json!({ "num_clients": stats.clients, "num_users": stats.users }))
    }

    pub(super) async fn history(&self, Past { channel, limit, since, reverse }: Past) -> Answer {
        let room = room(self.publishing.room(checked(&channel)?)?)?;
        let request = History { channel, limit, since: since.map(Into::into), reverse };
        let page = self.gateway.history(room, &request).await.map_err(|error| unreadable(&request.channel, &error))?;
        let page = page.ok_or(codes::UNRECOVERABLE_POSITION)?;
        let publications = page.publications.iter().map(|publication| {
            let mut shown = Map::from_iter([
                ("offset".to_owned(), json!(publication.offset)),
                ("data".to_owned(), shown(&publication.data)),
            ]);
            if let Some(info) = &publication.info {
                shown.insert("info".into(), told(info));
            }
            if !publication.tags.is_empty() {
                let tags: Map<String, Value> =
                    publication.tags.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                shown.insert("tags".into(), tags.into());
            }
            Value::Object(shown)
        });
        let publications: Vec<Value> = publications.collect();
        Ok(json!({ "publications": publications, "epoch": page.epoch, "offset": page.offset }))
    }

    pub(super) async fn history_remove(&self, OfChannel { channel }: OfChannel) -> Answer {
        let room = room(self.publishing.room(checked(&channel)?)?)?;
        match room.log.forget(&room.name).await {
            Ok(()) => Ok(json!({})),
            Err(RoomLogError::Refused(why)) => {
                Err(ClientError::because(codes::NOT_AVAILABLE, format!("not available: {why}")))
            }
            Err(error) => Err(unreadable(&channel, &error)),
        }
    }

    pub(super) async fn channels(&self, Fitting { pattern }: Fitting) -> Answer {
        let pattern = Some(pattern.as_str()).filter(|pattern| !pattern.is_empty());
        let channels = self.gateway.channels_of_all(pattern).await.map_err(|error| unanswered(&error))?;
        let channels = channels.ok_or_else(|| ClientError::because(codes::LIMIT_EXCEEDED, TOO_MANY_CHANNELS))?;
        let channels: Map<String, Value> =
            channels.into_iter().map(|one| (one.name, json!({ "num_clients": one.clients }))).collect();
        Ok(json!({ "channels": channels }))
    }

    pub(super) async fn info(&self) -> Answer {
        let nodes = self.gateway.nodes().await.map_err(|error| unanswered(&error))?;
        let nodes: Vec<Value> = nodes.iter().map(node).collect();
        Ok(json!({ "nodes": nodes }))
    }
}

const TOO_MANY_CHANNELS: &str =
    "limit exceeded: the names of one gateway's channels have 2 MiB at the most in an answer";

fn node(Node { id, url, version, uptime_s, info }: &Node) -> Value {
    json!({
        "uid": id,
        "name": if url.is_empty() { "madang" } else { url },
        "version": version,
        "num_clients": info.clients,
        "num_users": info.users,
        "num_channels": info.channels,
        "num_subs": info.subscriptions,
        "uptime": uptime_s,
    })
}

fn told(info: &ClientInfo) -> Value {
    let mut told = Map::from_iter([("user".to_owned(), json!(info.user)), ("client".to_owned(), json!(info.client))]);
    for (name, value) in [("conn_info", &info.conn_info), ("chan_info", &info.chan_info)] {
        if let Some(value) = value {
            told.insert(name.into(), shown(value));
        }
    }
    told.into()
}

fn unreadable(channel: &str, error: &RoomLogError) -> ClientError {
    tracing::error!(channel, %error, "a room's log could not be read for the server API");
    codes::INTERNAL.into()
}
