//! Who is there.

use std::collections::HashMap;

use tokio::time::Instant;

use super::{LEASE, Profile};

/// The gateways that were heard, and when.
#[derive(Default)]
pub(super) struct Present(HashMap<String, (Profile, Instant)>);

impl Present {
    /// Whether it had not been there.
    pub(super) fn heard(&mut self, profile: Profile, now: Instant) -> bool {
        let is_new = !self.is_there(&profile.id);
        self.0.insert(profile.id.clone(), (profile, now));
        self.0.retain(|_, (_, heard)| now - *heard < LEASE);
        is_new
    }

    pub(super) fn left(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Whether it was heard within the lease.
    pub(super) fn is_there(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|(_, heard)| heard.elapsed() < LEASE)
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.those().map(|profile| profile.id.clone()).collect()
    }

    pub(super) fn profiles(&self) -> Vec<Profile> {
        self.those().cloned().collect()
    }

    fn those(&self) -> impl Iterator<Item = &Profile> {
        self.0.values().filter(|(_, heard)| heard.elapsed() < LEASE).map(|(profile, _)| profile)
    }
}
