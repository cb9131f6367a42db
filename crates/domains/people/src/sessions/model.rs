//! What a session is, and what is said when signing in.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{AccountId, Identity, SessionId, Timestamp};
use rest::{Https, session_cookie};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Token, accounts::Account};

/// Handle and password. Not printable, because of the password.
#[derive(Clone, Deserialize, ToSchema)]
pub struct SignIn {
    /// In any case of letters.
    pub handle: String,
    /// The password.
    pub password: String,
}

/// A change of password. Not printable.
#[derive(Clone, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The password until now.
    pub current_password: String,
    /// The password from now on: 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub new_password: String,
}

/// The account that signed in, and its session's token.
#[derive(Serialize, ToSchema)]
pub struct SignedInAnswer {
    /// The account.
    account: Account,
    /// Send it as `Authorization: Bearer …`; a browser has it in its cookie as well.
    token: String,
}

impl SignedInAnswer {
    pub(crate) fn new(account: Account, token: Token) -> Self {
        Self { account, token: token.reveal().to_owned() }
    }

    /// 201 with the session cookie.
    pub(crate) fn into_response(self, lifetime_s: i64, https: Https) -> Response {
        let cookie = session_cookie(&self.token, lifetime_s, https);
        let mut response = (StatusCode::CREATED, Json(self)).into_response();
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        response
    }
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// What it was begun with, in its own words; may be empty.
    pub device: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was used last, within a day.
    pub used_at: Timestamp,
}

/// A session as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) account: AccountId,
    pub(crate) used_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Session {
    /// Whether its last use should be written down again; at most daily, because every use would be a write.
    pub(crate) fn is_due_for_touch(&self, now: Timestamp) -> bool {
        now.millis_since(self.used_at) >= TOUCH_EVERY_MS
    }
}

const TOUCH_EVERY_MS: i64 = 24 * 3_600_000;

/// Who a session belongs to, and until when that may be believed.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    pub(crate) expires_at: Timestamp,
}
