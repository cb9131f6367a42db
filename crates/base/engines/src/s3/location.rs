//! Where a bucket is, as the setting writes it.

use url::Url;

/// Where AWS keeps buckets that name no region.
const REGION: &str = "us-east-1";

/// A bucket, and what all names in it begin with: `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub(super) bucket: String,
    /// Without a slash at either end; may be empty.
    pub(super) prefix: String,
    /// The server; none: AWS.
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
}

/// What is wrong with the text. It does not repeat it: somebody may have written a secret into it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0}; a URL s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION is expected, of which only the bucket is needed"
)]
pub struct InvalidS3Url(&'static str);

impl S3Location {
    /// Reads the text.
    ///
    /// # Errors
    /// When it is none; without repeating it.
    pub fn parse(text: &str) -> Result<Self, InvalidS3Url> {
        let url = Url::parse(text).map_err(|_| InvalidS3Url("it is not a URL"))?;
        if url.scheme() != "s3" {
            return Err(InvalidS3Url("it does not begin with s3://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidS3Url(
                "credentials do not belong into it but into the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ));
        }
        if url.port().is_some() || url.fragment().is_some() {
            return Err(InvalidS3Url("a bucket has neither a port nor a fragment"));
        }
        let bucket = url.host_str().filter(|bucket| is_bucket(bucket)).ok_or(InvalidS3Url("it names no bucket"))?;
        let prefix = url.path().trim_matches('/');
        if !prefix.is_empty() && ports::blobs::check_key(prefix).is_err() {
            return Err(InvalidS3Url("the prefix is not made of plain names"));
        }
        let mut location =
            Self { bucket: bucket.to_owned(), prefix: prefix.to_owned(), endpoint: None, region: REGION.to_owned() };
        for (name, value) in url.query_pairs() {
            match &*name {
                "endpoint" => location.endpoint = Some(endpoint(&value)?),
                "region" if is_plain(&value) => location.region = value.into_owned(),
                "region" => return Err(InvalidS3Url("the region is not a plain name")),
                _ => return Err(InvalidS3Url("it knows endpoint and region and nothing else")),
            }
        }
        Ok(location)
    }

    /// What the name of every object begins with: empty, or with a slash at its end.
    pub(super) fn folder(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// Whether the bucket is a part of the host's name, as AWS wants it, and not of the path, as others do. A certificate for
    /// `*.s3.…` does not fit a bucket with dots.
    pub(super) fn is_virtual_hosted(&self) -> bool {
        self.endpoint.is_none() && !self.bucket.contains('.')
    }

    /// The site that addresses of blobs are on: scheme, host and port.
    pub fn origin(&self) -> String {
        let url = self.url();
        let path = url.find("://").and_then(|scheme| Some(scheme + 3 + url[scheme + 3..].find('/')?));
        path.map_or(url.as_str(), |path| &url[..path]).to_owned()
    }

    /// The bucket's address.
    pub(super) fn url(&self) -> String {
        let Self { bucket, region, endpoint, .. } = self;
        match endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}"),
            None if self.is_virtual_hosted() => format!("https://{bucket}.s3.{region}.amazonaws.com"),
            None => format!("https://s3.{region}.amazonaws.com/{bucket}"),
        }
    }
}

/// The address of a server, without a slash at its end.
fn endpoint(text: &str) -> Result<String, InvalidS3Url> {
    let wrong = InvalidS3Url("the endpoint is not an address http://HOST:PORT or https://HOST:PORT");
    let Ok(url) = Url::parse(text) else { return Err(wrong) };
    let is_server = ["http", "https"].contains(&url.scheme())
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if is_server { Ok(text.trim_end_matches('/').to_owned()) } else { Err(wrong) }
}

fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len()) && is_plain(text)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_read() {
        let plain = S3Location::parse("s3://bucket").unwrap();
        assert_eq!((plain.folder().as_str(), plain.region.as_str()), ("", "us-east-1"));
        assert_eq!(plain.url(), "https://bucket.s3.us-east-1.amazonaws.com");
        let own = "s3://my.bucket/sites/one/?endpoint=http://127.0.0.1:9000/&region=eu-1";
        let own = S3Location::parse(own).unwrap();
        assert_eq!((own.folder().as_str(), own.region.as_str()), ("sites/one/", "eu-1"));
        assert_eq!(own.url(), "http://127.0.0.1:9000/my.bucket");
        assert_eq!(own.origin(), "http://127.0.0.1:9000");
        assert_eq!(plain.origin(), plain.url(), "the bucket is in the host's name");
        let encoded = S3Location::parse("s3://bucket?endpoint=https%3A%2F%2Fs3.example.org").unwrap();
        assert_eq!(encoded.endpoint.as_deref(), Some("https://s3.example.org"));
        let dots = S3Location::parse("s3://my.bucket?region=eu-west-1").unwrap();
        assert_eq!(dots.url(), "https://s3.eu-west-1.amazonaws.com/my.bucket");
    }

    #[test]
    fn what_is_wrong_is_said_and_no_secret_is_repeated() {
        for (text, reason) in [
            ("", "not a URL"),
            ("bucket", "not a URL"),
            ("https://hunter2.example.org", "s3://"),
            ("s3://", "bucket"),
            ("s3:///prefix", "bucket"),
            ("s3://a", "bucket"),
            ("s3://bucket:9000/hunter2", "port"),
            ("s3://key:hunter2@bucket", "AWS_SECRET_ACCESS_KEY"),
            ("s3://bucket/../hunter2", "bucket"),
            ("s3://bucket/a//hunter2", "plain names"),
            ("s3://bucket/.hunter2", "plain names"),
            ("s3://bucket?secret=hunter2", "nothing else"),
            ("s3://bucket?region=hunter2/", "region"),
            ("s3://bucket?endpoint=hunter2", "endpoint"),
            ("s3://bucket?endpoint=http://key:hunter2@host", "endpoint"),
            ("s3://bucket?endpoint=http://host/hunter2", "endpoint"),
        ] {
            let Err(error) = S3Location::parse(text) else {
                assert_eq!(text, "s3://bucket/../hunter2", "the URL's own rules take the dots out");
                continue;
            };
            let error = error.to_string();
            assert!(error.contains(reason) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
