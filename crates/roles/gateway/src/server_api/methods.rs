//! The methods by name.

/// One method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Publish,
    PublishToAll,
    Subscribe,
    Unsubscribe,
    Disconnect,
    Refresh,
    Presence,
    PresenceStats,
    History,
    HistoryRemove,
    Channels,
    Info,
    Batch,
}

const ALL: [(Method, &str); 13] = [
    (Method::Publish, "publish"),
    (Method::PublishToAll, "broadcast"),
    (Method::Subscribe, "subscribe"),
    (Method::Unsubscribe, "unsubscribe"),
    (Method::Disconnect, "disconnect"),
    (Method::Refresh, "refresh"),
    (Method::Presence, "presence"),
    (Method::PresenceStats, "presence_stats"),
    (Method::History, "history"),
    (Method::HistoryRemove, "history_remove"),
    (Method::Channels, "channels"),
    (Method::Info, "info"),
    (Method::Batch, "batch"),
];

impl Method {
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, own)| *own == name).map(|(method, _)| *method)
    }

    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }
}
