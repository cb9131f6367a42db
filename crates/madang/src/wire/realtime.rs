//! What the gateway needs of others: who connects, and what its channels and methods mean.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chat::{Chat, messages::NewMessage};
use gateway::{
    needs::{
        ChannelRules, Channels, Client, ClientError, ConnectRequest, Connected, Connector, Proof, Refused, Room,
        SubscribeRequest,
    },
    protocol::codes,
};
use kernel::{Adjustable, BroadcastId, Caller, MessageId, Problem};
use live::{
    Feed,
    needs::{NeedError, Shows},
};
use people::People;
use ports::room_log::RoomLog;
use serde::Deserialize;

use super::{CrowdTaker, notice::notice_as_data};

/// Knows who connects by their session token, and tells them the site's notice.
pub(crate) struct RealtimeConnector {
    pub(crate) people: People,
    pub(crate) notice: Adjustable<String>,
}

#[async_trait]
impl Connector for RealtimeConnector {
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused> {
        let caller = self.still(&request.proof, request.address).await?;
        let notice = self.notice.get();
        let data = (!notice.is_empty()).then(|| notice_as_data(&notice));
        Ok(Connected { data, ..Connected::new(caller) })
    }

    async fn still(&self, proof: &Proof, address: IpAddr) -> Result<Caller, Refused> {
        let (token, cookie) = (proof.token.as_deref(), proof.cookie.as_deref());
        // A token that was given on purpose must be good; a cookie may be left over from a session that has ended.
        for (token, must_be_good) in [(token, true), (cookie, false)] {
            let Some(token) = token.filter(|token| !token.is_empty()) else { continue };
            match self.people.identify(token).await {
                Ok(Some(identity)) => return Ok(Caller { identity: Some(Box::new(identity)), address }),
                Ok(None) if must_be_good => return Err(Refused::InvalidToken),
                Ok(None) => (),
                Err(error) => {
                    tracing::warn!(%error, "cannot tell who connects");
                    return Err(Refused::Unavailable);
                }
            }
        }
        Ok(Caller::anonymous(address))
    }
}

/// `chat:{broadcast}`, kept in the room of the same name, and `live:{broadcast}`; the methods `hearts` and `beat`.
pub(crate) struct RealtimeChannels {
    pub(crate) room_log: Arc<dyn RoomLog>,
    pub(crate) chat: Arc<Chat>,
    pub(crate) shows: Arc<dyn Shows>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) crowd: Arc<dyn CrowdTaker>,
}

/// A channel's name, taken apart.
enum Named {
    Chat(BroadcastId),
    Live(BroadcastId),
}

fn parse(channel: &str) -> Result<Named, ClientError> {
    let unknown = || ClientError::from(codes::UNKNOWN_CHANNEL);
    let (kind, id) = channel.split_once(':').ok_or_else(unknown)?;
    let broadcast = id.parse().map_err(|_| unknown())?;
    match kind {
        "chat" => Ok(Named::Chat(broadcast)),
        "live" => Ok(Named::Live(broadcast)),
        _ => Err(unknown()),
    }
}

/// What a client publishes into a chat channel.
#[derive(Deserialize)]
struct Said {
    text: String,
    client_id: Option<String>,
    reply_to: Option<MessageId>,
}

fn said(data: &[u8]) -> Result<NewMessage, ClientError> {
    let Said { text, client_id, reply_to } = serde_json::from_slice(data).map_err(|error| {
        ClientError::because(codes::BAD_REQUEST, format!("a message is {{text, client_id?, reply_to?}}: {error}"))
    })?;
    Ok(NewMessage { text, client_id, reply_to })
}

