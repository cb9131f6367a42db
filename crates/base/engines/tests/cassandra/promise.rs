//! The contract of a room log.

use std::sync::Arc;

use async_trait::async_trait;
use engines::{cassandra::CassandraRoomLog, testing::cassandra_keyspace};
use ports::{
    contract::{self, room_log::Store},
    room_log::RoomLog,
};

use crate::open;

struct Keyspace(String);

#[async_trait]
impl Store for Keyspace {
    async fn open(&self) -> Arc<dyn RoomLog> {
        open(&self.0).await
    }

    async fn reopen(&self) -> Arc<dyn RoomLog> {
        open(&self.0).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_promise_of_a_room_log() {
    let Some(address) = cassandra_keyspace() else { return };
    contract::room_log::run(&Keyspace(address)).await;
}

#[tokio::test]
async fn what_cannot_be_used_is_said() {
    let nobody = CassandraRoomLog::connect(&"cassandra://127.0.0.1:1/rooms".parse().unwrap()).await;
    let told = nobody.unwrap_err().to_string();
    assert!(told.contains("refused"), "{told}");
}
