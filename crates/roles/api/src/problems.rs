//! The shell's own error answers.

use axum::{
    http::{Method, Uri},
    response::Response,
};
use kernel::Problem;
use rest::problem_response;

fn problem(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
    Problem { status, code, title, detail: detail.into(), field: None, retry_after_s: None }
}

/// 404 for a path that names nothing.
pub(crate) fn not_found() -> Problem {
    Problem::not_found("not_found", "There is nothing at this address.")
}

/// 405, as a handler.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}.", uri.path());
    problem_response(&problem(405, "method_not_allowed", "Method not allowed", detail))
}

/// 413.
pub(crate) fn too_large(max_bytes: usize) -> Problem {
    Problem::too_large("body_too_large", format!("The body is larger than {max_bytes} bytes."))
}

/// 400 for a body that did not come whole.
pub(crate) fn unreadable() -> Problem {
    Problem::bad_request("body_unreadable", "The body ended early or could not be read.")
}

/// 503 for a request that took too long.
pub(crate) fn timed_out() -> Problem {
    Problem::unavailable("request_timeout", "This took too long; try again.").retry_after(5)
}

/// Another site's page made a browser send this.
pub(crate) fn foreign_origin() -> Problem {
    let detail = "This came from another site's page. If it is yours, name it in the setting allowed_origins.";
    Problem::forbidden("foreign_origin", detail)
}
