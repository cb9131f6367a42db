//! A connection as channels know it: whom it stands for, and how to wake it.

use std::sync::OnceLock;

use tokio::sync::Notify;

/// One connection.
#[derive(Debug)]
pub(crate) struct Member {
    number: u64,
    client: String,
    user: OnceLock<String>,
    news: Notify,
}

impl Member {
    /// The connection with this number (unique in the process) and this public id.
    pub(crate) fn new(number: u64, client: String) -> Self {
        Self { number, client, user: OnceLock::new(), news: Notify::new() }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The id other clients see.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// The account's id; empty for an anonymous visitor.
    pub(crate) fn user(&self) -> &str {
        self.user.get().map_or("", String::as_str)
    }

    /// Says whom the connection stands for; only once.
    pub(crate) fn identify(&self, user: String) {
        let _ = self.user.set(user);
    }

    /// Wakes the connection; any number of calls before it looks are one.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Returns when somebody has called `wake` since the last return.
    pub(crate) async fn woken(&self) {
        self.news.notified().await;
    }
}
