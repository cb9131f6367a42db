//! What can be done with accounts.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{AccountId, Caller, Clock, RateLimiter, caller::network, events::people::AccountCreated, ids::Snowflake};
use ports::sql::Database;

use super::{Account, Bio, Changes, DisplayName, Error, Handle, Name, NewAccount, Password, store};
use crate::{
    Settings, Token,
    passwords::Passwords,
    sessions::{Device, Sessions},
};

/// Addresses whose sign-ups are counted at the same time.
const COUNTED_ADDRESSES: usize = 20_000;

/// Creates accounts and keeps what they say about themselves.
pub struct Accounts {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    passwords: Arc<Passwords>,
    sessions: Arc<Sessions>,
    settings: Arc<Settings>,
    sign_ups: Mutex<RateLimiter<IpAddr>>,
}

impl Accounts {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        ids: Arc<Snowflake>,
        database: Database,
        passwords: Arc<Passwords>,
        sessions: Arc<Sessions>,
        settings: Arc<Settings>,
    ) -> Self {
        let sign_ups = Mutex::new(RateLimiter::new(settings.sign_up_rate.clone(), COUNTED_ADDRESSES));
        Self { clock, ids, database, passwords, sessions, settings, sign_ups }
    }

    /// Creates an account and signs it in.
    pub async fn sign_up(&self, caller: &Caller, device: &Device, new: NewAccount) -> Result<(Account, Token), Error> {
        if !self.settings.registration_open.get() {
            return Err(Error::RegistrationClosed);
        }
        let handle = Handle::parse(&new.handle)?;
        let password = Password::parse(&new.password)?;
        let display_name = DisplayName::parse(&new.display_name)?;
        self.count_sign_up(caller.address)?;
        // Only saves the work of hashing: that handles are unique is held by the table.
        if store::by_handle(self.database.reader(), &handle).await?.is_some() {
            return Err(Error::HandleTaken(handle.into_string()));
        }
        let password_hash = self.passwords.hash(password.into_string()).await?;
        let now = self.clock.now();
        let account = Account {
            id: AccountId::from_raw(self.ids.next(now)),
            handle: handle.into_string(),
            display_name: display_name.into_string(),
            bio: String::new(),
            admin: false,
            created_at: now,
        };
        let mut tx = self.database.write().await?;
        if !store::insert(tx.conn(), &account, &password_hash).await? {
            return Err(Error::HandleTaken(account.handle));
        }
        let token = self.sessions.begin(tx.conn(), account.id, device, now).await?;
        tx.emit(&AccountCreated { account: account.id, handle: account.handle.clone(), at: now }, now).await?;
        tx.commit().await?;
        Ok((account, token))
    }

    /// The account itself.
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        store::by_id(self.database.reader(), id).await?.ok_or_else(|| Error::Unknown(id.to_string()))
    }

    /// The account with this handle, in any case of letters.
    pub async fn by_handle(&self, handle: &str) -> Result<Option<Account>, Error> {
        // What cannot be a handle is nobody's.
        let Ok(handle) = Handle::parse(handle) else { return Ok(None) };
        Ok(store::by_handle(self.database.reader(), &handle).await?)
    }

    /// Changes what its owner says about themselves.
    pub async fn change(&self, id: AccountId, changes: &Changes) -> Result<Account, Error> {
        let display_name = changes.display_name.as_deref().map(DisplayName::parse).transpose()?;
        let bio = changes.bio.as_deref().map(Bio::parse).transpose()?;
        let mut tx = self.database.write().await?;
        let account = store::update(tx.conn(), id, display_name, bio).await?;
        tx.commit().await?;
        self.sessions.forget_identities(id);
        account.ok_or_else(|| Error::Unknown(id.to_string()))
    }

    /// The names of accounts; those that do not exist are left out.
    pub async fn names(&self, ids: &[AccountId]) -> Result<HashMap<AccountId, Name>, Error> {
        Ok(store::names(self.database.reader(), ids).await?)
    }

    /// Seconds a browser keeps the session cookie.
    pub(crate) fn cookie_lifetime_s(&self) -> i64 {
        self.settings.session_lifetime_ms() / 1_000
    }

    fn count_sign_up(&self, address: IpAddr) -> Result<(), Error> {
        let mut sign_ups = self.sign_ups.lock().unwrap_or_else(PoisonError::into_inner);
        sign_ups.take(network(address), self.clock.now()).map_err(Error::TooOften)
    }
}
