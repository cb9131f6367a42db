//! Gatherings in Redis: a hash of what processes said, and two sorted sets, of who is here and who has left.

use async_trait::async_trait;
use ports::gatherings::{
    GatheringError, Gatherings, LEASE_MS, LEFT_REMEMBERED_MS, Movement, Present, Told, UNKEPT_MS, Word,
};
use redis::{RedisError, Script};

use super::{Names, RedisServers, connect::Link};

/// What is said to Redis in one command: it is one script, so a word is taken as a whole.
const SCRIPT: &str = include_str!("gathering.lua");
/// The keys of a gathering: what was said, who is here, who has left.
const KEYS: [&str; 3] = ["gathering", "gathering-here", "gathering-gone"];

/// Gatherings that all processes of a site share.
pub struct RedisGatherings {
    link: Link,
    names: Names,
    script: Script,
}

impl RedisGatherings {
    /// Connects; fails when that is not possible now. Needs a Tokio runtime.
    pub async fn connect(servers: &RedisServers) -> Result<Self, RedisError> {
        Ok(Self { link: servers.link().await?, names: servers.names().clone(), script: Script::new(SCRIPT) })
    }

    fn keys(&self, name: &str) -> [String; 3] {
        KEYS.map(|key| self.names.of(key, name))
    }

    async fn run(&self, name: &str, writer: i64, word: &Word) -> Result<Vec<i64>, RedisError> {
        let keys = self.keys(name);
        let numbers = [word.at.as_millis(), LEASE_MS, LEFT_REMEMBERED_MS, UNKEPT_MS]
            .into_iter()
            .chain([word.unkept, word.kept, word.troubles].map(|count| i64::try_from(count).unwrap_or(i64::MAX)));
        let mut call = self.script.prepare_invoke();
        keys.iter().for_each(|key| {
            call.key(key);
        });
        call.arg(writer).arg(i32::from(word.begins));
        numbers.for_each(|number| {
            call.arg(number);
        });
        for Movement { member, at, leaves } in &word.movements {
            call.arg(*member).arg(at.as_millis()).arg(i32::from(*leaves));
        }
        call.invoke_async(&mut self.link.clone()).await
    }
}

#[async_trait]
impl Gatherings for RedisGatherings {
    async fn say(&self, name: &str, writer: i64, word: &Word) -> Result<Told, GatheringError> {
        let answer = self.run(name, writer, word).await.map_err(failed)?;
        match answer[..] {
            [] => Ok(Told::SayAll),
            [age_ms, here, most, stayed_ms, unkept, kept, troubles] => {
                let [here, most, stayed_ms, unkept, kept, troubles] =
                    [here, most, stayed_ms, unkept, kept, troubles].map(i64::unsigned_abs);
                Ok(Told::Present(Present { age_ms, here, most, stayed_ms, unkept, kept, troubles }))
            }
            _ => Err(GatheringError(format!("an answer of {} numbers", answer.len()))),
        }
    }

    async fn end(&self, name: &str) -> Result<(), GatheringError> {
        let keys = self.keys(name);
        redis::cmd("UNLINK").arg(&keys[..]).exec_async(&mut self.link.clone()).await.map_err(failed)
    }
}

fn failed(error: RedisError) -> GatheringError {
    GatheringError(error.to_string())
}
