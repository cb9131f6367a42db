//! Tokens that say who a client is and what it may subscribe to: JSON Web Tokens (RFC 7519) in the convention of the
//! Centrifuge protocol, signed by somebody else's backend.
//!
//! Promise: a token is believed only when it was signed, by the algorithm its key is for, with one of the keys of the settings,
//! has not run out, and is meant for us where the settings say how that is told. Nothing of it is looked at before its
//! signature was found good, except which key it names.
//!
//! Limits: 16 KiB a token. Algorithms: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384.

mod claims;
mod key_set;
mod keys;
mod public_key;
mod settings;
mod signed;
#[cfg(test)]
mod tests;
mod verifier;

pub use claims::{ConnectionClaims, Override, SubscriptionClaims, SubscriptionOptions};
pub use key_set::KeySource;
pub use keys::Algorithm;
pub use settings::TokenSettings;
pub use verifier::{TokenError, Verifier};
