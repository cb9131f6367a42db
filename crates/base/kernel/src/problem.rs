//! What a person or program is told when a request cannot be served (RFC 9457).

use serde::Serialize;
use utoipa::ToSchema;

/// An error answer: `application/problem+json` over HTTP, an error reply over the realtime connection.
///
/// `code` is stable and for programs; `detail` is a sentence for people and names what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs, in snake_case.
    pub code: &'static str,
    /// What kind of problem this is, in a few words.
    pub title: &'static str,
    /// What is wrong with this very request.
    pub detail: String,
    /// The field that is wrong, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which to try again (also sent as `Retry-After`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        pub fn $name(code: &'static str, detail: impl Into<String>) -> Self {
            Self { status: $status, code, title: $title, detail: detail.into(), field: None, retry_after_s: None }
        }
    )+};
}

impl Problem {
    kinds! {
        /// 400: the request cannot be understood.
        bad_request = 400, "Bad request";
        /// 401: sign in first.
        unauthorized = 401, "Sign-in required";
        /// 403: not allowed for this caller.
        forbidden = 403, "Not allowed";
        /// 404: there is no such thing.
        not_found = 404, "Not found";
        /// 409: it conflicts with the present state.
        conflict = 409, "Conflict";
        /// 413: the body is larger than the limit.
        too_large = 413, "Too large";
        /// 422: understood, but a value is outside its rules.
        invalid = 422, "Invalid value";
        /// 429: too many requests.
        too_many = 429, "Too many requests";
        /// 503: for now; try again.
        unavailable = 503, "Temporarily unavailable";
    }

    /// 500: our fault. The cause is logged where it is handled, never shown.
    pub fn internal() -> Self {
        Self {
            status: 500,
            code: "internal",
            title: "Internal error",
            detail: "Something failed on our side; it has been logged.".into(),
            field: None,
            retry_after_s: None,
        }
    }

    /// Names the field that is wrong.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says after how many seconds to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}
