//! An account as lists of moderation show it.

use std::collections::HashMap;

use kernel::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::needs::{Name, Names, NeedError};

/// An account by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Its id.
    pub id: AccountId,
    /// Its unique name; empty when the account is gone.
    pub handle: String,
    /// The name shown to others; empty when the account is gone.
    pub display_name: String,
}

impl Person {
    /// An account by the name it has, if it has one.
    pub(crate) fn new(id: AccountId, name: Option<Name>) -> Self {
        let (handle, display_name) = name.map(|name| (name.handle, name.display_name)).unwrap_or_default();
        Self { id, handle, display_name }
    }
}

/// Gives accounts their names, a page of them at once.
pub(crate) struct People(HashMap<AccountId, Name>);

impl People {
    pub(crate) async fn of(
        names: &dyn Names,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Result<Self, NeedError> {
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        Ok(Self(if accounts.is_empty() { HashMap::new() } else { names.names(&accounts).await? }))
    }

    pub(crate) fn person(&self, account: AccountId) -> Person {
        Person::new(account, self.0.get(&account).cloned())
    }
}
