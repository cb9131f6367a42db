//! Issuing sessions.

use std::{net::IpAddr, sync::Arc};

use kernel::{BroadcastId, Clock, PlaybackId, Random, Snowflake, Timestamp, caller::network};
use ports::sql::Database;

use super::{
    Error, PlaybackTokens, Rates, Session, Sessions, Settings, Viewer,
    needs::{Accounts, Players},
    store,
};
use crate::{crowd::OpenError, needs::Shows};

/// A session on its way to its player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The session as text.
    pub session: String,
    /// How often to send a beat, in milliseconds.
    pub beat_every_ms: u32,
    /// The browser to remember with a cookie, when it is a new one.
    pub new_browser: Option<Viewer>,
}

/// Issues sessions.
pub struct Playbacks {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    ids: Arc<Snowflake>,
    sessions: Arc<Sessions>,
    settings: Settings,
    shows: Arc<dyn Shows>,
    accounts: Arc<dyn Accounts>,
    players: Option<Arc<dyn Players>>,
    per_address: Rates<IpAddr>,
}

impl std::fmt::Debug for Playbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playbacks").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The signer of this site, with the secret its database keeps.
pub(crate) async fn open_sessions(
    database: &Database,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Sessions, OpenError> {
    Ok(Sessions::new(&store::secret(database, random, now).await?))
}

/// The signer of this site's playback addresses, with the same secret.
///
/// # Errors
/// When the secret cannot be read or kept.
pub async fn open_tokens(
    database: &Database,
    random: &dyn Random,
    now: Timestamp,
    settings: &crate::Settings,
) -> Result<PlaybackTokens, OpenError> {
    let lifetime_ms = i64::from(settings.playback_token_minutes) * 60_000;
    Ok(PlaybackTokens::new(&store::secret(database, random, now).await?, lifetime_ms))
}

impl Playbacks {
    /// Issues sessions that `sessions` signs. `players` are counted in the process that has the crowd; in others the first
    /// beat of a session finds whether its address has too many.
    #[expect(clippy::too_many_arguments, reason = "each is a different need, named where it is wired")]
    pub fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        ids: Arc<Snowflake>,
        sessions: Arc<Sessions>,
        settings: Settings,
        shows: Arc<dyn Shows>,
        accounts: Arc<dyn Accounts>,
        players: Option<Arc<dyn Players>>,
    ) -> Self {
        let per_address = Rates::new(settings.sessions_per_address.into());
        Self { clock, random, ids, sessions, settings, shows, accounts, players, per_address }
    }

    /// Issues a session for a player of `broadcast`. The viewer is the account whose `token` it is, else the `browser`
    /// that a cookie named, else a new one.
    pub async fn issue(
        &self,
        broadcast: BroadcastId,
        token: Option<&str>,
        browser: Option<Viewer>,
        address: IpAddr,
    ) -> Result<Issued, Error> {
        let now = self.clock.now();
        let limit = self.settings.players_per_address_max;
        let players = self.players.as_ref().filter(|_| limit > 0);
        if players.is_some_and(|players| players.players_from(address) >= limit) {
            return Err(Error::TooManyPlayers(limit));
        }
        self.per_address.take(network(address), 1, now).map_err(Error::TooOften)?;
        self.shows.show(broadcast).await?.ok_or(Error::NoBroadcast)?;
        let account = match token {
            Some(token) => self.accounts.account(token).await?,
            None => None,
        };
        let (viewer, new_browser) = match (account, browser) {
            (Some(account), _) => (Viewer::account(account), None),
            (None, Some(browser)) => (browser, None),
            (None, None) => {
                let browser = self.make_up_browser()?;
                (browser, Some(browser))
            }
        };
        let session = Session {
            playback: PlaybackId::from_raw(self.ids.next(now)),
            broadcast,
            viewer,
            issued_at: now,
            expires_at: now.plus_millis(i64::from(self.settings.session_lifetime_ms)),
        };
        let beat_every_ms = self.settings.beat_every_ms;
        Ok(Issued { session: self.sessions.sign(&session), beat_every_ms, new_browser })
    }

    fn make_up_browser(&self) -> Result<Viewer, Error> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes)?;
        Ok(Viewer::browser(u64::from_be_bytes(bytes)))
    }
}
