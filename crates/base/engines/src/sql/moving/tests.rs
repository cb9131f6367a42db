//! Whole moves between real engines: what arrives, what is refused, and what becomes of a move that was cut short.

use std::path::Path;

use ports::sql::{Database, SqlError};
use ports::sqlx::{self, AssertSqlSafe};

use super::*;
use crate::{sql, testing::empty_postgres_database};

/// PostgreSQL wants the table that is referred to first.
const RECORDS: &[Migration] = &[Migration {
    version: 1,
    name: "records",
    sql: "CREATE TABLE writers (id BIGINT PRIMARY KEY, name VARCHAR NOT NULL);
          CREATE TABLE a_note (
            id {identity},
            writer BIGINT NOT NULL REFERENCES writers (id),
            flag BOOLEAN,
            small SMALLINT,
            middle INTEGER,
            ratio REAL,
            exact DOUBLE PRECISION,
            text TEXT,
            data {bytes}
          );",
}];
const ROOMS: &[Migration] = &[Migration {
    version: 2,
    name: "rooms",
    sql: "CREATE TABLE lines (room TEXT NOT NULL, key TEXT NOT NULL, place BIGINT NOT NULL, PRIMARY KEY (room, key))",
}];
/// 5,000 lines of `Z`, then as many of `a` and of `b`: so SQLite orders them, and no dictionary does. Batches end at 10,000.
const LINES: &str = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) \
     INSERT INTO lines SELECT r.column1, printf('%05d', i), i FROM n, (VALUES ('Z'), ('a'), ('b')) AS r";
/// The target orders as a dictionary does, and fails when the last third begins.
const FAIL_AT_B: &str = "ALTER TABLE lines ALTER COLUMN room TYPE TEXT COLLATE \"en-x-icu\"; \
     CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN IF NEW.room = 'b' THEN RAISE EXCEPTION 'no more'; END IF; RETURN NEW; END $$; \
     CREATE TRIGGER fail BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION fail()";
const HEAL: &str = "DROP TRIGGER fail ON lines";
const SWALLOW: &str = "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN IF NEW.key = '00007' THEN RETURN NULL; END IF; RETURN NEW; END $$; \
     CREATE TRIGGER swallow BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION swallow()";

/// A site in two files, and an empty database for it.
struct Stage {
    folder: tempfile::TempDir,
    url: String,
}

impl Stage {
    async fn new() -> Option<Self> {
        let url = empty_postgres_database().await?;
        let stage = Self { folder: tempfile::tempdir().unwrap(), url };
        for file in stage.files() {
            let database = sql::sqlite(&file.path).await.unwrap();
            migrate(&database, &file.migrations).await.unwrap();
            database.close().await;
        }
        Some(stage)
    }

    fn files(&self) -> [SourceFile; 2] {
        let file = |name: &str, steps: &[Migration]| SourceFile {
            path: self.folder.path().join(name),
            migrations: steps.to_vec(),
        };
        [file("records.db", RECORDS), file("rooms.db", ROOMS)]
    }

    async fn in_file(&self, name: &str, text: &str) {
        let database = sql::sqlite(&self.folder.path().join(name)).await.unwrap();
        let mut tx = database.write().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        database.close().await;
    }

    /// Leaves the files as a process leaves them that is killed: what was written last is not in the main file yet.
    async fn kill(&mut self) {
        let copy = tempfile::tempdir().unwrap();
        for file in self.files() {
            let database = sql::sqlite(&file.path).await.unwrap();
            let mut tx = database.write().await.unwrap();
            sqlx::query("CREATE TABLE _last (x BIGINT)").execute(tx.conn()).await.unwrap();
            tx.commit().await.unwrap();
            for entry in std::fs::read_dir(self.folder.path()).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
            database.close().await;
        }
        self.folder = copy;
    }

    async fn in_target(&self, text: &str) {
        let database = self.target().await;
        let mut connection = database.reader().acquire().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut *connection).await.unwrap();
    }

    async fn target(&self) -> Database {
        sql::postgres(&self.url, 1).await.unwrap()
    }

    async fn make_schema(&self) {
        migrate(&self.target().await, &steps_there()).await.unwrap();
    }

    /// Moves; what was told stands in the second place.
    async fn go(&self) -> (Result<Vec<Compared>, MoveError>, Vec<String>) {
        let owner = Ownership::take(&self.url).await.unwrap();
        let (files, migrations) = (self.files(), steps_there());
        let now = Timestamp::from_millis(1_800_000_000_000);
        let one = Move { files: &files, target: &owner, migrations: &migrations, now };
        let mut told = Vec::new();
        let ended = one.run(&mut |news| told.push(format!("{news:?}"))).await;
        (ended, told)
    }

    async fn go_in_vain(&self) -> MoveError {
        self.go().await.0.expect_err("it cannot be moved")
    }
}

fn steps_there() -> Vec<Migration> {
    [RECORDS, ROOMS].concat()
}

