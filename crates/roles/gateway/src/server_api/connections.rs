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
    needs::{ClientError, Refreshed, ServerSubscription},
    protocol::codes::{self, Disconnect},
    tokens::{Override, SubscriptionOptions},
};

/// Whose connections a command means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Whom {
    user: Option<String>,
    client: String,
    whitelist: Vec<String>,
}

impl Whom {
    fn target(self) -> Result<Target, ClientError> {
        match (self.client, self.user) {
            (id, user) if !id.is_empty() => Ok(Target::Client { id, user: user.filter(|user| !user.is_empty()) }),
            (_, Some(user)) => Ok(Target::User { user, except: self.whitelist }),
            (_, None) => Err(bad_request("user or client is missing")),
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
            $($field: $kind),*
        }
    )+};
}

commands! {
    /// Subscribes connections.
    Subscribe {
        channel: String,
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
    RefreshWhom { expired: bool, expire_at: i64 }
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
        let Subscribe { user, client, channel, info, b64info, data, b64data, recover_since, r#override } = command;
        let flag = |flag: Option<Flag>| flag.map(|flag| flag.value);
        let overrides = Override {
            presence: flag(r#override.presence),
            join_leave: flag(r#override.join_leave),
            force_push_join_leave: flag(r#override.force_push_join_leave),
            force_recovery: flag(r#override.force_recovery),
            force_positioning: flag(r#override.force_positioning),
        };
        let own = SubscriptionOptions {
            info: answer::value(info, &b64info)?,
            data: answer::value(data, &b64data)?,
            overrides,
        };
        let named = user.clone().unwrap_or_default();
        let rules = self.namespaces.given(checked(&channel)?, &named, own).ok_or(codes::UNKNOWN_CHANNEL)?;
        let since = recover_since.map(Into::into);
        let subscription = ServerSubscription { since, ..ServerSubscription::new(channel, rules) };
        self.gateway.subscribe(&whom(user, client)?, &subscription);
        Ok(json!({}))
    }

    pub(super) fn unsubscribe(&self, command: UnsubscribeFrom) -> Answer {
        let target = whom(command.user, command.client)?;
        self.gateway.unsubscribe(&target, checked(&command.channel)?, &codes::SERVER_UNSUBSCRIBE);
        Ok(json!({}))
    }

    pub(super) fn disconnect(&self, command: DisconnectWhom) -> Answer {
        let DisconnectWhom { user, client, whitelist, disconnect } = command;
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
        self.gateway.disconnect(&Whom { user, client, whitelist }.target()?, &why);
        Ok(json!({}))
    }

    pub(super) fn refresh(&self, command: RefreshWhom) -> Answer {
        let target = whom(command.user, command.client)?;
        if command.expired {
            self.gateway.disconnect(&target, &codes::CONNECTION_EXPIRED);
        } else {
            let expires_at =
                (command.expire_at > 0).then(|| Timestamp::from_millis(command.expire_at.saturating_mul(1_000)));
            self.gateway.refresh(&target, &Refreshed { expires_at, conn_info: None });
        }
        Ok(json!({}))
    }
}

/// What a close frame has room for (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

fn whom(user: Option<String>, client: String) -> Result<Target, ClientError> {
    Whom { user, client, whitelist: Vec::new() }.target()
}
