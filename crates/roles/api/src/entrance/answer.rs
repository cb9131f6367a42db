//! A short answer as bytes.

use std::{
    cell::RefCell,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rest::DirectAnswer;

/// The whole answer (RFC 9112 §4); `keep_alive` says whether another request may follow.
pub(super) fn bytes(answer: &DirectAnswer, keep_alive: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + answer.body.len());
    // Writing to memory cannot fail.
    let reason = answer.status.canonical_reason().unwrap_or_default();
    let _ = write!(out, "HTTP/1.1 {} {reason}\r\ncache-control: no-store\r\n", answer.status.as_u16());
    if let Some(content_type) = answer.content_type {
        let _ = write!(out, "content-type: {content_type}\r\ncontent-length: {}\r\n", answer.body.len());
    }
    if let Some(seconds) = answer.retry_after_s {
        let _ = write!(out, "retry-after: {seconds}\r\n");
    }
    if let Some((name, value)) = answer.header {
        let _ = write!(out, "{name}: {value}\r\n");
    }
    if !keep_alive {
        out.extend_from_slice(b"connection: close\r\n");
    }
    with_date(|date| out.extend_from_slice(date));
    out.extend_from_slice(&answer.body);
    out
}

thread_local! {
    static DATE: RefCell<(u64, Vec<u8>)> = const { RefCell::new((0, Vec::new())) };
}

/// The date header and the empty line behind it, written once a second.
fn with_date(take: impl FnOnce(&[u8])) {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(written, text)| {
        if *written != second || text.is_empty() {
            *written = second;
            *text = format!("date: {}\r\n\r\n", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second)))
                .into_bytes();
        }
        take(text);
    });
}

#[cfg(test)]
mod tests {
    use kernel::Problem;

    use super::*;

    #[test]
    fn an_answer_is_whole() {
        let text = String::from_utf8(bytes(&DirectAnswer::json(&1), true)).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-type: application/json\r\n"));
        assert!(text.contains("content-length: 1\r\ndate: ") && text.ends_with(" GMT\r\n\r\n1"));
        let text = String::from_utf8(bytes(&DirectAnswer::no_content(), false)).unwrap();
        assert!(text.starts_with("HTTP/1.1 204 No Content\r\n") && !text.contains("content-"));
        assert!(text.contains("connection: close\r\n") && text.ends_with("\r\n\r\n"));
        let busy = Problem::unavailable("busy", "Later.").retry_after(3);
        assert!(String::from_utf8(bytes(&busy.into(), true)).unwrap().contains("retry-after: 3\r\n"));
    }
}