fn contents(path: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap())
        // The index of the write-ahead log holds readers' marks, and no data.
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn everything_arrives_and_is_counted_on() {
    let Some(mut stage) = Stage::new().await else { return };
    let rows = "INSERT INTO writers VALUES (-9223372036854775808, ''), (9223372036854775807, 'ü'' \"마당\" \\n' || char(10, 9));
        INSERT INTO a_note VALUES (1, -9223372036854775808, 1, -32768, 2147483647, 0.5, 1e300, 'text', x'00ff5c'),
          (2, 9223372036854775807, 0, 32767, -2147483648, -1.25, -0.1, '', x''),
          (3, 9223372036854775807, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (41, 9223372036854775807, NULL, NULL, NULL, 3, 4, NULL, NULL);
        DELETE FROM a_note WHERE id = 41";
    stage.in_file("records.db", rows).await;
    stage.in_file("rooms.db", LINES).await;
    stage.kill().await;
    let before = contents(stage.folder.path());
    assert!(before.iter().any(|(name, _)| name.to_string_lossy().ends_with("-wal")));
    let (ended, told) = stage.go().await;
    let compared = ended.unwrap();
    let rows: Vec<(&str, u64)> = compared.iter().map(|one| (one.table.as_str(), one.target.rows)).collect();
    assert_eq!(rows, [("lines", 15_000), ("writers", 2), ("a_note", 3)], "who is referred to comes first");
    assert!(compared.iter().all(|one| one.is_alike() && one.source.hash != 0), "{compared:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("Copied")).count(), 3, "{told:#?}");
    assert!(before == contents(stage.folder.path()), "the files are as they were");

    let target = stage.target().await;
    assert!(!unfinished(&target).await.unwrap());
    let note: (bool, i16, i32, f32, f64, String, Vec<u8>) =
        sqlx::query_as("SELECT flag, small, middle, ratio, exact, text, data FROM a_note WHERE id = 1")
            .fetch_one(target.reader())
            .await
            .unwrap();
    assert_eq!(note, (true, -32768, 2_147_483_647, 0.5, 1e300, "text".into(), vec![0, 0xff, 0x5c]));
    let writer: String =
        sqlx::query_scalar("SELECT name FROM writers WHERE id > 0").fetch_one(target.reader()).await.unwrap();
    assert_eq!(writer, "ü' \"마당\" \\n\n\t");
    let insert = "INSERT INTO a_note (writer) SELECT MAX(id) FROM writers RETURNING id";
    let next: i64 = sqlx::query_scalar(insert).fetch_one(target.reader()).await.unwrap();
    assert_eq!(next, 42, "no number is given again, also not one whose row is gone");

    assert!(matches!(stage.go_in_vain().await, MoveError::Finished));
}

#[tokio::test]
async fn a_move_that_was_cut_short_goes_on_where_it_was() {
    let Some(stage) = Stage::new().await else { return };
    stage.in_file("rooms.db", LINES).await;
    stage.make_schema().await;
    stage.in_target(FAIL_AT_B).await;
    let failed = stage.go_in_vain().await.to_string();
    assert!(failed.contains("no more"), "{failed}");
    assert!(unfinished(&stage.target().await).await.unwrap(), "nobody may use half a site");
    stage.in_target(HEAL).await;
    let (ended, told) = stage.go().await;
    assert!(ended.unwrap().iter().all(Compared::is_alike));
    assert_eq!(told[0], "GoesOn");
    assert!(told.contains(&r#"Copied { table: "lines", rows: 5000, of: 15000 }"#.to_owned()), "{told:#?}");
    assert!(!told.contains(&"BeginsAgain".to_owned()));
    assert!(!unfinished(&stage.target().await).await.unwrap());
}

#[tokio::test]
async fn what_an_earlier_move_left_is_not_believed() {
    let Some(stage) = Stage::new().await else { return };
    stage.in_file("rooms.db", LINES).await;
    stage.make_schema().await;
    stage.in_target(FAIL_AT_B).await;
    stage.go_in_vain().await;
    // Meanwhile the site ran on, on its files.
    stage.in_file("rooms.db", "UPDATE lines SET place = -1 WHERE room = 'Z' AND key = '00003'").await;
    stage.in_target(HEAL).await;
    let (ended, told) = stage.go().await;
    assert!(ended.unwrap().iter().all(Compared::is_alike));
    assert!(told.contains(&"BeginsAgain".to_owned()), "{told:#?}");
    let place: i64 = sqlx::query_scalar("SELECT place FROM lines WHERE room = 'Z' AND key = '00003'")
        .fetch_one(stage.target().await.reader())
        .await
        .unwrap();
    assert_eq!(place, -1);
}

#[tokio::test]
async fn a_row_that_does_not_arrive_is_found_and_its_table_named() {
    let Some(stage) = Stage::new().await else { return };
    stage.in_file("rooms.db", LINES).await;
    stage.make_schema().await;
    stage.in_target(SWALLOW).await;
    let failed = stage.go_in_vain().await;
    let told = failed.to_string();
    let MoveError::Different(tables) = failed else { panic!("{told}") };
    let [lines] = &tables[..] else { panic!("{told}") };
    assert_eq!((lines.table.as_str(), lines.source.rows, lines.target.rows), ("lines", 15_000, 14_997));
    assert!(told.contains("lines: 15000 rows"), "{told}");
    assert!(unfinished(&stage.target().await).await.unwrap());
    stage.in_target("DROP TRIGGER swallow ON lines").await;
    assert!(stage.go().await.0.unwrap().iter().all(Compared::is_alike), "once healed, it goes well");
}

#[tokio::test]
async fn a_target_that_holds_something_is_refused() {
    let Some(stage) = Stage::new().await else { return };
    stage.make_schema().await;
    stage.in_target("INSERT INTO writers VALUES (1, 'somebody')").await;
    let failed = stage.go_in_vain().await;
    assert!(matches!(&failed, MoveError::NotEmpty(table) if table == "writers"), "{failed}");
    stage.in_target("DELETE FROM writers; CREATE TABLE theirs AS SELECT 1 AS x").await;
    let failed = stage.go_in_vain().await;
    assert!(matches!(&failed, MoveError::NotEmpty(table) if table == "theirs"), "{failed}");

    // Half of another site.
    let Some(mut other) = Stage::new().await else { return };
    other.make_schema().await;
    other.in_target(FAIL_AT_B).await;
    other.in_file("rooms.db", LINES).await;
    other.go_in_vain().await;
    other.folder = stage.folder;
    let failed = other.go_in_vain().await;
    assert!(matches!(failed, MoveError::OtherSite), "{failed}");
}

#[tokio::test]
async fn sides_that_do_not_fit_are_refused_before_anything_is_copied() {
    let Some(stage) = Stage::new().await else { return };
    stage
        .in_file("records.db", "CREATE TABLE forgotten (id BIGINT PRIMARY KEY); ALTER TABLE writers ADD age BIGINT")
        .await;
    let failed = stage.go_in_vain().await.to_string();
    assert!(failed.contains("the target has no table forgotten, the target has no writers.age"), "{failed}");
    stage.in_file("records.db", "DROP TABLE forgotten; ALTER TABLE writers DROP age").await;
    stage.in_target("CREATE TABLE odd (id BIGINT PRIMARY KEY, at TIMESTAMPTZ)").await;
    let failed = stage.go_in_vain().await.to_string();
    assert!(failed.contains("odd.at") && failed.contains("timestamp"), "{failed}");
    stage.in_target("DROP TABLE odd").await;
    for (change, word) in [
        ("INSERT INTO _sqlx_migrations VALUES (99, '', '2030-01-01', TRUE, x'', 1)", "a newer version"),
        ("DELETE FROM _sqlx_migrations", "an older version"),
    ] {
        stage.in_file("rooms.db", change).await;
        let failed = stage.go_in_vain().await.to_string();
        assert!(failed.contains(word) && failed.contains("rooms.db"), "{failed}");
    }
    std::fs::remove_file(stage.folder.path().join("rooms.db")).unwrap();
    assert!(matches!(stage.go_in_vain().await, MoveError::Source { .. }));
}

#[tokio::test]
async fn a_value_the_target_cannot_hold_is_named() {
    let Some(stage) = Stage::new().await else { return };
    for (row, column, reason) in [
        ("INSERT INTO a_note (id, writer, text) VALUES (7, 1, 'a' || char(0))", "a_note.text", "zero characters"),
        ("INSERT INTO a_note (id, writer, flag) VALUES (7, 1, 2)", "a_note.flag", "neither 0 nor 1"),
        ("INSERT INTO a_note (id, writer, small) VALUES (7, 1, 40000)", "a_note.small", "too large"),
        ("INSERT INTO a_note (id, writer, middle) VALUES (7, 1, 'word')", "a_note.middle", "TEXT"),
    ] {
        let text = format!("INSERT OR IGNORE INTO writers VALUES (1, 'w'); DELETE FROM a_note; {row}");
        stage.in_file("records.db", &text).await;
        let failed = stage.go_in_vain().await.to_string();
        assert!(failed.contains(column) && failed.contains(reason) && failed.contains("id 7"), "{failed}");
    }
}

#[tokio::test]
async fn a_target_that_does_not_speak_utf8_is_refused() {
    let (Ok(server), Some(stage)) = (std::env::var("MADANG_TEST_POSTGRES"), Stage::new().await) else { return };
    let (_, name) = stage.url.rsplit_once('/').unwrap();
    recreate(&server, name, "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").await.unwrap();
    let failed = stage.go_in_vain().await;
    assert!(matches!(&failed, MoveError::Encoding(encoding) if encoding == "LATIN1"), "{failed}");
}

async fn recreate(server: &str, name: &str, how: &str) -> Result<(), SqlError> {
    let database = sql::postgres(server, 1).await.unwrap();
    let mut connection = database.reader().acquire().await?;
    for text in [format!("DROP DATABASE {name}"), format!("CREATE DATABASE {name} {how}")] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await?;
    }
    Ok(())
}
