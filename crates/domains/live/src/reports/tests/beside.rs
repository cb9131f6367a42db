//! What a process knows of a crowd that another process has.

use engines::testing::databases;
use kernel::{BroadcastId, events::live::BroadcastState};
use ports::sqlx;
use serde_json::json;

use super::{Client, body};
use crate::{
    crowd::{
        self, Crowd,
        testing::{HERE, HOST, Process, Site, batch, beat, session},
    },
    needs::{PlayerHealth, Total, ViewerCounts},
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);
const OTHER: BroadcastId = BroadcastId::from_raw(6);
/// How long a row is believed that was read.
const FRESH_MS: i64 = 500;

async fn keep(owner: &Process) {
    for schedule in owner.schedules() {
        schedule.run().await.unwrap();
    }
}

async fn known(crowd: &Crowd) -> Total {
    crowd.audience.crowds(&[SHOW]).await.unwrap().remove(&SHOW).unwrap_or_default()
}

/// How often the owner has written about viewers.
async fn writes(site: &Site) -> i64 {
    let select = "SELECT number FROM kept_groups WHERE lane = 'viewers'";
    sqlx::query_scalar(select).fetch_one(site.database.reader()).await.unwrap()
}

#[tokio::test]
async fn the_present_of_a_show_is_a_row_that_others_read() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let (owner, beside) = (site.start().await, site.start_beside().await);
        assert_eq!(known(&beside).await, Total::default(), "{}: nobody has watched", db.engine);
        let mut sessions = Vec::new();
        for account in 7..10 {
            sessions.push(session(&beside, SHOW, Some(account)).await);
        }
        site.clock.advance(30_000);
        for session in &sessions {
            let beat = json!({"session": session, "position_ms": 28_000, "stalls": 1, "bitrate": 2_000_000});
            owner.viewers.beat(beat.to_string().as_bytes(), HERE).await.unwrap();
        }
        owner.hearts.accept(&batch(&sessions[0], 1, &[1, 2]), HERE).await.unwrap();
        keep(&owner).await;
        let viewers = |concurrent| ViewerCounts { concurrent, unique: 3, peak: 3 };
        assert_eq!(known(&beside).await, Total { viewers: viewers(3), hearts: 2 }, "{}", db.engine);
        assert_eq!(known(&owner).await, known(&beside).await, "{}", db.engine);
        let health = PlayerHealth {
            sessions: 3,
            stalls_per_minute: 3.0,
            bitrate_bps: Some(2_000_000),
            behind_live_ms: Some(2_000),
        };
        assert_eq!(beside.audience.players(SHOW).await.unwrap(), health, "{}", db.engine);
        let page = beside.audience.crowds(&[SHOW, OTHER]).await.unwrap();
        assert_eq!((page.len(), page[&SHOW].viewers), (1, viewers(3)), "{}", db.engine);
        let over = beside.totals.totals(&[SHOW]).await.unwrap();
        assert_eq!(over[&SHOW], Total { viewers: viewers(0), hearts: 2 }, "{}: nobody watches what is over", db.engine);

        let written = writes(&site).await;
        for _ in 0..5 {
            keep(&owner).await;
        }
        assert_eq!(writes(&site).await, written, "{}: nothing changed", db.engine);
        owner.viewers.beat(&beat(&sessions[0], true), HERE).await.unwrap();
        keep(&owner).await;
        site.clock.advance(FRESH_MS - 1);
        assert_eq!(known(&beside).await.viewers, viewers(3), "{}: read a moment ago", db.engine);
        site.clock.advance(1);
        assert_eq!(known(&beside).await.viewers, viewers(2), "{}: one has left", db.engine);
        site.clock.advance(12_000 - FRESH_MS);
        keep(&owner).await;
        assert_eq!(known(&beside).await.viewers, viewers(0), "{}: the leases of the others ran out", db.engine);
        assert_eq!(known(&owner).await.viewers, viewers(0), "{}", db.engine);
    }
}

#[tokio::test]
async fn nobody_watches_in_a_row_that_stands_for_longer_than_a_lease() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let (owner, beside) = (site.start().await, site.start_beside().await);
        let mine = session(&owner, SHOW, Some(7)).await;
        owner.viewers.beat(&beat(&mine, false), HERE).await.unwrap();
        keep(&owner).await;
        assert_eq!(known(&beside).await.viewers.concurrent, 1, "{}", db.engine);
        drop(owner);
        // The clock of a row is the database's.
        let age = "UPDATE viewer_totals SET present_at_ms = present_at_ms - 12000";
        sqlx::query(age).execute(site.database.reader()).await.unwrap();
        site.clock.advance(FRESH_MS);
        assert_eq!(known(&beside).await.viewers, ViewerCounts { concurrent: 0, unique: 1, peak: 1 }, "{}", db.engine);
        assert_eq!(beside.audience.players(SHOW).await.unwrap(), PlayerHealth::default(), "{}", db.engine);
    }
}

#[tokio::test]
async fn a_process_beside_the_crowd_issues_and_tells_and_counts_nothing() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut settings = crowd::Settings::default();
        settings.playbacks.players_per_address_max = 1;
        let site = Site::new(db.database, settings);
        site.world.set(SHOW, BroadcastState::Live);
        let (owner, beside) = (site.start().await, site.start_beside().await);
        assert!(beside.direct().is_empty() && beside.schedules().is_empty() && beside.counting.is_none());
        let mine = session(&beside, SHOW, Some(7)).await;
        owner.viewers.beat(&beat(&mine, false), HERE).await.unwrap();
        owner.hearts.accept(&batch(&mine, 1, &[1, 2]), HERE).await.unwrap();
        keep(&owner).await;

        let (router, document) = beside.lean_router().merge(beside.router()).split_for_parts();
        assert_eq!(document.paths.paths.len(), 4, "sessions, hearts of a broadcast, two reports");
        let client = Client { router };
        let issued = client.post("/api/v1/playbacks", "madang_session=7", json!({"broadcast": "5"}).to_string()).await;
        assert_eq!(issued.status(), 201, "{}: it does not know how many play at the address", db.engine);
        let second = body(issued).await["session"].as_str().unwrap().to_owned();
        let refused = owner.viewers.beat(&beat(&second, false), HERE).await.unwrap_err();
        assert!(refused.to_string().contains("players_per_address_max"), "{refused}");
        for path in ["/api/v1/beats", "/api/v1/hearts"] {
            assert_eq!(client.post(path, "", String::new()).await.status(), 404, "{path}");
        }
        let (_, hearts) = client.get("/api/v1/broadcasts/5/hearts", None).await;
        assert_eq!(hearts["total"], 2, "{}", db.engine);
        let (_, report) = client.get("/api/v1/broadcasts/5/report", Some(HOST)).await;
        assert_eq!((&report["hearts"], &report["viewers"]["peak"]), (&json!(2), &json!(1)), "{}", db.engine);
    }
}
