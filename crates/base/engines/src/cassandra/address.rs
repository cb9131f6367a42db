//! Where Cassandra is: `cassandra://[user:password@]host[:port][,host[:port]…]/keyspace[?replication=3&datacenter=name]`.

use percent_encoding::percent_decode_str;

const PORT: u16 = 9042;
const REPLICATION: u8 = 3;
const KEYSPACE_BYTES_MAX: usize = 48;

/// A cluster and a keyspace in it.
#[derive(Clone, PartialEq, Eq)]
pub struct CassandraAddress {
    pub(super) hosts: Vec<String>,
    pub(super) user: Option<(String, String)>,
    pub(super) keyspace: String,
    /// Of a keyspace that has to be made.
    pub(super) replication: u8,
    /// Whose servers are asked first.
    pub(super) datacenter: Option<String>,
}

/// Why a text is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0}; cassandra://[user:password@]host[:port][,host[:port]]/keyspace[?replication=3&datacenter=name] is expected"
)]
pub struct WrongAddress(&'static str);

impl std::fmt::Debug for CassandraAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password.
        formatter
            .debug_struct("CassandraAddress")
            .field("hosts", &self.hosts)
            .field("keyspace", &self.keyspace)
            .finish()
    }
}

impl std::str::FromStr for CassandraAddress {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<Self, WrongAddress> {
        let rest = ["cassandra://", "scylla://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(WrongAddress("it does not begin with cassandra:// or scylla://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (servers, keyspace) = rest.split_once('/').ok_or(WrongAddress("it names no keyspace"))?;
        let (user, hosts) = match servers.rsplit_once('@') {
            Some((user, hosts)) => (Some(user_of(user)?), hosts),
            None => (None, servers),
        };
        let hosts = hosts.split(',').map(|host| host_of(host.trim())).collect::<Result<_, _>>()?;
        let mut address =
            Self { hosts, user, keyspace: keyspace_of(keyspace)?, replication: REPLICATION, datacenter: None };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("replication", number)) => {
                    let number = number.parse().ok().filter(|number| (1..=15).contains(number));
                    address.replication = number.ok_or(WrongAddress("replication is a number from 1 to 15"))?;
                }
                Some(("datacenter", name)) if !name.is_empty() => address.datacenter = Some(decoded(name)?),
                _ => return Err(WrongAddress("it has a parameter that is neither replication nor datacenter")),
            }
        }
        Ok(address)
    }
}

fn user_of(text: &str) -> Result<(String, String), WrongAddress> {
    let (user, password) = text.split_once(':').ok_or(WrongAddress("it has a user without a password"))?;
    Ok((decoded(user)?, decoded(password)?))
}

/// With its port. An IPv6 address stands in brackets.
fn host_of(text: &str) -> Result<String, WrongAddress> {
    let wrong = Err(WrongAddress("one of its hosts is none"));
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => match port.parse::<u16>() {
            Ok(port) => (host, port),
            Err(_) => return wrong,
        },
        _ => (text, PORT),
    };
    if host.is_empty() || host.contains(['/', '@', ' ']) || host.contains(':') != host.starts_with('[') {
        return wrong;
    }
    Ok(format!("{host}:{port}"))
}

/// It becomes a part of statements, so nothing but a plain name will do.
fn keyspace_of(text: &str) -> Result<String, WrongAddress> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(plain);
    match fits && text.len() <= KEYSPACE_BYTES_MAX {
        true => Ok(text.to_owned()),
        false => Err(WrongAddress("a keyspace has 1 to 48 of a-z, 0-9 and _, a letter first")),
    }
}

fn decoded(text: &str) -> Result<String, WrongAddress> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| WrongAddress("it is not UTF-8"))?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        let address: CassandraAddress =
            "cassandra://me:p%40ss:w@one,two:19042,[::1]:9043,[::2]/rooms_1?replication=1&datacenter=seoul"
                .parse()
                .unwrap();
        assert_eq!(address.hosts, ["one:9042", "two:19042", "[::1]:9043", "[::2]:9042"]);
        assert_eq!(address.user, Some(("me".into(), "p@ss:w".into())));
        assert_eq!((address.keyspace.as_str(), address.replication), ("rooms_1", 1));
        assert_eq!(address.datacenter.as_deref(), Some("seoul"));
        assert!(!format!("{address:?}").contains("p@ss"));
        let plain: CassandraAddress = "scylla://host/madang".parse().unwrap();
        assert_eq!((plain.user, plain.replication), (None, 3));
    }

    #[test]
    fn what_is_no_address_is_said() {
        for text in [
            "postgres://host/rooms",
            "cassandra://host",
            "cassandra:///rooms",
            "cassandra://one,,two/rooms",
            "cassandra://host:port/rooms",
            "cassandra://::1/rooms",
            "cassandra://me@host/rooms",
            "cassandra://host/",
            "cassandra://host/Rooms",
            "cassandra://host/rooms; DROP",
            "cassandra://host/rooms?replication=0",
            "cassandra://host/rooms?consistency=one",
        ] {
            assert!(text.parse::<CassandraAddress>().is_err(), "{text}");
        }
    }
}
