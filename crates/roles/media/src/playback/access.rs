//! Who may see a show that is not public yet.

use axum::http::HeaderMap;
use kernel::BroadcastId;
use rest::Credentials;

use super::error::PlaybackError;
use crate::{
    needs::{Admission, Usher},
    stream::{Stage, Stream},
};

/// Lets everyone pass to a public show, and to a preview only those who may.
///
/// # Errors
/// `NotFound`, so that nobody learns of a show before it begins. True in the answer: it is a preview.
pub(super) async fn check(
    usher: &dyn Usher,
    stream: &Stream,
    admission: Admission,
    headers: &HeaderMap,
) -> Result<bool, PlaybackError> {
    if stream.stage() != Stage::Preview {
        return Ok(false);
    }
    match may_preview(usher, stream.broadcast, admission, headers).await {
        true => Ok(true),
        false => Err(PlaybackError::NotFound),
    }
}

/// Whether who asks may see the broadcast before it is public: by the address, or by who it is.
pub(super) async fn may_preview(
    usher: &dyn Usher,
    broadcast: BroadcastId,
    admission: Admission,
    headers: &HeaderMap,
) -> bool {
    if admission.preview {
        return true;
    }
    let Credentials(token) = Credentials::of(headers);
    usher.may_preview(token.as_deref(), broadcast).await
}
