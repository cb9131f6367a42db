//! The opening handshake (RFC 6455 §4.2).

use axum::http::{HeaderMap, HeaderName, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// What every accepted key is joined with (§1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: &str = "13";

/// A request to open a WebSocket.
#[derive(Debug)]
pub(crate) struct Handshake<'a> {
    key: &'a str,
    headers: &'a HeaderMap,
}

/// Why a request opens no WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWebSocket {
    /// It does not ask for one, or says so wrongly; the text names the header.
    Malformed(&'static str),
    /// It asks for another version than 13.
    OtherVersion,
}

impl<'a> Handshake<'a> {
    /// Reads the request's headers.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, NotWebSocket> {
        if !lists(headers, &header::UPGRADE, "websocket") {
            return Err(NotWebSocket::Malformed("Upgrade"));
        }
        if !lists(headers, &header::CONNECTION, "upgrade") {
            return Err(NotWebSocket::Malformed("Connection"));
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if text(header::SEC_WEBSOCKET_VERSION) != Some(VERSION) {
            return Err(NotWebSocket::OtherVersion);
        }
        let key = text(header::SEC_WEBSOCKET_KEY).ok_or(NotWebSocket::Malformed("Sec-WebSocket-Key"))?;
        match STANDARD.decode(key) {
            Ok(nonce) if nonce.len() == 16 => Ok(Self { key, headers }),
            _ => Err(NotWebSocket::Malformed("Sec-WebSocket-Key")),
        }
    }

    /// Whether the client offers a subprotocol.
    pub(crate) fn offers(&self, subprotocol: &str) -> bool {
        let values = self.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim() == subprotocol)
    }

    /// The head of the answer that opens it.
    pub(crate) fn accept(&self, subprotocol: Option<&str>) -> Vec<u8> {
        let digest = Sha1::new().chain_update(self.key).chain_update(GUID).finalize();
        let accept = STANDARD.encode(digest);
        let subprotocol = subprotocol.map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-accept: {accept}\r\n{subprotocol}\r\n"
        )
        .into_bytes()
    }
}

fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        let usual = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "other, centrifuge-json"),
        ];
        for (name, value) in usual.iter().chain(changes) {
            map.insert(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn the_example_of_the_standard_is_accepted_as_it_says() {
        let headers = headers(&[]);
        let handshake = Handshake::of(&headers).unwrap();
        let answer = String::from_utf8(handshake.accept(Some("centrifuge-json"))).unwrap();
        assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answer.ends_with("sec-websocket-protocol: centrifuge-json\r\n\r\n"));
        assert!(handshake.offers("centrifuge-json") && !handshake.offers("centrifuge"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (("upgrade", "h2c"), NotWebSocket::Malformed("Upgrade")),
            (("connection", "close"), NotWebSocket::Malformed("Connection")),
            (("sec-websocket-version", "8"), NotWebSocket::OtherVersion),
            (("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"), NotWebSocket::Malformed("Sec-WebSocket-Key")),
            (("sec-websocket-key", "c2hvcnQ="), NotWebSocket::Malformed("Sec-WebSocket-Key")),
        ];
        for (change, expected) in cases {
            assert_eq!(Handshake::of(&headers(&[change])).unwrap_err(), expected, "{change:?}");
        }
    }
}
