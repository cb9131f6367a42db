//! The data folder and the databases in it, or the ones the settings name instead.

use std::{fs::File, sync::Arc};

use engines::{
    embedded::LocalBus,
    redis::{Names, RedisBus, RedisGatherings, RedisServers},
    sql::{
        self, LEASE_MIGRATIONS, OUTBOX_MIGRATIONS, Outbox, Ownership, OwnershipError, ROOM_LOG_MIGRATIONS, SqlLeases,
    },
    system::SystemRandom,
};
use ports::{
    blobs::Blobs,
    bus::Bus,
    event_log::EventLog,
    gatherings::Gatherings,
    leases::Leases,
    room_log::RoomLog,
    sql::{Database, Migration, migrate, migrate_among_others},
};

use super::{
    AnyError, blobs, folder,
    machine::Machine,
    rooms::{self, Rooms},
    site_name,
};
use crate::{
    config::{Config, Part},
    tls::acme,
};

/// The records' file in the data folder.
pub(crate) const RECORDS_FILE: &str = "madang.db";
/// The rooms' file in the data folder.
pub(crate) const ROOMS_FILE: &str = "rooms.db";

/// What realtime servers without a site are called where a site has its name: all of them the same.
const ALONE: &str = "realtime_server";

/// What a process that does nothing but realtime keeps its data in.
pub(crate) struct RoomStores {
    /// The rooms of channels that keep everything.
    pub(crate) rooms: Rooms,
    /// The log that stands on it.
    pub(crate) room_log: Arc<dyn RoomLog>,
    /// Carries publications.
    pub(crate) bus: Arc<dyn Bus>,
    claim: Claim,
}

impl RoomStores {
    /// Opens everything and brings the schema up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self, AnyError> {
        let claim =
            if config.keeps_rooms_elsewhere() { Claim::of_no_database(config)? } else { Claim::take(config).await? };
        let rooms = match Rooms::elsewhere(config, ALONE).await? {
            Some(rooms) => rooms,
            None => {
                let rooms = claim.open(config, ROOMS_FILE).await?;
                migrate(&rooms, ROOM_LOG_MIGRATIONS).await?;
                Rooms::Sql(rooms)
            }
        };
        let (bus, _) = together(config).await?;
        Ok(Self { room_log: rooms.log(), rooms, bus, claim })
    }

    /// Returns when another process has taken the database over.
    pub(crate) async fn lost(&self) {
        self.claim.lost().await;
    }

    /// Closes what is kept; everything committed stays.
    pub(crate) async fn close(&self) {
        self.rooms.close().await;
    }
}

/// What a process keeps its data in.
pub(crate) struct Stores {
    /// Accounts, broadcasts, everything in rows.
    pub(crate) records: Database,
    /// The rooms' messages: a file of its own, so that a sync for chat does not wait for one for records.
    pub(crate) rooms: Rooms,
    /// The log that stands on it.
    pub(crate) room_log: Arc<dyn RoomLog>,
    /// Carries publications.
    pub(crate) bus: Arc<dyn Bus>,
    /// Where several processes count the crowd together, if this is one of them.
    pub(crate) gatherings: Option<Arc<dyn Gatherings>>,
    /// Recordings and thumbnails.
    pub(crate) blobs: Arc<dyn Blobs>,
    /// What one process of several does at a time.
    pub(crate) leases: Arc<dyn Leases>,
    claim: Claim,
}

impl Stores {
    /// Opens everything and brings the schema up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self, AnyError> {
        let claim = Claim::take(config).await?;
        let records = claim.open(config, RECORDS_FILE).await?;
        match claim.ownership {
            None => migrate(&records, &record_migrations()).await?,
            Some(_) if config.is_one_of_several() => migrate_among_others(&records, &all_migrations()).await?,
            Some(_) => migrate(&records, &all_migrations()).await?,
        }
        Outbox::new(records.clone()).adopt_places().await?;
        // Made where it is needed: an empty database stays empty for what is moved there.
        let elsewhere = match config.keeps_rooms_elsewhere() {
            true => Rooms::elsewhere(config, &site_name::of(&records, &SystemRandom).await?).await?,
            false => None,
        };
        let rooms = match (elsewhere, &claim.ownership) {
            (None, Some(_)) => Rooms::Sql(records.clone()),
            (None, None) => Rooms::Sql(rooms_of_file(&claim, config).await?),
            (Some(elsewhere), Some(_)) => {
                rooms::tell_what_is_left(&records).await?;
                elsewhere
            }
            (Some(elsewhere), None) => {
                if config.data_dir.join(ROOMS_FILE).exists() {
                    rooms::tell_what_is_left(&rooms_of_file(&claim, config).await?).await?;
                }
                elsewhere
            }
        };
        let blobs = blobs::open(config).await?;
        let leases = Arc::new(SqlLeases::new(records.clone()));
        let (bus, gatherings) = together(config).await?;
        Ok(Self { room_log: rooms.log(), records, rooms, bus, gatherings, blobs, leases, claim })
    }

    /// The machine of the process that has these stores.
    pub(crate) async fn machine(&self, config: &Config) -> Result<Machine, AnyError> {
        if config.is_one_of_several() {
            return Machine::among_others(&self.leases, &self.records).await;
        }
        Ok(Machine::alone()?)
    }

    /// The log of facts.
    pub(crate) fn event_log(&self) -> Arc<dyn EventLog> {
        Arc::new(Outbox::new(self.records.clone()))
    }

    /// Returns when another process has taken the database over. A data folder cannot be taken over.
    pub(crate) async fn lost(&self) {
        self.claim.lost().await;
    }

    /// Closes the databases; everything committed is kept.
    pub(crate) async fn close(&self) {
        self.records.close().await;
        self.rooms.close().await;
    }
}

