//! For the tests of the crowd: shows, names and accounts that are what the test says, and a crowd on them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use engines::testing::{LocalGatherings, ManualClock};
use kernel::{
    AccountId, BroadcastId, Random, Snowflake, Timestamp,
    events::live::{BroadcastState, StreamState},
    random::RandomError,
};
use ports::sql::Database;

use super::{Counting, Crowd, Needs, Settings};
use crate::{
    hearts::Hearts,
    needs::{ChatTotal, Chats, Name, Names, NeedError, Show, Shows},
    playbacks::needs::Accounts,
    viewers::Viewers,
};

/// When tests begin: the beginning of a day, so also of an hour and of 30 seconds.
pub(crate) const BEGIN_MS: i64 = 1_799_971_200_000;
/// The host of every show.
pub(crate) const HOST: AccountId = AccountId::from_raw(900);
/// Where clients are unless said otherwise.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// What the rest of the world says.
#[derive(Default)]
pub(crate) struct World {
    shows: Mutex<HashMap<BroadcastId, Show>>,
    random: Mutex<u64>,
}

impl World {
    pub(crate) fn set(&self, broadcast: BroadcastId, state: BroadcastState) {
        let begin = Timestamp::from_millis(BEGIN_MS);
        let on = !matches!(state, BroadcastState::Created | BroadcastState::Ready);
        let show = Show {
            host: HOST,
            state,
            stream: StreamState::Arriving,
            started_at: on.then_some(begin),
            timeline_start: on.then_some(begin),
            ended_at: (state == BroadcastState::Ended).then_some(begin),
        };
        self.shows.lock().unwrap().insert(broadcast, show);
    }

    /// The show ends at `at` before it has begun.
    pub(crate) fn call_off(&self, broadcast: BroadcastId, at: Timestamp) {
        self.end(broadcast, at);
        let never = |show: &mut Show| (show.started_at, show.timeline_start) = (None, None);
        self.shows.lock().unwrap().entry(broadcast).and_modify(never);
    }

    /// The show ends at `at`.
    pub(crate) fn end(&self, broadcast: BroadcastId, at: Timestamp) {
        self.set(broadcast, BroadcastState::Ended);
        self.shows.lock().unwrap().entry(broadcast).and_modify(|show| show.ended_at = Some(at));
    }
}

#[async_trait]
impl Shows for World {
    async fn show(&self, broadcast: BroadcastId) -> Result<Option<Show>, NeedError> {
        Ok(self.shows.lock().unwrap().get(&broadcast).copied())
    }
}

#[async_trait]
impl Names for World {
    async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, Name>, NeedError> {
        let name = |id: &AccountId| Name { handle: format!("handle_{id}"), display_name: format!("Name {id}") };
        Ok(accounts.iter().map(|id| (*id, name(id))).collect())
    }

    async fn by_handle(&self, _: &str) -> Result<Option<AccountId>, NeedError> {
        Ok(None)
    }
}

#[async_trait]
impl Accounts for World {
    /// The token of account 7 is `7`.
    async fn account(&self, token: &str) -> Result<Option<AccountId>, NeedError> {
        Ok(token.parse().ok())
    }
}

impl Random for World {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.random.lock().unwrap();
        for byte in bytes {
            // Knuth's 64-bit linear congruential generator.
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (*state >> 56) as u8;
        }
        Ok(())
    }
}

/// One site: a database, a clock, a world, and a crowd that can be started anew on them.
pub(crate) struct Site {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) world: Arc<World>,
    pub(crate) database: Database,
    settings: Settings,
    ids: Arc<Snowflake>,
}

impl Site {
    pub(crate) fn new(database: Database, settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::at(BEGIN_MS));
        Self { clock, world: Arc::default(), database, settings, ids: Arc::new(Snowflake::new(1)) }
    }

    /// A process that begins and has the crowd: it knows what is kept and nothing else.
    pub(crate) async fn start(&self) -> Process {
        self.start_with(self.needs()).await
    }

    /// One of several processes that count the crowd.
    pub(crate) async fn start_among_others(&self, gatherings: &Arc<LocalGatherings>) -> Process {
        self.start_with(Needs { gatherings: Some(gatherings.clone()), ..self.needs() }).await
    }

    async fn start_with(&self, needs: Needs) -> Process {
        let crowd = Crowd::open(needs, self.settings.clone()).await.unwrap();
        let Counting { viewers, hearts, .. } = crowd.counting.clone().unwrap();
        Process { crowd, viewers, hearts }
    }

    /// A process that begins and does not have the crowd.
    pub(crate) async fn start_beside(&self) -> Crowd {
        Crowd::of_rows(self.needs(), self.settings.clone()).await.unwrap()
    }

    fn needs(&self) -> Needs {
        Needs {
            clock: self.clock.clone(),
            random: self.world.clone(),
            ids: self.ids.clone(),
            database: self.database.clone(),
            shows: self.world.clone(),
            names: self.world.clone(),
            chats: Arc::new(Said),
            accounts: self.world.clone(),
            gatherings: None,
        }
    }
}

/// A process that has the crowd.
pub(crate) struct Process {
    crowd: Crowd,
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) hearts: Arc<Hearts>,
}

impl Deref for Process {
    type Target = Crowd;

    fn deref(&self) -> &Crowd {
        &self.crowd
    }
}

/// A session of a new player; of `account`, or of a new browser.
pub(crate) async fn session(crowd: &Crowd, broadcast: BroadcastId, account: Option<i64>) -> String {
    let token = account.map(|account| account.to_string());
    crowd.playbacks.issue(broadcast, token.as_deref(), None, HERE).await.unwrap().session
}

/// The body of a beat.
pub(crate) fn beat(session: &str, leaving: bool) -> Vec<u8> {
    serde_json::json!({"session": session, "position_ms": 1_000, "leaving": leaving}).to_string().into_bytes()
}

/// The body of a batch.
pub(crate) fn batch(session: &str, seq: i64, taps: &[i64]) -> Vec<u8> {
    serde_json::json!({"session": session, "seq": seq, "taps": taps}).to_string().into_bytes()
}

/// Account 8 wrote twice, and account 7 once.
struct Said;

#[async_trait]
impl Chats for Said {
    async fn total(&self, _: BroadcastId, top: u32) -> Result<ChatTotal, NeedError> {
        let mut top_two = vec![(AccountId::from_raw(8), 2), (AccountId::from_raw(7), 1)];
        top_two.truncate(top as usize);
        Ok(ChatTotal { messages: 3, chatters: 2, top: top_two })
    }
}
