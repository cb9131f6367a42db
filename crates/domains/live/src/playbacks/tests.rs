//! Sessions cannot be made or changed by others, outlive a restart, and are limited per address.

use engines::testing::databases;
use kernel::{BroadcastId, PlaybackId, Timestamp, events::live::BroadcastState};
use proptest::prelude::*;

use super::*;
use crate::crowd::{
    self,
    testing::{HERE, Site},
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

fn example() -> Session {
    Session {
        playback: PlaybackId::from_raw(1),
        broadcast: SHOW,
        viewer: Viewer::browser(77),
        issued_at: Timestamp::from_millis(1_000),
        expires_at: Timestamp::from_millis(2_000),
    }
}

proptest! {
    #[test]
    fn a_changed_session_is_no_session(at in 0..75_usize, to in "[A-Za-z0-9_-]") {
        let sessions = Sessions::new(&[3; 32]);
        let text = sessions.sign(&example());
        prop_assert_eq!(text.len(), 75);
        prop_assert_eq!(sessions.read(&text, Timestamp::from_millis(1_999)), Ok(example()));
        let mut changed = text.clone();
        changed.replace_range(at..=at, &to);
        if changed != text {
            prop_assert_eq!(sessions.read(&changed, Timestamp::from_millis(1_999)), Err(InvalidSession::Forged));
        }
    }

    #[test]
    fn any_text_is_read_without_harm(text in ".{0,100}") {
        prop_assert_eq!(Sessions::new(&[3; 32]).read(&text, Timestamp::default()), Err(InvalidSession::Forged));
    }

    #[test]
    fn browsers_come_back_by_their_cookie_and_are_never_accounts(random: u64) {
        let browser = Viewer::browser(random);
        prop_assert_eq!(browser.as_account(), None);
        prop_assert_eq!(Viewer::from_cookie(&browser.cookie().unwrap()), Some(browser));
    }
}

#[test]
fn sessions_end_and_belong_to_one_site() {
    let sessions = Sessions::new(&[3; 32]);
    let text = sessions.sign(&example());
    assert_eq!(sessions.read(&text, Timestamp::from_millis(2_000)), Err(InvalidSession::Expired));
    assert_eq!(Sessions::new(&[4; 32]).read(&text, Timestamp::from_millis(1_500)), Err(InvalidSession::Forged));
    for bad in ["", "0", "8000000000000000", "-000000000000001", "000000000000000g"] {
        assert_eq!(Viewer::from_cookie(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn a_session_stays_good_over_a_restart() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let issued = site.start().await.playbacks.issue(SHOW, None, None, HERE).await.unwrap();
        let again = site.start().await;
        again.viewers.beat(&crowd::testing::beat(&issued.session, false), HERE).await.unwrap();
        assert_eq!(again.viewers.counts(SHOW).concurrent, 1, "{}", db.engine);
    }
}

#[tokio::test]
async fn the_viewer_is_the_account_then_the_cookie_then_somebody_new() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Ready);
        let crowd = site.start().await;
        let browser = Viewer::browser(99);
        let known = crowd.playbacks.issue(SHOW, Some("7"), Some(browser), HERE).await.unwrap();
        assert_eq!(known.new_browser, None);
        let stale = crowd.playbacks.issue(SHOW, Some("nobody's"), Some(browser), HERE).await.unwrap();
        assert_eq!(stale.new_browser, None);
        let new = crowd.playbacks.issue(SHOW, None, None, HERE).await.unwrap();
        assert!(new.new_browser.is_some_and(|new| new != browser));
        let missing = crowd.playbacks.issue(BroadcastId::from_raw(6), None, None, HERE).await;
        assert!(matches!(missing, Err(Error::NoBroadcast)));
    }
}

#[tokio::test]
async fn an_address_may_ask_for_so_many_and_hold_so_many() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut settings = crowd::Settings::default();
        settings.playbacks.sessions_per_address = "3/min".parse().unwrap();
        settings.playbacks.players_per_address_max = 2;
        let site = Site::new(db.database, settings);
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push(crowd::testing::session(&crowd, SHOW, None).await);
        }
        assert!(matches!(crowd.playbacks.issue(SHOW, None, None, HERE).await, Err(Error::TooOften(_))));
        let elsewhere = "2001:db8::1".parse().unwrap();
        assert!(crowd.playbacks.issue(SHOW, None, None, elsewhere).await.is_ok());

        for session in &sessions[..2] {
            crowd.viewers.beat(&crowd::testing::beat(session, false), HERE).await.unwrap();
        }
        let third = crowd.viewers.beat(&crowd::testing::beat(&sessions[2], false), HERE).await;
        assert!(third.is_err_and(|error| error.to_string().contains("players_per_address_max")));
        assert!(matches!(crowd.playbacks.issue(SHOW, None, None, HERE).await, Err(Error::TooManyPlayers(2))));
        crowd.viewers.beat(&crowd::testing::beat(&sessions[0], true), HERE).await.unwrap();
        crowd.viewers.beat(&crowd::testing::beat(&sessions[2], false), HERE).await.unwrap();
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 2);
    }
}
