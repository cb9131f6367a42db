//! Sends every message back, over the same WebSocket as everything else: for suites that test WebSockets and know nothing of
//! what is spoken on ours.

use std::{borrow::Cow, future::poll_fn, sync::Arc};

use rest::{DirectAnswer, Opened, Takeover, UpgradeRequest};

use super::{
    CLOSE_TIMEOUT, WebSocketTransport,
    transport::{Event, Incoming},
};
use crate::{
    protocol::codes::{self, Disconnect},
    upgrade::refusal,
    websocket::{Framed, Handshake},
};

const NOT_UTF8: Disconnect = Disconnect { code: 1007, reason: Cow::Borrowed("not UTF-8") };

/// `GET /`, for messages of so many bytes.
struct EchoRoute {
    message_bytes_max: usize,
}

/// A route that sends every message of up to so many bytes back.
#[doc(hidden)]
pub fn echo(message_bytes_max: usize) -> Arc<dyn Takeover> {
    Arc::new(EchoRoute { message_bytes_max })
}

impl Takeover for EchoRoute {
    fn path(&self) -> &'static str {
        "/"
    }

    fn open(&self, request: &UpgradeRequest<'_>) -> Result<Opened, DirectAnswer> {
        let answer = Handshake::of(request.headers).map_err(refusal)?.accept(None);
        let message_bytes_max = self.message_bytes_max;
        let serve = move |wire, early| -> rest::Serving {
            Box::pin(run(WebSocketTransport::for_both(wire, early, message_bytes_max)))
        };
        Ok(Opened { answer, serve: Box::new(serve) })
    }
}

async fn run(mut transport: WebSocketTransport) {
    let why = loop {
        // No further message is read before there is room for its echo, which is waited for.
        let may_read = transport.has_room();
        match poll_fn(|context| transport.poll_event(context, !may_read, may_read)).await {
            Event::Incoming(Incoming::Frame(kind, bytes)) => transport.send(Framed::new(kind, &bytes)),
            // Told to clients of ours in another way, which a suite does not know (RFC 6455 §7.4.1).
            Event::Incoming(Incoming::Ended(why)) if why == codes::BAD_FRAME => break NOT_UTF8,
            Event::Incoming(Incoming::Ended(why)) => break why,
            Event::Incoming(Incoming::Pong | Incoming::Other) | Event::Writable => {}
            Event::WriteFailed => return,
        }
    };
    transport.close(&why);
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, poll_fn(|context| transport.poll_farewell(context))).await;
}
