//! Rules by which the bucket itself clears up: pieces of uploads that nobody will finish (a process that was killed) are
//! removed after a week. Blobs themselves never expire by a rule.
//!
//! A bucket's rules are written all at once. So they are written where there are none at all; where there are some, they are
//! looked at, and what is missing is told in the log.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;

use super::{bucket::Bucket, location::S3Location};

/// After so many days nobody will finish an upload.
const DAYS: u32 = 7;
/// What is asked for and written.
const QUERY: &str = "?lifecycle";

/// Looks at the rules, and writes them where there are none. What fails does not keep anybody from using the bucket.
pub(super) async fn see_to(bucket: &Bucket, location: &S3Location) {
    let wanted = format!(
        "the pieces of uploads that were broken off stay in it: add a rule that aborts incomplete multipart \
                          uploads after {DAYS} days (docs/operating.md)"
    );
    match rules(bucket).await {
        Ok(Some(rules)) if rules.clears_up(&location.folder()) => (),
        Ok(Some(_)) => tracing::warn!("the bucket of engines.s3 has lifecycle rules, but {wanted}"),
        Ok(None) => match write(bucket, location).await {
            Ok(()) => {
                tracing::info!(days = DAYS, "the bucket of engines.s3 now removes what is left of broken uploads")
            }
            Err(error) => tracing::warn!(%error, "the bucket of engines.s3 takes no lifecycle rule, and {wanted}"),
        },
        Err(error) => tracing::warn!(%error, "the lifecycle rules of engines.s3 cannot be read; perhaps {wanted}"),
    }
}

async fn rules(bucket: &Bucket) -> Result<Option<Rules>, String> {
    let answer = bucket.ask(Method::GET, QUERY, Bytes::new()).await?;
    match answer.status {
        StatusCode::NOT_FOUND => Ok(None),
        status if status.is_success() => {
            let text = String::from_utf8_lossy(&answer.body);
            quick_xml::de::from_str(&text).map(Some).map_err(|error| error.to_string())
        }
        _ => Err(answer.complaint()),
    }
}

async fn write(bucket: &Bucket, location: &S3Location) -> Result<(), String> {
    let answer = bucket.ask(Method::PUT, QUERY, text(&location.folder()).into()).await?;
    if answer.status.is_success() { Ok(()) } else { Err(answer.complaint()) }
}

/// Our rule. A prefix is made of plain names, so nothing in it needs to be escaped.
fn text(folder: &str) -> String {
    format!(
        "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
         <ID>madang-incomplete-uploads</ID><Filter><Prefix>{folder}</Prefix></Filter><Status>Enabled</Status>\
         <AbortIncompleteMultipartUpload><DaysAfterInitiation>{DAYS}</DaysAfterInitiation>\
         </AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"
    )
}

/// A bucket's rules, as far as they concern us.
#[derive(Debug, Deserialize)]
struct Rules {
    #[serde(rename = "Rule", default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    status: String,
    filter: Option<Filter>,
    /// Where older rules have it.
    prefix: Option<String>,
    abort_incomplete_multipart_upload: Option<Abort>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    prefix: Option<String>,
    and: Option<serde::de::IgnoredAny>,
    tag: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Abort {
    #[allow(dead_code, reason = "an element without it is no rule")]
    days_after_initiation: u32,
}

impl Rules {
    /// Whether broken uploads under this prefix are removed some day.
    fn clears_up(&self, folder: &str) -> bool {
        self.rules.iter().any(|rule| {
            let narrow = rule.filter.as_ref().is_some_and(|filter| filter.and.is_some() || filter.tag.is_some());
            let prefix = rule.filter.as_ref().and_then(|filter| filter.prefix.as_ref()).or(rule.prefix.as_ref());
            rule.status == "Enabled"
                && rule.abort_incomplete_multipart_upload.is_some()
                && !narrow
                && prefix.is_none_or(|prefix| folder.starts_with(prefix.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clears_up(rules: &str, folder: &str) -> bool {
        let rules: Rules = quick_xml::de::from_str(rules).unwrap();
        rules.clears_up(folder)
    }

    #[test]
    fn our_own_rule_is_one() {
        for folder in ["", "site/", "sites/one/"] {
            assert!(clears_up(&text(folder), folder), "{folder}");
        }
        assert!(clears_up(&text(""), "site/"), "a rule for all is one for us");
        assert!(!clears_up(&text("other/"), "site/"));
        assert!(!clears_up(&text("site/"), ""), "a rule for a part is not one for all");
    }

    #[test]
    fn rules_of_others_are_understood() {
        let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
        let rule =
            |inner: &str| format!("<LifecycleConfiguration><Rule><ID>a</ID>{inner}</Rule></LifecycleConfiguration>");
        let enabled = "<Status>Enabled</Status>";
        assert!(clears_up(&rule(&format!("<Prefix/>{enabled}{abort}")), "site/"));
        assert!(clears_up(&rule(&format!("<Filter/>{enabled}{abort}")), "site/"));
        assert!(!clears_up(&rule(&format!("<Filter/><Status>Disabled</Status>{abort}")), "site/"));
        assert!(!clears_up(&rule(&format!("<Filter/>{enabled}<Expiration><Days>30</Days></Expiration>")), "site/"));
        let tagged = "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>";
        assert!(!clears_up(&rule(&format!("{tagged}{enabled}{abort}")), "site/"));
        assert!(!clears_up("<LifecycleConfiguration/>", "site/"));
    }
}
