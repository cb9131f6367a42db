//! Two processes count one show: as one would, whatever way beats and batches take, and whatever is lost meanwhile.

use std::sync::Arc;

use engines::testing::{LocalGatherings, databases};
use kernel::{BroadcastId, events::live::BroadcastState};

use crate::{
    crowd::{
        self, Crowd,
        testing::{HERE, Process, Site, batch, beat, session},
    },
    needs::Total,
    viewers,
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

struct Two {
    site: Site,
    gatherings: Arc<LocalGatherings>,
    processes: [Process; 2],
    beside: Crowd,
}

impl Two {
    async fn on(database: ports::sql::Database) -> Self {
        let site = Site::new(database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let gatherings = Arc::new(LocalGatherings::default());
        let processes = [site.start_among_others(&gatherings).await, site.start_among_others(&gatherings).await];
        let beside = site.start_beside().await;
        Self { site, gatherings, processes, beside }
    }

    /// So many milliseconds pass, in steps of the schedules; what fails is tried again.
    async fn pass(&self, ms: i64) {
        for _ in 0..ms / 100 {
            self.site.clock.advance(100);
            self.turn(0).await;
            self.turn(1).await;
        }
    }

    /// The schedules of one of them run.
    async fn turn(&self, place: usize) {
        for schedule in self.processes[place].schedules() {
            let _ = schedule.run().await;
        }
    }

    async fn sessions(&self, count: i64) -> Vec<String> {
        let mut sessions = Vec::new();
        for account in 1..=count {
            sessions.push(session(&self.beside, SHOW, Some(account)).await);
        }
        sessions
    }

    /// What everybody is told.
    async fn crowd(&self) -> Total {
        self.site.clock.advance(500);
        self.beside.audience.crowds(&[SHOW]).await.unwrap().get(&SHOW).copied().unwrap_or_default()
    }

    /// What the row says at this moment.
    async fn concurrent(&self) -> u64 {
        let rows = viewers::present(&self.site.database, &[SHOW]).await.unwrap();
        rows.get(&SHOW).map_or(0, |(counts, _)| counts.concurrent)
    }

    async fn beat(&self, place: usize, session: &str) {
        self.processes[place].viewers.beat(&beat(session, false), HERE).await.unwrap();
    }
}

#[tokio::test]
async fn five_who_watch_are_five_whichever_process_hears_of_them() {
    for db in databases(&[&crowd::migrations()]).await {
        let two = Two::on(db.database).await;
        let sessions = two.sessions(5).await;
        for round in 0..4 {
            for (number, session) in sessions.iter().enumerate() {
                two.beat((number + round) % 2, session).await;
            }
            two.pass(5_000).await;
            assert_eq!(two.concurrent().await, 5, "{} round {round}", db.engine);
        }
        // One leaves at a process that may never have heard of it; a late beat at the other does not bring it back.
        two.processes[0].viewers.beat(&beat(&sessions[0], true), HERE).await.unwrap();
        two.pass(500).await;
        let _ = two.processes[1].viewers.beat(&beat(&sessions[0], false), HERE).await;
        two.pass(500).await;
        assert_eq!(two.concurrent().await, 4, "{}", db.engine);
        // The others are heard of no more.
        two.pass(13_000).await;
        let crowd = two.crowd().await.viewers;
        assert_eq!((crowd.concurrent, crowd.unique, crowd.peak), (0, 5, 5), "{}", db.engine);
        // Each was heard of again after 5 s three times, and one after 5 s for the last time.
        let watched_ms = viewers::watch_time(&two.site.database, SHOW).await.unwrap();
        assert_eq!(watched_ms, 5 * 3 * 5_000 + 5_000, "{}: each moment counts once", db.engine);
    }
}

#[tokio::test]
async fn hearts_of_one_process_are_in_the_answers_of_the_other_and_all_are_kept() {
    for db in databases(&[&crowd::migrations()]).await {
        let two = Two::on(db.database).await;
        let sessions = two.sessions(2).await;
        let tap = async |place: usize, who: usize, seq: i64| {
            let body = batch(&sessions[who], seq, &[100; 10]);
            two.processes[place].hearts.accept(&body, HERE).await.unwrap().total
        };
        // Nothing is kept meanwhile.
        let speak = async |place: usize| {
            two.site.clock.advance(100);
            two.processes[place].schedules().pop().unwrap().run().await.unwrap();
        };
        assert_eq!(tap(0, 0, 1).await, 10);
        speak(0).await;
        assert_eq!(tap(1, 1, 1).await, 10, "{}: it has not asked yet", db.engine);
        speak(1).await;
        assert_eq!(tap(1, 0, 2).await, 30, "{}", db.engine);
        assert_eq!(tap(0, 1, 2).await, 20, "{}: nor has that one since", db.engine);
        speak(0).await;
        assert_eq!(tap(0, 0, 3).await, 40, "{}: as of the other's last word", db.engine);
        two.pass(1_000).await;
        assert_eq!(two.crowd().await.hearts, 50, "{}", db.engine);
        assert_eq!(tap(1, 1, 3).await, 60, "{}", db.engine);
        // One dies with hearts that it had told of and not kept: the others count them for two seconds, and no longer.
        assert_eq!(tap(0, 0, 4).await, 50, "{}: without what the other has taken since it spoke", db.engine);
        speak(0).await;
        speak(1).await;
        assert_eq!(tap(1, 1, 4).await, 80, "{}", db.engine);
        two.site.clock.advance(2_000);
        speak(1).await;
        assert_eq!(tap(1, 1, 5).await, 80, "{}", db.engine);
    }
}

#[tokio::test]
async fn what_is_emptied_or_away_changes_no_number_that_is_told() {
    for db in databases(&[&crowd::migrations()]).await {
        let two = Two::on(db.database).await;
        let sessions = two.sessions(5).await;
        let beat_all = async || {
            for (number, session) in sessions.iter().enumerate() {
                two.beat(number % 2, session).await;
            }
        };
        beat_all().await;
        two.pass(2_000).await;
        assert_eq!(two.concurrent().await, 5, "{}", db.engine);
        two.gatherings.empty();
        for turn in 0..40 {
            two.site.clock.advance(50);
            two.turn(turn % 2).await;
            assert_eq!(two.concurrent().await, 5, "{}: emptied", db.engine);
        }
        two.gatherings.set_away(true);
        for turn in 0..8 {
            beat_all().await;
            let body = batch(&sessions[turn % 5], 1 + turn as i64, &[100; 10]);
            two.processes[turn % 2].hearts.accept(&body, HERE).await.unwrap();
            two.pass(3_000).await;
            assert_eq!(two.concurrent().await, 5, "{}: away", db.engine);
        }
        assert_eq!(two.crowd().await.hearts, 80, "{}: hearts do not wait for it", db.engine);
        two.gatherings.empty();
        two.gatherings.set_away(false);
        two.processes[0].viewers.beat(&beat(&sessions[0], true), HERE).await.unwrap();
        two.pass(3_000).await;
        assert_eq!(two.concurrent().await, 4, "{}: back, and all was said again", db.engine);
    }
}

#[tokio::test]
async fn a_show_is_one_word_each_time_at_the_most_and_nothing_of_it_stays() {
    for db in databases(&[&crowd::migrations()]).await {
        let two = Two::on(db.database).await;
        let sessions = two.sessions(20).await;
        two.pass(10_000).await;
        assert_eq!(two.gatherings.words(), 0, "nothing happens");
        for seq in 1..=20 {
            for session in &sessions {
                two.beat(0, session).await;
                two.processes[0].hearts.accept(&batch(session, seq, &[100]), HERE).await.unwrap();
            }
            two.pass(100).await;
        }
        assert_eq!(two.gatherings.words(), 20, "{}", db.engine);
        two.site.world.end(SHOW, kernel::Clock::now(&*two.site.clock));
        two.pass(11_000).await;
        assert_eq!(two.gatherings.count(), 0, "{}", db.engine);
        let words = two.gatherings.words();
        two.pass(1_000).await;
        assert_eq!(two.gatherings.words(), words, "{}", db.engine);
        assert_eq!(two.crowd().await.hearts, 400, "{}", db.engine);
    }
}
