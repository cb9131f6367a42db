//! The routes of messages.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use kernel::{BroadcastId, MessageId, Page, Problem};
use rest::{ApiResult, Body, PageQuery, PathId, PathIds, Query, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Error, HistoryItem, Message, Messages, NewMessage};
use crate::review::HeldMessage;

/// The routes, with their full paths.
pub fn router(messages: Arc<Messages>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(history, post)).routes(routes!(delete)).with_state(messages)
}

/// `?before_offset=&limit=` of a room's history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// Entries before this offset; the latest ones when left out.
    before_offset: Option<u64>,
    /// The same, as every paged list calls it.
    cursor: Option<String>,
    /// Entries on the page: 1 to 200, 50 unless said.
    limit: Option<u32>,
}

/// What to post.
#[derive(Debug, Deserialize, ToSchema)]
struct NewChatMessage {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    text: String,
    /// The sender's own id for it, up to 64 bytes: makes a resend harmless. `Idempotency-Key` means the same.
    #[schema(max_length = 64)]
    client_id: Option<String>,
    /// The message of the room it answers.
    reply_to: Option<MessageId>,
}

/// A page of the room's messages, in order of offset.
#[utoipa::path(
    get,
    path = "/api/v1/broadcasts/{id}/messages",
    tag = "chat",
    params(("id" = BroadcastId, Path, description = "The broadcast"), HistoryQuery),
    responses(
        (status = 200, description = "In order of offset; `next_cursor` is the `before_offset` for older ones", body = Page<HistoryItem>),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn history(
    State(messages): State<Arc<Messages>>,
    PathId(broadcast): PathId<BroadcastId>,
    Query(query): Query<HistoryQuery>,
) -> ApiResult<Json<Page<Box<RawValue>>>> {
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let before_offset = query.before_offset.or(page.cursor_as()?);
    Ok(Json(messages.history(broadcast, before_offset, page.limit()?).await?))
}

/// Posts a message; it is durable when the answer comes.
#[utoipa::path(
    post,
    path = "/api/v1/broadcasts/{id}/messages",
    tag = "chat",
    params(
        ("id" = BroadcastId, Path, description = "The broadcast"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same as `client_id`, which goes first"),
    ),
    request_body = NewChatMessage,
    responses(
        (status = 201, description = "The message; to a resend, the first one", body = Message),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 202, description = "Not published yet: it waits until a moderator has seen it", body = HeldMessage),
        (status = 403, description = "`timed_out`, `banned`, and what the room is set to: `read_only`, `members_only`, `emote_only`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`room_closed`, `message_deleted`, `message_rejected`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`text_empty`, `text_too_long`, `text_control_characters`, `invalid_client_id`, `blocked_word`, `reply_unknown`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`chat_rate`, `slow_mode`, `room_rate`, `review_full`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`chat_busy`, `chat_unavailable`: resend with the same client id", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(
    State(messages): State<Arc<Messages>>,
    PathId(broadcast): PathId<BroadcastId>,
    Visitor(caller): Visitor,
    headers: HeaderMap,
    Body(new): Body<NewChatMessage>,
) -> ApiResult<Response> {
    let client_id = match new.client_id {
        Some(client_id) => Some(client_id),
        None => idempotency_key(&headers)?,
    };
    let new = NewMessage { text: new.text, client_id, reply_to: new.reply_to };
    match messages.post(&caller, broadcast, new).await {
        Ok(message) => Ok((StatusCode::CREATED, Json(message)).into_response()),
        Err(Error::Held(held)) => Ok((StatusCode::ACCEPTED, Json(*held)).into_response()),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a message; a tombstone stays in its place.
#[utoipa::path(
    delete,
    path = "/api/v1/broadcasts/{id}/messages/{message_id}",
    tag = "chat",
    params(
        ("id" = BroadcastId, Path, description = "The broadcast"),
        ("message_id" = MessageId, Path, description = "The message"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "`sign_in_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`: neither its author nor a moderator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`broadcast_unknown`, `message_unknown`", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(messages): State<Arc<Messages>>,
    PathIds(broadcast, message): PathIds<BroadcastId, MessageId>,
    Visitor(caller): Visitor,
) -> ApiResult<StatusCode> {
    messages.delete(&caller, broadcast, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    value.to_str().map(|key| Some(key.to_owned())).map_err(|_| Error::ClientId)
}
