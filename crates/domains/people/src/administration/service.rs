//! Becoming administrator.

use std::sync::Arc;

use kernel::{AccountId, Clock, Random};
use ports::sql::Database;

use super::{Error, store};
use crate::{
    Failure, Token,
    accounts::{Account, Handle},
    sessions::Sessions,
    tokens::TokenHash,
};

/// Hands out the administrator's grant.
pub struct Administration {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    database: Database,
    sessions: Arc<Sessions>,
}

impl Administration {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        database: Database,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { clock, random, database, sessions }
    }

    /// A fresh one-time token as long as there is no administrator; the one before ends.
    pub async fn first_token(&self) -> Result<Option<Token>, Error> {
        let token = Token::new(&*self.random).map_err(Failure::from)?;
        let mut tx = self.database.write().await?;
        let unclaimed = store::replace_token(tx.conn(), &TokenHash::of_token(&token)).await?;
        tx.commit().await?;
        Ok(unclaimed.then_some(token))
    }

    /// Makes `account` administrator, if the token is the link's and nobody was faster.
    pub async fn claim(&self, account: AccountId, token: &str) -> Result<Account, Error> {
        let hash = TokenHash::of(token).ok_or(Error::LinkOver)?;
        let mut tx = self.database.write().await?;
        if !store::claim(tx.conn(), &hash, account, self.clock.now()).await? {
            return Err(Error::LinkOver);
        }
        let granted = store::grant(tx.conn(), account).await?.ok_or_else(|| Error::Unknown(account.to_string()))?;
        tx.commit().await?;
        self.sessions.forget_identities(account);
        tracing::info!(handle = granted.handle, "the first administrator's link was claimed");
        Ok(granted)
    }

    /// Makes the account with this handle administrator; the first start's link ends.
    pub async fn grant(&self, handle: &str) -> Result<Account, Error> {
        let unknown = || Error::Unknown(handle.chars().take(40).collect());
        let handle = Handle::parse(handle).map_err(|_| unknown())?;
        let mut tx = self.database.write().await?;
        let granted = store::grant_by_handle(tx.conn(), &handle).await?.ok_or_else(unknown)?;
        store::close(tx.conn(), granted.id, self.clock.now()).await?;
        tx.commit().await?;
        self.sessions.forget_identities(granted.id);
        Ok(granted)
    }
}
