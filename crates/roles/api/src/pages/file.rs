//! One file of the UI in the forms it is kept in.

use std::hash::{DefaultHasher, Hasher};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;

use super::encoding::Encoding;

/// A file, perhaps compressed as well.
#[derive(Debug)]
pub(crate) struct File {
    content_type: &'static str,
    cache_control: &'static str,
    forms: Vec<Form>,
}

/// The bytes of a file in one encoding.
#[derive(Debug)]
struct Form {
    encoding: Option<Encoding>,
    bytes: Bytes,
    tag: HeaderValue,
}

impl File {
    pub(crate) fn new(path: &str, bytes: Bytes, brotli: Option<Bytes>, gzip: Option<Bytes>) -> Self {
        let form = |encoding, bytes: Bytes| Form { encoding, tag: tag(&bytes), bytes };
        let brotli = brotli.map(|bytes| form(Some(Encoding::Brotli), bytes));
        let gzip = gzip.map(|bytes| form(Some(Encoding::Gzip), bytes));
        let forms = brotli.into_iter().chain(gzip).chain([form(None, bytes)]).collect();
        let is_hashed = path.starts_with("assets/");
        let cache_control = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        Self { content_type: content_type(path), cache_control, forms }
    }

    /// The file in the best form the client takes, or 304 when it has that already.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let taken = |form: &&Form| form.encoding.is_none_or(|encoding| encoding.is_accepted(headers));
        let Some(form) = self.forms.iter().find(taken) else { return Response::default() };
        let is_known = is_known(headers, &form.tag);
        let mut response = Response::new(if is_known { Body::empty() } else { Body::from(form.bytes.clone()) });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let out = response.headers_mut();
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        out.insert(header::ETAG, form.tag.clone());
        if self.forms.len() > 1 {
            out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if !is_known {
            out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            if let Some(encoding) = form.encoding {
                out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            }
        }
        response
    }
}

/// Whether `If-None-Match` names the tag (RFC 9110 section 13.1.2, weak comparison).
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes())
}

/// A tag that changes with the bytes. It has to tell versions apart, not to withstand forgers: the files are our own.
fn tag(bytes: &Bytes) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let text = format!("\"{:016x}-{:x}\"", hasher.finish(), bytes.len());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp4" => "video/mp4",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
