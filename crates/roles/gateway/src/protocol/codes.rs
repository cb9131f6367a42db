//! The numbers a client is told: errors of one command, reasons of a disconnect, reasons of an unsubscribe.
//!
//! Source: the error and disconnect codes of the protocol's reference server (github.com/centrifugal/centrifuge,
//! `errors.go` and `disconnect.go`).

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
    )+};
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
    /// Pages of one listing are asked for at the same time.
    CONCURRENT_PAGINATION = 113, "concurrent pagination", true;
}

macro_rules! disconnects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: Disconnect = Disconnect { code: $code, reason: Cow::Borrowed($reason) };
    )+};
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
    /// What the client stands on is not valid any more: connect again.
    STATE_INVALIDATED = 3014, "state invalidated";
    /// The token is not one of ours.
    INVALID_TOKEN = 3500, "invalid token";
    /// What the client sent breaks the protocol.
    BAD_FRAME = 3501, "bad request";
    /// No connect command in time.
    STALE = 3502, "stale";
    /// The server wants the client to stay away.
    FORCE_NO_RECONNECT = 3503, "force disconnect";
    /// Too many connections.
    CONNECTION_LIMIT = 3504, "connection limit";
    /// Too many subscriptions.
    CHANNEL_LIMIT = 3505, "channel limit";
    /// Frames of another encoding than the connection's.
    INAPPROPRIATE_PROTOCOL = 3506, "inappropriate protocol";
    /// Not allowed here.
    NOT_PERMITTED = 3507, "permission denied";
    /// This is not offered.
    NOT_OFFERED = 3508, "not available";
    /// Too many commands that failed.
    TOO_MANY_ERRORS = 3509, "too many errors";
}

macro_rules! unsubscribes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: Unsubscribe = Unsubscribe { code: $code, reason: Cow::Borrowed($reason) };
    )+};
}

unsubscribes! {
    /// The server ended the subscription for good.
    SERVER_UNSUBSCRIBE = 2000, "server unsubscribe";
    /// What the subscription stands on is gone (another history, or a hole in the log): subscribe again.
    INSUFFICIENT_STATE = 2500, "insufficient state";
    /// The subscription has run out and was not refreshed: subscribe again.
    UNSUBSCRIBE_EXPIRED = 2501, "subscription expired";
    /// What the subscription stands on is not valid any more: subscribe again.
    UNSUBSCRIBE_INVALIDATED = 2502, "state invalidated";
}

impl Disconnect {
    /// Whether clients connect again afterwards.
    pub fn reconnects(&self) -> bool {
        !matches!(self.code, 1009 | 3500..=3999 | 4500..=4999)
    }
}
