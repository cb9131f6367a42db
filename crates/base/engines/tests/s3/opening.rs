//! Coming to a bucket: what is said when it cannot be used, and the rules it is given.

use engines::testing::S3Process;

use crate::{SECRET, objects, open};

const RULES: &str = "?lifecycle";

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_used_is_said() {
    let nobody = open("s3://madang-test?endpoint=http://127.0.0.1:1").await.map(drop).unwrap_err().to_string();
    assert!(nobody.contains("madang-test") && nobody.contains("refused"), "{nobody}");
    let Some(server) = S3Process::start() else { return };
    let elsewhere = server.url("").replace("madang-test", "madang-other");
    let missing = open(&elsewhere).await.map(drop).unwrap_err().to_string();
    assert!(missing.contains("madang-other") && missing.contains("NoSuchBucket"), "{missing}");
    for said in [nobody, missing] {
        assert!(!said.contains(SECRET) && !said.contains("AKIATEST"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_come_to_one_bucket_at_once_do_not_disturb_each_other() {
    let Some(server) = S3Process::start() else { return };
    let url = server.url("site");
    for _ in 0..5 {
        let coming = (0..8).map(|_| open(&url));
        for came in futures_util::future::join_all(coming).await {
            came.map(drop).unwrap();
        }
    }
    assert!(objects(&server).is_empty(), "each has removed what it tried with");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_rules_gets_ours_and_keeps_them() {
    let Some(server) = S3Process::start() else { return };
    assert!(server.ask_bucket("GET", RULES, "").starts_with("HTTP/1.1 404"));
    for _ in 0..2 {
        open(&server.url("site")).await.unwrap();
        let rules = server.ask_bucket("GET", RULES, "");
        assert!(rules.contains("<DaysAfterInitiation>7</DaysAfterInitiation>"), "{rules}");
        assert_eq!(rules.matches("<Rule>").count(), 1, "{rules}");
        assert!(rules.contains("<Prefix>site/</Prefix>"), "{rules}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_somebody_has_written_stay_as_they_are() {
    let Some(server) = S3Process::start() else { return };
    let theirs = "<LifecycleConfiguration><Rule><ID>theirs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>\
                  <Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>";
    assert!(server.ask_bucket("PUT", RULES, theirs).starts_with("HTTP/1.1 200"));
    let before = server.ask_bucket("GET", RULES, "");
    open(&server.url("")).await.unwrap();
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&server.ask_bucket("GET", RULES, "")), body(&before));
}
