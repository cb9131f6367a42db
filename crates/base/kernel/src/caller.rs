//! Who is asking.

use std::net::{IpAddr, Ipv6Addr};

use crate::{AccountId, SessionId};

/// A signed-in account, as much of it as rules and messages need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The session it signed in with.
    pub session: SessionId,
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
    /// Whether it holds the administrator's grant.
    pub admin: bool,
}

/// Who is asking, and from which address. Anonymous callers have no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account, when signed in.
    pub identity: Option<Box<Identity>>,
    /// The client's address, after trusted proxies.
    pub address: IpAddr,
}

impl Caller {
    /// A caller without an account.
    pub fn anonymous(address: IpAddr) -> Self {
        Self { identity: None, address }
    }

    /// The account, when signed in.
    pub fn account(&self) -> Option<AccountId> {
        self.identity.as_ref().map(|identity| identity.account)
    }

    /// Whether the caller is an administrator.
    pub fn is_admin(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.admin)
    }
}

/// The address under which a client's requests are counted: an IPv4 address itself; of an IPv6 address its /64, because
/// one customer is given that many (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_are_counted_together() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
