//! Who may see a show that is not public yet.

use axum::http::HeaderMap;
use rest::Credentials;

use super::error::PlaybackError;
use crate::{
    needs::Gatekeeper,
    stream::{Stage, Stream},
};

/// Lets everyone pass to a public show, and to a preview only those who may.
///
/// # Errors
/// `NotFound`, so that nobody learns of a show before it begins. True in the answer: it is a preview.
pub(super) async fn check(
    gatekeeper: &dyn Gatekeeper,
    stream: &Stream,
    headers: &HeaderMap,
) -> Result<bool, PlaybackError> {
    if stream.stage() != Stage::Preview {
        return Ok(false);
    }
    let Credentials(token) = Credentials::of(headers);
    match gatekeeper.may_preview(token.as_deref(), stream.broadcast).await {
        true => Ok(true),
        false => Err(PlaybackError::NotFound),
    }
}
