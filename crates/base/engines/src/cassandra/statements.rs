//! The tables, and everything that is asked of them.

use scylla::{
    client::session::Session,
    errors::PrepareError,
    statement::{Consistency, prepared::PreparedStatement},
};

/// The tables of a keyspace.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("rooms", "room text PRIMARY KEY, epoch text, bucket bigint"),
    (
        "room_groups",
        "room text, bucket bigint, first bigint, epoch text STATIC, next bigint STATIC, records blob, \
         key_places frozen<map<text, bigint>>, redactions frozen<map<bigint, blob>>, PRIMARY KEY ((room, bucket), first)",
    ),
    ("room_keys", "room text, shard int, key text, first bigint, PRIMARY KEY ((room, shard), key, first)"),
    (
        "room_redactions",
        "room text, bucket bigint, place bigint, first bigint, replacement blob, \
         PRIMARY KEY ((room, bucket), place, first)",
    ),
    // One row.
    ("keyspace_owner", "one int PRIMARY KEY, site text"),
];

/// Rows of one answer; the next are asked for.
const PAGE_ROWS: i32 = 250;

/// Each prepared once, sent to a server that holds its partition.
pub(super) struct Statements {
    pub(super) room: PreparedStatement,
    pub(super) begin_room: PreparedStatement,
    pub(super) name_bucket: PreparedStatement,
    pub(super) begin_bucket: PreparedStatement,
    pub(super) standing: PreparedStatement,
    pub(super) append: PreparedStatement,
    pub(super) overwrite: PreparedStatement,
    pub(super) group_before: PreparedStatement,
    pub(super) groups_between: PreparedStatement,
    pub(super) keys_of_group: PreparedStatement,
    pub(super) redactions_of_group: PreparedStatement,
    pub(super) keys: PreparedStatement,
    pub(super) hint_key: PreparedStatement,
    pub(super) redactions: PreparedStatement,
    pub(super) hint_redaction: PreparedStatement,
    pub(super) confirm_redaction: PreparedStatement,
    pub(super) forget_redaction: PreparedStatement,
}

impl Statements {
    pub(super) async fn prepare(session: &Session, keyspace: &str) -> Result<Self, PrepareError> {
        let (rooms, groups) = (format!("{keyspace}.rooms"), format!("{keyspace}.room_groups"));
        let (keys, redactions) = (format!("{keyspace}.room_keys"), format!("{keyspace}.room_redactions"));
        let plain = async |text: String| {
            let mut statement = session.prepare(text).await?;
            statement.set_is_idempotent(true);
            statement.set_page_size(PAGE_ROWS);
            Ok::<_, PrepareError>(statement)
        };
        // A condition is never tried again by the driver: the first try may have been kept.
        let conditional = async |text: String| session.prepare(text).await;
        let mut standing =
            plain(format!("SELECT epoch, next FROM {groups} WHERE room = ? AND bucket = ? LIMIT 1")).await?;
        standing.set_consistency(Consistency::Serial);
        Ok(Self {
            standing,
            room: plain(format!("SELECT epoch, bucket FROM {rooms} WHERE room = ?")).await?,
            begin_room: conditional(format!(
                "INSERT INTO {rooms} (room, epoch, bucket) VALUES (?, ?, 0) IF NOT EXISTS"
            ))
            .await?,
            name_bucket: conditional(format!("UPDATE {rooms} SET bucket = ? WHERE room = ? IF bucket < ?")).await?,
            begin_bucket: conditional(format!(
                "UPDATE {groups} SET epoch = ?, next = ? WHERE room = ? AND bucket = ? IF next = NULL"
            ))
            .await?,
            append: conditional(format!(
                "UPDATE {groups} SET next = ?, records = ?, key_places = ?, redactions = ? \
                 WHERE room = ? AND bucket = ? AND first = ? IF epoch = ? AND next = ?"
            ))
            .await?,
            overwrite: conditional(format!(
                "UPDATE {groups} SET records = ? WHERE room = ? AND bucket = ? AND first = ? IF records = ?"
            ))
            .await?,
            group_before: plain(format!(
                "SELECT first, records, redactions FROM {groups} WHERE room = ? AND bucket = ? AND first <= ? \
                 ORDER BY first DESC LIMIT 1"
            ))
            .await?,
            groups_between: plain(format!(
                "SELECT first, records, redactions FROM {groups} \
                 WHERE room = ? AND bucket = ? AND first > ? AND first < ?"
            ))
            .await?,
            keys_of_group: plain(format!(
                "SELECT key_places FROM {groups} WHERE room = ? AND bucket = ? AND first = ?"
            ))
            .await?,
            redactions_of_group: plain(format!(
                "SELECT redactions FROM {groups} WHERE room = ? AND bucket = ? AND first = ?"
            ))
            .await?,
            keys: plain(format!("SELECT key, first FROM {keys} WHERE room = ? AND shard = ? AND key IN ?")).await?,
            hint_key: plain(format!("INSERT INTO {keys} (room, shard, key, first) VALUES (?, ?, ?, ?)")).await?,
            redactions: plain(format!(
                "SELECT place, first, replacement FROM {redactions} \
                 WHERE room = ? AND bucket = ? AND place >= ? AND place < ?"
            ))
            .await?,
            hint_redaction: plain(format!("INSERT INTO {redactions} (room, bucket, place, first) VALUES (?, ?, ?, ?)"))
                .await?,
            confirm_redaction: plain(format!(
                "UPDATE {redactions} SET replacement = ? WHERE room = ? AND bucket = ? AND place = ? AND first = ?"
            ))
            .await?,
            forget_redaction: plain(format!(
                "DELETE FROM {redactions} WHERE room = ? AND bucket = ? AND place = ? AND first = ?"
            ))
            .await?,
        })
    }
}
