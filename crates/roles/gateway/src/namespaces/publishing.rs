//! Publishing into the channels of namespaces, for clients and for the server API alike.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use kernel::Clock;
use ports::{
    about::About,
    bus::{Bus, Publication},
    room_log::RoomLog,
};
use sequencer::{Draft, Error, Placed, Sequencers};

use super::{ChannelOptions, Span, channel_name::ChannelName};
use crate::{
    needs::{ClientError, Room},
    protocol::codes,
};

/// Makes a log that keeps the latest so many publications of each room, each for so long, in memory.
pub type Windows<'a> = &'a dyn Fn(usize, Span) -> Arc<dyn RoomLog>;

/// Where the publications of each namespace go.
pub struct Publishing {
    without_namespace: Namespace,
    namespaces: BTreeMap<String, Namespace>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
}

/// One namespace.
pub(super) struct Namespace {
    pub(super) options: ChannelOptions,
    kept: Option<Kept>,
}

/// Where publications are kept.
#[derive(Clone)]
struct Kept {
    log: Arc<dyn RoomLog>,
    sequencers: Arc<Sequencers>,
}

/// One publication to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToPublish {
    pub(crate) data: Bytes,
    pub(crate) about: Option<Arc<About>>,
    /// A key its resend brings again.
    pub(crate) resend_key: Option<String>,
}

impl Publishing {
    /// Channels without a namespace, and the namespaces by their names. `durable` is the log that keeps everything; `seed` has
    /// to differ between processes. An error names the setting that cannot be used.
    pub fn new(
        without_namespace: &ChannelOptions,
        namespaces: &BTreeMap<String, ChannelOptions>,
        durable: Arc<dyn RoomLog>,
        windows: Windows<'_>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, String> {
        let sequencers = Arc::new(Sequencers::new(durable.clone(), bus.clone(), seed));
        let durable = Kept { log: durable, sequencers };
        let open = |name: &str, options: &ChannelOptions| {
            options.check().map_err(|why| format!("{name} cannot be used: {why}"))?;
            let kept = if options.durable {
                Some(durable.clone())
            } else if options.has_window() {
                let log = windows(options.history_size, options.history_ttl);
                let sequencers = Arc::new(Sequencers::new(log.clone(), bus.clone(), seed));
                Some(Kept { log, sequencers })
            } else {
                None
            };
            Ok::<_, String>(Namespace { options: options.clone(), kept })
        };
        let named = namespaces.iter().map(|(name, options)| {
            let fits = !name.is_empty() && !name.contains([':', '#', '$', ',']) && !name.contains(char::is_control);
            let setting = format!("gateway.namespaces.{name}");
            if !fits {
                return Err(format!("{setting} cannot be used: a namespace's name has none of the characters : # $ ,"));
            }
            Ok((name.clone(), open(&setting, options)?))
        });
        Ok(Self {
            namespaces: named.collect::<Result<_, _>>()?,
            without_namespace: open("gateway.without_namespace", without_namespace)?,
            bus: bus.clone(),
            clock,
        })
    }

    /// The names of the namespaces.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    /// Where the publications of a channel are kept, if they are. An error: there is no such namespace.
    pub(crate) fn room(&self, channel: &str) -> Result<Option<Room>, ClientError> {
        let namespace = self.namespace(&ChannelName::parse(channel)).ok_or(codes::UNKNOWN_CHANNEL)?;
        Ok(namespace.room(channel))
    }

    /// Whether what is published into the channel is kept for good.
    pub(crate) fn is_durable(&self, channel: &str) -> bool {
        self.namespace(&ChannelName::parse(channel)).is_some_and(|namespace| namespace.options.durable)
    }

    /// The namespace of a channel; none: there is no such namespace.
    pub(super) fn namespace(&self, name: &ChannelName<'_>) -> Option<&Namespace> {
        if name.namespace.is_empty() { Some(&self.without_namespace) } else { self.namespaces.get(name.namespace) }
    }

    /// Publishes in order; one answer for each. An offset where publications are kept: it is there then.
    pub(crate) async fn publish(
        &self,
        channel: &str,
        all: Vec<ToPublish>,
    ) -> Option<Vec<Result<Option<Placed>, Error>>> {
        let namespace = self.namespace(&ChannelName::parse(channel))?;
        let Some(kept) = namespace.kept.as_ref() else {
            let count = all.len();
            return Some(vec![self.publish_passing(channel, all).await.map(|()| None); count]);
        };
        let now = self.clock.now();
        let drafts = all.into_iter().map(|ToPublish { data, about, resend_key, .. }| Draft {
            about,
            resend_key,
            ..Draft::new(data, now)
        });
        let answers = kept.sequencers.place_all(channel, drafts.collect()).await;
        Some(answers.into_iter().map(|answer| answer.map(Some)).collect())
    }

    /// Publishes for those who are subscribed now, and keeps nothing.
    pub(crate) async fn publish_passing(&self, channel: &str, all: Vec<ToPublish>) -> Result<(), Error> {
        let publications =
            all.into_iter().map(|ToPublish { data, about, .. }| Publication { data, about, ..Publication::default() });
        self.bus.publish(channel, publications.collect()).await.map_err(|error| Error::Unknown(error.to_string()))
    }
}

impl Namespace {
    /// The room of one of its channels, where publications are kept.
    pub(super) fn room(&self, channel: &str) -> Option<Room> {
        self.kept.as_ref().map(|kept| Room::new(kept.log.clone(), channel))
    }
}
