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

use super::{Fallbacks, Sessions, bridge};
use crate::{
    fleet::{Answer, Emulated, Question},
    protocol::{self, EmulatedFrame},
};

/// How long a frame may wait behind others of its session.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Json {
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
    let EmulatedFrame { session, data } = if protobuf { protocol::emulated(body).ok() } else { json(body) }
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
        None => pass_on(fallbacks, session, data).await?,
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
async fn pass_on(fallbacks: &Fallbacks, session: String, data: Bytes) -> Result<Emulated, Problem> {
    let gateway = Sessions::gateway(&session).unwrap_or_default().to_owned();
    let question = Question::Emulate { session, data: Some(data) };
    match fallbacks.shared.fleet.ask_one(&gateway, &question).await {
        Ok(Some(Answer::Emulated(emulated))) => Ok(emulated),
        Ok(_) => Ok(Emulated::Unknown),
        Err(error) => {
            let detail = format!("The gateway of this session cannot be reached: {error}.");
            Err(Problem::unavailable("session_unreachable", detail).retry_after(1))
        }
    }
}

fn json(body: &[u8]) -> Option<EmulatedFrame> {
    let Json { session, data } = serde_json::from_slice(body).ok()?;
    Some(EmulatedFrame { session, data: data.into() })
}
