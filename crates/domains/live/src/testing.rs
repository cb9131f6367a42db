//! A site with channels and broadcasts on each SQL engine, for the slices' tests. Media, people and the crowd are kept
//! in memory and can be looked at.

mod doubles;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::Response,
};
use engines::{
    system::SystemRandom,
    testing::{ManualClock, TestDatabase, databases},
};
use http_body_util::BodyExt;
use kernel::{AccountId, BroadcastId, Caller, Identity, SessionId, Snowflake};
use ports::{sql::Row, work::WorkError};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) use self::doubles::{Blobs, Crowd, Heard, People, Streams};
use crate::{
    Broadcasts, Channels, Feed, Presenter, Settings,
    broadcasts::{Broadcast, Draft, Needs, PlaybackAddresses},
    needs::{OtherProcesses, OwnStreams},
    playbacks::PlaybackTokens,
};

pub(crate) const START_MS: i64 = 1_790_000_000_000;
pub(crate) const MINA: AccountId = AccountId::from_raw(1);
pub(crate) const JUNO: AccountId = AccountId::from_raw(2);
pub(crate) const ADMIN: AccountId = AccountId::from_raw(9);

/// One site.
pub(crate) struct Site {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    pub(crate) media: Arc<Streams>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) bus: Arc<Heard>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) broadcasts: Arc<Broadcasts>,
    pub(crate) feed: Feed,
    router: Router,
    settings: Settings,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and code of a problem, for comparing.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or("not a problem"))
    }

    /// A text of the body.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}"))
    }
}

/// The same site on each engine.
pub(crate) async fn sites() -> Vec<Site> {
    sites_with(Settings::default()).await
}

/// The same site on each engine, with these settings.
pub(crate) async fn sites_with(settings: Settings) -> Vec<Site> {
    let clock = || Arc::new(ManualClock::at(START_MS));
    let databases = databases(&[&crate::migrations()]).await.into_iter();
    databases.map(|database| site(database, clock(), settings.clone(), Streams::of("first", Arc::default()))).collect()
}

fn site(database: TestDatabase, clock: Arc<ManualClock>, settings: Settings, streams: Streams) -> Site {
    let (media, crowd, bus) = (Arc::new(streams), Arc::new(Crowd::default()), Arc::new(Heard::default()));
    let ids = Arc::new(Snowflake::new(0));
    let kept = database.database.clone();
    let random = Arc::new(SystemRandom);
    let channels = Channels::new(clock.clone(), kept.clone(), ids.clone(), random.clone(), &settings, Arc::new(People));
    let channels = Arc::new(channels);
    let needs = Needs {
        clock: clock.clone(),
        database: kept,
        ids,
        random,
        channels: channels.clone(),
        streams: Some(media.clone()),
        others: None,
        recordings: media.blobs.clone(),
    };
    let broadcasts = Arc::new(Broadcasts::new(needs, &settings));
    let lifetime_ms = i64::from(settings.playback_token_minutes) * 60_000;
    let tokens = Arc::new(PlaybackTokens::new(&[7; 32], lifetime_ms));
    let addresses = PlaybackAddresses::new(clock.clone(), tokens, &settings);
    let (audience, totals) = (crowd.clone(), crowd.clone());
    let presenter = Presenter::new(broadcasts.clone(), &settings, Arc::new(People), audience, totals, addresses);
    let presenter = Arc::new(presenter);
    let feed = Feed::new(clock.clone(), presenter.clone(), bus.clone());
    let (router, _) = crate::router(channels.clone(), presenter).split_for_parts();
    let router = router.layer(from_fn(identify));
    Site { clock, database, media, crowd, bus, channels, broadcasts, feed, router, settings }
}

/// In place of the API shell: the bearer token is the account's number.
async fn identify(mut request: Request, next: Next) -> Response {
    let token = rest::Credentials::of(request.headers()).0;
    let identity = token.map(|token| identity(token.parse().unwrap()));
    request.extensions_mut().insert(Caller { identity: identity.map(Box::new), address: "192.0.2.1".parse().unwrap() });
    next.run(request).await
}

/// One run of a schedule of a process.
pub(crate) async fn run(broadcasts: &Arc<Broadcasts>, name: &str) -> Result<(), WorkError> {
    let schedules = crate::broadcasts::schedules(broadcasts);
    schedules.iter().find(|schedule| schedule.name() == name).unwrap().run().await
}