#[async_trait]
impl Channels for RealtimeChannels {
    async fn open(&self, _: &Client, request: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        match parse(&request.channel)? {
            Named::Chat(broadcast) => {
                self.shows.show(broadcast).await.map_err(cannot_tell)?.ok_or(codes::UNKNOWN_CHANNEL)?;
                let room = Room::new(self.room_log.clone(), &request.channel);
                Ok(ChannelRules { presence: true, ..ChannelRules::kept(room) })
            }
            Named::Live(broadcast) => {
                let state = self.feed.present_state(broadcast).await.map_err(cannot_tell)?;
                let state = state.ok_or(codes::UNKNOWN_CHANNEL)?;
                Ok(ChannelRules { data: Some(state), ..ChannelRules::default() })
            }
        }
    }

    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        _: Option<&ChannelRules>,
        data: Bytes,
    ) -> Result<(), ClientError> {
        let Named::Chat(broadcast) = parse(channel)? else { return Err(codes::PERMISSION_DENIED.into()) };
        self.chat.messages.post(&client.caller, broadcast, said(&data)?).await.map(|_| ()).map_err(told)
    }

    async fn publish_group(
        &self,
        client: &Client,
        channel: &str,
        _: Option<&ChannelRules>,
        group: Vec<Bytes>,
    ) -> Vec<Result<(), ClientError>> {
        let broadcast = match parse(channel) {
            Ok(Named::Chat(broadcast)) => broadcast,
            Ok(Named::Live(_)) => return group.iter().map(|_| Err(codes::PERMISSION_DENIED.into())).collect(),
            Err(error) => return vec![Err(error); group.len()],
        };
        let read: Vec<Result<NewMessage, ClientError>> = group.iter().map(|data| said(data)).collect();
        let messages: Vec<NewMessage> = read.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
        let mut posted = self.chat.messages.post_group(&client.caller, broadcast, messages).await.into_iter();
        let mut answers = Vec::with_capacity(read.len());
        for one in read {
            answers.push(match one {
                Ok(_) => posted.next().map_or(Err(codes::INTERNAL.into()), |one| one.map(|_| ()).map_err(told)),
                Err(error) => Err(error),
            });
        }
        answers
    }

    async fn rpc(&self, Client { caller, .. }: &Client, method: &str, data: Bytes) -> Result<Bytes, ClientError> {
        match method {
            "hearts" => self.crowd.hearts(data, caller.address).await.map_err(told),
            "beat" => self.crowd.beat(data, caller.address).await.map(|()| Bytes::from_static(b"{}")).map_err(told),
            _ => Err(codes::METHOD_NOT_FOUND.into()),
        }
    }
}

fn cannot_tell(error: NeedError) -> ClientError {
    tracing::warn!(%error, "cannot tell about a channel");
    codes::INTERNAL.into()
}

/// The same problem as over HTTP, as an error of the protocol: codes below 400 are the protocol's own.
fn told(error: impl Into<Problem>) -> ClientError {
    let problem: Problem = error.into();
    match problem.status {
        401 => ClientError::because(codes::UNAUTHORIZED, problem.detail),
        403 => ClientError::because(codes::PERMISSION_DENIED, problem.detail),
        429 => ClientError::because(codes::TOO_MANY_REQUESTS, and_how_long(problem)),
        500.. => ClientError::because(codes::INTERNAL, and_how_long(problem)),
        status => ClientError::new(u32::from(status), problem.detail, false),
    }
}

/// What is wrong, and after how long to try again: an error of the protocol has nothing but its sentence to say it with.
fn and_how_long(Problem { detail, retry_after_s, .. }: Problem) -> String {
    match retry_after_s {
        Some(seconds) if !detail.contains(&format!("{seconds} s")) => format!("{detail} Try again in {seconds} s."),
        _ => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_that_passes_is_temporary_and_says_how_long_it_lasts() {
        let too_fast = Problem::too_many("chat_rate", "You write too fast; try again in 7 s.").retry_after(7);
        let full = Problem::too_many("review_full", "Too many messages wait for review.").retry_after(60);
        let down = Problem::unavailable("try_again", "Hearts cannot be answered right now.").retry_after(1);
        for (problem, code, temporary, message) in [
            (too_fast, 111, true, "You write too fast; try again in 7 s."),
            (full, 111, true, "Too many messages wait for review. Try again in 60 s."),
            (down, 100, true, "Hearts cannot be answered right now. Try again in 1 s."),
            (Problem::too_many("players", "Too many."), 111, true, "Too many."),
            (Problem::unauthorized("sign_in_required", "Sign in."), 101, false, "Sign in."),
            (Problem::forbidden("banned", "You cannot."), 103, false, "You cannot."),
            (Problem::conflict("message_held", "It waits."), 409, false, "It waits."),
        ] {
            assert_eq!(told(problem), ClientError::new(code, message, temporary));
        }
    }
}
