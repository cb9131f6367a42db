//! What is ordered of connections.

use kernel::Timestamp;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    ServerApi,
    answer::{self, Answer, Position, bad_request, checked},
};
use crate::{
    Target,
    needs::{ChannelRules, ClientError, Refreshed, ServerSubscription},
    protocol::codes::{self, Disconnect},
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
    pub(super) fn subscribe(&self, command: Subscribe) -> Answer {
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
        let expires_at = moment(expire_at);
        if expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(bad_request("expire_at is over already"));
        }
        let rules = self.namespaces.given(checked(&channel)?, &named, own).ok_or(codes::UNKNOWN_CHANNEL)?;
        let rules = ChannelRules { expires_at, ..rules };
        let since = recover_since.map(Into::into);
        let subscription = ServerSubscription { since, ..ServerSubscription::new(channel, rules) };
        self.gateway.subscribe(&whom(user, client, session)?, &subscription);
        Ok(json!({}))
    }

    pub(super) fn unsubscribe(&self, command: UnsubscribeFrom) -> Answer {
        let target = whom(command.user, command.client, command.session)?;
        self.gateway.unsubscribe(&target, checked(&command.channel)?, &codes::SERVER_UNSUBSCRIBE);
        Ok(json!({}))
    }

    pub(super) fn disconnect(&self, command: DisconnectWhom) -> Answer {
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
        self.gateway.disconnect(&Whom { user, client, session, whitelist }.target()?, &why);
        Ok(json!({}))
    }

    pub(super) fn refresh(&self, command: RefreshWhom) -> Answer {
        let target = whom(command.user, command.client, command.session)?;
        if command.expired {
            self.gateway.disconnect(&target, &codes::CONNECTION_EXPIRED);
        } else {
            let expires_at = moment(command.expire_at);
            let conn_info = answer::value("info", command.info, "")?;
            self.gateway.refresh(&target, &Refreshed { expires_at, conn_info });
        }
        Ok(json!({}))
    }
}

/// What a close frame has room for (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

fn whom(user: Option<String>, client: String, session: String) -> Result<Target, ClientError> {
    Whom { user, client, session, whitelist: Vec::new() }.target()
}

/// Seconds since the Unix epoch; 0: never.
fn moment(seconds: i64) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_millis(seconds.saturating_mul(1_000)))
}
