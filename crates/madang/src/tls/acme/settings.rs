//! Who is asked for a certificate, by whom, and for which names.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{AcmeError, client::AuthorityClient};

/// Names of one certificate at the most: Let's Encrypt takes no more.
const DOMAINS_MAX: usize = 100;
/// Bytes of a name at the most (RFC 1035 §2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;
/// How often the pause after a failure doubles.
const DOUBLED_MAX: u32 = 4;

/// Where a certificate comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcmeSettings {
    /// The names it is for; none: nobody is asked.
    pub(crate) domains: Vec<String>,
    /// The address where the authority says what it offers.
    pub(crate) directory: String,
    /// Whom it writes to when something is wrong.
    pub(crate) contact: String,
    /// Whether its terms were read and accepted.
    pub(crate) terms_accepted: bool,
    /// The file with certificates by which it is believed in place of this machine's (PEM).
    pub(crate) directory_roots: PathBuf,
    /// The pause after an order that failed, before it grows.
    pub(crate) retry_ms: u64,
}

impl AcmeSettings {
    /// Whether an authority is asked.
    pub(crate) fn is_on(&self) -> bool {
        !self.domains.is_empty()
    }

    /// The names in the form and order in which they are kept.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.domains.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The pause after an order when so many have failed before it.
    pub(super) fn pause_after(&self, failures: u32) -> Duration {
        Duration::from_millis(self.retry_ms.max(1)) * 2_u32.pow(failures.min(DOUBLED_MAX))
    }

    /// Reads what it names.
    pub(crate) fn check(&self) -> Result<(), AcmeError> {
        AuthorityClient::new(&self.directory_roots).map(|_| ())
    }

    /// A setting that cannot be meant, and why.
    pub(crate) fn trouble(&self) -> Option<(&'static str, String)> {
        if !self.is_on() {
            return None;
        }
        if self.domains.len() > DOMAINS_MAX {
            return Some(("tls.acme.domains", format!("{DOMAINS_MAX} names at the most fit into one certificate")));
        }
        if let Some((name, reason)) = self.domains.iter().find_map(|name| Some((name, trouble_with(name)?))) {
            return Some(("tls.acme.domains", format!("{name:?} {reason}")));
        }
        if !self.directory.starts_with("https://") {
            return Some(("tls.acme.directory", "an address that begins with https:// is expected".into()));
        }
        let is_mail = self.contact.split_once('@').is_some_and(|(who, at)| !who.is_empty() && at.contains('.'));
        if !is_mail || self.contact.contains(|letter: char| letter.is_whitespace() || letter == ':' || letter == ',') {
            return Some(("tls.acme.contact", "an e-mail address is expected: the authority writes to it".into()));
        }
        if !self.terms_accepted {
            let reason = "read the terms of the authority, and set it to true if you accept them";
            return Some(("tls.acme.terms_accepted", reason.into()));
        }
        None
    }
}

fn trouble_with(name: &str) -> Option<&'static str> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.contains('*') {
        return Some("is a wildcard, which cannot be shown over TLS: list each name, or name files");
    }
    if name.parse::<IpAddr>().is_ok() {
        return Some("is an address; a name is expected");
    }
    let is_name = name.len() <= DOMAIN_BYTES_MAX && name.split('.').all(is_label);
    (!is_name).then_some("is no name; letters of other languages are written as xn--…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_after_failures_grows_to_a_bound() {
        let settings = AcmeSettings {
            domains: Vec::new(),
            directory: String::new(),
            contact: String::new(),
            terms_accepted: false,
            directory_roots: PathBuf::new(),
            retry_ms: 10,
        };
        let pauses = [0, 1, 2, 3, 4, 5, u32::MAX].map(|failures| settings.pause_after(failures).as_millis());
        assert_eq!(pauses, [10, 20, 40, 80, 160, 160, 160]);
    }
}
