//! S3: what it promises, also where it refuses, loses and is silent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod faults;
mod opening;
mod promise;
mod way;

use engines::{
    s3::{S3Blobs, S3Credentials, S3Location, UnusableBucket},
    testing::S3Process,
};

/// A secret that must be seen nowhere.
const SECRET: &str = "hunter2hunter2";

fn credentials() -> S3Credentials {
    let variable = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKIATEST".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
        _ => None,
    };
    S3Credentials::from_variables(variable).unwrap()
}

async fn open(url: &str) -> Result<S3Blobs, UnusableBucket> {
    S3Blobs::open(&S3Location::parse(url).unwrap(), credentials()).await
}

/// The names of all objects in the bucket.
fn objects(server: &S3Process) -> Vec<String> {
    between(&server.ask_bucket("GET", "?list-type=2", ""), "Key")
}

/// Uploads that are neither finished nor given up.
fn unfinished(server: &S3Process) -> Vec<String> {
    between(&server.ask_bucket("GET", "?uploads", ""), "UploadId")
}

fn between(text: &str, tag: &str) -> Vec<String> {
    let (begin, end) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0.to_owned())).collect()
}
