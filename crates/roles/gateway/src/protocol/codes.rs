//! The numbers a client is told: errors of one command, reasons of a disconnect, reasons of an unsubscribe.
//!
//! Source: the error and disconnect codes of the protocol's reference server (github.com/centrifugal/centrifuge,
//! `errors.go` and `disconnect.go`). Only those that can be sent are here; `docs/realtime.md` tells clients of each.

use std::borrow::Cow;

/// Why one command failed. `temporary` tells the client that the same command may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// The number.
    pub code: u32,
    /// What it means, for people.
    pub message: &'static str,
    /// Whether trying again makes sense.
    pub temporary: bool,
}

/// Why a connection was closed: the WebSocket close code and its reason. Clients stay away for good after
/// 3500–3999 and 4500–4999, and reconnect otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// The close code.
    pub code: u16,
    /// What it means, for people.
    pub reason: Cow<'static, str>,
}

/// Why the server ended one subscription. Clients subscribe again from 2500 on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The number.
    pub code: u32,
    /// What it means, for people.
    pub reason: Cow<'static, str>,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $message:literal, $temporary:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: ErrorCode = ErrorCode { code: $code, message: $message, temporary: $temporary };
    )+
        #[cfg(test)]
        const ERRORS: &[ErrorCode] = &[$($name),+];
    };
}

errors! {
    /// Something failed on our side.
    INTERNAL = 100, "internal server error", true;
    /// Sign in first.
    UNAUTHORIZED = 101, "unauthorized", false;
    /// There is no such channel.
    UNKNOWN_CHANNEL = 102, "unknown channel", false;
    /// Not allowed for this caller.
    PERMISSION_DENIED = 103, "permission denied", false;
    /// There is no such method or command.
    METHOD_NOT_FOUND = 104, "method not found", false;
    /// The connection has this subscription already.
    ALREADY_SUBSCRIBED = 105, "already subscribed", false;
    /// A limit is reached.
    LIMIT_EXCEEDED = 106, "limit exceeded", false;
    /// The command cannot be understood.
    BAD_REQUEST = 107, "bad request", false;
    /// This is not offered for this channel.
    NOT_AVAILABLE = 108, "not available", false;
    /// The token has run out: fetch a new one.
    TOKEN_EXPIRED = 109, "token expired", false;
    /// The connection or subscription has run out.
    EXPIRED = 110, "expired", false;
    /// Slow down.
    TOO_MANY_REQUESTS = 111, "too many requests", true;
    /// History does not reach back to the position, or it is another history.
    UNRECOVERABLE_POSITION = 112, "unrecoverable position", false;
}

macro_rules! disconnects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: Disconnect = Disconnect { code: $code, reason: Cow::Borrowed($reason) };
    )+
        #[cfg(test)]
        const DISCONNECTS: &[Disconnect] = &[$($name),+];
    };
}

disconnects! {
    /// RFC 6455 §7.4.1: the peer broke the WebSocket protocol.
    PROTOCOL_ERROR = 1002, "protocol error";
    /// RFC 6455 §7.4.1: a message is larger than the limit; clients stay away.
    MESSAGE_TOO_BIG = 1009, "message size limit";
    /// The peer closed or vanished.
    CONNECTION_CLOSED = 3000, "connection closed";
    /// This process ends; connect again.
    SHUTDOWN = 3001, "shutdown";
    /// Something failed on our side.
    SERVER_ERROR = 3004, "internal server error";
    /// The connection has run out and was not refreshed.
    CONNECTION_EXPIRED = 3005, "connection expired";
    /// A subscription made by the server has run out and was not refreshed.
    SUBSCRIPTION_EXPIRED = 3006, "subscription expired";
    /// More waits to be sent than a connection may hold.
    SLOW = 3008, "slow";
    /// Writing to the peer failed.
    WRITE_ERROR = 3009, "write error";
    /// What a subscription made by the server stands on is gone: connect again.
    STATE_LOST = 3010, "insufficient state";
    /// The server wants the client to connect again.
    FORCE_RECONNECT = 3011, "force reconnect";
    /// A ping was not answered in time.
    NO_PONG = 3012, "no pong";
    /// Far more commands than the limit allows.
    TOO_MANY_COMMANDS = 3013, "too many requests";
    /// The token is not one of ours.
    INVALID_TOKEN = 3500, "invalid token";
    /// What the client sent breaks the protocol.
    BAD_FRAME = 3501, "bad request";
    /// No connect command in time.
    STALE = 3502, "stale";
    /// The server wants the client to stay away.
    FORCE_NO_RECONNECT = 3503, "force disconnect";
    /// Too many subscriptions.
    CHANNEL_LIMIT = 3505, "channel limit";
    /// Frames of another encoding than the connection's.
    INAPPROPRIATE_PROTOCOL = 3506, "inappropriate protocol";
}

macro_rules! unsubscribes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: Unsubscribe = Unsubscribe { code: $code, reason: Cow::Borrowed($reason) };
    )+
        #[cfg(test)]
        const UNSUBSCRIBES: &[Unsubscribe] = &[$($name),+];
    };
}

unsubscribes! {
    /// The server ended the subscription for good.
    SERVER_UNSUBSCRIBE = 2000, "server unsubscribe";
    /// What the subscription stands on is gone (another history, or a hole in the log): subscribe again.
    INSUFFICIENT_STATE = 2500, "insufficient state";
    /// The subscription has run out and was not refreshed: subscribe again.
    UNSUBSCRIBE_EXPIRED = 2501, "subscription expired";
}

impl Disconnect {
    /// Whether clients connect again afterwards.
    pub fn reconnects(&self) -> bool {
        !matches!(self.code, 1009 | 3500..=3999 | 4500..=4999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the tables of a section of `docs/realtime.md` say: of each code, what stands in the second column.
    fn told(section: &str) -> Vec<(u32, &'static str)> {
        let document = include_str!("../../../../../docs/realtime.md");
        let (_, rest) = document.split_once(&format!("\n## {section}\n")).unwrap();
        let section = rest.split("\n## ").next().unwrap();
        let rows = section.lines().map(|line| line.split('|').map(str::trim));
        rows.filter_map(|mut cells| Some((cells.nth(1)?.parse().ok()?, cells.next()?))).collect()
    }

    #[test]
    fn clients_are_told_of_every_code_and_of_none_that_is_never_sent() {
        let errors = ERRORS.iter().map(|error| (error.code, if error.temporary { "temporary" } else { "" }));
        assert_eq!(told("Errors"), errors.collect::<Vec<_>>());
        let comes_back = |comes_back| if comes_back { "again" } else { "stays away" };
        let disconnects = DISCONNECTS.iter().map(|why| (u32::from(why.code), comes_back(why.reconnects())));
        let unsubscribes = UNSUBSCRIBES.iter().map(|why| (why.code, comes_back(why.code >= 2500)));
        assert_eq!(told("Ends"), unsubscribes.chain(disconnects).collect::<Vec<_>>());
    }
}