async fn rooms_of_file(claim: &Claim, config: &Config) -> Result<Database, AnyError> {
    let rooms = claim.open(config, ROOMS_FILE).await?;
    migrate(&rooms, ROOM_LOG_MIGRATIONS).await?;
    Ok(rooms)
}

/// Opens the records alone, beside a server that may be running.
pub(crate) async fn open_records(config: &Config) -> Result<Database, AnyError> {
    Ok(match config.engines.sql.as_str() {
        "" => sql::sqlite(&config.data_dir.join(RECORDS_FILE)).await?,
        url => whole(sql::postgres(url, config.engines.sql_connections).await?).await?,
    })
}

/// The database, unless it holds half a site.
async fn whole(database: Database) -> Result<Database, AnyError> {
    if sql::moving::unfinished(&database).await? {
        return Err(
            "the database that the setting engines.sql names is half filled: run `madang move` to its end, or name \
                    another database"
                .into(),
        );
    }
    Ok(database)
}

/// The schema of the records.
pub(crate) fn record_migrations() -> Vec<Migration> {
    let fixed = [OUTBOX_MIGRATIONS, LEASE_MIGRATIONS, people::MIGRATIONS, chat::MIGRATIONS].concat();
    [fixed, live::migrations(), vec![acme::MIGRATION, site_name::MIGRATION]].concat()
}

/// The schema of records and rooms in one database.
pub(crate) fn all_migrations() -> Vec<Migration> {
    [record_migrations(), ROOM_LOG_MIGRATIONS.to_vec()].concat()
}

/// What joins this process with others, when the settings name it.
async fn together(config: &Config) -> Result<(Arc<dyn Bus>, Option<Arc<dyn Gatherings>>), AnyError> {
    if !config.is_one_of_several() {
        return Ok((Arc::new(LocalBus::default()), None));
    }
    let joined = join(config).await;
    joined.map_err(|error| format!("the Redis of the setting engines.redis cannot be used: {error}").into())
}

async fn join(config: &Config) -> Result<(Arc<dyn Bus>, Option<Arc<dyn Gatherings>>), AnyError> {
    let (service, phase) = config.redis_names().unwrap_or_default();
    let servers = RedisServers::find(&config.redis_urls(), Names::new(service, phase)).await?;
    let bus = Arc::new(RedisBus::connect(&servers).await?);
    let counts = config.is_of_site() && config.role.has(Part::Crowd);
    let gatherings = if counts { Some(RedisGatherings::connect(&servers).await?) } else { None };
    Ok((bus, gatherings.map(|gatherings| Arc::new(gatherings) as _)))
}

/// What makes the data folder, and the database that takes the place of its files, this process's own.
struct Claim {
    _lock: Option<File>,
    ownership: Option<Ownership>,
}

impl Claim {
    async fn take(config: &Config) -> Result<Self, AnyError> {
        let is_one_of_several = config.is_one_of_several();
        let ownership = match config.engines.sql.as_str() {
            "" => None,
            url if is_one_of_several => Some(Ownership::share(url).await.map_err(explain)?),
            url => Some(Ownership::take(url).await.map_err(explain)?),
        };
        // One of several that has a database keeps nothing there but what encoders send.
        let has_spool = config.is_of_site() && config.role.has(Part::Media);
        if is_one_of_several && ownership.is_some() && !has_spool {
            return Ok(Self { _lock: None, ownership });
        }
        Self::with_folder(config, ownership)
    }

    /// For what keeps nothing in SQL. One of several gateways keeps nothing in the folder either.
    fn of_no_database(config: &Config) -> Result<Self, AnyError> {
        if config.is_one_of_several() {
            return Ok(Self { _lock: None, ownership: None });
        }
        Self::with_folder(config, None)
    }

    fn with_folder(config: &Config, ownership: Option<Ownership>) -> Result<Self, AnyError> {
        folder::make(&config.data_dir)?;
        Ok(Self { _lock: Some(folder::lock(&config.data_dir)?), ownership })
    }

    /// The database, or this file of the data folder.
    async fn open(&self, config: &Config, file: &str) -> Result<Database, AnyError> {
        let Some(ownership) = &self.ownership else { return Ok(sql::sqlite(&config.data_dir.join(file)).await?) };
        whole(ownership.database(config.engines.sql_connections).await?).await
    }

    /// Returns when another process has taken the database over. A data folder cannot be taken over.
    async fn lost(&self) {
        match &self.ownership {
            Some(ownership) => ownership.lost().await,
            None => std::future::pending().await,
        }
    }
}

fn explain(error: OwnershipError) -> AnyError {
    match error {
        OwnershipError::Taken => {
            "another process uses the database that the setting engines.sql names: stop it, or name a database of its \
             own. Only processes that share a Redis (engines.redis) may use one together"
                .into()
        }
        error => error.into(),
    }
}
