//! What hosts and visitors do with broadcasts. What publishers do is in `publishing`, how a change is kept in
//! `writing`, what a process does that has their streams in `streams`.

mod publishing;
mod recordings;
mod streams;
mod time;
mod writing;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kernel::{
    AccountId, Adjustable, BroadcastId, Caller, Clock, Identity, Page, Random, Rate, Snowflake, Timestamp,
    events::live::BroadcastState,
};
use ports::sql::{Database, SqlError};

use super::{
    Error,
    lifecycle::{Input, Patience, WrongState},
    model::{Broadcast, Draft, StreamPlace},
    recent::{RecentBroadcasts, RecentPlaces},
    store::{self, Shelf},
};
use crate::{
    Settings,
    asked::Asked,
    channels::{Channels, checked_title},
    needs::{NeedError, OtherProcesses, OwnStreams, Recordings, Show, Shows},
    stream_key::{self, KeyKind},
};

const TURNS: usize = 64;

/// What broadcasts stand on.
pub struct Needs {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where they are kept.
    pub database: Database,
    /// Makes their ids.
    pub ids: Arc<Snowflake>,
    /// Makes their stream keys.
    pub random: Arc<dyn Random>,
    /// The channels they are shown on.
    pub channels: Arc<Channels>,
    /// Their streams, in a process that has any.
    pub streams: Option<Arc<dyn OwnStreams>>,
    /// The other processes of the site, where there are any.
    pub others: Option<Arc<dyn OtherProcesses>>,
    /// Their recordings.
    pub recordings: Arc<dyn Recordings>,
}

/// The broadcasts of a site.
pub struct Broadcasts {
    clock: Arc<dyn Clock>,
    database: Database,
    ids: Arc<Snowflake>,
    random: Arc<dyn Random>,
    channels: Arc<Channels>,
    streams: Option<Arc<dyn OwnStreams>>,
    others: Option<Arc<dyn OtherProcesses>>,
    recordings: Arc<dyn Recordings>,
    patience: Patience,
    is_open: Adjustable<bool>,
    rate: Adjustable<Rate>,
    open_max: u32,
    recent: RecentBroadcasts,
    places: RecentPlaces,
    /// Those whose place is being read.
    placing: Asked<BroadcastId, Result<Option<StreamPlace>, Arc<SqlError>>>,
    /// Those that are being read for [`Self::find`].
    finding: Asked<BroadcastId, Result<Option<Broadcast>, Arc<SqlError>>>,
    /// One looks after a stream at a time, so that the last one does the latest.
    turns: [tokio::sync::Mutex<()>; TURNS],
    /// News of streams that could not be kept yet.
    unheard: Mutex<Vec<(BroadcastId, Input)>>,
    /// When this process began: what happened before it may still be being sealed.
    began_at: Timestamp,
}

/// What a host asks of a running broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Go live.
    Start,
    /// Stop the picture for a while.
    Pause,
    /// Go on.
    Resume,
    /// End the show, or call it off.
    End,
}

/// What a host changes of a broadcast; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A new title.
    pub title: Option<String>,
    /// Whether it goes live when its stream arrives.
    pub auto_start: Option<bool>,
}

