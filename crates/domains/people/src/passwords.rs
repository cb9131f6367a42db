//! Hashing passwords with argon2id in a bounded pool.
//!
//! Promise: at most `hashing_threads` hashes run at once and `hashing_queue` wait; more are told to come back. A request
//! that goes away while it waits leaves the queue; one whose hash already runs keeps its thread counted until the end.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc::PasswordHash},
};
use kernel::Random;
use tokio::sync::Semaphore;

use crate::{Failure, Settings};

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("too many passwords wait to be hashed")]
    Busy,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The pool.
pub(crate) struct Passwords {
    random: Arc<dyn Random>,
    threads: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// 19 MiB, two passes, one lane: the first choice of the OWASP Password Storage Cheat Sheet (2024), and argon2's default.
const PARAMS: Params = Params::DEFAULT;
const SALT_BYTES: usize = 16;
/// The hash no password has; checking against it takes as long as against a real one.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWFkYW5nLW5vLWFjY291bnQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    pub(crate) fn new(random: Arc<dyn Random>, settings: &Settings) -> Self {
        let threads = settings.hashing_threads.clamp(1, 64) as usize;
        let places = threads + settings.hashing_queue.min(10_000) as usize;
        Self { random, threads: Arc::new(Semaphore::new(threads)), places: Arc::new(Semaphore::new(places)) }
    }

    /// The hash to keep of a new password, as a PHC string.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt).map_err(Failure::from)?;
        let hashed = self.run(move || argon2().hash_password_with_salt(password.as_bytes(), &salt)).await?;
        Ok(hashed.map(|hash: PasswordHash| hash.to_string()).map_err(failed)?)
    }

    /// Whether `password` is the one of the `kept` hash. Without one the answer is no, after the same work.
    pub(crate) async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, PasswordError> {
        let verified = self.run(move || {
            let hash = PasswordHash::new(kept.as_deref().unwrap_or(DECOY)).map_err(|error| error.to_string())?;
            match argon2().verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(kept.is_some()),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.to_string()),
            }
        });
        Ok(verified.await?.map_err(Failure::Hashing)?)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let thread = self.threads.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            let _held = (place, thread);
            work()
        });
        task.await.map_err(|error| Failure::Hashing(error.to_string()).into())
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn failed(error: password_hash::Error) -> Failure {
    Failure::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(threads: u32, queue: u32) -> Passwords {
        let settings = Settings { hashing_threads: threads, hashing_queue: queue, ..Settings::default() };
        Passwords::new(Arc::new(engines::system::SystemRandom), &settings)
    }

    #[tokio::test]
    async fn a_hash_is_salted_and_knows_its_password() {
        let passwords = passwords(2, 10);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert_ne!(hash, passwords.hash("correct horse".into()).await.unwrap());
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
        let work = |text: &str| text.rsplit_once('$').unwrap().0.rsplit_once('$').unwrap().0.to_owned();
        assert_eq!(work(&hash), work(DECOY), "an unknown handle must cost what a known one costs");
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_are_sent_away() {
        let passwords = Arc::new(passwords(1, 1));
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(move || blocked.recv().is_ok()).await }
        });
        let mut second = Box::pin(passwords.run(|| true));
        while passwords.places.available_permits() > 0 {
            tokio::select! { biased; _ = &mut second => panic!("the thread is taken"), () = tokio::task::yield_now() => () }
        }
        assert!(matches!(passwords.run(|| true).await, Err(PasswordError::Busy)));
        release.send(()).unwrap();
        assert!(first.await.unwrap().unwrap() && second.await.unwrap());
        assert!(passwords.run(|| true).await.unwrap(), "the places are free again");
    }
}
