//! A range of addresses in CIDR notation (RFC 4632).

use std::{fmt, net::IpAddr, str::FromStr};

use kernel::caller::network;

/// An address with the number of leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u8,
}

/// The widest ranges one may ban: 65,536 IPv4 addresses, and what a large provider is given of IPv6.
const BITS_MIN: (u8, u8) = (16, 32);

/// A text that is no range one may ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "A range is an address such as 192.0.2.7 or 2001:db8::1, alone or with /16 to /32 (IPv4) or /32 to /128 (IPv6) behind it."
)]
pub struct InvalidRange;

impl AddressRange {
    /// The range of one customer: an IPv4 address itself, the /64 of an IPv6 address.
    pub fn of_customer(address: IpAddr) -> Self {
        match network(address) {
            address @ IpAddr::V4(_) => Self { address, bits: 32 },
            address @ IpAddr::V6(_) => Self { address, bits: 64 },
        }
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (own.to_bits() ^ other.to_bits()) & mask == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (own.to_bits() ^ other.to_bits()) & mask == 0
            }
            _ => false,
        }
    }

    fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(own) => IpAddr::from(
                (own.to_bits() & u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0)).to_be_bytes(),
            ),
            IpAddr::V6(own) => IpAddr::from(
                (own.to_bits() & u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0)).to_be_bytes(),
            ),
        };
        Self { address, ..self }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (address, bits) =
            text.trim().split_once('/').map_or((text.trim(), None), |(address, bits)| (address, Some(bits)));
        let given: IpAddr = address.parse().map_err(|_| InvalidRange)?;
        let address = given.to_canonical();
        let (least, most) = if address.is_ipv4() { (BITS_MIN.0, 32) } else { (BITS_MIN.1, 128) };
        // An IPv4 address in IPv6's clothes has 96 bits before its own.
        let cover = if given.is_ipv6() && address.is_ipv4() { 96 } else { 0 };
        let bits = match bits {
            None => return Ok(Self::of_customer(address)),
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse::<u8>().ok().and_then(|bits| bits.checked_sub(cover)).ok_or(InvalidRange)?
            }
            Some(_) => return Err(InvalidRange),
        };
        if (least..=most).contains(&bits) { Ok(Self { address, bits }.masked()) } else { Err(InvalidRange) }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_they_are_written() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7/32"),
            (" 192.0.2.7/24 ", "192.0.2.0/24"),
            ("192.0.255.7/16", "192.0.0.0/16"),
            ("2001:db8:1:2:3::7", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::7/128", "2001:db8:1:2:3::7/128"),
            ("2001:db8:ffff::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ] {
            let range: AddressRange = text.parse().unwrap();
            assert_eq!(range.to_string(), shown);
            assert_eq!(range.to_string().parse(), Ok(range), "{text}");
        }
        for bad in [
            "",
            "/",
            "192.0.2",
            "192.0.2.7/15",
            "192.0.2.7/33",
            "192.0.2.7/",
            "192.0.2.7/+24",
            "::/31",
            "::1/129",
            "0.0.0.0/0",
            "a/24",
            "192.0.2.7/24/24",
            "::ffff:192.0.2.7/95",
        ] {
            assert_eq!(bad.parse::<AddressRange>(), Err(InvalidRange), "{bad}");
        }
    }

    #[test]
    fn what_lies_in_a_range() {
        for (range, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.6"),
            ("2001:db8:1:2::9", "2001:db8:1:2:ffff::", "2001:db8:1:3::"),
            ("2001:db8::1/128", "2001:db8::1", "2001:db8::2"),
        ] {
            let range: AddressRange = range.parse().unwrap();
            assert!(range.contains(inside.parse().unwrap()) && !range.contains(outside.parse().unwrap()), "{range}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_range_or_refused(text in "[0-9a-f:./ ]{0,45}") {
            if let Ok(range) = text.parse::<AddressRange>() {
                proptest::prop_assert_eq!(range.to_string().parse(), Ok(range));
            }
        }

        #[test]
        fn a_range_holds_the_address_it_was_made_of(bits: u128, v4: bool, length in 0_u8..=128) {
            let address = if v4 { IpAddr::from((bits as u32).to_be_bytes()) } else { IpAddr::from(bits.to_be_bytes()) };
            proptest::prop_assert!(AddressRange::of_customer(address).contains(address));
            if let Ok(range) = format!("{address}/{length}").parse::<AddressRange>() {
                proptest::prop_assert!(range.contains(address), "{range}");
            }
        }
    }
}
