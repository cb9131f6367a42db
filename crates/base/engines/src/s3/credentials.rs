//! Who we are to S3.

use std::fmt;

use object_store::aws::AwsCredential;

/// A key and its secret, from the variables that all tools for S3 read.
pub struct S3Credentials {
    key_id: String,
    secret: String,
    session_token: Option<String>,
}

/// A variable is not set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the variable {0} is not set")]
pub struct MissingVariable(&'static str);

impl S3Credentials {
    /// Those of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and of `AWS_SESSION_TOKEN` where there is one.
    ///
    /// # Errors
    /// Names the variable that is not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariable> {
        let set = |name: &'static str| variable(name).filter(|value| !value.is_empty()).ok_or(MissingVariable(name));
        Ok(Self {
            key_id: set("AWS_ACCESS_KEY_ID")?,
            secret: set("AWS_SECRET_ACCESS_KEY")?,
            session_token: set("AWS_SESSION_TOKEN").ok(),
        })
    }

    pub(super) fn into_aws(self) -> AwsCredential {
        AwsCredential { key_id: self.key_id, secret_key: self.secret, token: self.session_token }
    }
}

/// Tells nothing.
impl fmt::Debug for S3Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("S3Credentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_that_is_not_set_is_named_and_no_secret_shown() {
        let with = |secret: &'static str| {
            S3Credentials::from_variables(move |name| match name {
                "AWS_ACCESS_KEY_ID" => Some("key".into()),
                "AWS_SECRET_ACCESS_KEY" => Some(secret.into()),
                _ => None,
            })
        };
        assert_eq!(with("").unwrap_err(), MissingVariable("AWS_SECRET_ACCESS_KEY"));
        assert!(!format!("{:?}", with("hunter2").unwrap()).contains("hunter2"));
    }
}
