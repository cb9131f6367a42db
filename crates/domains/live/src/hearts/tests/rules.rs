//! The rules one by one: what is refused, what is limited, what is let go.

use std::time::Duration;

use engines::testing::{TestDatabase, databases};
use kernel::{BroadcastId, Clock, Problem, events::live::BroadcastState};
use ports::sqlx;

use super::without_rates;
use crate::{
    crowd::{
        self, Crowd,
        testing::{BEGIN_MS, HERE, HOST, Process, Site, batch, session},
    },
    hearts::{Error, HeartsAnswer},
    reports::Resolution,
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

async fn site(db: TestDatabase, settings: crowd::Settings) -> (Site, Process, TestDatabase) {
    let site = Site::new(db.database.clone(), settings);
    site.world.set(SHOW, BroadcastState::Live);
    let crowd = site.start().await;
    (site, crowd, db)
}

async fn run_schedules(crowd: &Crowd) {
    for schedule in crowd.schedules() {
        schedule.run().await.unwrap();
    }
}

fn code(result: Result<HeartsAnswer, Error>) -> (u16, &'static str) {
    let problem = Problem::from(result.unwrap_err());
    (problem.status, problem.code)
}

#[tokio::test]
async fn a_bad_batch_gets_a_clear_answer_and_counts_nothing() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, _db) = site(db, crowd::Settings::default()).await;
        // The viewer comes half an hour into the show: ten minutes back is as far as the player goes.
        site.clock.advance(1_800_000);
        let mine = session(&crowd, SHOW, Some(7)).await;
        let send = async |body: Vec<u8>| code(crowd.hearts.accept(&body, HERE).await);
        assert_eq!(send(b"{".to_vec()).await, (422, "invalid_hearts"));
        assert_eq!(send(b"{\"session\":\"\",\"seq\":1,\"taps\":[1.5]}".to_vec()).await, (422, "invalid_hearts"));
        assert_eq!(send(batch("forged", 1, &[1_700_000])).await, (401, "bad_session"));
        let nobody = session(&crowd, SHOW, None).await;
        assert_eq!(send(batch(&nobody, 1, &[1_700_000])).await, (401, "sign_in_required"));
        assert_eq!(send(batch(&mine, 1, &[])).await, (422, "no_taps"));
        assert_eq!(send(batch(&mine, -1, &[1_700_000])).await, (422, "impossible_seq"));
        assert_eq!(send(batch(&mine, 1 << 53, &[1_700_000])).await, (422, "impossible_seq"));
        assert_eq!(send(batch(&mine, 1, &[1_700_000; 121])).await, (422, "too_many_taps"));
        for position in [-1, i64::MIN, 1_189_999, 1_810_001, i64::MAX] {
            assert_eq!(send(batch(&mine, 1, &[1_700_000, position])).await, (422, "impossible_position"), "{position}");
        }
        for state in [BroadcastState::Created, BroadcastState::Ready] {
            site.world.set(SHOW, state);
            assert_eq!(send(batch(&mine, 1, &[1_700_000])).await, (409, "broadcast_not_live"));
        }
        site.world.set(SHOW, BroadcastState::Ended);
        assert_eq!(send(batch(&mine, 1, &[1_700_000])).await, (409, "broadcast_over"));
        site.world.set(SHOW, BroadcastState::Paused);
        let answer = crowd.hearts.accept(&batch(&mine, 1, &[1_190_000, 1_810_000]), HERE).await.unwrap();
        assert_eq!(answer, HeartsAnswer { total: 2, duplicate: false });
        assert_eq!(send(batch(&mine, 0, &[1_700_000])).await, (409, "replayed_batch"));
        site.clock.advance(24 * 3_600_000);
        assert_eq!(send(batch(&mine, 2, &[1_700_000])).await, (401, "bad_session"));
        crowd.hearts.keep().await.unwrap();
        assert_eq!(crowd.hearts.total(SHOW), 2);
    }
}

