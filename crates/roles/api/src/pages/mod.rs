//! The web UI's files, from the binary.
//!
//! Promise: every path of the UI answers with its one page, so that a link into it works; files with a hash in their name
//! are kept by browsers for ever, everything else is asked for again and answered with 304 when it is the same; a text
//! goes out compressed when the client takes that. A binary that was built without the UI says how to build it.

mod embedded;
mod encoding;
mod file;

use std::collections::HashMap;

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use rest::problem_response;

use crate::problems;
pub(crate) use encoding::Encoding;
pub(crate) use file::File;

/// The page every path of the UI answers with.
const INDEX: &str = "index.html";
const UNBUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Madang</title>\
    <h1>Madang runs, but without its web UI</h1>\
    <p>This binary was built before the web UI was. Build the UI and then the server again:</p>\
    <pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build &amp;&amp; cd .. &amp;&amp; cargo build --release</pre>\
    <p>The API is described in <a href=\"/openapi.json\">/openapi.json</a>.</p></html>";

/// All files of the UI by their path.
#[derive(Debug)]
pub(crate) struct Pages {
    files: HashMap<String, File>,
    /// There is a UI to be served.
    served: bool,
}

impl Pages {
    /// The files in this binary.
    pub(crate) fn embedded() -> Self {
        Self::new(embedded::files())
    }

    /// No UI: what it would answer is not found.
    pub(crate) fn none() -> Self {
        Self { files: HashMap::new(), served: false }
    }

    /// Pages of these files; `.br` and `.gz` beside a file are that file, compressed.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let mut all: HashMap<String, Bytes> = files.into_iter().collect();
        let plain: Vec<String> =
            all.keys().filter(|path| !path.ends_with(".br") && !path.ends_with(".gz")).cloned().collect();
        let mut files = HashMap::with_capacity(plain.len());
        for path in plain {
            let (brotli, gzip) = (all.remove(&format!("{path}.br")), all.remove(&format!("{path}.gz")));
            if let Some(bytes) = all.remove(&path) {
                let file = File::new(&path, bytes, brotli, gzip);
                files.insert(path, file);
            }
        }
        Self { files, served: true }
    }

    /// The answer to a request for `path`.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if !self.served || !matches!(*method, Method::GET | Method::HEAD) {
            return problem_response(&problems::not_found());
        }
        let path = path.trim_start_matches('/');
        if let Some(file) = self.files.get(path) {
            return file.answer(headers);
        }
        let is_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
        if is_file {
            return problem_response(&problems::not_found());
        }
        match self.files.get(INDEX) {
            Some(index) => index.answer(headers),
            None => unbuilt(path),
        }
    }
}

fn unbuilt(path: &str) -> Response {
    let status = if path.is_empty() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = (status, Html(UNBUILT)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
