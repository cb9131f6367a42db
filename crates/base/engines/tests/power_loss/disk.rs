//! The machine that loses its power, and the look at its disk afterwards.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use engines::sql::{SqlRoomLog, sqlite};
use ports::room_log::RoomLog;
use ports::sql::Row;
use ports::sqlx;

use crate::writing::{FILE, ROOMS, Syncing, data, room, tombstone};

/// What a loss of power did.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Everything that was acknowledged is there.
    Survived {
        /// How much that was.
        entries: u64,
        /// How large the database's own file was, beside its write-ahead log.
        checkpointed_bytes: u64,
    },
    /// Something that was acknowledged is not.
    Lost(String),
}

pub(crate) struct Machine {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Machine {
    /// Compiles the disk that has only what was synced.
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libunsynced_writes.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_loss/unsynced_writes.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let compiled = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .status()
            .unwrap_or_else(|error| panic!("{compiler} does not start: {error}"));
        assert!(compiled.success(), "{compiler} cannot compile unsynced_writes.c");
        Self { folder, library }
    }

    /// Runs the writer until it has acknowledged so many groups, kills it, and looks at what was synced.
    pub(crate) async fn lose_power(&self, syncing: Syncing, seed: u64, groups: usize) -> Outcome {
        let place = self.folder.path().join(format!("{}-{seed}", syncing.name()));
        let (memory, disk) = (place.join("memory"), place.join("disk"));
        std::fs::create_dir_all(&memory).unwrap();
        std::fs::create_dir_all(&disk).unwrap();
        let kept = self.write(syncing, seed, groups, &memory, &disk);
        let checkpointed_bytes = std::fs::metadata(disk.join(FILE)).map_or(0, |metadata| metadata.len());
        match look(&disk.join(FILE), &kept).await {
            Ok(entries) => Outcome::Survived { entries, checkpointed_bytes },
            Err(lost) => Outcome::Lost(lost),
        }
    }

    /// The epoch and the last acknowledged offset of each room.
    fn write(
        &self,
        syncing: Syncing,
        seed: u64,
        groups: usize,
        memory: &Path,
        disk: &Path,
    ) -> HashMap<u32, (String, u64)> {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
            .env("LD_PRELOAD", &self.library)
            .env("MADANG_TEST_POWER_LOSS_FOLDER", memory)
            .env("MADANG_TEST_POWER_LOSS_DISK", disk)
            .env("MADANG_TEST_POWER_LOSS_SEED", seed.to_string())
            .env("MADANG_TEST_POWER_LOSS_SYNCING", syncing.name())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut kept = HashMap::new();
        let mut acknowledged = 0;
        // Read to the end: what was said before the kill was acknowledged before it.
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let ["kept", number, first, epoch] = words[..] else { continue };
            kept.insert(number.parse().unwrap(), (epoch.to_owned(), first.parse::<u64>().unwrap() + 1));
            acknowledged += 1;
            if acknowledged == groups {
                process.kill().unwrap();
            }
        }
        process.wait().unwrap();
        assert!(acknowledged >= groups, "the writer ended by itself after {acknowledged} groups");
        kept
    }
}

/// How many acknowledged entries stand as they should; or what is missing.
async fn look(file: &Path, kept: &HashMap<u32, (String, u64)>) -> Result<u64, String> {
    let database = sqlite(file).await.map_err(|error| error.to_string())?;
    let check = sqlx::query("PRAGMA integrity_check").fetch_one(database.reader()).await;
    let check: String = check.and_then(|row| row.try_get(0)).map_err(|error| error.to_string())?;
    if check != "ok" {
        return Err(check);
    }
    let log = SqlRoomLog::new(database);
    let mut entries = 0;
    for number in 0..ROOMS {
        let Some((epoch, last)) = kept.get(&number) else { continue };
        entries += look_at_room(&log, number, epoch, *last).await?;
    }
    Ok(entries)
}

async fn look_at_room(log: &SqlRoomLog, number: u32, epoch: &str, last: u64) -> Result<u64, String> {
    let room = room(number);
    let head = log.head(&room).await.map_err(|error| error.to_string())?;
    if head.epoch != epoch || head.next <= last {
        return Err(format!("{room} stands at {head:?}; {last} of {epoch} was acknowledged"));
    }
    // One group may have been synced whose acknowledgement was not heard; it must be whole like the others.
    for offset in 1..head.next {
        let records = log.read(&room, offset, 1).await.map_err(|error| error.to_string())?;
        let expected = if offset % 2 == 1 { tombstone(number, offset) } else { data(number, offset) };
        if records.len() != 1 || records[0].offset != offset || records[0].data != expected {
            return Err(format!("{room} has not at {offset} what was acknowledged there"));
        }
        let place = log.offsets_of(&room, &[format!("key {offset}")]).await.map_err(|error| error.to_string())?;
        if place != [Some(offset)] {
            return Err(format!("{room} does not know the key of {offset}"));
        }
    }
    if head.next % 2 == 0 {
        return Err(format!("{room} has half a group at its end"));
    }
    Ok(last)
}
