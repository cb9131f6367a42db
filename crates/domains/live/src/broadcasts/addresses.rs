//! Where shows are played: with a token in the path where that is wanted.

use std::sync::Arc;

use kernel::{Clock, Identity};

use super::Broadcast;
use crate::{
    Settings,
    playbacks::{Admits, PlaybackTokens},
};

/// Makes the addresses of shows.
pub struct PlaybackAddresses {
    clock: Arc<dyn Clock>,
    tokens: Arc<PlaybackTokens>,
    base_url: String,
    are_signed: bool,
}

impl PlaybackAddresses {
    /// Signs with `tokens`.
    pub fn new(clock: Arc<dyn Clock>, tokens: Arc<PlaybackTokens>, settings: &Settings) -> Self {
        let base_url = settings.playback_base_url.trim_end_matches('/').to_owned();
        Self { clock, tokens, base_url, are_signed: settings.playback_tokens }
    }

    /// What stands before the names of a show's files for this visitor.
    ///
    /// Before the show its host is recognised by a cookie, which does not reach another site: there the address itself admits
    /// to the preview.
    pub(super) fn folder(&self, broadcast: &Broadcast, visitor: Option<&Identity>) -> String {
        let is_host = visitor.is_some_and(|visitor| visitor.admin || visitor.account == broadcast.host);
        let previews = broadcast.life.is_ahead() && is_host;
        let admits = match (previews, self.are_signed) {
            (true, are_signed) if are_signed || !self.base_url.is_empty() => Some(Admits::Preview),
            (false, true) => Some(Admits::Watching),
            _ => None,
        };
        let (base, id) = (&self.base_url, broadcast.id);
        match admits {
            Some(admits) => format!("{base}/live/{id}/{}", self.tokens.sign(id, admits, self.clock.now())),
            None => format!("{base}/live/{id}"),
        }
    }
}
