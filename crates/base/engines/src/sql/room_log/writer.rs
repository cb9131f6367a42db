//! Who writes. On SQLite one task: what waits while a transaction is being synced is committed together in the next one,
//! and when one of them fails, again with each append in a savepoint of its own, so that it takes back nothing but itself.
//! While appends crowd, commits keep a little distance, so that each carries more of them; a single writer that waits for each of
//! its appends before it makes the next is not held up. On PostgreSQL each append is its own transaction; the server gathers
//! commits itself.

use std::time::Duration;

use ports::room_log::{Appended, RoomLogError};
use ports::sql::{Database, Dialect, SqlError, WriteTx, is_unique_violation};
use ports::sqlx;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::Instant,
};

use super::{
    append::{Append, append, known},
    failed,
};

/// Appends that wait, at the most.
pub(super) const APPENDS_WAITING_MAX: usize = 4_096;
/// What they hold, at the most, in KiB (each counts as one at least).
const KIB_WAITING_MAX: usize = 64 << 10;
/// From the beginning of one commit to that of the next, while appends crowd.
const DISTANCE: Duration = Duration::from_millis(5);
/// For so long appends are said to crowd after some had to wait for a commit.
const CROWDED_FOR: Duration = Duration::from_millis(100);
/// Appends in one transaction at the most.
pub(super) const APPENDS_PER_COMMIT_MAX: usize = 256;

type Answer = Result<Appended, RoomLogError>;

#[derive(Debug)]
pub(super) struct Writer {
    room_for: Semaphore,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Together(mpsc::Sender<Waiting>),
    Each(Database),
}

#[derive(Debug)]
struct Waiting {
    append: Append,
    answer: oneshot::Sender<Answer>,
}

impl Writer {
    pub(super) fn start(database: Database) -> Self {
        let way = match database.dialect() {
            Dialect::Sqlite => {
                let (queue, waiting) = mpsc::channel(APPENDS_WAITING_MAX);
                tokio::spawn(commit_together(database, waiting));
                Way::Together(queue)
            }
            Dialect::Postgres => Way::Each(database),
        };
        Self { room_for: Semaphore::new(KIB_WAITING_MAX), way }
    }

    pub(super) async fn append(&self, append: Append) -> Answer {
        let kib = 1 + append.weight() / 1_024;
        let _held = self
            .room_for
            .try_acquire_many(kib as u32)
            .map_err(|_| RoomLogError::Engine(format!("appends of {KIB_WAITING_MAX} KiB wait already; no more fit")))?;
        match &self.way {
            Way::Together(queue) => enqueue(queue, append).await,
            Way::Each(database) => commit(database, &append).await,
        }
    }
}

async fn enqueue(queue: &mpsc::Sender<Waiting>, append: Append) -> Answer {
    let (answer, answered) = oneshot::channel();
    queue.try_send(Waiting { append, answer }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => {
            RoomLogError::Engine(format!("{APPENDS_WAITING_MAX} appends wait already; no more fit"))
        }
        mpsc::error::TrySendError::Closed(_) => RoomLogError::Engine("its writer has ended".into()),
    })?;
    answered.await.unwrap_or_else(|_| Err(RoomLogError::Engine("its writer ended before it answered".into())))
}

async fn commit(database: &Database, request: &Append) -> Answer {
    let mut tx = database.write().await.map_err(failed)?;
    match append(tx.conn(), database.dialect(), request).await {
        Ok(appended) => {
            tx.commit().await.map_err(failed)?;
            Ok(appended)
        }
        Err(error) if is_unique_violation(&error) => {
            drop(tx);
            let mut connection = database.reader().acquire().await.map_err(failed)?;
            known(&mut connection, request).await.map_err(failed)?.ok_or_else(|| failed(error))
        }
        Err(error) => Err(failed(error)),
    }
}

async fn commit_together(database: Database, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(APPENDS_PER_COMMIT_MAX);
    let (mut begun, mut crowded_until) = (Instant::now(), Instant::now());
    while queue.recv_many(&mut waiting, APPENDS_PER_COMMIT_MAX).await > 0 {
        if Instant::now() < crowded_until && waiting.len() < APPENDS_PER_COMMIT_MAX {
            tokio::time::sleep_until(begun + DISTANCE).await;
            while waiting.len() < APPENDS_PER_COMMIT_MAX
                && let Ok(one) = queue.try_recv()
            {
                waiting.push(one);
            }
        }
        begun = Instant::now();
        let answers = commit_all(&database, &waiting).await;
        if !queue.is_empty() {
            crowded_until = Instant::now() + CROWDED_FOR;
        }
        for (one, answer) in waiting.drain(..).zip(answers) {
            // A caller that has gone asks again by its keys.
            let _ = one.answer.send(answer);
        }
    }
}

/// One answer per append; an error of the transaction itself is everyone's.
async fn commit_all(database: &Database, waiting: &[Waiting]) -> Vec<Answer> {
    if let Ok(answers) = commit_plainly(database, waiting).await {
        return answers.into_iter().map(Ok).collect();
    }
    commit_each_for_itself(database, waiting).await.unwrap_or_else(|error| {
        let text = error.to_string();
        waiting.iter().map(|_| Err(RoomLogError::Engine(text.clone()))).collect()
    })
}

/// All of them, if none fails: nothing is kept otherwise.
async fn commit_plainly(database: &Database, waiting: &[Waiting]) -> Result<Vec<Appended>, SqlError> {
    let mut tx = database.write().await?;
    let mut answers = Vec::with_capacity(waiting.len());
    for one in waiting {
        answers.push(append(tx.conn(), database.dialect(), &one.append).await?);
    }
    tx.commit().await?;
    Ok(answers)
}

async fn commit_each_for_itself(database: &Database, waiting: &[Waiting]) -> Result<Vec<Answer>, SqlError> {
    let mut tx = database.write().await?;
    let mut answers = Vec::with_capacity(waiting.len());
    for one in waiting {
        answers.push(append_in_savepoint(&mut tx, database.dialect(), &one.append).await?);
    }
    tx.commit().await?;
    Ok(answers)
}

async fn append_in_savepoint(tx: &mut WriteTx, dialect: Dialect, request: &Append) -> Result<Answer, SqlError> {
    sqlx::query("SAVEPOINT append").execute(tx.conn()).await?;
    let appended = append(tx.conn(), dialect, request).await;
    if appended.is_err() {
        sqlx::query("ROLLBACK TO append").execute(tx.conn()).await?;
    }
    sqlx::query("RELEASE append").execute(tx.conn()).await?;
    match appended {
        Ok(appended) => Ok(Ok(appended)),
        Err(error) if is_unique_violation(&error) => {
            let known = known(tx.conn(), request).await?;
            Ok(known.ok_or_else(|| failed(error)))
        }
        Err(error) => Ok(Err(failed(error))),
    }
}
