//! What others need of people: how accounts are called, and whose session a token is.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{AccountId, Identity};
use live::needs::NeedError;
use people::{People, accounts::Name};
use ports::sql::Database;

use super::site_settings::site_settings;
use crate::{config::Config, run::Machine};

/// The people of a site.
pub(crate) fn people(machine: &Machine, records: &Database, config: &Config) -> People {
    let Machine { clock, random, ids, .. } = machine.clone();
    // What another process has ended is not believed for longer.
    let believed_ms = if config.is_one_of_several() { 1_000 } else { people::IDENTITY_BELIEVED_MS };
    let parts = people::Parts {
        clock,
        random,
        ids,
        database: records.clone(),
        believed_ms,
        site_settings: site_settings(config),
    };
    People::new(parts, config.people.clone())
}

/// The names the live domain shows.
pub(crate) struct AccountNames(pub(crate) People);

#[async_trait]
impl live::needs::Names for AccountNames {
    async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, live::needs::Name>, NeedError> {
        let names = self.0.names(accounts).await.map_err(|error| NeedError(error.to_string()))?;
        let turn = |(account, Name { handle, display_name })| (account, live::needs::Name { handle, display_name });
        Ok(names.into_iter().map(turn).collect())
    }

    async fn by_handle(&self, handle: &str) -> Result<Option<AccountId>, NeedError> {
        let account = self.0.by_handle(handle).await.map_err(|error| NeedError(error.to_string()))?;
        Ok(account.map(|account| account.id))
    }
}

/// The names of those who talk.
pub(crate) struct TalkerNames(pub(crate) People);

#[async_trait]
impl chat::needs::Names for TalkerNames {
    async fn names(
        &self,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, chat::needs::Name>, chat::needs::NeedError> {
        let names = self.0.names(accounts).await.map_err(|error| chat::needs::NeedError(error.to_string()))?;
        let turn = |(account, Name { handle, display_name })| (account, chat::needs::Name { handle, display_name });
        Ok(names.into_iter().map(turn).collect())
    }

    async fn by_handle(&self, handle: &str) -> Result<Option<(AccountId, chat::needs::Name)>, chat::needs::NeedError> {
        let account = self.0.by_handle(handle).await.map_err(|error| chat::needs::NeedError(error.to_string()))?;
        let turn = |people::accounts::Account { id, handle, display_name, .. }| {
            (id, chat::needs::Name { handle, display_name })
        };
        Ok(account.map(turn))
    }
}

/// Knows the holders of session tokens, for the API shell.
pub(crate) struct SessionAuthenticator(pub(crate) People);

#[async_trait]
impl api::Authenticator for SessionAuthenticator {
    async fn identify(&self, token: &str) -> Result<Option<Identity>, String> {
        self.0.identify(token).await.map_err(|error| error.to_string())
    }
}

/// Knows the holders of session tokens, for playback sessions.
pub(crate) struct SessionAccounts(pub(crate) People);

#[async_trait]
impl live::playbacks::needs::Accounts for SessionAccounts {
    async fn account(&self, token: &str) -> Result<Option<AccountId>, NeedError> {
        let identity = self.0.identify(token).await.map_err(|error| NeedError(error.to_string()))?;
        Ok(identity.map(|identity| identity.account))
    }
}
