//! The domain as one thing, for the binary that wires it.

use std::{collections::HashMap, sync::Arc};

use kernel::{AccountId, Clock, Identity, Random, SessionId, ids::Snowflake};
use ports::{
    sql::{Database, SqlError},
    work::Schedule,
};

use crate::{
    Settings, Token,
    accounts::{self, Account, Accounts, Name},
    administration::{self, Administration},
    passwords::Passwords,
    sessions::{self, EndedSessions, ExpiredSessions, OpenSession, Sessions, needs::Connections},
    site_settings::{Entry, FollowSiteSettings, SettingsDesk},
};

/// Milliseconds for which a process that is alone believes who holds a session. What it changes itself holds at once.
pub const IDENTITY_BELIEVED_MS: i64 = 5_000;

/// What people stand on.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes tokens.
    pub random: Arc<dyn Random>,
    /// The process's one generator.
    pub ids: Arc<Snowflake>,
    /// Has [`crate::MIGRATIONS`].
    pub database: Database,
    /// How long it is believed without looking who holds a session: [`IDENTITY_BELIEVED_MS`] where no other process changes
    /// accounts.
    pub believed_ms: i64,
    /// What administrators can change while the site runs.
    pub site_settings: Vec<Entry>,
}

/// The services of all slices.
#[derive(Clone)]
pub struct People {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) administration: Arc<Administration>,
    pub(crate) site_settings: Arc<SettingsDesk>,
}

impl People {
    /// Puts the slices together.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let Parts { clock, random, ids, database, believed_ms, site_settings } = parts;
        let settings = Arc::new(settings);
        let passwords = Arc::new(Passwords::new(random.clone(), &settings));
        let sessions = Arc::new(Sessions::new(
            clock.clone(),
            random.clone(),
            ids.clone(),
            database.clone(),
            passwords.clone(),
            settings.clone(),
            believed_ms,
        ));
        let accounts = Accounts::new(clock.clone(), ids, database.clone(), passwords, sessions.clone(), settings);
        let administration = Administration::new(clock.clone(), random, database.clone(), sessions.clone());
        let site_settings = SettingsDesk::new(clock, database, site_settings);
        Self {
            accounts: Arc::new(accounts),
            sessions,
            administration: Arc::new(administration),
            site_settings: Arc::new(site_settings),
        }
    }

    /// Who holds the session `token`; none when it is unknown or over. As old as was said for what another
    /// process changed.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>, sessions::Error> {
        self.sessions.identify(token).await
    }

    /// The names of accounts; those that do not exist are left out.
    pub async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, Name>, accounts::Error> {
        self.accounts.names(accounts).await
    }

    /// The account with this handle, in any case of letters.
    pub async fn by_handle(&self, handle: &str) -> Result<Option<Account>, accounts::Error> {
        self.accounts.by_handle(handle).await
    }

    /// A fresh one-time token that makes its bearer the administrator, as long as there is none. Earlier ones end.
    pub async fn first_administrator_token(&self) -> Result<Option<Token>, administration::Error> {
        self.administration.first_token().await
    }

    /// Makes the account with this handle an administrator.
    pub async fn grant_administrator(&self, handle: &str) -> Result<Account, administration::Error> {
        self.administration.grant(handle).await
    }

    /// Lets what administrators have set take effect here; to be called before anybody is served.
    pub async fn follow_site_settings(&self) -> Result<(), SqlError> {
        self.site_settings.follow().await
    }

    /// The sessions of an account that go on, the one used last first.
    pub async fn sessions_of(&self, account: AccountId) -> Result<Vec<OpenSession>, sessions::Error> {
        self.sessions.of_account(account).await
    }

    /// Ends one session of an account; false when it has none of this id.
    pub async fn end_session(&self, account: AccountId, session: SessionId) -> Result<bool, sessions::Error> {
        self.sessions.end(account, session).await
    }

    /// Ends all sessions of an account: it is signed out everywhere.
    pub async fn end_sessions(&self, account: AccountId) -> Result<(), sessions::Error> {
        self.sessions.end_all(account).await.map(|_| ())
    }

    /// Whether there is an account of this id.
    pub async fn exists(&self, account: AccountId) -> Result<bool, accounts::Error> {
        match self.accounts.account(account).await {
            Ok(_) => Ok(true),
            Err(accounts::Error::Unknown(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The work that has `connections` of this process follow the ends of sessions.
    pub fn ended_sessions(&self, connections: Arc<dyn Connections>) -> Arc<dyn Schedule> {
        Arc::new(EndedSessions::new(self.sessions.clone(), connections))
    }

    /// The work that has to be done now and then.
    pub fn schedules(&self) -> Vec<Arc<dyn Schedule>> {
        vec![
            Arc::new(ExpiredSessions::new(self.sessions.clone())),
            Arc::new(FollowSiteSettings::new(self.site_settings.clone())),
        ]
    }
}
