//! Secret tokens: 256 random bits. The holder keeps the token, we keep its SHA-256.

use std::fmt::{self, Write as _};

use kernel::{Random, random::RandomError};
use sha2::{Digest, Sha256};

const TOKEN_BYTES: usize = 32;

/// A secret that its holder shows to prove a session or a right: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub(crate) fn new(random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = [0; TOKEN_BYTES];
        random.fill(&mut bytes)?;
        let mut text = String::with_capacity(2 * TOKEN_BYTES);
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// The text to hand to its holder, and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Never shows the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is kept of a token. A fast hash suffices, because the token has 256 bits nobody can guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of what a client sent; none when that cannot be a token.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let shaped = text.len() == 2 * TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        shaped.then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    pub(crate) fn of_token(token: &Token) -> Self {
        Self(Sha256::digest(token.0.as_bytes()).into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
