//! The domains of a process, put together.

use std::sync::Arc;

use chat::Chat;
use live::{
    Broadcasts, Channels, Feed, Presenter, broadcasts,
    crowd::Crowd,
    needs::OwnStreams,
    playbacks::{self, PlaybackTokens},
};
use people::People;
use ports::work::Schedule;
use rest::Direct;
use utoipa_axum::router::OpenApiRouter;

use super::{AnyError, machine::Machine, stores::Stores};
use crate::{
    config::{Config, Part},
    wire,
};

/// The services of all domains.
pub(crate) struct Domains {
    pub(crate) people: People,
    pub(crate) broadcasts: Arc<Broadcasts>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) crowd: Crowd,
    pub(crate) chat: Arc<Chat>,
    pub(crate) playback_tokens: Arc<PlaybackTokens>,
    channels: Arc<Channels>,
    presenter: Arc<Presenter>,
}

impl Domains {
    /// Opens the domains on their stores; `streams` are those of this process, if it has any.
    pub(crate) async fn open(
        machine: &Machine,
        stores: &Stores,
        config: &Config,
        people: People,
        streams: Option<Arc<dyn OwnStreams>>,
        ingest_url: &str,
    ) -> Result<Self, AnyError> {
        let Machine { clock, random, ids, .. } = machine.clone();
        let settings = live::Settings { ingest_url: ingest_url.to_owned(), ..config.live.clone() };
        let names = Arc::new(wire::AccountNames(people.clone()));
        let records = stores.records.clone();
        let channels = Arc::new(Channels::new(
            clock.clone(),
            records.clone(),
            ids.clone(),
            random.clone(),
            &settings,
            names.clone(),
        ));
        let needs = broadcasts::Needs {
            clock: clock.clone(),
            database: records.clone(),
            ids: ids.clone(),
            random: random.clone(),
            channels: channels.clone(),
            streams,
            others: config.is_one_of_several().then(|| Arc::new(wire::ToldOverBus(stores.bus.clone())) as _),
            recordings: Arc::new(wire::SiteRecordings::new(stores.blobs.clone())),
        };
        let broadcasts = Arc::new(Broadcasts::new(needs, &settings));
        let parts = chat::Parts {
            clock: clock.clone(),
            ids: ids.clone(),
            random: random.clone(),
            database: records.clone(),
            log: stores.room_log.clone(),
            bus: stores.bus.clone(),
            rooms: Arc::new(wire::BroadcastRooms(broadcasts.clone())),
            names: Arc::new(wire::TalkerNames(people.clone())),
            is_one_of_several: config.is_one_of_several(),
        };
        let chat = Arc::new(Chat::new(parts, &config.chat)?);
        let tokens = playbacks::open_tokens(&records, &*random, clock.now(), &settings).await?;
        let playback_tokens = Arc::new(tokens);
        let needs = live::crowd::Needs {
            clock: clock.clone(),
            random,
            ids,
            database: records,
            shows: broadcasts.clone(),
            names: names.clone(),
            chats: Arc::new(wire::RoomTotals(chat.clone())),
            accounts: Arc::new(wire::SessionAccounts(people.clone())),
            gatherings: stores.gatherings.clone(),
        };
        let has_crowd = config.role.has(Part::Crowd);
        let open = if has_crowd {
            Crowd::open(needs, crowd_settings(config)).await
        } else {
            Crowd::of_rows(needs, crowd_settings(config)).await
        };
        let crowd = open?;
        let (audience, totals) = (crowd.audience.clone(), crowd.totals.clone());
        let addresses = broadcasts::PlaybackAddresses::new(clock.clone(), playback_tokens.clone(), &settings);
        let presenter = Presenter::new(broadcasts.clone(), &settings, names, audience, totals, addresses);
        let presenter = Arc::new(presenter);
        let feed = Arc::new(Feed::new(clock, presenter.clone(), stores.bus.clone()));
        Ok(Self { people, broadcasts, feed, crowd, chat, playback_tokens, channels, presenter })
    }

    /// The documented routes.
    pub(crate) fn api(&self) -> OpenApiRouter {
        people::router(&self.people)
            .merge(live::router(self.channels.clone(), self.presenter.clone()))
            .merge(self.crowd.router())
            .merge(self.chat.router())
    }

    /// The documented routes that get no layers.
    pub(crate) fn lean(&self) -> OpenApiRouter {
        self.crowd.lean_router()
    }

    /// The lean routes that are asked for again and again.
    pub(crate) fn direct(&self) -> Vec<Arc<dyn Direct>> {
        self.crowd.direct()
    }

    /// What has to be done again and again.
    pub(crate) fn schedules(&self) -> Vec<Arc<dyn Schedule>> {
        let feed: Arc<dyn Schedule> = self.feed.clone();
        let mut schedules = self.people.schedules();
        schedules.extend(broadcasts::schedules(&self.broadcasts));
        schedules.extend(self.crowd.schedules());
        schedules.push(feed);
        schedules.extend(self.chat.schedules());
        schedules
    }
}

/// The crowd's settings. Whoever watches as far back as the media window reaches may send hearts from there.
fn crowd_settings(config: &Config) -> live::crowd::Settings {
    let mut settings = config.live.crowd.clone();
    let window_ms = config.media.window_minutes.saturating_mul(60_000);
    settings.hearts.behind_live_max_ms = settings.hearts.behind_live_max_ms.max(window_ms);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::ServeArguments, config::load};

    #[test]
    fn hearts_may_come_from_as_far_back_as_the_longer_of_the_two_settings() {
        let behind_live_max_ms = |window_minutes: &str, own_ms: &str| {
            let variables = [
                ("MADANG_MEDIA_WINDOW_MINUTES", window_minutes),
                ("MADANG_LIVE_CROWD_HEARTS_BEHIND_LIVE_MAX_MS", own_ms),
            ];
            let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            crowd_settings(&load(&ServeArguments::default(), variables).unwrap()).hearts.behind_live_max_ms
        };
        assert_eq!(behind_live_max_ms("30", "600000"), 1_800_000);
        assert_eq!(behind_live_max_ms("5", "600000"), 600_000);
    }
}
