//! Signing in and out, and knowing who is signed in.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{
    AccountId, Caller, Clock, Identity, Random, RateLimiter, SessionId, Timestamp, caller::network, ids::Snowflake,
};
use ports::sql::{AnyConnection, Database};

use super::{
    Device, Error, NewPassword, OpenSession, SignIn,
    attempts::Attempts,
    cache::IdentityCache,
    model::{Known, Session},
    store,
};
use crate::{
    Failure, Settings, Token,
    accounts::{Account, Handle, Password},
    passwords::Passwords,
    tokens::TokenHash,
};

/// How long ago "lately" is: longer than two looks are apart, and a commit takes to be seen.
const ENDED_LATELY_MS: i64 = 5_000;
const FORGOTTEN_AFTER_MS: i64 = 60_000;

/// Addresses, and handles, whose attempts are counted at the same time.
pub(super) const COUNTED: usize = 20_000;

/// Keeps sessions.
pub struct Sessions {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    ids: Arc<Snowflake>,
    database: Database,
    passwords: Arc<Passwords>,
    settings: Arc<Settings>,
    identities: IdentityCache,
    attempts_by_address: Mutex<RateLimiter<IpAddr>>,
    attempts: Mutex<Attempts>,
}

impl Sessions {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        ids: Arc<Snowflake>,
        database: Database,
        passwords: Arc<Passwords>,
        settings: Arc<Settings>,
        believed_ms: i64,
    ) -> Self {
        let attempts_by_address = Mutex::new(RateLimiter::new(settings.sign_in_rate.into(), COUNTED));
        let attempts = Mutex::new(Attempts::new(settings.sign_in_rate_per_handle));
        let identities = IdentityCache::new(believed_ms);
        Self { clock, random, ids, database, passwords, settings, identities, attempts_by_address, attempts }
    }

    /// Begins a session for who knows the password. An unknown handle takes as long as a wrong password.
    pub async fn sign_in(&self, caller: &Caller, device: &Device, request: SignIn) -> Result<(Account, Token), Error> {
        let handle = Handle::parse(&request.handle).ok();
        self.count_attempt(caller.address, handle.as_ref().map(Handle::as_str))?;
        let found = match &handle {
            Some(handle) => store::credentials(self.database.reader(), handle).await?,
            None => None,
        };
        let kept = found.as_ref().map(|(_, hash)| hash.clone());
        let right = self.passwords.verify(request.password, kept).await?;
        let (account, hash) = found.filter(|_| right).ok_or(Error::WrongCredentials)?;
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        if !store::sign_in(tx.conn(), account.id, &hash, now).await? {
            return Err(Error::WrongCredentials);
        }
        let token = self.begin(tx.conn(), account.id, device, now).await?;
        tx.commit().await?;
        self.attempts().forgive(&account.handle, Some(network(caller.address)));
        Ok((account, token))
    }

    /// Begins a session as part of a write. The caller's transaction holds the account's row.
    pub(crate) async fn begin(
        &self,
        conn: &mut AnyConnection,
        account: AccountId,
        device: &Device,
        now: Timestamp,
    ) -> Result<Token, Failure> {
        let token = Token::new(&*self.random)?;
        let expires_at = now.plus_millis(self.settings.session_lifetime_ms());
        let session = Session { id: SessionId::from_raw(self.ids.next(now)), account, used_at: now, expires_at };
        if store::delete_surplus(conn, account, self.settings.sessions_per_account.max(1) - 1).await? > 0 {
            store::tell_of_end(conn, self.database.dialect(), account).await?;
        }
        store::insert(conn, &session, device, &TokenHash::of_token(&token)).await?;
        Ok(token)
    }

    /// Who holds the session `token`; none when it is unknown or over.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>, Error> {
        let Some(hash) = TokenHash::of(token) else { return Ok(None) };
        let now = self.clock.now();
        let before = match self.identities.get(&hash, now) {
            Ok(identity) => return Ok(Some(identity)),
            Err(before) => before,
        };
        let found = store::find(self.database.reader(), &hash, now).await?;
        let Some((session, identity)) = found else { return Ok(None) };
        if session.is_due_for_touch(now) {
            self.touch(&session, now).await;
        }
        let known = Known { identity: identity.clone(), expires_at: session.expires_at };
        self.identities.keep(hash, known, now, before);
        Ok(Some(identity))
    }

    /// Ends the session `token`; one that is over already is left so.
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        let Some(hash) = TokenHash::of(token) else { return Ok(()) };
        let mut tx = self.database.write().await?;
        if let Some(account) = store::delete(tx.conn(), &hash).await? {
            store::tell_of_end(tx.conn(), self.database.dialect(), account).await?;
        }
        tx.commit().await?;
        self.identities.drop_session(&hash);
        Ok(())
    }

    /// Changes the password and ends the account's other sessions.
    pub async fn change_password(&self, caller: &Identity, request: NewPassword) -> Result<(), Error> {
        let new = Password::parse(&request.new_password)?;
        self.attempts().count(&caller.handle, None, self.clock.now()).map_err(Error::TooOften)?;
        let old_hash = store::password_hash(self.database.reader(), caller.account).await?;
        if !self.passwords.verify(request.current_password, old_hash.clone()).await? {
            return Err(Error::WrongPassword);
        }
        let old_hash = old_hash.ok_or(Error::WrongPassword)?;
        let new_hash = self.passwords.hash(new.into_string()).await?;
        let mut tx = self.database.write().await?;
        if !store::change_password(tx.conn(), caller.account, &old_hash, &new_hash).await? {
            return Err(Error::WrongPassword);
        }
        store::delete_others(tx.conn(), caller.account, caller.session).await?;
        store::tell_of_end(tx.conn(), self.database.dialect(), caller.account).await?;
        tx.commit().await?;
        self.forget_identities(caller.account);
        self.attempts().forgive(&caller.handle, None);
        Ok(())
    }

    /// The sessions of an account, the one used last first.
    pub async fn of_account(&self, account: AccountId) -> Result<Vec<OpenSession>, Error> {
        Ok(store::of_account(self.database.reader(), account, self.clock.now()).await?)
    }

    /// Ends one session of an account. False: it has none of this id.
    pub async fn end(&self, account: AccountId, session: SessionId) -> Result<bool, Error> {
        self.end_some(account, Some(session)).await
    }

    /// Ends all sessions of an account. False: it had none.
    pub async fn end_all(&self, account: AccountId) -> Result<bool, Error> {
        self.end_some(account, None).await
    }

    async fn end_some(&self, account: AccountId, session: Option<SessionId>) -> Result<bool, Error> {
        let mut tx = self.database.write().await?;
        let ended = store::end(tx.conn(), account, session).await? > 0;
        if ended {
            store::tell_of_end(tx.conn(), self.database.dialect(), account).await?;
        }
        tx.commit().await?;
        self.forget_identities(account);
        Ok(ended)
    }

    /// The accounts of which sessions ended a moment ago, in whatever process. This one believes nothing it knew of them.
    pub(super) async fn ended_lately(&self) -> Result<Vec<AccountId>, Error> {
        let accounts = store::ended_lately(self.database.reader(), self.database.dialect(), ENDED_LATELY_MS).await?;
        accounts.iter().for_each(|account| self.forget_identities(*account));
        Ok(accounts)
    }

    /// Forgets which sessions ended longer ago than anybody looks.
    pub(super) async fn forget_ends(&self) -> Result<(), Error> {
        let mut tx = self.database.write().await?;
        store::forget_ends(tx.conn(), self.database.dialect(), FORGOTTEN_AFTER_MS).await?;
        Ok(tx.commit().await?)
    }

    /// Makes the next look-up of an account's sessions a fresh one: something about it changed.
    pub(crate) fn forget_identities(&self, account: AccountId) {
        self.identities.drop_account(account);
    }

    /// Seconds a browser keeps the session cookie.
    pub(crate) fn cookie_lifetime_s(&self) -> i64 {
        self.settings.session_lifetime_ms() / 1_000
    }

    /// Ends sessions that are over, up to `limit`; how many there were.
    pub(super) async fn end_expired(&self, limit: u32) -> Result<u64, Error> {
        let mut tx = self.database.write().await?;
        let ended = store::delete_expired(tx.conn(), self.clock.now(), limit).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// A session whose use could not be written down is used all the same.
    async fn touch(&self, session: &Session, now: Timestamp) {
        let expires_at = now.plus_millis(self.settings.session_lifetime_ms());
        let touched = async {
            let mut tx = self.database.write().await?;
            store::touch(tx.conn(), session, now, expires_at).await?;
            tx.commit().await
        };
        if let Err(error) = touched.await {
            tracing::warn!(%error, session = %session.id, "a session's use could not be written down");
        }
    }

    fn count_attempt(&self, address: IpAddr, handle: Option<&str>) -> Result<(), Error> {
        let (network, now) = (network(address), self.clock.now());
        let mut by_address = self.attempts_by_address.lock().unwrap_or_else(PoisonError::into_inner);
        by_address.take(network, now).map_err(Error::TooOften)?;
        drop(by_address);
        let Some(handle) = handle else { return Ok(()) };
        self.attempts().count(handle, Some(network), now).map_err(Error::TooOften)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
