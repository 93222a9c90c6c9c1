//! Which addresses may be called that are not HubSpot's.
//!
//! An address comes from a configuration, and a name in it leads wherever its owner likes: to a service that only this
//! machine reaches, or to the cloud's metadata with its credentials. So the name's addresses are judged when a
//! connection is made, and whatever is not public is refused unless the configuration names its network. This machine
//! itself may be called where the configuration says so in plain words (`localhost`, `127.0.0.1`, `[::1]`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use http::Uri;

/// The longest address that is taken, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// Part of the address space, as `10.20.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// What is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no network, as 10.20.0.0/16 or fd00::/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (base, bits) = text.split_once('/').ok_or(NotANetwork)?;
        let (base, bits): (IpAddr, u8) =
            (base.parse().map_err(|_| NotANetwork)?, bits.parse().map_err(|_| NotANetwork)?);
        let most = if base.is_ipv4() { 32 } else { 128 };
        if bits > most { Err(NotANetwork) } else { Ok(Self { base, bits }) }
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    /// Whether an address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let rest = width.saturating_sub(u32::from(self.bits));
            one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same(u32::from(base).into(), u32::from(address).into(), 32),
            (IpAddr::V6(base), IpAddr::V6(address)) => same(base.into(), address.into(), 128),
            _ => false,
        }
    }
}

/// What of IPv4 is not public (IANA's registry of special purposes, multicast and the reserved end).
const NOT_PUBLIC: [Network; 14] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(10, 0, 0, 0, 8),
    Network::v4(100, 64, 0, 0, 10),
    Network::v4(127, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 0, 0, 0, 24),
    Network::v4(192, 0, 2, 0, 24),
    Network::v4(192, 168, 0, 0, 16),
    Network::v4(198, 18, 0, 0, 15),
    Network::v4(198, 51, 100, 0, 24),
    Network::v4(203, 0, 113, 0, 24),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(240, 0, 0, 0, 4),
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC.iter().any(|network| network.holds(address)),
        IpAddr::V6(address) => match address.segments() {
            // NAT64: what counts is the address inside.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
            }
            // Tunnels (6to4, Teredo) and documentation.
            [0x2002, ..] | [0x2001, 0x0db8 | 0..=0x1ff, ..] | [0x3fff, 0..=0xfff, ..] => false,
            // Global unicast; everything else is local, multicast, or not given to anybody.
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

/// What may be called beside what is public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks that are not public and may be called.
    pub networks: Vec<Network>,
    /// Whether plain `http` may leave this machine.
    pub plain_http: bool,
}

/// An address that may be tried.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    loopback: bool,
    policy: Policy,
}

/// Why an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    /// It is no address.
    #[error("it is no address of the form https://host/path of at most {URL_BYTES_MAX} bytes")]
    Malformed,
    /// A name or a password stands in it.
    #[error("it holds a user name or a password: whoever sees the address would see them")]
    Credentials,
    /// It is plain `http` to another machine.
    #[error("it is plain http, which others can read on the way")]
    Plain,
    /// The address is not public.
    #[error("{0} is no public address, and in none of the networks that are allowed")]
    NotPublic(IpAddr),
}

impl Target {
    /// An address under a policy.
    ///
    /// # Errors
    /// It may not be called whatever its name leads to.
    pub fn new(text: &str, policy: Policy) -> Result<Self, NotATarget> {
        if text.len() > URL_BYTES_MAX || text.contains('#') {
            return Err(NotATarget::Malformed);
        }
        let uri: Uri = text.parse().map_err(|_| NotATarget::Malformed)?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(NotATarget::Malformed);
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(NotATarget::Credentials);
        }
        let literal: Option<IpAddr> = host.parse().ok();
        let loopback = host.eq_ignore_ascii_case("localhost") || literal.is_some_and(|address| address.is_loopback());
        if uri.scheme_str() == Some("http") && !loopback && !policy.plain_http {
            return Err(NotATarget::Plain);
        }
        let target = Self { uri, loopback, policy };
        if let Some(address) = literal {
            target.admit(address)?;
        }
        Ok(target)
    }

    /// The address.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Scheme, host and port: what may be shown. Path and query may hold secrets.
    pub fn shown(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", self.uri.scheme_str().unwrap_or_default())
    }

    /// Whether a connection may be made to what the name has led to.
    ///
    /// # Errors
    /// It may not.
    pub fn admit(&self, address: IpAddr) -> Result<(), NotATarget> {
        let plain = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        let allowed = is_public(plain)
            || (self.loopback && plain.is_loopback())
            || self.policy.networks.iter().any(|network| network.holds(plain));
        if allowed { Ok(()) } else { Err(NotATarget::NotPublic(address)) }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<Target, NotATarget> {
        Target::new(text, Policy::default())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_public_is_refused_whatever_name_led_there() {
        let named = target("https://hooks.example.com/in?key=1").unwrap();
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001::1",
            "::7f00:1",
        ] {
            assert_eq!(named.admit(ip(address)), Err(NotATarget::NotPublic(ip(address))), "{address}");
        }
        assert!(named.admit(ip("::")).is_err());
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert_eq!(named.admit(ip(address)), Ok(()), "{address}");
        }
    }

    #[test]
    fn this_machine_is_called_only_where_the_address_says_so() {
        for text in ["http://127.0.0.1:4002/in", "http://localhost/in", "http://[::1]:80/", "https://localhost"] {
            let here = target(text).unwrap();
            assert_eq!(here.admit(ip("127.0.0.1")), Ok(()), "{text}");
            assert!(here.admit(ip("10.0.0.1")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_that_is_named_may_be_called_and_no_other() {
        let policy = Policy { networks: vec!["10.20.0.0/16".parse().unwrap()], plain_http: false };
        let inside = Target::new("https://erp.internal/in", policy.clone()).unwrap();
        assert_eq!(inside.admit(ip("10.20.255.1")), Ok(()));
        assert!(inside.admit(ip("10.21.0.1")).is_err());
        assert_eq!(Target::new("http://10.20.0.1/in", policy.clone()), Err(NotATarget::Plain));
        assert!(Target::new("http://10.20.0.1/in", Policy { plain_http: true, ..policy }).is_ok());
        for (network, inside, outside) in [
            ("0.0.0.0/0", "10.0.0.1", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.2"),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!((network.holds(ip(inside)), network.holds(ip(outside))), (true, false), "{network}");
        }
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_plain_and_safe_or_refused() {
        for (text, why) in [
            ("", NotATarget::Malformed),
            ("/in", NotATarget::Malformed),
            ("hooks.example.com", NotATarget::Malformed),
            ("ftp://hooks.example.com", NotATarget::Malformed),
            ("https://hooks.example.com/#x", NotATarget::Malformed),
            ("https://me:secret@hooks.example.com/", NotATarget::Credentials),
            ("http://hooks.example.com/", NotATarget::Plain),
            ("https://10.0.0.1/", NotATarget::NotPublic(ip("10.0.0.1"))),
            ("https://169.254.169.254/latest", NotATarget::NotPublic(ip("169.254.169.254"))),
            ("https://[fe80::1]/", NotATarget::NotPublic(ip("fe80::1"))),
        ] {
            assert_eq!(target(text), Err(why), "{text}");
        }
        let long = format!("https://hooks.example.com/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(target(&long), Err(NotATarget::Malformed));
        let shown = target("https://hooks.example.com:8443/in?key=secret").unwrap();
        assert_eq!(
            (shown.shown(), format!("{shown:?}").contains("secret")),
            ("https://hooks.example.com:8443".to_owned(), false)
        );
    }
}
