//! A row of `broadcasts`, and the words it is kept in.

use kernel::{
    AccountId, BroadcastId, ChannelId, Timestamp,
    events::live::{BroadcastState, StreamState},
};
use ports::{
    sql::{Row, SqlError},
    sqlx::any::AnyRow,
};

use crate::broadcasts::{
    lifecycle::Life,
    model::{Broadcast, Recording},
};

/// The columns of a broadcast, with what follows them in the statement.
macro_rules! select_of {
    ($($tail:literal),+) => {
        concat!(
            "SELECT id, channel, host, title, state, stream, broadcasts.publish_epoch, gone_epoch, auto_start, \
             scheduled_at_ms, started_at_ms, paused_at_ms, silent_since_ms, timeline_start_ms, ended_at_ms, recording, \
             created_at_ms, version",
            $($tail),+
        )
    };
}
pub(super) use select_of;

/// The columns of a broadcast from its table, with what follows that in the statement.
macro_rules! select {
    ($tail:literal) => {
        $crate::broadcasts::store::row::select_of!(" FROM broadcasts ", $tail)
    };
}
pub(super) use select;

pub(super) fn broadcast(row: &AnyRow) -> Result<Broadcast, SqlError> {
    Ok(Broadcast {
        id: BroadcastId::from_raw(row.try_get(0)?),
        channel: ChannelId::from_raw(row.try_get(1)?),
        host: AccountId::from_raw(row.try_get(2)?),
        title: row.try_get(3)?,
        life: Life {
            state: state(row.try_get(4)?)?,
            stream: stream(row.try_get(5)?)?,
            publish_epoch: row.try_get(6)?,
            gone_epoch: row.try_get(7)?,
            auto_start: row.try_get::<i64, _>(8)? != 0,
            scheduled_at: moment(row, 9)?,
            started_at: moment(row, 10)?,
            paused_at: moment(row, 11)?,
            silent_since: moment(row, 12)?,
            timeline_start: moment(row, 13)?,
            ended_at: moment(row, 14)?,
        },
        recording: recording(row.try_get(15)?)?,
        created_at: Timestamp::from_millis(row.try_get(16)?),
        version: row.try_get(17)?,
    })
}

pub(super) fn state_text(state: BroadcastState) -> &'static str {
    match state {
        BroadcastState::Created => "created",
        BroadcastState::Ready => "ready",
        BroadcastState::Live => "live",
        BroadcastState::Paused => "paused",
        BroadcastState::Ended => "ended",
    }
}

pub(super) fn stream_text(stream: StreamState) -> &'static str {
    match stream {
        StreamState::Absent => "absent",
        StreamState::Arriving => "arriving",
        StreamState::Interrupted => "interrupted",
    }
}

pub(super) fn recording_text(recording: Recording) -> &'static str {
    match recording {
        Recording::Pending => "pending",
        Recording::Kept => "kept",
        Recording::Gone => "gone",
    }
}

fn state(text: &str) -> Result<BroadcastState, SqlError> {
    use BroadcastState::{Created, Ended, Live, Paused, Ready};
    word(text, [Created, Ready, Live, Paused, Ended], state_text)
}

fn stream(text: &str) -> Result<StreamState, SqlError> {
    word(text, [StreamState::Absent, StreamState::Arriving, StreamState::Interrupted], stream_text)
}

fn recording(text: &str) -> Result<Recording, SqlError> {
    word(text, [Recording::Pending, Recording::Kept, Recording::Gone], recording_text)
}

fn word<T: Copy, const N: usize>(text: &str, all: [T; N], name: fn(T) -> &'static str) -> Result<T, SqlError> {
    let found = all.into_iter().find(|each| name(*each) == text);
    found.ok_or_else(|| SqlError::Decode(format!("{text:?} is no word of the table broadcasts").into()))
}

fn moment(row: &AnyRow, column: usize) -> Result<Option<Timestamp>, SqlError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}
