//! The web UI's files, as browsers ask for them.

use super::*;

fn pages() -> Pages {
    let files = [
        ("index.html", "<html>"),
        ("index.html.br", "index in brotli"),
        ("index.html.gz", "index in gzip"),
        ("assets/app-1a2b.js", "let a"),
        ("assets/app-1a2b.js.gz", "js in gzip"),
        ("icon.svg", "<svg>"),
    ];
    Pages::new(files.map(|(path, text)| (path.to_owned(), Bytes::from_static(text.as_bytes()))))
}

async fn get(pages: &Pages, path: &str, headers: &[(&'static str, &str)]) -> (u16, HeaderMap, String) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    let (parts, body) = pages.answer(&Method::GET, path, &map).into_parts();
    let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_path_of_the_ui_is_its_one_page() {
    let pages = pages();
    for path in ["/", "/index.html", "/watch/123", "/claim", "/docs", "/@hana"] {
        let (status, headers, body) = get(&pages, path, &[]).await;
        assert_eq!((status, body.as_str()), (200, "<html>"), "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["vary"], "accept-encoding");
    }
    for path in ["/assets/app-gone.js", "/favicon.ico", "/../secret.txt", "/index.html.br"] {
        let (status, headers, _) = get(&pages, path, &[]).await;
        assert_eq!((status, &headers["content-type"]), (404, &"application/problem+json".parse().unwrap()), "{path}");
    }
    assert_eq!(pages.answer(&Method::POST, "/", &HeaderMap::new()).status(), 404);
}

#[tokio::test]
async fn the_best_form_the_client_takes_goes_out() {
    let pages = pages();
    let cases = [
        ("/", "gzip, br", "index in brotli", Some("br")),
        ("/", "gzip, br;q=0", "index in gzip", Some("gzip")),
        ("/", "zstd", "<html>", None),
        ("/assets/app-1a2b.js", "br, gzip", "js in gzip", Some("gzip")),
        ("/icon.svg", "br, gzip", "<svg>", None),
    ];
    for (path, accepted, expected, encoding) in cases {
        let (_, headers, body) = get(&pages, path, &[("accept-encoding", accepted)]).await;
        assert_eq!(body, expected, "{path} {accepted}");
        assert_eq!(headers.get("content-encoding").map(|name| name.to_str().unwrap()), encoding);
    }
    let (_, headers, _) = get(&pages, "/assets/app-1a2b.js", &[("accept-encoding", "gzip")]).await;
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let pages = pages();
    let (_, plain, _) = get(&pages, "/", &[]).await;
    let (_, brotli, _) = get(&pages, "/", &[("accept-encoding", "br")]).await;
    assert_ne!(plain["etag"], brotli["etag"], "each form has a tag of its own");
    let tag = plain["etag"].to_str().unwrap();
    for known in [tag, &format!("\"other\", W/{tag}"), "*"] {
        let (status, headers, body) = get(&pages, "/watch/1", &[("if-none-match", known)]).await;
        assert_eq!((status, body.as_str()), (304, ""), "{known}");
        assert_eq!(headers["etag"], tag);
        assert!(!headers.contains_key("content-type"));
    }
    let (status, _, _) = get(&pages, "/", &[("if-none-match", tag), ("accept-encoding", "br")]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_binary_without_the_ui_says_how_to_build_it() {
    let none = Pages::new([]);
    let (status, _, body) = get(&none, "/", &[]).await;
    assert!(status == 200 && body.contains("npm run build"));
    assert_eq!(get(&none, "/watch/1", &[]).await.0, 404);
}
