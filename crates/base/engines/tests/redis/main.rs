//! Redis: what it promises, on one server and on a cluster, and through the loss of its servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bus;
mod gatherings;

use engines::{
    redis::{Names, RedisServers},
    testing::RedisProcesses,
};

/// One server and a cluster, where there are any to be had.
fn all() -> Vec<RedisProcesses> {
    [RedisProcesses::one(), RedisProcesses::cluster()].into_iter().flatten().collect()
}

async fn servers(processes: &RedisProcesses) -> RedisServers {
    RedisServers::find(&processes.urls(), Names::new("madang", "test")).await.unwrap()
}
