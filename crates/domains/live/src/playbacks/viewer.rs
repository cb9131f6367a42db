//! Who watches.

use kernel::AccountId;

/// One viewer: an account, or a browser without one that a cookie recognises.
///
/// One number, so that sets and keys of viewers stay small: accounts are positive, browsers negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Viewer(i64);

impl Viewer {
    /// The viewer that is signed in as `account`.
    pub const fn account(account: AccountId) -> Self {
        Self(account.raw())
    }

    /// A browser, by 63 of 64 random bits.
    pub fn browser(random: u64) -> Self {
        Self(-((random >> 1) as i64).max(1))
    }

    /// Back from its number.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// The number, for a store.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// The account, when it is one.
    pub fn as_account(self) -> Option<AccountId> {
        (self.0 > 0).then(|| AccountId::from_raw(self.0))
    }

    /// What the cookie of a browser holds: 16 hexadecimal digits. `None` for accounts, which need no cookie.
    pub fn cookie(self) -> Option<String> {
        (self.0 < 0).then(|| format!("{:016x}", self.0.unsigned_abs()))
    }

    /// Reads what [`Self::cookie`] wrote; anything else is no viewer.
    pub fn from_cookie(text: &str) -> Option<Self> {
        let hexadecimal = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let magnitude = u64::from_str_radix(text, 16).ok().filter(|_| hexadecimal)?;
        let magnitude = i64::try_from(magnitude).ok().filter(|magnitude| *magnitude > 0)?;
        Some(Self(-magnitude))
    }
}