impl Broadcasts {
    /// The broadcasts kept in the database.
    pub fn new(needs: Needs, settings: &Settings) -> Self {
        let Needs { clock, database, ids, random, channels, streams, others, recordings } = needs;
        Self {
            began_at: clock.now(),
            clock,
            database,
            ids,
            random,
            channels,
            streams,
            others,
            recordings,
            patience: Patience {
                grace_ms: i64::from(settings.grace_s) * 1_000,
                pause_ms: i64::from(settings.pause_max_s) * 1_000,
            },
            is_open: settings.new_broadcasts.clone(),
            rate: settings.broadcast_rate.clone(),
            open_max: settings.open_broadcasts_max,
            recent: RecentBroadcasts::new(),
            places: RecentPlaces::new(),
            placing: Asked::new(),
            finding: Asked::new(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            unheard: Mutex::default(),
        }
    }

    /// Makes a broadcast on the host's channel. Also answers its stream key, which nobody can read again.
    pub async fn create(&self, host: AccountId, draft: Draft) -> Result<(Broadcast, String), Error> {
        let channel = self.channels.of_account(host).await?;
        let now = self.clock.now();
        let draft = draft.checked(now)?;
        let key = stream_key::generate(KeyKind::Broadcast, self.random.as_ref())?;
        let mut tx = self.database.write().await?;
        crate::channels::lock_channel(&mut tx, channel.id).await?;
        let broadcast = self.insert(&mut tx, &channel, draft, Some(&stream_key::hash(&key)), now).await?;
        tx.commit().await?;
        self.recent.put(&broadcast, now);
        Ok((broadcast, key))
    }

    /// The broadcast, at most a second old. Those who ask at once are answered by one look at the store.
    pub async fn find(&self, id: BroadcastId) -> Result<Broadcast, Error> {
        let now = self.clock.now();
        if let Some(broadcast) = self.recent.get(id, now) {
            return Ok(broadcast);
        }
        let look = || async { store::find(&self.database, id).await.map_err(Arc::new) };
        let broadcast = self.finding.once(id, look).await.map_err(Error::Store)?.ok_or(Error::NotFound)?;
        self.recent.put(&broadcast, now);
        Ok(broadcast)
    }

    /// The broadcasts of a host that are not over; as many as a host may have.
    pub async fn open_of(&self, host: AccountId) -> Result<Vec<BroadcastId>, Error> {
        Ok(store::open_of(&self.database, host, self.open_max).await?)
    }

    /// A page of broadcasts, newest first: those on air, those with a replay, and whatever the caller hosts.
    /// `state` `Live` includes paused.
    pub async fn list(
        &self,
        caller: &Caller,
        state: Option<BroadcastState>,
        host: Option<AccountId>,
        before: Option<BroadcastId>,
        limit: u32,
    ) -> Result<Page<Broadcast>, Error> {
        let shelf = Shelf { state, host, asked_by: caller.account() };
        let rows = store::list(&self.database, shelf, before, limit.saturating_add(1)).await?;
        Ok(Page::cut(rows, limit as usize, |broadcast| broadcast.id.to_string()))
    }

    /// Carries out a host's command. Administrators may end anyone's broadcast.
    pub async fn command(&self, identity: &Identity, id: BroadcastId, command: Command) -> Result<Broadcast, Error> {
        let broadcast = self.load(id).await?;
        let may_end_others = command == Command::End && identity.admin;
        if broadcast.host != identity.account && !may_end_others {
            return Err(Error::NotHost);
        }
        let input = match command {
            Command::Start => Input::Start,
            Command::Pause => Input::Pause,
            Command::Resume => Input::Resume,
            Command::End => Input::End,
        };
        self.apply(id, input).await
    }

    /// Changes title or `auto_start`, the latter only before the show.
    pub async fn change(&self, identity: &Identity, id: BroadcastId, change: Change) -> Result<Broadcast, Error> {
        self.of_host(identity, id).await?;
        let title = change.title.as_deref().map(checked_title).transpose()?;
        self.rewrite(id, |broadcast, _| {
            if let Some(title) = &title {
                broadcast.title.clone_from(title);
            }
            match change.auto_start {
                Some(wanted) if wanted != broadcast.life.auto_start && !broadcast.life.is_ahead() => {
                    return Err(WrongState::AlreadyBegun.into());
                }
                Some(wanted) => broadcast.life.auto_start = wanted,
                None => {}
            }
            Ok(())
        })
        .await
        .map(|(_, after)| after)
    }

    /// Makes a new stream key for this broadcast alone; the one before is refused from now on.
    pub async fn rotate_key(&self, identity: &Identity, id: BroadcastId) -> Result<String, Error> {
        self.of_host(identity, id).await?;
        let key = stream_key::generate(KeyKind::Broadcast, self.random.as_ref())?;
        let mut tx = self.database.write().await?;
        if !store::set_key(&mut tx, id, &stream_key::hash(&key)).await? {
            return Err(WrongState::Over.into());
        }
        tx.commit().await?;
        Ok(key)
    }

    /// The broadcast, if the caller hosts it.
    pub(super) async fn of_host(&self, identity: &Identity, id: BroadcastId) -> Result<Broadcast, Error> {
        let broadcast = self.load(id).await?;
        if broadcast.host == identity.account { Ok(broadcast) } else { Err(Error::NotHost) }
    }

    /// Those on air and those changed since `since`, newest first.
    pub(crate) async fn changed_since(&self, since: Timestamp, limit: u32) -> Result<Vec<Broadcast>, Error> {
        Ok(store::changed_since(&self.database, since, limit).await?)
    }

    async fn load(&self, id: BroadcastId) -> Result<Broadcast, Error> {
        store::find(&self.database, id).await?.ok_or(Error::NotFound)
    }
}

#[async_trait]
impl Shows for Broadcasts {
    async fn show(&self, broadcast: BroadcastId) -> Result<Option<Show>, NeedError> {
        match self.find(broadcast).await {
            Ok(broadcast) => Ok(Some(broadcast.show())),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(NeedError(error.to_string())),
        }
    }
}
