//! Where an account is signed in, and from where it is connected now: its sessions, as people have them, with the connections that
//! gateways have, which can be moved from one to another. Gateways answer these routes: they know each other.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use gateway::{ClientConnection, Gateway, NotMoved, Target};
use kernel::{AccountId, Identity, Page, Problem, SessionId, Timestamp};
use people::{People, sessions::needs::Connections};
use rest::{ApiResult, Body, PathId, PathIds, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes stand on.
#[derive(Clone)]
struct Desk {
    people: People,
    gateway: Arc<Gateway>,
}

/// The routes, answered by one of the gateways.
pub(crate) fn signed_in(people: People, gateway: Arc<Gateway>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(end_mine))
        .routes(routes!(of_account, end_all))
        .routes(routes!(end_one))
        .routes(routes!(move_one))
        .with_state(Desk { people, gateway })
}

/// Has connections of this process follow the ends of sessions.
pub(crate) struct GatewayConnections(pub(crate) Arc<Gateway>);

impl Connections for GatewayConnections {
    fn prove_again(&self, account: AccountId) {
        self.0.prove_again(&Target::User { user: account.to_string(), except: Vec::new() });
    }
}

/// A session of an account.
#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    /// Its id.
    id: SessionId,
    /// What it was begun with, as the browser or app calls itself; may be empty.
    device: String,
    /// When it began.
    signed_in_at: Timestamp,
    /// When it was used last, within a day.
    used_at: Timestamp,
    /// Whether the caller came with it.
    current: bool,
    /// Its realtime connections now, the oldest first.
    connections: Vec<ConnectionView>,
}

/// A realtime connection.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionView {
    /// Its client id.
    client: String,
    /// The gateway that has it: its name for as long as it runs.
    gateway: String,
    /// Where that gateway's WebSockets are; may be empty.
    gateway_url: String,
    /// Since when.
    since: Timestamp,
}

/// Which gateway a session leaves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Leaving {
    /// The gateway, as the connections of the session name it.
    from: String,
}

/// A session that is on its way.
#[derive(Debug, Serialize, ToSchema)]
struct Moved {
    /// How many connections were told to go.
    connections: usize,
}

/// The caller's sessions: where the account is signed in, and which of them are connected now.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "people", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "All of them, the one used last first; `next_cursor` is always null", body = Page<SessionView>),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 503, description = "`gateways_unheard`", body = Problem),
))]
async fn mine(State(desk): State<Desk>, SignedIn { identity, .. }: SignedIn) -> ApiResult<Json<Page<SessionView>>> {
    Ok(Json(desk.list(identity.account, &identity).await?))
}

/// Ends one of the caller's sessions. Its connections end within two seconds.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "people", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SessionId, Path, description = "The session")), responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 404, description = "`no_such_session`", body = Problem),
))]
async fn end_mine(
    State(desk): State<Desk>,
    SignedIn { identity, .. }: SignedIn,
    PathId(session): PathId<SessionId>,
) -> ApiResult<StatusCode> {
    desk.end(identity.account, session).await
}

