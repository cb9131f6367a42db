//! The connected clients of this process, by their id, by their user, and by their session.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::hub::Member;

/// Who is connected.
#[derive(Default)]
pub(crate) struct Registry(RwLock<Connected>);

#[derive(Default)]
struct Connected {
    by_id: HashMap<Arc<str>, Arc<Member>>,
    /// Not the anonymous ones: they are one user without end.
    by_user: HashMap<Arc<str>, Vec<Arc<Member>>>,
    /// Those whose transport has one.
    by_session: HashMap<Arc<str>, Arc<Member>>,
}

impl Registry {
    /// `session` is empty for a connection without one.
    pub(crate) fn add(&self, member: Arc<Member>, session: &Arc<str>) {
        let mut connected = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !session.is_empty() {
            connected.by_session.insert(session.clone(), member.clone());
        }
        if let Some(user) = member.user().filter(|user| !user.is_empty()) {
            let of_user = connected.by_user.entry(user.clone()).or_default();
            of_user.reserve_exact(1);
            of_user.push(member.clone());
        }
        connected.by_id.insert(member.id().clone(), member);
    }

    pub(crate) fn remove(&self, member: &Arc<Member>, session: &str) {
        let mut connected = self.0.write().unwrap_or_else(PoisonError::into_inner);
        connected.by_session.remove(session);
        connected.by_id.remove(member.id());
        if let Some(user) = member.user()
            && let Some(of_user) = connected.by_user.get_mut(user)
        {
            of_user.retain(|other| !Arc::ptr_eq(other, member));
            if of_user.is_empty() {
                connected.by_user.remove(user);
            }
        }
    }

    pub(crate) fn client(&self, id: &str) -> Option<Arc<Member>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.values().cloned().collect()
    }

    pub(crate) fn session(&self, session: &str) -> Option<Arc<Member>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_session.get(session).cloned()
    }

    /// All connections of a user; of the user without a name, all anonymous ones.
    pub(crate) fn user(&self, user: &str) -> Vec<Arc<Member>> {
        let connected = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if user.is_empty() {
            let is_anonymous = |member: &&Arc<Member>| member.user().is_none_or(|user| user.is_empty());
            return connected.by_id.values().filter(is_anonymous).cloned().collect();
        }
        connected.by_user.get(user).cloned().unwrap_or_default()
    }

    /// How many clients, and how many different users; anonymous ones are one user.
    pub(crate) fn count(&self) -> (u64, u64) {
        let connected = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named: usize = connected.by_user.values().map(Vec::len).sum();
        let users = connected.by_user.len() + usize::from(connected.by_id.len() > named);
        (connected.by_id.len() as u64, users as u64)
    }
}
