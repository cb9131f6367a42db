//! The sessions of fallbacks by their names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use kernel::Problem;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

use crate::fleet::Emulated;

/// Frames of a client that wait.
const FRAMES_UP_MAX: usize = 16;

/// Who takes frames.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Arc<str>, mpsc::Sender<Bytes>>>);

/// A session that takes frames as long as this is held.
pub(super) struct Session {
    name: Arc<str>,
    sessions: Arc<Sessions>,
}

impl Sessions {
    /// A new session, and the frames that are sent into it.
    pub(super) fn begin(self: &Arc<Self>) -> Result<(Session, mpsc::Receiver<Bytes>), Problem> {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| {
            tracing::error!("the random source failed");
            Problem::internal()
        })?;
        let name: Arc<str> = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let (up, frames) = mpsc::channel(FRAMES_UP_MAX);
        self.lock().insert(name.clone(), up);
        Ok((Session { name, sessions: self.clone() }, frames))
    }

    /// Where frames for the session go; none: it is over, or never was.
    pub(super) fn find(&self, name: &str) -> Option<mpsc::Sender<Bytes>> {
        self.lock().get(name).cloned()
    }

    /// Takes a frame that came by another gateway.
    pub(crate) fn take(&self, name: &str, data: Bytes) -> Emulated {
        match self.find(name).map(|up| up.try_send(data)) {
            Some(Ok(())) => Emulated::Taken,
            Some(Err(mpsc::error::TrySendError::Full(_))) => Emulated::Busy,
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => Emulated::Unknown,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, mpsc::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.name);
    }
}
