//! Two processes that take hearts of one show: each batch is kept once, whoever took it.

use engines::testing::databases;
use kernel::{AccountId, BroadcastId, events::live::BroadcastState};

use super::without_rates;
use crate::{
    crowd::{
        self,
        testing::{HERE, HOST, Process, Site, batch, session},
    },
    hearts::HeartsAnswer,
    reports::Resolution,
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

#[tokio::test]
async fn a_batch_that_two_processes_take_is_kept_once_and_no_total_goes_down() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database.clone(), without_rates());
        site.world.set(SHOW, BroadcastState::Live);
        let (one, other) = (site.start().await, site.start().await);
        let mine = session(&one, SHOW, Some(7)).await;
        let taps = |seq: i64| vec![100; 1 << seq];
        let send = async |process: &Process, seq| process.hearts.accept(&batch(&mine, seq, &taps(seq)), HERE).await;
        let shown = |process: &Process| process.hearts.total(SHOW);
        // The answer to the first is lost, and it is sent again to the other; the rest goes to the one, whose store fails for long.
        send(&one, 0).await.unwrap();
        send(&other, 0).await.unwrap();
        send(&one, 1).await.unwrap();
        send(&one, 2).await.unwrap();
        other.hearts.keep().await.unwrap();
        assert_eq!((shown(&one), shown(&other)), (0, 1), "{}", db.engine);
        one.hearts.keep().await.unwrap();
        assert_eq!((shown(&one), shown(&other)), (0b111, 1), "{}", db.engine);
        // One comes back to the other with the last, which is kept already, and one that is not.
        send(&other, 2).await.unwrap();
        other.hearts.keep().await.unwrap();
        assert_eq!(shown(&other), 0b111, "{}: as many as are kept, whoever kept them", db.engine);
        send(&other, 3).await.unwrap();
        send(&one, 3).await.unwrap();
        let (kept, kept_too) = tokio::join!(one.hearts.keep(), other.hearts.keep());
        kept.and(kept_too).unwrap();
        assert_eq!(one.kept_hearts.total(SHOW).await.unwrap(), 0b1111, "{}", db.engine);
        assert_eq!(one.kept_hearts.timeline(SHOW).await.unwrap(), [(0, 0b1111)], "{}", db.engine);
        assert_eq!(one.kept_hearts.fans(SHOW, 9).await.unwrap(), [(AccountId::from_raw(7), 0b1111)], "{}", db.engine);
        let report = one.reports.broadcast(HOST, SHOW, Resolution::Day).await.unwrap();
        assert_eq!(report.series[0].hearts, 0b1111, "{}", db.engine);
        // A process that was behind moves no session back.
        assert_eq!(send(&site.start().await, 3).await.unwrap(), HeartsAnswer { total: 0b1111, duplicate: true });
    }
}

#[tokio::test]
async fn batches_of_one_session_are_all_kept_whichever_of_two_processes_keeps_first() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database.clone(), without_rates());
        site.world.set(SHOW, BroadcastState::Live);
        let processes = [site.start().await, site.start().await];
        let mine = session(&processes[0], SHOW, Some(7)).await;
        let send = async |place: usize, seq: i64| {
            processes[place].hearts.accept(&batch(&mine, seq, &vec![100; 1 << seq]), HERE).await.unwrap()
        };
        for (place, seq) in [(0, 1), (1, 2), (0, 3), (1, 3), (0, 5), (1, 6)] {
            send(place, seq).await;
        }
        processes[1].hearts.keep().await.unwrap();
        assert_eq!(processes[1].hearts.total(SHOW), 0b100_1100, "{}", db.engine);
        processes[0].hearts.keep().await.unwrap();
        assert_eq!(processes[0].hearts.total(SHOW), 0b110_1110, "{}", db.engine);
        // Whoever begins now knows all of them.
        let next = site.start().await;
        next.hearts.accept(&batch(&mine, 6, &[100]), HERE).await.unwrap();
        next.hearts.keep().await.unwrap();
        assert_eq!(next.kept_hearts.timeline(SHOW).await.unwrap(), [(0, 0b110_1110)], "{}", db.engine);
    }
}

#[tokio::test]
async fn two_processes_that_keep_the_same_sessions_do_not_wait_for_each_other() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database.clone(), without_rates());
        site.world.set(SHOW, BroadcastState::Live);
        let (one, other) = (site.start().await, site.start().await);
        let mut sessions = Vec::new();
        for account in 1..=40 {
            sessions.push(session(&one, SHOW, Some(account)).await);
        }
        for seq in 0..20 {
            for session in &sessions {
                let body = batch(session, seq, &[10, 6_000]);
                one.hearts.accept(&body, HERE).await.unwrap();
                other.hearts.accept(&body, HERE).await.unwrap();
            }
            let (kept, kept_too) = tokio::join!(one.hearts.keep(), other.hearts.keep());
            kept.and(kept_too).unwrap();
        }
        let total = 40 * 20 * 2;
        assert_eq!(one.kept_hearts.total(SHOW).await.unwrap(), total, "{}", db.engine);
        assert_eq!(one.hearts.total(SHOW).max(other.hearts.total(SHOW)), total, "{}", db.engine);
    }
}