pub(crate) fn identity(account: AccountId) -> Identity {
    let session = SessionId::from_raw(1);
    let (handle, display_name) = (doubles::handle(account), doubles::handle(account));
    Identity { account, session, handle, display_name, admin: account == ADMIN }
}

pub(crate) fn draft(title: &str) -> Draft {
    Draft { title: title.into(), auto_start: true, scheduled_at: None }
}

impl Site {
    /// The same site after its process was killed: everything in memory is gone; what was in the spool is found again.
    pub(crate) fn killed_and_started_again(self) -> Self {
        let streams = self.media.restored();
        site(self.database, self.clock, self.settings, streams)
    }

    /// The broadcasts of another process of the same site, which has no streams.
    pub(crate) fn elsewhere(&self) -> Arc<Broadcasts> {
        self.another(None, &self.media.blobs)
    }

    /// The broadcasts of another process of the same site, with these streams, if any; it sees these blobs.
    pub(crate) fn another(&self, streams: Option<Arc<Streams>>, blobs: &Arc<Blobs>) -> Arc<Broadcasts> {
        self.telling(streams, blobs, None)
    }

    /// The same, of a process that tells others.
    pub(crate) fn telling(
        &self,
        streams: Option<Arc<Streams>>,
        blobs: &Arc<Blobs>,
        others: Option<Arc<dyn OtherProcesses>>,
    ) -> Arc<Broadcasts> {
        let needs = Needs {
            clock: self.clock.clone(),
            database: self.database.database.clone(),
            ids: Arc::new(Snowflake::new(1)),
            random: Arc::new(SystemRandom),
            channels: self.channels.clone(),
            streams: streams.map(|streams| streams as Arc<dyn OwnStreams>),
            others,
            recordings: blobs.clone(),
        };
        Arc::new(Broadcasts::new(needs, &self.settings))
    }

    /// A broadcast of Mina's, on air with the stream of its first epoch.
    pub(crate) async fn live(&self) -> BroadcastId {
        let (broadcast, key) = self.broadcasts.create(MINA, draft("first light")).await.unwrap();
        assert_eq!(self.broadcasts.resolve_key(&key).await.unwrap(), broadcast.id);
        let epoch = self.broadcasts.begin_epoch(broadcast.id).await.unwrap();
        self.broadcasts.stream_arrived(broadcast.id, epoch).await;
        broadcast.id
    }

    /// The broadcast as this process sees it.
    pub(crate) async fn seen(&self, id: BroadcastId) -> Broadcast {
        self.broadcasts.find(id).await.unwrap()
    }

    /// Moves the clock, then lets happen what it is time for.
    pub(crate) async fn pass(&self, ms: i64) {
        self.clock.advance(ms);
        self.run("live.pass_time").await;
    }

    /// One run of a schedule.
    pub(crate) async fn run(&self, name: &str) {
        run(&self.broadcasts, name).await.unwrap();
    }

    /// The states that the facts about a broadcast tell, in their order.
    pub(crate) async fn facts(&self, id: BroadcastId) -> Vec<kernel::events::live::BroadcastChanged> {
        let select = "SELECT payload FROM outbox WHERE key = $1 ORDER BY tx, id";
        let rows = ports::sqlx::query(select).bind(id.to_string());
        let rows = rows.fetch_all(self.database.database.reader()).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(&row.try_get::<String, _>(0).unwrap()).unwrap()).collect()
    }

    /// Whose streams there are.
    pub(crate) async fn owners(&self) -> Vec<(BroadcastId, String)> {
        let rows = ports::sqlx::query("SELECT broadcast, owner FROM stream_now ORDER BY broadcast");
        let rows = rows.fetch_all(self.database.database.reader()).await.unwrap();
        rows.iter().map(|row| (BroadcastId::from_raw(row.get(0)), row.get(1))).collect()
    }

    /// Runs a statement beside the services.
    pub(crate) async fn execute(&self, statement: &'static str) {
        ports::sqlx::query(statement).execute(self.database.database.reader()).await.unwrap();
    }

    pub(crate) async fn send(&self, method: &str, path: &str, account: Option<AccountId>, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(account) = account {
            request = request.header(header::AUTHORIZATION, format!("Bearer {account}"));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }
}
