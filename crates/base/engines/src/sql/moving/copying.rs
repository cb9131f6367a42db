//! One table from its file into the target, in batches: each is kept whole or not at all, and none is kept before the one
//! before it in the order of the key. So the last key that is there says where to go on.

use std::time::{Duration, Instant};

use super::{MoveError, Tell, Told, catalog::Table, source::Source, target::Target};

/// Rows of a batch at the most.
const BATCH_ROWS: u64 = 10_000;
/// Bytes of a batch, but for its last row.
const BATCH_BYTES: usize = 4 << 20;
/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Copies the rows behind those that are there.
pub(super) async fn copy(
    source: &mut Source,
    target: &mut Target,
    table: &Table,
    tell: Tell<'_>,
) -> Result<(), MoveError> {
    let of = source.count(table).await?;
    let after = target.last_key(table).await?;
    let mut batch = Batch { target, table, rows: 0, bytes: Vec::new(), copied: 0, of, told: Instant::now() };
    let whole = async |row: Vec<u8>| batch.take(&row, tell).await;
    source.rows(table, after, whole).await?;
    batch.send().await?;
    tell(Told::Copied { table: &table.name, rows: batch.copied, of });
    Ok(())
}

/// What is sent together.
struct Batch<'a> {
    target: &'a mut Target,
    table: &'a Table,
    rows: u64,
    bytes: Vec<u8>,
    copied: u64,
    of: u64,
    told: Instant,
}

impl Batch<'_> {
    async fn take(&mut self, row: &[u8], tell: Tell<'_>) -> Result<(), MoveError> {
        self.bytes.extend_from_slice(row);
        self.rows += 1;
        if self.rows < BATCH_ROWS && self.bytes.len() < BATCH_BYTES {
            return Ok(());
        }
        self.send().await?;
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            tell(Told::Copied { table: &self.table.name, rows: self.copied, of: self.of });
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), MoveError> {
        if self.rows > 0 {
            self.target.take(self.table, &self.bytes).await?;
            self.copied += std::mem::take(&mut self.rows);
            self.bytes.clear();
        }
        Ok(())
    }
}
