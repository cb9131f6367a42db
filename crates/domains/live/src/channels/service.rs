//! What a streamer can do with a channel.

use std::sync::Arc;

use kernel::{AccountId, ChannelId, Clock, Random, Snowflake};
use ports::sql::Database;
use rest::HostName;

use super::{Channel, Error, model::checked_title, store};
use crate::{
    Settings,
    needs::{Name, Names},
    settings::ingest_url,
    stream_key::{self, KeyKind},
};

/// The channels of a site.
pub struct Channels {
    clock: Arc<dyn Clock>,
    database: Database,
    ids: Arc<Snowflake>,
    random: Arc<dyn Random>,
    names: Arc<dyn Names>,
    ingest_url: String,
}

impl Channels {
    /// The channels kept in `database`.
    pub fn new(
        clock: Arc<dyn Clock>,
        database: Database,
        ids: Arc<Snowflake>,
        random: Arc<dyn Random>,
        settings: &Settings,
        names: Arc<dyn Names>,
    ) -> Self {
        Self { clock, database, ids, random, names, ingest_url: settings.ingest_url.clone() }
    }

    /// The account's channel; made now if it has none yet, with the account's display name as default title.
    pub async fn of_account(&self, account: AccountId) -> Result<Channel, Error> {
        if let Some(channel) = store::of_account(&self.database, account).await? {
            return Ok(channel);
        }
        let name = self.name(account).await?;
        let now = self.clock.now();
        let id = ChannelId::from_raw(self.ids.next(now));
        let channel = Channel { id, account, default_title: name.display_name, has_stream_key: false };
        let mut tx = self.database.write().await?;
        store::insert(&mut tx, &channel, now).await?;
        tx.commit().await?;
        store::of_account(&self.database, account).await?.ok_or(Error::NoAccount)
    }

    /// Sets the title of broadcasts that begin with the lasting key.
    pub async fn set_default_title(&self, account: AccountId, title: &str) -> Result<Channel, Error> {
        let default_title = checked_title(title)?;
        let channel = self.of_account(account).await?;
        let mut tx = self.database.write().await?;
        store::set_default_title(&mut tx, channel.id, &default_title).await?;
        tx.commit().await?;
        Ok(Channel { default_title, ..channel })
    }

    /// Makes a new lasting stream key; the one before opens nothing from now on.
    pub async fn rotate_key(&self, account: AccountId) -> Result<String, Error> {
        let channel = self.of_account(account).await?;
        let key = stream_key::generate(KeyKind::Channel, self.random.as_ref())?;
        let mut tx = self.database.write().await?;
        store::set_key(&mut tx, channel.id, &stream_key::hash(&key)).await?;
        tx.commit().await?;
        Ok(key)
    }

    /// The channel this lasting key opens.
    pub(crate) async fn of_key(&self, key: &str) -> Result<Option<Channel>, Error> {
        Ok(store::of_key(&self.database, &stream_key::hash(key)).await?)
    }

    /// How the account is called.
    pub(super) async fn name(&self, account: AccountId) -> Result<Name, Error> {
        self.names.names(&[account]).await?.remove(&account).ok_or(Error::NoAccount)
    }

    /// Where the encoders of a client that came by `host` publish.
    pub(super) fn ingest_url(&self, host: &HostName) -> String {
        ingest_url(&self.ingest_url, host)
    }
}
