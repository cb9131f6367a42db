//! Those who gave hearts, by name.

use kernel::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    needs::{Name, Names, NeedError},
    playbacks::Viewer,
};

/// A viewer who gave hearts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fan {
    /// Who; `null` for a viewer without an account.
    pub account: Option<FanAccount>,
    /// Hearts of this viewer.
    pub hearts: u64,
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

/// Gives fans their names; an account that no longer exists is shown like none.
pub(crate) async fn with_names(names: &dyn Names, fans: Vec<(Viewer, u64)>) -> Result<Vec<Fan>, NeedError> {
    let accounts: Vec<AccountId> = fans.iter().filter_map(|(viewer, _)| viewer.as_account()).collect();
    let mut known = if accounts.is_empty() { Default::default() } else { names.names(&accounts).await? };
    let named = fans.into_iter().map(|(viewer, hearts)| {
        let account = viewer.as_account().and_then(|id| known.remove(&id).map(|name| fan_account(id, name)));
        Fan { account, hearts }
    });
    Ok(named.collect())
}

fn fan_account(id: AccountId, name: Name) -> FanAccount {
    FanAccount { id, handle: name.handle, display_name: name.display_name }
}