#[tokio::test]
async fn nobody_taps_faster_than_a_person() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut settings = crowd::Settings::default();
        settings.hearts.taps_per_address = "480/10s".parse().unwrap();
        let (site, crowd, _db) = site(db, settings).await;
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push(session(&crowd, SHOW, Some(7)).await);
        }
        let send =
            async |session: &str, seq, taps| crowd.hearts.accept(&batch(session, seq, &vec![100; taps]), HERE).await;
        let refused_by = |result: Result<_, Error>| match result {
            Err(Error::TooFast { setting, too_often }) => (setting, too_often.retry_after_ms),
            other => panic!("{other:?}"),
        };
        send(&sessions[0], 1, 120).await.unwrap();
        assert_eq!(refused_by(send(&sessions[0], 2, 1).await), ("taps_per_session", 84));
        send(&sessions[1], 1, 120).await.unwrap();
        assert_eq!(refused_by(send(&sessions[2], 1, 1).await).0, "taps_per_viewer");
        // Twelve a second, sustained: 36 in three seconds, and not one more.
        for seq in 2..20 {
            site.clock.advance(3_000);
            assert_eq!(refused_by(send(&sessions[0], seq, 37).await).0, "taps_per_session");
            send(&sessions[0], seq, 36).await.unwrap();
        }
        // The refused batches took nothing from what others at the address may send.
        let other = session(&crowd, SHOW, Some(8)).await;
        send(&other, 1, 120).await.unwrap();
        let another = session(&crowd, SHOW, Some(9)).await;
        send(&another, 1, 120).await.unwrap();
        let yet_another = session(&crowd, SHOW, Some(10)).await;
        send(&yet_another, 1, 120).await.unwrap();
        let last = session(&crowd, SHOW, Some(11)).await;
        assert_eq!(refused_by(send(&last, 1, 120).await).0, "taps_per_address");
        assert_eq!(send(&last, 1, 1).await.unwrap().total, 240 + 18 * 36 + 360 + 1);
    }
}

#[tokio::test]
async fn what_is_older_than_a_second_survives_the_process() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, db) = site(db, crowd::Settings::default()).await;
        for schedule in crowd.schedules() {
            assert!(schedule.every() <= Duration::from_secs(1), "{} keeps at least once a second", schedule.name());
        }
        let mine = session(&crowd, SHOW, Some(7)).await;
        crowd.hearts.accept(&batch(&mine, 1, &[1, 2, 3]), HERE).await.unwrap();
        run_schedules(&crowd).await;
        crowd.hearts.accept(&batch(&mine, 2, &[4, 5]), HERE).await.unwrap();
        let again = site.start().await;
        assert_eq!(again.hearts.total(SHOW), 3, "{}: what came after the last run is lost", db.engine);
        assert_eq!(again.kept_hearts.total(SHOW).await.unwrap(), 3, "{}", db.engine);
        let send = async |seq, taps: &[i64]| again.hearts.accept(&batch(&mine, seq, taps), HERE).await;
        let resent = send(1, &[1, 2, 3]).await.unwrap();
        assert_eq!(resent, HeartsAnswer { total: 3, duplicate: true }, "{}: what was kept is known", db.engine);
        let resent = send(2, &[4, 5]).await.unwrap();
        assert_eq!(resent, HeartsAnswer { total: 5, duplicate: false }, "{}: what was lost is not", db.engine);
    }
}

#[tokio::test]
async fn a_show_that_ends_is_kept_and_let_go() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, db) = site(db, crowd::Settings::default()).await;
        let mine = session(&crowd, SHOW, Some(7)).await;
        crowd.hearts.accept(&batch(&mine, 1, &[1, 2, 3]), HERE).await.unwrap();
        assert_eq!(crowd.hearts.total(SHOW), 0, "{}: shown when kept", db.engine);
        site.world.set(SHOW, BroadcastState::Ended);
        run_schedules(&crowd).await;
        assert_eq!(crowd.kept_hearts.total(SHOW).await.unwrap(), 3, "{}", db.engine);
        assert_eq!(crowd.hearts.total(SHOW), 3, "{}: its last hearts may be on their way", db.engine);
        site.clock.advance(10_000);
        run_schedules(&crowd).await;
        assert_eq!(crowd.kept_hearts.total(SHOW).await.unwrap(), 3, "{}", db.engine);
        assert_eq!(crowd.hearts.total(SHOW), 0, "{}: it has left the memory", db.engine);
        let again = site.start().await;
        assert_eq!(again.hearts.total(SHOW), 0, "{}: and does not come back", db.engine);
        // What is kept about a session goes when it expires.
        let sessions = "SELECT COUNT(*) FROM heart_sessions";
        let count: i64 = sqlx::query_scalar(sessions).fetch_one(site.database.reader()).await.unwrap();
        assert_eq!(count, 1, "{}", db.engine);
        site.clock.advance(25 * 3_600_000);
        again.hearts.tidy().await.unwrap();
        let count: i64 = sqlx::query_scalar(sessions).fetch_one(site.database.reader()).await.unwrap();
        assert_eq!(count, 0, "{}", db.engine);
    }
}

