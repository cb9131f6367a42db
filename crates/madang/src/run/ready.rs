//! Whether this process can do its work.

use std::sync::Arc;

use api::{Check, Readiness};
use async_trait::async_trait;
use ports::sqlx;

use super::stores::Stores;

/// Ready when every store answers.
pub(crate) struct StoresReady(pub(crate) Arc<Stores>);

#[async_trait]
impl Readiness for StoresReady {
    async fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, database) in [("records", &self.0.records), ("rooms", &self.0.rooms)] {
            let answer = sqlx::query("SELECT 1").execute(database.reader()).await;
            checks.push(Check { name, result: answer.map(|_| ()).map_err(|error| error.to_string()) });
        }
        checks
    }
}
