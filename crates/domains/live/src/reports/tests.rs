//! The routes of the crowd from the first session to the report.

mod beside;
mod stretches;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    response::Response,
};
use engines::testing::databases;
use http_body_util::BodyExt;
use kernel::{AccountId, BroadcastId, Caller, Identity, SessionId, events::live::BroadcastState};
use rest::ClientAddress;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    crowd::{
        self, Crowd,
        testing::{HERE, HOST, Site},
    },
    needs::ViewerCounts,
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

struct Client {
    router: Router,
}

impl Client {
    fn of(crowd: &Crowd) -> Self {
        let (router, document) = crowd.lean_router().merge(crowd.router()).split_for_parts();
        assert_eq!(document.paths.paths.len(), 6, "every route is documented");
        Self { router }
    }

    async fn post(&self, path: &str, cookie: &str, body: String) -> Response {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
            .header(header::COOKIE, cookie)
            .extension(ClientAddress(HERE));
        self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, asker: Option<AccountId>) -> (u16, Value) {
        let identity = asker.map(|account| Identity {
            account,
            session: SessionId::from_raw(1),
            handle: "asker".into(),
            display_name: "Asker".into(),
            admin: false,
        });
        let request = Request::get(path).extension(Caller { identity: identity.map(Box::new), address: HERE });
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status().as_u16(), body(response).await)
    }
}

async fn body(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() }
}

#[tokio::test]
async fn from_the_first_session_to_the_report() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        let client = Client::of(&crowd);

        let issued = client.post("/api/v1/playbacks", "", json!({"broadcast": "5"}).to_string()).await;
        assert_eq!(issued.status(), 201);
        let cookie = issued.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("madang_viewer=") && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        let answer = body(issued).await;
        assert_eq!(answer["beat_every_ms"], 5_000);
        let browser = answer["session"].as_str().unwrap().to_owned();
        let (pair, _) = cookie.split_once(';').unwrap();
        let again = client.post("/api/v1/playbacks", pair, json!({"broadcast": "5"}).to_string()).await;
        assert!(!again.headers().contains_key(header::SET_COOKIE), "the browser is known by its cookie");
        let same_browser = body(again).await["session"].as_str().unwrap().to_owned();
        let signed_in =
            client.post("/api/v1/playbacks", "madang_session=7", json!({"broadcast": "5"}).to_string()).await;
        let account = body(signed_in).await["session"].as_str().unwrap().to_owned();

        for session in [&browser, &same_browser, &account] {
            let beat =
                json!({"session": session, "position_ms": 0, "leaving": false, "stalls": 0, "bitrate": 2_000_000});
            let response = client.post("/api/v1/beats", "", beat.to_string()).await;
            assert_eq!(response.status(), 204);
        }
        site.clock.advance(10_000);
        let leaving = json!({"session": browser, "position_ms": 9_000, "leaving": true});
        assert_eq!(client.post("/api/v1/beats", "", leaving.to_string()).await.status(), 204);

        let hearts = json!({"session": browser, "seq": 0, "taps": [1_000, 1_500, 6_000]}).to_string();
        let refused = client.post("/api/v1/hearts", "", hearts).await;
        assert_eq!((refused.status().as_u16(), body(refused).await["code"].clone()), (401, json!("sign_in_required")));
        let other = client.post("/api/v1/playbacks", "madang_session=8", json!({"broadcast": "5"}).to_string()).await;
        let other = body(other).await["session"].as_str().unwrap().to_owned();
        let hearts = json!({"session": other, "seq": 0, "taps": [1_000, 1_500, 6_000]}).to_string();
        let response = client.post("/api/v1/hearts", "", hearts.clone()).await;
        assert_eq!((response.status().as_u16(), body(response).await), (200, json!({"total": 3})));
        let response = client.post("/api/v1/hearts", "", hearts).await;
        assert_eq!((response.status().as_u16(), body(response).await), (200, json!({"total": 3, "duplicate": true})));
        let hearts = json!({"session": account, "seq": 1, "taps": vec![7_000; 120]}).to_string();
        assert_eq!(client.post("/api/v1/hearts", "", hearts).await.status(), 200);
        let hearts = json!({"session": account, "seq": 2, "taps": vec![7_000; 24]}).to_string();
        let response = client.post("/api/v1/hearts", "", hearts).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!((response.status().as_u16(), body(response).await["code"].clone()), (429, json!("heart_rate")));
        let too_large = client.post("/api/v1/hearts", "", " ".repeat(17_000)).await;
        assert_eq!(too_large.status(), 413);

        site.clock.advance(3_600_000);
        let late = json!({"session": account, "seq": 2, "taps": [3_600_000]}).to_string();
        assert_eq!(client.post("/api/v1/hearts", "", late).await.status(), 200);
        for schedule in crowd.schedules() {
            schedule.finish().await.unwrap();
        }

        let (status, hearts) = client.get("/api/v1/broadcasts/5/hearts", None).await;
        let name = |id: u8| json!({"id": id.to_string(), "handle": format!("handle_{id}"), "display_name": format!("Name {id}")});
        let ranking = json!([{"account": name(7), "hearts": 121}, {"account": name(8), "hearts": 3}]);
        let timeline = json!([
            {"position_ms": 0, "hearts": 2},
            {"position_ms": 5_000, "hearts": 121},
            {"position_ms": 3_600_000, "hearts": 1},
        ]);
        assert_eq!(status, 200);
        assert_eq!(hearts, json!({"total": 124, "timeline": timeline, "ranking": ranking}), "{}", db.engine);

        let (status, report) = client.get("/api/v1/broadcasts/5/report", Some(HOST)).await;
        assert_eq!(status, 200);
        assert_eq!(report["viewers"], json!({"unique": 2, "peak": 3, "watch_time_ms": 10_000}), "{}", db.engine);
        assert_eq!(report["hearts"], 124);
        assert_eq!(report["top_fans"], ranking);
        let top = json!([{"account": name(8), "messages": 2}, {"account": name(7), "messages": 1}]);
        assert_eq!(report["chat"], json!({"messages": 3, "chatters": 2, "top_chatters": top}));
        let begin = "2027-01-15T00:00:00.000Z";
        let later = json!({"at": "2027-01-15T01:00:00.000Z", "concurrent": 0, "watch_time_ms": 0, "hearts": 1});
        let first = json!({"at": begin, "concurrent": 3, "watch_time_ms": 10_000, "hearts": 123});
        assert_eq!(report["series"], json!([first, later]), "{}", db.engine);
        let (_, report) = client.get("/api/v1/broadcasts/5/report?resolution=day", Some(HOST)).await;
        let day = json!({"at": begin, "concurrent": 3, "watch_time_ms": 10_000, "hearts": 124});
        assert_eq!(report["series"], json!([day]), "{}", db.engine);

        let (status, report) = client.get("/api/v1/me/channel/report?resolution=hour", Some(HOST)).await;
        assert_eq!(status, 200);
        let first = json!({"at": begin, "concurrent_peak": 3, "watch_time_ms": 10_000, "hearts": 123});
        assert_eq!(report["series"][0], first, "{}", db.engine);
        let path = "/api/v1/me/channel/report?from=2027-01-16T00:00:00Z&to=2027-01-17T00:00:00Z";
        assert_eq!(client.get(path, Some(HOST)).await.1, json!({"series": []}));

        let totals = crowd.totals.totals(&[SHOW, BroadcastId::from_raw(6)]).await.unwrap();
        assert_eq!(totals.len(), 1);
        assert_eq!(totals[&SHOW].viewers, ViewerCounts { concurrent: 0, unique: 2, peak: 3 });
        assert_eq!(totals[&SHOW].hearts, 124, "{}", db.engine);
    }
}

