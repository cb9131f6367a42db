//! A site with people on each SQL engine, for the slices' tests.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use engines::{
    system::SystemRandom,
    testing::{ManualClock, TestDatabase, databases},
};
use http_body_util::BodyExt;
use kernel::{Adjustable, Caller, Rate, ids::Snowflake};
use rest::Credentials;
use serde_json::Value;
use tower::ServiceExt;

use crate::{
    IDENTITY_BELIEVED_MS, MIGRATIONS, Parts, People, Settings, Token,
    accounts::{Account, NewAccount},
    sessions::Device,
    site_settings::{Entry, RateBounds},
};

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;
pub(crate) const SIGN_UP_BOUNDS: RateBounds =
    RateBounds { at_least: Rate::AtMost { count: NonZeroU32::MIN, period_ms: 3_600_000 }, at_once_max: 1_000 };
pub(crate) const PASSWORD: &str = "correct horse";

/// One site.
pub(crate) struct Site {
    pub(crate) people: People,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    router: Router,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and code of a problem, for comparing.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or("not a problem"))
    }
}

/// The same site on each engine.
pub(crate) async fn sites(settings: Settings) -> Vec<Site> {
    let mut sites = Vec::new();
    for database in databases(&[MIGRATIONS]).await {
        let clock = Arc::new(ManualClock::at(1_790_000_000_000));
        // What is set on one site must not hold on the next.
        let own = Settings {
            registration_open: settings.registration_open.get().into(),
            sign_up_rate: settings.sign_up_rate.get().into(),
            ..settings.clone()
        };
        let people = process(&clock, &database, Snowflake::new(0), own, IDENTITY_BELIEVED_MS);
        let (router, _) = crate::router(&people).split_for_parts();
        let router = router.layer(from_fn_with_state(people.clone(), identify));
        sites.push(Site { people, clock, database, router });
    }
    sites
}

/// The people of a site in one more process.
pub(crate) fn process(
    clock: &Arc<ManualClock>,
    database: &TestDatabase,
    ids: Snowflake,
    settings: Settings,
    believed_ms: i64,
) -> People {
    let site_settings = vec![
        Entry::flag("people.registration_open", &settings.registration_open),
        Entry::rate("people.sign_up_rate", &settings.sign_up_rate, SIGN_UP_BOUNDS),
        Entry::text("notice", &Adjustable::from(String::new()), 20),
    ];
    let parts = Parts {
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        ids: Arc::new(ids),
        database: database.database.clone(),
        believed_ms,
        site_settings,
    };
    People::new(parts, settings)
}

/// What the API shell does for real: finds out who is asking.
async fn identify(State(people): State<People>, mut request: Request, next: Next) -> Response {
    let identity = match Credentials::of(request.headers()).0 {
        Some(token) => people.identify(&token).await.unwrap(),
        None => None,
    };
    request.extensions_mut().insert(Caller { identity: identity.map(Box::new), address: address() });
    next.run(request).await
}

pub(crate) fn address() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

pub(crate) fn visitor() -> Caller {
    Caller::anonymous(address())
}

pub(crate) fn new_account(handle: &str) -> NewAccount {
    NewAccount { handle: handle.into(), password: PASSWORD.into(), display_name: format!("{handle} 님") }
}

impl Site {
    /// Somebody with an account, signed in.
    pub(crate) async fn person(&self, handle: &str) -> (Account, Token) {
        self.people.accounts.sign_up(&visitor(), &Device::default(), new_account(handle)).await.unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, token: Option<&Token>, body: Value) -> Answer {
        let bearer = token.map(|token| (header::AUTHORIZATION, format!("Bearer {}", token.reveal())));
        self.send_with(method, path, bearer, body).await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        header: Option<(header::HeaderName, String)>,
        body: Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// Rows that a statement counts.
    pub(crate) async fn count(&self, select: &'static str) -> i64 {
        use ports::sql::Row;
        let row = ports::sqlx::query(select).fetch_one(self.database.database.reader()).await.unwrap();
        row.try_get(0).unwrap()
    }
}
