//! `GET /connection/sse?cf_connect=…`: the query brings the connect command, the events are what the server sends.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use kernel::Problem;
use rest::{ClientAddress, problem_response};
use serde::Deserialize;

use super::{Fallbacks, endless};
use crate::protocol::Encoding;

#[derive(Deserialize)]
pub(super) struct First {
    cf_connect: Option<String>,
}

pub(super) async fn open(
    State(fallbacks): State<Arc<Fallbacks>>,
    address: ClientAddress,
    headers: HeaderMap,
    Query(First { cf_connect }): Query<First>,
) -> Response {
    let Some(first) = cf_connect else {
        let detail = "The query parameter cf_connect carries the connect command.";
        return problem_response(&Problem::bad_request("connect_missing", detail));
    };
    match fallbacks.begin(address, &headers, Encoding::Json, first.into()) {
        Ok(frames) => endless("text/event-stream; charset=utf-8", frames, |frame| events(&frame)),
        Err(problem) => problem_response(&problem),
    }
}

/// An event for each message of a frame.
fn events(frame: &[u8]) -> Bytes {
    let messages = frame.split(|byte| *byte == b'\n').filter(|message| !message.is_empty());
    messages.flat_map(|message| [&b"data: "[..], message, b"\n\n"]).collect::<Vec<_>>().concat().into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_message_is_an_event() {
        assert_eq!(super::events(b"{\"id\":1}\n{}"), "data: {\"id\":1}\n\ndata: {}\n\n");
    }
}
