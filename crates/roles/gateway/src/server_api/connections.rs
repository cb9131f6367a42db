//! What is ordered of connections.

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    ServerApi,
    answer::{self, Answer, Position, bad_request, checked, unanswered},
};
use crate::{
    Target,
    fleet::{Given, Question},
    needs::ClientError,
    protocol::codes::{self, Disconnect, Unsubscribe},
    tokens::{Override, SubscriptionOptions},
};

/// Whose connections a command means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Whom {
    user: Option<String>,
    client: String,
    session: String,
    whitelist: Vec<String>,
}

impl Whom {
    fn target(self) -> Result<Target, ClientError> {
        let Self { user, client: id, session, whitelist } = self;
        let named = |text: String| Some(text).filter(|text| !text.is_empty());
        if !session.is_empty() {
            return Ok(Target::Session { session, id: named(id), user: user.and_then(named) });
        }
        match (id, user) {
            (id, user) if !id.is_empty() => Ok(Target::Client { id, user: user.and_then(named) }),
            (_, Some(user)) => Ok(Target::User { user, except: whitelist }),
            (_, None) => Err(bad_request("user, client or session is missing")),
        }
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            user: Option<String>,
            client: String,
            session: String,
            $($field: $kind),*
        }
    )+};
}

commands! {
    /// Subscribes connections.
    Subscribe {
        channel: String,
        expire_at: i64,
        info: Option<Box<RawValue>>,
        b64info: String,
        data: Option<Box<RawValue>>,
        b64data: String,
        recover_since: Option<Position>,
        r#override: Overrides,
    }
    /// Ends subscriptions.
    UnsubscribeFrom { channel: String }
    /// Ends connections.
    DisconnectWhom { whitelist: Vec<String>, disconnect: Option<Why> }
    /// Gives connections another expiry.
    RefreshWhom { expired: bool, expire_at: i64, info: Option<Box<RawValue>> }
}

/// Options of the channel that are otherwise for this subscription.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Overrides {
    presence: Option<Flag>,
    join_leave: Option<Flag>,
    force_push_join_leave: Option<Flag>,
    force_recovery: Option<Flag>,
    force_positioning: Option<Flag>,
}

#[derive(Debug, Deserialize)]
struct Flag {
    value: bool,
}

/// How a connection is to end.
#[derive(Debug, Deserialize)]
pub(super) struct Why {
    code: u16,
    #[serde(default)]
    reason: String,
}

impl ServerApi {
    pub(super) async fn subscribe(&self, command: Subscribe) -> Answer {
        let Subscribe {
            user,
            client,
            session,
            channel,
            expire_at,
            recover_since,
            r#override,
            info,
            b64info,
            data,
            b64data,
            ..
        } = command;
        let flag = |flag: Option<Flag>| flag.map(|flag| flag.value);
        let overrides = Override {
            presence: flag(r#override.presence),
            join_leave: flag(r#override.join_leave),
            force_push_join_leave: flag(r#override.force_push_join_leave),
            force_recovery: flag(r#override.force_recovery),
            force_positioning: flag(r#override.force_positioning),
        };
        let own = SubscriptionOptions {
            info: answer::value("info", info, &b64info)?,
            data: answer::value("data", data, &b64data)?,
            overrides,
        };
        let named = user.clone().unwrap_or_default();
        let expires_at_ms = moment(expire_at);
        if expires_at_ms.is_some_and(|at| at <= self.clock.now().as_millis()) {
            return Err(bad_request("expire_at is over already"));
        }
        self.publishing.room(checked(&channel)?)?;
        let since = recover_since.map(Into::into);
        let given = Given { channel, user: named, options: own, expires_at_ms, since };
        self.order(Question::Subscribe { target: whom(user, client, session)?, given }).await
    }

    pub(super) async fn unsubscribe(&self, command: UnsubscribeFrom) -> Answer {
        let target = whom(command.user, command.client, command.session)?;
        checked(&command.channel)?;
        let Unsubscribe { code, reason } = codes::SERVER_UNSUBSCRIBE;
        let (channel, reason) = (command.channel, reason.into_owned());
        self.order(Question::Unsubscribe { target, channel, code, reason }).await
    }

    pub(super) async fn disconnect(&self, command: DisconnectWhom) -> Answer {
        let DisconnectWhom { user, client, session, whitelist, disconnect } = command;
        let why = match disconnect {
            None => codes::FORCE_NO_RECONNECT,
            Some(Why { code, reason }) if (3_000..5_000).contains(&code) && reason.len() <= REASON_BYTES_MAX => {
                Disconnect { code, reason: reason.into() }
            }
            Some(_) => {
                let limits = format!(
                    "disconnect has a code from 3000 to 4999, and a reason of {REASON_BYTES_MAX} bytes at the most"
                );
                return Err(bad_request(&limits));
            }
        };
        self.end(Whom { user, client, session, whitelist }.target()?, why).await
    }

    pub(super) async fn refresh(&self, command: RefreshWhom) -> Answer {
        let target = whom(command.user, command.client, command.session)?;
        if command.expired {
            return self.end(target, codes::CONNECTION_EXPIRED).await;
        }
        let expires_at_ms = moment(command.expire_at);
        let conn_info = answer::value("info", command.info, "")?;
        self.order(Question::Refresh { target, expires_at_ms, conn_info }).await
    }

    async fn end(&self, target: Target, Disconnect { code, reason }: Disconnect) -> Answer {
        self.order(Question::Disconnect { target, code, reason: reason.into_owned() }).await
    }

    async fn order(&self, order: Question) -> Answer {
        self.gateway.order_all(order).await.map(|_| json!({})).map_err(|error| unanswered(&error))
    }
}

/// What a close frame has room for (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

fn whom(user: Option<String>, client: String, session: String) -> Result<Target, ClientError> {
    Whom { user, client, session, whitelist: Vec::new() }.target()
}

/// Milliseconds since the Unix epoch, from seconds; 0: never.
fn moment(seconds: i64) -> Option<i64> {
    (seconds > 0).then(|| seconds.saturating_mul(1_000))
}
