//! `POST /emulation`: a frame of a session's client.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::Problem;
use rest::problem_response;
use serde::Deserialize;
use tokio::sync::mpsc::error::SendTimeoutError;

use super::{Fallbacks, bridge};
use crate::{
    fleet::Emulated,
    protocol::{self, EmulatedFrame},
};

/// How long a frame may wait behind others of its session.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    node: String,
    session: String,
    #[serde(default)]
    data: String,
}

pub(super) async fn send(State(fallbacks): State<Arc<Fallbacks>>, headers: HeaderMap, body: Bytes) -> Response {
    match take(&fallbacks, &headers, &body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem_response(&problem),
    }
}

async fn take(fallbacks: &Fallbacks, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let protobuf = headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/octet-stream");
    let EmulatedFrame { node, session, data } = if protobuf { protocol::emulated(body).ok() } else { json(body) }
        .ok_or_else(|| Problem::bad_request("not_a_frame", "A session and data are expected."))?;
    if !bridge::fits(&data) {
        return Err(Problem::bad_request("frame_too_large", "A frame has 64 KiB at the most."));
    }
    let emulated = match fallbacks.shared.sessions.find(&session) {
        Some(up) => match up.send_timeout(data, PATIENCE).await {
            Ok(()) => Emulated::Taken,
            Err(SendTimeoutError::Timeout(_)) => Emulated::Busy,
            Err(SendTimeoutError::Closed(_)) => Emulated::Unknown,
        },
        None => pass_on(fallbacks, &node, session, data).await?,
    };
    match emulated {
        Emulated::Taken => Ok(()),
        Emulated::Busy => {
            Err(Problem::unavailable("session_busy", "Too many frames of this session wait already.").retry_after(1))
        }
        Emulated::Unknown => {
            Err(Problem::not_found("session_unknown", "There is no such session here; connect again."))
        }
    }
}

/// Hands a frame to the gateway its session began at.
async fn pass_on(fallbacks: &Fallbacks, node: &str, session: String, data: Bytes) -> Result<Emulated, Problem> {
    match fallbacks.shared.fleet.emulate(node, session, data).await {
        Ok(emulated) => Ok(emulated),
        Err(error) => {
            let detail = format!("The gateway of this session cannot be reached: {error}.");
            Err(Problem::unavailable("session_unreachable", detail).retry_after(1))
        }
    }
}

fn json(body: &[u8]) -> Option<EmulatedFrame> {
    let Json { node, session, data } = serde_json::from_slice(body).ok()?;
    Some(EmulatedFrame { node, session, data: data.into() })
}
