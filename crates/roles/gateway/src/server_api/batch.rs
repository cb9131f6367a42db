//! Several commands in one request.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    ServerApi,
    answer::{Answer, bad_request},
    methods::Method,
};
use crate::needs::ClientError;

/// Commands of one batch at the most.
const COMMANDS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    commands: Vec<HashMap<String, Box<RawValue>>>,
    parallel: bool,
}

impl ServerApi {
    /// One reply for each command, in their order; one that fails stops no other.
    pub(super) async fn batch(&self, Batch { commands, parallel }: Batch) -> Answer {
        if commands.len() > COMMANDS_MAX {
            return Err(ClientError::limit("commands in a batch", COMMANDS_MAX));
        }
        let mut replies = Vec::with_capacity(commands.len());
        if parallel {
            replies = futures_util::future::join_all(commands.iter().map(|command| self.reply(command))).await;
        } else {
            for command in &commands {
                replies.push(self.reply(command).await);
            }
        }
        Ok(json!({ "replies": replies }))
    }

    async fn reply(&self, command: &HashMap<String, Box<RawValue>>) -> Value {
        let outcome = match command.iter().next() {
            Some((name, body)) if command.len() == 1 => match Method::named(name) {
                Some(method) => self.call(method, body.get().as_bytes()).await.map(|result| json!({ name: result })),
                None => Err(bad_request(&format!("there is no method {name:?}"))),
            },
            _ => Err(bad_request("a command of a batch has one method")),
        };
        outcome.unwrap_or_else(|error| json!({ "error": { "code": error.code, "message": error.message } }))
    }
}
