//! Which compression a client takes (RFC 9110 section 12.5.3).

use axum::http::{HeaderMap, header};

/// A compression files are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Its name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Whether the client takes it: named, or meant by `*`, and not with a weight of 0.
    pub(crate) fn is_accepted(self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let mut any = false;
        for choice in values.flat_map(|value| value.split(',')) {
            let (name, parameters) = choice.split_once(';').unwrap_or((choice, ""));
            let refused = parameters.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
            match name.trim() {
                name if name.eq_ignore_ascii_case(self.name()) => return !refused,
                "*" => any = !refused,
                _ => (),
            }
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_say_what_they_take() {
        let cases = [
            ("gzip, deflate, br", true, true),
            ("gzip;q=1.0, BR;q=0.5", true, true),
            ("gzip, br;q=0", false, true),
            ("*", true, true),
            ("*, br;q=0.0", false, true),
            ("*;q=0, gzip", false, true),
            ("identity", false, false),
            ("brotli, xgzip", false, false),
            ("", false, false),
        ];
        for (text, brotli, gzip) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, text.parse().unwrap());
            assert_eq!(Encoding::Brotli.is_accepted(&headers), brotli, "{text}");
            assert_eq!(Encoding::Gzip.is_accepted(&headers), gzip, "{text}");
        }
    }
}
