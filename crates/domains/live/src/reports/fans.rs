//! Those who gave hearts and those who wrote, by name.

use kernel::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::needs::{Name, Names, NeedError};

/// Somebody who gave hearts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fan {
    /// Who; `null` when the account no longer exists.
    pub account: Option<FanAccount>,
    /// Their hearts.
    pub hearts: u64,
}

/// Somebody who wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Chatter {
    /// Who; `null` when the account no longer exists.
    pub account: Option<FanAccount>,
    /// Their messages.
    pub messages: u64,
}

/// A fan's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FanAccount {
    /// The account.
    pub id: AccountId,
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
}

/// Gives fans their names.
pub(crate) async fn with_names(names: &dyn Names, fans: Vec<(AccountId, u64)>) -> Result<Vec<Fan>, NeedError> {
    let accounts: Vec<AccountId> = fans.iter().map(|(account, _)| *account).collect();
    let mut known = if accounts.is_empty() { Default::default() } else { names.names(&accounts).await? };
    let named = fans
        .into_iter()
        .map(|(id, hearts)| Fan { account: known.remove(&id).map(|name| fan_account(id, name)), hearts });
    Ok(named.collect())
}

/// Gives chatters their names.
pub(crate) async fn chatters(names: &dyn Names, top: Vec<(AccountId, u64)>) -> Result<Vec<Chatter>, NeedError> {
    let named = with_names(names, top).await?;
    Ok(named.into_iter().map(|Fan { account, hearts }| Chatter { account, messages: hearts }).collect())
}

fn fan_account(id: AccountId, name: Name) -> FanAccount {
    FanAccount { id, handle: name.handle, display_name: name.display_name }
}
