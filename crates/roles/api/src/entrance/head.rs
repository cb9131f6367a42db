//! The head of a request, as far as the entrance has to understand it.

use httparse::{EMPTY_HEADER, Header, Request, Status};
use hyper::{HeaderMap, header::HeaderName, http::HeaderValue};

/// Headers of a request at the most; one with more goes the long way.
const HEADERS_MAX: usize = 48;

/// No head of HTTP/1, or a longer one than is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotHttp;

/// The head of one request.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    headers: Headers<'a>,
    /// How long it is, the empty line included.
    pub(crate) bytes: usize,
    /// None without the header, or when it is not one number.
    pub(crate) content_length: Option<usize>,
    /// Whether the connection may go on after this request.
    pub(crate) keep_alive: bool,
    /// HTTP/1.1 with a body of a length that is told, and nothing to be negotiated.
    pub(crate) is_plain: bool,
    /// A page of some site sent it.
    pub(crate) has_origin: bool,
}

struct Headers<'a> {
    all: [Header<'a>; HEADERS_MAX],
    count: usize,
}

impl<'a> Head<'a> {
    /// The head that `bytes` begin with; none when more of it is to come.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, NotHttp> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut request = Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(NotHttp),
        };
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
            return Err(NotHttp);
        };
        let count = request.headers.len();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut head = Self {
            method,
            path,
            query,
            headers: Headers { all: headers, count },
            bytes: length,
            content_length: None,
            keep_alive: true,
            is_plain: version == 1,
            has_origin: false,
        };
        head.understand();
        Ok(Some(head))
    }

    /// The headers as others want them.
    pub(crate) fn header_map(&self) -> HeaderMap {
        let named = |header: &Header<'_>| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        };
        let mut map = HeaderMap::with_capacity(self.headers.count);
        for (name, value) in self.headers.all.iter().take(self.headers.count).filter_map(named) {
            map.append(name, value);
        }
        map
    }

    fn understand(&mut self) {
        let mut lengths = 0;
        for header in self.headers.all.iter().take(self.headers.count) {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                6 if is("origin") => self.has_origin = true,
                6 if is("expect") => self.is_plain = false,
                7 if is("upgrade") => self.is_plain = false,
                10 if is("connection") => self.keep_alive &= !lists(header.value, "close"),
                14 if is("content-length") => {
                    lengths += 1;
                    self.content_length = number(header.value);
                }
                17 if is("transfer-encoding") => self.is_plain = false,
                _ => {}
            }
        }
        // Two lengths are a way to smuggle requests (RFC 9112 §6.3): not judged here.
        self.is_plain &= lengths == 1;
    }
}

/// Whether a list of words holds `word`.
fn lists(value: &[u8], word: &str) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn number(value: &[u8]) -> Option<usize> {
    let digits = value.trim_ascii();
    let plain = !digits.is_empty() && digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head<'_> {
        Head::parse(text.as_bytes()).ok().flatten().unwrap()
    }

    #[test]
    fn a_plain_head_is_understood() {
        let text = "POST /a?b=c HTTP/1.1\r\nhost: x\r\nContent-Length: 12\r\n\r\nrest";
        let head = head(text);
        assert_eq!((head.method, head.path, head.query), ("POST", "/a", Some("b=c")));
        assert_eq!((head.bytes, head.content_length), (text.len() - 4, Some(12)));
        assert!(head.is_plain && head.keep_alive && !head.has_origin);
        assert_eq!(head.header_map()["host"], "x");
    }

    #[test]
    fn what_is_not_plain_is_seen() {
        for other in [
            "POST / HTTP/1.0\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\nexpect: 100-continue\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\nupgrade: h2c\r\n\r\n",
        ] {
            assert!(!head(other).is_plain, "{other:?}");
        }
        for length in ["-1", "+1", "1, 1", "", "0x1", "9999999999", "١"] {
            assert_eq!(head(&format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n")).content_length, None);
        }
        assert!(!head("POST / HTTP/1.1\r\nconnection: x, Close\r\n\r\n").keep_alive);
        assert!(head("POST / HTTP/1.1\r\norigin: a\r\n\r\n").has_origin);
        assert!(matches!(Head::parse(b"POST / HTTP/1.1\r\nhost: x\r\n"), Ok(None)));
        assert!(Head::parse(b"\x16\x03\x01").is_err());
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert!(Head::parse(many.as_bytes()).is_err());
    }
}
