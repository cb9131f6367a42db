//! Changing settings, and letting them take effect.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use kernel::{Clock, Identity, Page};
use ports::sql::{Database, SqlError};
use serde_json::Value;

use super::{
    Administrator, Changed, Entry, Error, NewSiteSetting, SettingValue, SiteSetting, SiteSettingChange, SiteSettings,
    store::{self, Kept},
};

/// Settings of which nothing has taken effect yet.
const NEVER: i64 = -1;

/// Keeps what administrators set, and lets it take effect in this process.
pub struct SettingsDesk {
    clock: Arc<dyn Clock>,
    database: Database,
    entries: Vec<Entry>,
    /// The change up to which this process follows.
    followed: AtomicI64,
    /// One reads at a time, so that what was read later takes effect later.
    reading: tokio::sync::Mutex<()>,
}

impl SettingsDesk {
    pub(crate) fn new(clock: Arc<dyn Clock>, database: Database, entries: Vec<Entry>) -> Self {
        Self { clock, database, entries, followed: AtomicI64::new(NEVER), reading: tokio::sync::Mutex::default() }
    }

    /// Looks whether something was changed, and if so lets it take effect here.
    pub(crate) async fn follow(&self) -> Result<(), SqlError> {
        let version = store::version(self.database.reader()).await?;
        if version == self.followed.load(Ordering::Relaxed) { Ok(()) } else { self.take_over().await }
    }

    /// Every setting, for administrators.
    pub async fn list(&self, caller: &Identity) -> Result<SiteSettings, Error> {
        administrator(caller)?;
        let version = store::version(self.database.reader()).await?;
        let mut kept = self.kept().await?;
        let items = self.entries.iter().map(|entry| self.told(entry, kept.remove(entry.name()))).collect();
        Ok(SiteSettings { version, items })
    }

    /// One setting, for administrators.
    pub async fn find(&self, caller: &Identity, name: &str) -> Result<SiteSetting, Error> {
        administrator(caller)?;
        let entry = self.entry(name)?;
        Ok(self.told(entry, self.kept().await?.remove(entry.name())))
    }

    /// Sets a value.
    pub async fn set(&self, caller: &Identity, name: &str, new: &NewSiteSetting) -> Result<SiteSetting, Error> {
        let by = administrator(caller)?;
        let entry = self.entry(name)?;
        let value = entry.read(&new.value).map_err(Error::Value)?;
        let json = serde_json::to_string(&value).map_err(|error| SqlError::Encode(error.into()))?;
        let changed = self.change(by, entry, Some(json), new.version).await?;
        Ok(describe(entry, Some((value, changed))))
    }

    /// Removes what was set: the settings file holds again.
    pub async fn reset(&self, caller: &Identity, name: &str, seen: Option<i64>) -> Result<(), Error> {
        let by = administrator(caller)?;
        self.change(by, self.entry(name)?, None, seen).await.map(drop)
    }