#[tokio::test]
async fn hearts_of_the_last_moments_count_when_they_come_within_ten_seconds_of_the_end() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, db) = site(db, crowd::Settings::default()).await;
        let (mine, late) = (session(&crowd, SHOW, Some(7)).await, session(&crowd, SHOW, Some(8)).await);
        let send = async |session: &str, seq, at| crowd.hearts.accept(&batch(session, seq, &[at]), HERE).await;
        site.clock.advance(60_000);
        send(&mine, 1, 59_000).await.unwrap();
        site.world.end(SHOW, site.clock.now());
        for _ in 0..3 {
            site.clock.advance(3_000);
            run_schedules(&crowd).await;
        }
        assert_eq!(send(&mine, 2, 70_000).await.unwrap().total, 2, "{}: as far as positions may be off", db.engine);
        assert_eq!(code(send(&mine, 3, 70_001).await), (409, "broadcast_over"), "{}: behind the end", db.engine);
        assert_eq!(code(send(&mine, 3, -1).await), (422, "impossible_position"), "{}", db.engine);
        site.clock.advance(999);
        assert_eq!(send(&late, 1, 59_999).await.unwrap().total, 3, "{}: the first batch of a session", db.engine);
        assert_eq!(send(&mine, 2, 60_000).await.unwrap(), HeartsAnswer { total: 3, duplicate: true });
        site.clock.advance(1);
        assert_eq!(code(send(&mine, 3, 59_000).await), (409, "broadcast_over"), "{}", db.engine);
        run_schedules(&crowd).await;
        assert_eq!(crowd.hearts.total(SHOW), 0, "{}: it has left the memory", db.engine);
        assert_eq!(crowd.kept_hearts.total(SHOW).await.unwrap(), 3, "{}", db.engine);
        let totals = crowd.totals.totals(&[SHOW]).await.unwrap();
        assert_eq!(totals[&SHOW].hearts, 3, "{}: what everybody is told of a show that is over", db.engine);
        let timeline = crowd.kept_hearts.timeline(SHOW).await.unwrap();
        assert_eq!(timeline, [(55_000, 2), (70_000, 1)], "{}", db.engine);
        assert_eq!(site.start().await.hearts.total(SHOW), 0, "{}: and does not come back", db.engine);
    }
}

#[tokio::test]
async fn a_show_that_was_called_off_takes_no_hearts() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, _db) = site(db, crowd::Settings::default()).await;
        let mine = session(&crowd, SHOW, Some(7)).await;
        site.world.call_off(SHOW, site.clock.now());
        assert_eq!(code(crowd.hearts.accept(&batch(&mine, 1, &[0]), HERE).await), (409, "broadcast_over"));
    }
}

#[tokio::test]
async fn limits_of_memory_name_themselves_and_lose_nothing() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut settings = crowd::Settings::default();
        settings.hearts.sessions_per_broadcast_max = 3;
        settings.hearts.unsaved_batches_max = 2;
        let (site, crowd, _db) = site(db, settings).await;
        let mut sessions = Vec::new();
        for account in 1..=4 {
            sessions.push(session(&crowd, SHOW, Some(account)).await);
        }
        let send = async |who: usize, seq| crowd.hearts.accept(&batch(&sessions[who], seq, &[1]), HERE).await;
        let full = |result: Result<HeartsAnswer, Error>| match result {
            Err(Error::Full { setting, .. }) => setting,
            other => panic!("{other:?}"),
        };
        send(0, 1).await.unwrap();
        send(1, 1).await.unwrap();
        assert_eq!(full(send(2, 1).await), "unsaved_batches_max");
        assert_eq!(full(send(1, 2).await), "unsaved_batches_max");
        crowd.hearts.keep().await.unwrap();
        send(1, 2).await.unwrap();
        send(2, 1).await.unwrap();
        crowd.hearts.keep().await.unwrap();
        assert_eq!(full(send(3, 1).await), "sessions_per_broadcast_max");
        // Idle sessions make room, and are still known when they come back.
        site.clock.advance(600_000);
        crowd.hearts.tidy().await.unwrap();
        send(3, 1).await.unwrap();
        assert_eq!(send(1, 2).await.unwrap(), HeartsAnswer { total: 5, duplicate: true });
    }
}

#[tokio::test]
async fn batches_at_the_same_time_count_once_each() {
    for db in databases(&[&crowd::migrations()]).await {
        let (_site, crowd, _db) = site(db, without_rates()).await;
        let crowd = std::sync::Arc::new(crowd);
        let mut clients = tokio::task::JoinSet::new();
        for account in 1..=8 {
            let session = session(&crowd, SHOW, Some(account)).await;
            let crowd = crowd.clone();
            clients.spawn(async move {
                for seq in 1..=50 {
                    // Each batch twice at once: one of the two counts.
                    let body = batch(&session, seq, &[10, 20]);
                    let (one, other) = tokio::join!(crowd.hearts.accept(&body, HERE), crowd.hearts.accept(&body, HERE));
                    assert!(one.unwrap().duplicate != other.unwrap().duplicate);
                    if seq % 10 == 0 {
                        crowd.hearts.keep().await.unwrap();
                    }
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        crowd.hearts.keep().await.unwrap();
        assert_eq!(crowd.hearts.total(SHOW), 8 * 50 * 2);
        let show = crowd.reports.broadcast(HOST, SHOW, Resolution::Day).await.unwrap();
        assert_eq!(show.series[0].hearts, 800);
        assert_eq!(show.series[0].at.as_millis(), BEGIN_MS);
    }
}
