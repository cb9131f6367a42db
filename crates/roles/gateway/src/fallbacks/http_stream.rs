//! `POST /connection/http_stream`: the request brings the client's first commands, the response what the server sends.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use rest::{ClientAddress, problem_response};

use super::{Fallbacks, endless};
use crate::protocol::Encoding;

const PROTOBUF: &str = "application/octet-stream";

pub(super) async fn open(
    State(fallbacks): State<Arc<Fallbacks>>,
    address: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let protobuf = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes() == PROTOBUF.as_bytes());
    let (encoding, content_type) =
        if protobuf { (Encoding::Protobuf, PROTOBUF) } else { (Encoding::Json, "application/json") };
    match fallbacks.begin(address, &headers, encoding, body) {
        Ok(frames) if protobuf => endless(content_type, frames, |frame| frame),
        Ok(frames) => endless(content_type, frames, |frame| [&frame[..], b"\n"].concat().into()),
        Err(problem) => problem_response(&problem),
    }
}