    /// The log of changes before the number `before`, newest first; for administrators.
    pub async fn changes(
        &self,
        caller: &Identity,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<SiteSettingChange>, Error> {
        administrator(caller)?;
        let rows = store::changes(self.database.reader(), before, limit.saturating_add(1)).await?;
        Ok(Page::cut(rows, limit as usize, |change| change.version.to_string()))
    }

    /// Keeps a change with its line in the log. What is so already is no change: then the change it is from is answered.
    async fn change(
        &self,
        by: Administrator,
        entry: &Entry,
        to: Option<String>,
        seen: Option<i64>,
    ) -> Result<Changed, Error> {
        let mut tx = self.database.write().await?;
        let version = store::next_version(tx.conn()).await?;
        let changed = Changed { version, by, at: self.clock.now() };
        let before = store::find(tx.conn(), entry.name()).await?;
        let version_before = before.as_ref().map_or(0, |kept| kept.changed.version);
        if seen.is_some_and(|seen| seen != version_before) {
            let by = before.map_or_else(|| "an administrator".into(), |kept| format!("@{}", kept.changed.by.handle));
            return Err(Error::ChangedMeanwhile { name: entry.name(), by });
        }
        let from = match before {
            Some(kept) if Some(&kept.value) == to.as_ref() => return Ok(kept.changed),
            None if to.is_none() => return Ok(changed),
            before => before.map(|kept| kept.value),
        };
        match &to {
            Some(value) => store::put(tx.conn(), entry.name(), value, &changed).await?,
            None => store::remove(tx.conn(), entry.name()).await?,
        }
        store::record(tx.conn(), entry.name(), (from.as_deref(), to.as_deref()), &changed).await?;
        tx.commit().await?;
        tracing::info!(setting = entry.name(), from, to, by = changed.by.handle, version, "a site setting was changed");
        if let Err(error) = self.take_over().await {
            tracing::warn!(%error, "a change of settings is kept and takes effect here with the next look");
        }
        Ok(changed)
    }

    /// Lets what is kept take effect here.
    async fn take_over(&self) -> Result<(), SqlError> {
        let _reading = self.reading.lock().await;
        // First the number: what is read behind it may be newer, and is then read once more.
        let version = store::version(self.database.reader()).await?;
        let mut kept = self.kept().await?;
        for entry in &self.entries {
            let (value, _) = value_of(entry, kept.remove(entry.name()));
            entry.put(&value);
        }
        self.followed.store(version, Ordering::Relaxed);
        metrics::gauge!("madang_site_settings_version").set(version as f64);
        Ok(())
    }

    async fn kept(&self) -> Result<HashMap<String, Kept>, SqlError> {
        let all = store::all(self.database.reader()).await?;
        Ok(all.into_iter().map(|kept| (kept.name.clone(), kept)).collect())
    }

    fn entry(&self, name: &str) -> Result<&Entry, Error> {
        self.entries.iter().find(|entry| entry.name() == name).ok_or_else(|| {
            let known: Vec<_> = self.entries.iter().map(|entry| entry.name()).collect();
            Error::Unknown { name: name.chars().take(80).collect(), known: known.join(", ") }
        })
    }

    fn told(&self, entry: &Entry, kept: Option<Kept>) -> SiteSetting {
        let (value, changed) = value_of(entry, kept);
        describe(entry, changed.map(|changed| (value, changed)))
    }
}

/// What holds, and the change it is from; what does not fit does not hold.
fn value_of(entry: &Entry, kept: Option<Kept>) -> (SettingValue, Option<Changed>) {
    let Some(kept) = kept else { return (entry.default.clone(), None) };
    let json: Result<Value, _> = serde_json::from_str(&kept.value);
    match json.map_err(|error| error.to_string()).and_then(|json| entry.read(&json)) {
        Ok(value) => (value, Some(kept.changed)),
        Err(rule) => {
            tracing::warn!(
                setting = entry.name(),
                kept.value,
                rule,
                "a kept setting does not fit; the settings file holds"
            );
            (entry.default.clone(), None)
        }
    }
}

fn describe(entry: &Entry, set: Option<(SettingValue, Changed)>) -> SiteSetting {
    let (value, changed) = set.unzip();
    let bounds = entry.rate_bounds();
    SiteSetting {
        name: entry.name(),
        kind: entry.kind(),
        value: value.unwrap_or_else(|| entry.default.clone()),
        default: entry.default.clone(),
        changed,
        at_least: bounds.map(|bounds| bounds.at_least.to_string()),
        at_once_max: bounds.map(|bounds| bounds.at_once_max),
        chars_max: entry.chars_max(),
    }
}

fn administrator(caller: &Identity) -> Result<Administrator, Error> {
    let Identity { account, handle, display_name, admin, .. } = caller;
    if !admin {
        return Err(Error::NotAllowed);
    }
    Ok(Administrator { id: *account, handle: handle.clone(), display_name: display_name.clone() })
}
