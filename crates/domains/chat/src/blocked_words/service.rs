//! Blocking and unblocking words.

use std::sync::Arc;

use kernel::{AccountId, BlockedWordId, Caller, Clock, Page, Snowflake, Timestamp, limits};
use ports::sql::Database;

use super::matcher::Pattern;
use super::model::{BlockedWord, NewBlockedWord};
use super::store::{self, Scope};
use crate::Parts;
use crate::error::Error;
use crate::mod_log::{self, Act};
use crate::moderators::Moderators;
use crate::order::Order;

/// The blocked words of all channels and of the site.
pub struct BlockedWords {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    moderators: Arc<Moderators>,
    order: Arc<Order>,
}

impl BlockedWords {
    /// The slice on these parts.
    pub(crate) fn new(parts: &Parts, moderators: Arc<Moderators>, order: Arc<Order>) -> Self {
        Self { clock: parts.clock.clone(), ids: parts.ids.clone(), database: parts.database.clone(), moderators, order }
    }

    /// Blocks a word in a channel; one that matches the same texts is replaced.
    pub async fn block(&self, caller: &Caller, channel: &str, new: NewBlockedWord) -> Result<BlockedWord, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let record = acting.record(&self.ids, &*self.clock, Act::WordBlocked);
        let (word, key) = self.word(new, record.at)?;
        let record = record.detailed(&word.word);
        let mut tx = self.database.write().await?;
        let put = store::put(&mut tx, Scope::Channel(acting.host), &word, &key, acting.by).await?;
        let put = put.ok_or(Error::Full { what: "blocked words", limit: limits::BLOCKED_WORDS })?;
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.order.changed(acting.host);
        Ok(put)
    }

    /// Unblocks a word of a channel.
    pub async fn unblock(&self, caller: &Caller, channel: &str, id: BlockedWordId) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let mut tx = self.database.write().await?;
        let word = store::delete(&mut tx, Scope::Channel(acting.host), id).await?;
        let word = word.ok_or(Error::Unknown("blocked word"))?;
        let record = acting.record(&self.ids, &*self.clock, Act::WordUnblocked).detailed(word);
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.order.changed(acting.host);
        Ok(())
    }

    /// The blocked words of a channel behind the id `after`; for its moderators.
    pub async fn list(
        &self,
        caller: &Caller,
        channel: &str,
        after: Option<BlockedWordId>,
        limit: u32,
    ) -> Result<Page<BlockedWord>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        self.page(Scope::Channel(acting.host), after, limit).await
    }

    /// Blocks a word on the whole site; for administrators.
    pub async fn block_everywhere(&self, caller: &Caller, new: NewBlockedWord) -> Result<BlockedWord, Error> {
        let by = administrator(caller)?;
        let (word, key) = self.word(new, self.clock.now())?;
        let mut tx = self.database.write().await?;
        let put = store::put(&mut tx, Scope::Site, &word, &key, by).await?;
        let put = put.ok_or(Error::Full { what: "blocked words", limit: limits::BLOCKED_WORDS })?;
        tx.commit().await?;
        self.order.all_changed();
        Ok(put)
    }

    /// Unblocks a word of the site; for administrators.
    pub async fn unblock_everywhere(&self, caller: &Caller, id: BlockedWordId) -> Result<(), Error> {
        administrator(caller)?;
        let mut tx = self.database.write().await?;
        store::delete(&mut tx, Scope::Site, id).await?.ok_or(Error::Unknown("blocked word"))?;
        tx.commit().await?;
        self.order.all_changed();
        Ok(())
    }

    /// The blocked words of the site behind the id `after`; for administrators.
    pub async fn list_of_site(
        &self,
        caller: &Caller,
        after: Option<BlockedWordId>,
        limit: u32,
    ) -> Result<Page<BlockedWord>, Error> {
        administrator(caller)?;
        self.page(Scope::Site, after, limit).await
    }

    async fn page(&self, scope: Scope, after: Option<BlockedWordId>, limit: u32) -> Result<Page<BlockedWord>, Error> {
        let words = store::page(&self.database, scope, after, limit + 1).await?;
        Ok(Page::cut(words, limit as usize, |word| word.id.to_string()))
    }

    fn word(&self, new: NewBlockedWord, at: Timestamp) -> Result<(BlockedWord, String), Error> {
        let text = new.word.trim();
        let fits = limits::BLOCKED_WORD_CHARS.contains(&text.chars().count()) && !text.contains(char::is_control);
        let pattern = Pattern::new(text, new.consequence).filter(|_| fits).ok_or_else(|| {
            let most = limits::BLOCKED_WORD_CHARS.end();
            Error::Value {
                field: "word",
                rule: format!("A blocked word has 1 to {most} characters, letters among them."),
            }
        })?;
        let id = BlockedWordId::from_raw(self.ids.next(at));
        Ok((BlockedWord { id, word: text.to_owned(), consequence: new.consequence, at }, pattern.key()))
    }
}

fn administrator(caller: &Caller) -> Result<AccountId, Error> {
    let identity = caller.identity.as_deref().ok_or(Error::SignInRequired)?;
    if identity.admin { Ok(identity.account) } else { Err(Error::NotAllowed) }
}