#[tokio::test]
async fn reports_are_for_the_host_and_refuse_what_makes_no_sense() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Ready);
        let crowd = site.start().await;
        let client = Client::of(&crowd);
        let other = Some(AccountId::from_raw(3));
        for (path, asker, status, code) in [
            ("/api/v1/broadcasts/5/report", None, 401, "sign_in_required"),
            ("/api/v1/broadcasts/5/report", other, 403, "not_host"),
            ("/api/v1/broadcasts/6/report", other, 404, "no_broadcast"),
            ("/api/v1/broadcasts/5/report?resolution=week", Some(HOST), 400, "invalid_query"),
            ("/api/v1/me/channel/report", None, 401, "sign_in_required"),
            ("/api/v1/me/channel/report?resolution=30s", other, 422, "invalid_resolution"),
            (
                "/api/v1/me/channel/report?from=2027-01-16T00:00:00Z&to=2027-01-15T00:00:00Z",
                other,
                422,
                "invalid_range",
            ),
            ("/api/v1/me/channel/report?resolution=hour&from=2020-01-01T00:00:00Z", other, 422, "range_too_long"),
            ("/api/v1/broadcasts/5/hearts", None, 404, "no_broadcast"),
            ("/api/v1/broadcasts/six/hearts", None, 404, "not_found"),
        ] {
            let (found, problem) = client.get(path, asker).await;
            assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{path}");
        }
        assert_eq!(client.get("/api/v1/me/channel/report", other).await, (200, json!({"series": []})));
    }
}