/// The sessions of an account. Administrators alone.
#[utoipa::path(get, path = "/api/v1/admin/accounts/{id}/sessions", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(("id" = AccountId, Path, description = "The account")), responses(
    (status = 200, description = "All of them, the one used last first; `next_cursor` is always null", body = Page<SessionView>),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_account`", body = Problem),
    (status = 503, description = "`gateways_unheard`", body = Problem),
))]
async fn of_account(
    State(desk): State<Desk>,
    SignedIn { identity, .. }: SignedIn,
    PathId(account): PathId<AccountId>,
) -> ApiResult<Json<Page<SessionView>>> {
    desk.administers(&identity, account).await?;
    Ok(Json(desk.list(account, &identity).await?))
}

/// Signs an account out everywhere: all its sessions end, and their connections within two seconds. Administrators alone.
#[utoipa::path(delete, path = "/api/v1/admin/accounts/{id}/sessions", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(("id" = AccountId, Path, description = "The account")), responses(
    (status = 204, description = "It is signed in nowhere"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_account`", body = Problem),
))]
async fn end_all(
    State(desk): State<Desk>,
    SignedIn { identity, .. }: SignedIn,
    PathId(account): PathId<AccountId>,
) -> ApiResult<StatusCode> {
    desk.administers(&identity, account).await?;
    desk.people.end_sessions(account).await?;
    tracing::info!(%account, by = %identity.account, "an account was signed out everywhere");
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of an account, and its connections within two seconds. Administrators alone.
#[utoipa::path(delete, path = "/api/v1/admin/accounts/{id}/sessions/{session}", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(
        ("id" = AccountId, Path, description = "The account"),
        ("session" = SessionId, Path, description = "The session"),
    ), responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_account`, `no_such_session`", body = Problem),
))]
async fn end_one(
    State(desk): State<Desk>,
    SignedIn { identity, .. }: SignedIn,
    PathIds(account, session): PathIds<AccountId, SessionId>,
) -> ApiResult<StatusCode> {
    desk.administers(&identity, account).await?;
    desk.end(account, session).await
}

/// Moves the realtime connections of a session from one gateway to the others. Each finishes what it is at, is told to connect again (3001)
/// and goes on where it was; for 10 s that gateway does not take it back. Administrators alone.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/sessions/{session}/move", tag = "people",
    security(("bearer" = []), ("cookie" = [])), params(
        ("id" = AccountId, Path, description = "The account"),
        ("session" = SessionId, Path, description = "The session"),
    ), request_body = Leaving, responses(
    (status = 200, description = "They are on their way", body = Moved),
    (status = 401, description = "`sign_in_required`", body = Problem),
    (status = 403, description = "`not_allowed`", body = Problem),
    (status = 404, description = "`no_such_account`, `no_such_session`, `no_such_gateway`", body = Problem),
    (status = 409, description = "`no_other_gateway`: there is none to which they could go", body = Problem),
    (status = 503, description = "`gateways_unheard`; `too_many_moves`: that gateway moves as many sessions as it can", body = Problem),
))]
async fn move_one(
    State(desk): State<Desk>,
    SignedIn { identity, .. }: SignedIn,
    PathIds(account, session): PathIds<AccountId, SessionId>,
    Body(Leaving { from }): Body<Leaving>,
) -> ApiResult<Json<Moved>> {
    desk.administers(&identity, account).await?;
    if !desk.people.sessions_of(account).await?.iter().any(|one| one.id == session) {
        return Err(no_such_session(session).into());
    }
    let moved = desk.gateway.move_session(&from, &account.to_string(), session.raw()).await;
    let connections = moved.map_err(|why| match why {
        NotMoved::NoSuchGateway => Problem::not_found("no_such_gateway", format!("There is no gateway {from}.")),
        NotMoved::NowhereToGo => Problem::conflict("no_other_gateway", "There is no other gateway that takes clients."),
        NotMoved::TooMany => {
            let detail = "That gateway moves as many sessions as it can; try again in a moment.";
            Problem::unavailable("too_many_moves", detail).retry_after(10)
        }
        NotMoved::Unanswered(why) => unheard(&why),
    })?;
    tracing::info!(%account, %session, from, connections, by = %identity.account, "a session was moved");
    Ok(Json(Moved { connections }))
}

fn no_such_session(session: SessionId) -> Problem {
    Problem::not_found("no_such_session", format!("The account has no session {session}."))
}

fn unheard(why: &str) -> Problem {
    tracing::debug!(why, "other gateways cannot be asked");
    Problem::unavailable("gateways_unheard", "The gateways cannot be asked right now; try again in a moment.")
        .retry_after(1)
}

impl Desk {
    /// Refuses who is no administrator, and accounts there are not.
    async fn administers(&self, caller: &Identity, account: AccountId) -> Result<(), Problem> {
        if !caller.admin {
            return Err(Problem::forbidden(
                "not_allowed",
                "Only administrators can see, move and end the sessions of others.",
            ));
        }
        if self.people.exists(account).await? {
            return Ok(());
        }
        Err(Problem::not_found("no_such_account", format!("There is no account {account}.")))
    }

    async fn list(&self, account: AccountId, caller: &Identity) -> Result<Page<SessionView>, Problem> {
        let sessions = self.people.sessions_of(account).await?;
        let connections = self.gateway.connections_everywhere(&account.to_string()).await;
        let connections = connections.map_err(|why| unheard(&why))?;
        let mut of_session: HashMap<i64, Vec<ConnectionView>> = HashMap::new();
        for ClientConnection { client, gateway, url, since_ms, session } in connections {
            let Some(session) = session else { continue };
            let since = Timestamp::from_millis(since_ms);
            let connection = ConnectionView { client, gateway, gateway_url: url, since };
            of_session.entry(session).or_default().push(connection);
        }
        let items = sessions.into_iter().map(|session| SessionView {
            id: session.id,
            device: session.device,
            signed_in_at: session.began_at,
            used_at: session.used_at,
            current: session.id == caller.session,
            connections: of_session.remove(&session.id.raw()).unwrap_or_default(),
        });
        Ok(Page { items: items.collect(), next_cursor: None })
    }

    async fn end(&self, account: AccountId, session: SessionId) -> ApiResult<StatusCode> {
        if self.people.end_session(account, session).await? {
            return Ok(StatusCode::NO_CONTENT);
        }
        Err(no_such_session(session).into())
    }
}
