//! HTTPS under a certificate authority that is made at the start and thrown away with the process.
//!
//! Invariants: the authority's key is dropped once it has signed the one server certificate, and neither key is ever
//! written or logged. The authority vouches for HubSpot's hosts and the loopback only (name constraints), so a client
//! that trusts it trusts it for nothing else. Keys come from the machine's dice, not from the simulator's: no answer
//! depends on them.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::wire::Millis;

/// HubSpot's domains: these and every name below them.
pub(crate) const HUBSPOT_DOMAINS: [&str; 2] = ["hubapi.com", "hubspot.com"];
/// How long the certificate is valid, in days; some clients refuse more.
const VALID_DAYS: i64 = 365;
/// Clocks differ: the certificate was valid for so long when it was made, in days.
const GRACE_DAYS: i64 = 2;
const DAY_MS: i64 = 86_400_000;

/// A server's side of TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    /// The authority's certificate, for clients to trust.
    pub(crate) authority_pem: String,
    /// Shakes hands.
    pub(crate) acceptor: TlsAcceptor,
}

/// The certificates cannot be made.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A certificate cannot be signed.
    #[error("a certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// TLS does not accept its own certificate.
    #[error("the certificate cannot be served")]
    Server(#[from] rustls::Error),
}

impl Tls {
    /// Makes an authority, lets it sign one certificate, and forgets its key.
    pub(crate) fn make(now: Millis) -> Result<Self, TlsError> {
        let authority_key = KeyPair::generate()?;
        let authority = authority(now)?;
        let certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate()?;
        let leaf = leaf(now)?.signed_by(&key, &issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { authority_pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

fn authority(now: Millis) -> Result<CertificateParams, TlsError> {
    let mut params = params("Linchpin simulator, throw-away authority", now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let domains = HUBSPOT_DOMAINS.iter().chain(&["localhost"]);
    let mut permitted: Vec<GeneralSubtree> =
        domains.map(|domain| GeneralSubtree::DnsName((*domain).to_owned())).collect();
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])));
    params.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    Ok(params)
}

fn leaf(now: Millis) -> Result<CertificateParams, TlsError> {
    let mut params = params("api.hubapi.com", now)?;
    let mut names = vec!["localhost".to_owned()];
    for domain in HUBSPOT_DOMAINS {
        names.extend([domain.to_owned(), format!("*.{domain}")]);
    }
    for name in names {
        params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Python 3.13 and newer demand it.
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(name: &str, now: Millis) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let (Some((year, month, day)), Some(until)) = (date(now, -GRACE_DAYS), date(now, VALID_DAYS)) {
        params.not_before = date_time_ymd(year, month, day);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
    }
    Ok(params)
}

/// Year, month and day of the day that is so many days from now; `None` beyond the years that the calendar knows.
fn date(now: Millis, days: i64) -> Option<(i32, u8, u8)> {
    let at = jiff::Timestamp::from_millisecond(now.0.saturating_add(days.saturating_mul(DAY_MS))).ok()?;
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    Some((i32::from(date.year()), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_makes_another_authority() {
        let (one, other) = (Tls::make(Millis(0)).unwrap(), Tls::make(Millis(0)).unwrap());
        assert!(one.authority_pem.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(!one.authority_pem.contains("PRIVATE"));
        assert_ne!(one.authority_pem, other.authority_pem);
    }

    #[test]
    fn certificates_are_dated_by_the_clock_that_they_are_given() {
        assert_eq!(date(Millis(1_763_726_400_000), -GRACE_DAYS), Some((2025, 11, 19)));
        assert_eq!(date(Millis(1_763_726_400_000), VALID_DAYS), Some((2026, 11, 21)));
        assert_eq!(date(Millis(i64::MAX), VALID_DAYS), None);
    }
}
