//! Requests that are refused, lost on the way and never answered.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engines::{s3::S3Blobs, testing::S3Process};
use ports::blobs::{BlobError, Blobs};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    SECRET, objects, open, unfinished,
    way::{Fate, Manner, Way},
};

/// The longest anything may take that is refused or not answered: the time in which it is tried again, and one last attempt.
const BOUND: Duration = Duration::from_secs(30);
/// More than one piece.
const LARGE: usize = (17 << 20) + 1;

fn data(seed: u64, length: usize) -> Bytes {
    let words = (0..length.div_ceil(8) as u64).map(|place| kernel::random::mix(seed << 40 | place));
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    Bytes::from(bytes).slice(..length)
}

async fn open_by(way: &Way) -> Arc<S3Blobs> {
    Arc::new(open(&S3Process::url_by_way_of(way.address, "site")).await.unwrap())
}

/// Puts it as a recording is sealed: again until it is acknowledged. How often it was not.
async fn put(blobs: &S3Blobs, number: u64, folder: &std::path::Path) -> usize {
    let (key, mut failures) = (format!("half/{number}"), 0);
    if !number.is_multiple_of(8) {
        let data = data(number, 300_000);
        while blobs.put(&key, data.clone()).await.is_err() {
            failures += 1;
        }
        return failures;
    }
    let file = folder.join(number.to_string());
    std::fs::write(&file, data(number, LARGE)).unwrap();
    while let Err(error) = blobs.put_file(&key, &file).await {
        assert!(file.exists(), "a file that was not taken stays: {error}");
        failures += 1;
    }
    assert!(!file.exists());
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_where_half_of_the_requests_fail() {
    let Some(server) = S3Process::start() else { return };
    let way = Way::to(server.address()).await;
    let blobs = open_by(&way).await;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    way.becomes(Manner::Half);
    let count = 32;
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (blobs, folder) = (blobs.clone(), folder.clone());
            tokio::spawn(async move { put(&blobs, number, folder.path()).await })
        })
        .collect();
    let mut failures = 0;
    for task in tasks {
        failures += task.await.unwrap();
    }
    for number in 0..count {
        let length = if number.is_multiple_of(8) { LARGE } else { 300_000 };
        let read = blobs.get(&format!("half/{number}"), None).await.unwrap();
        assert!(read == data(number, length), "blob {number} came back as other bytes");
    }
    let odd: Vec<String> = (0..count).map(|number| format!("half/{number}")).collect();
    let mut listed = blobs.list("half/").await.unwrap();
    listed.sort_by_key(|key| key["half/".len()..].parse::<u64>().unwrap());
    assert_eq!(listed, odd);

    way.becomes(Manner::Open);
    for number in 0..count {
        let length = if number.is_multiple_of(8) { LARGE } else { 300_000 };
        let read = blobs.get(&format!("half/{number}"), None).await.unwrap();
        assert!(read == data(number, length), "blob {number} is not whole");
    }
    let counts =
        [Fate::Refused, Fate::Lost, Fate::AnswerLost, Fate::AnswerTorn, Fate::Passes].map(|fate| way.count(fate));
    let [refused, lost, unanswered, torn, _] = counts;
    // A line of the table that scripts/test-faults makes.
    eprintln!(
        "fault | 7. S3: of {} requests {refused} refused, {lost} lost, {unanswered} unanswered, {torn} torn | {count} recordings | 0 | 0 | – \
         | within one attempt more ({failures} were told to try again) | – |",
        counts.iter().sum::<usize>(),
    );
    assert!(counts.iter().all(|count| *count > 5), "each thing happened: {counts:?}");

    way.becomes(Manner::Half);
    blobs.delete_prefix("half/").await.unwrap();
    assert!(objects(&server).iter().all(|name| !name.starts_with("site/half/")), "all are removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_for_long_is_told_within_the_bound_and_used_again_when_it_is_back() {
    let Some(server) = S3Process::start() else { return };
    let way = Way::to(server.address()).await;
    let blobs = open_by(&way).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"waits").unwrap();
    blobs.put("a/there", Bytes::from_static(b"x")).await.unwrap();

    way.becomes(Manner::Busy);
    let begun = Instant::now();
    let (put, get, list, removed) = tokio::join!(
        blobs.put_file("a/file", &file),
        blobs.get("a/there", None),
        blobs.list("a/"),
        blobs.delete_prefix("a/")
    );
    assert!(begun.elapsed() < BOUND, "it took {:?}", begun.elapsed());
    for error in [put.unwrap_err(), get.unwrap_err(), list.unwrap_err(), removed.unwrap_err()] {
        let told = error.to_string();
        assert!(matches!(error, BlobError::Away { .. }) && told.contains("SlowDown"), "{told}");
        assert!(!told.contains(SECRET) && !told.contains("AKIATEST"), "{told}");
    }
    assert!(file.exists() && objects(&server) == ["site/a/there"], "nothing happened");
    let begun = Instant::now();
    let said = blobs.answers().await.unwrap_err().to_string();
    assert!(said.contains("503") && begun.elapsed() < Duration::from_secs(5), "asked once: {said}");

    way.becomes(Manner::Open);
    blobs.answers().await.unwrap();
    blobs.put_file("a/file", &file).await.unwrap();
    assert_eq!(objects(&server), ["site/a/file", "site/a/there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_silent_is_told_within_the_bound() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = S3Process::url_by_way_of(silent.local_addr().unwrap(), "");
    let begun = Instant::now();
    let told = open(&url).await.map(drop).unwrap_err().to_string();
    assert!(told.contains("no answer within 5 s"), "{told}");
    assert!(begun.elapsed() < BOUND, "it took {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_leaves_nothing_in_the_bucket() {
    let Some(server) = S3Process::start() else { return };
    let way = Way::to(server.address()).await;
    let blobs = open_by(&way).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    std::fs::write(&file, data(1, LARGE)).unwrap();
    for forbidden in ["partNumber=2", "partNumber=3", "uploadId"] {
        way.becomes(Manner::Forbids(forbidden));
        let error = blobs.put_file("a/large", &file).await.unwrap_err();
        assert!(error.to_string().contains("AccessDenied: on purpose"), "{error}");
        assert!(file.exists() && objects(&server).is_empty(), "{forbidden}");
        if forbidden == "uploadId" {
            // Nor may it be given up: that is what the bucket's rule is for.
            assert_eq!(unfinished(&server).len(), 1);
        } else {
            assert!(unfinished(&server).is_empty(), "{forbidden}: pieces are left");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_waits_for_any_more_is_given_up() {
    let Some(server) = S3Process::start() else { return };
    let way = Way::to(server.address()).await;
    let blobs = open_by(&way).await;
    way.becomes(Manner::Swallows("partNumber=2"));
    let putting = tokio::spawn(async move { blobs.put("a/large", data(1, LARGE)).await });
    while way.count(Fate::Swallowed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(unfinished(&server).len(), 1);
    putting.abort();
    let begun = Instant::now();
    while !unfinished(&server).is_empty() {
        assert!(begun.elapsed() < BOUND, "the pieces stay");
    }
    assert!(objects(&server).is_empty());
}
