//! E-mail addresses and domains.

use crate::value::{Invalid, Value};

/// Providers whose domains say nothing about a company.
pub(crate) const FREE_MAIL: [&str; 32] = [
    "aol.com",
    "comcast.com",
    "comcast.net",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "web.de",
    "wp.pl",
    "yahoo.com",
    "yandex.ru",
];

/// The longest address (RFC 5321, 4.5.3.1.3, less the angle brackets).
const EMAIL_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// An e-mail address as HubSpot stores it: lower case.
///
/// HubSpot refuses addresses with letters beyond ASCII before the `@`; what it does with them behind it is not
/// documented, so the stricter reading is taken and they are refused as well (punycode is fine).
///
/// # Errors
/// `LP1105` if it is no address that HubSpot takes.
pub fn normal_email(text: &str) -> Result<String, Invalid> {
    let trimmed = text.trim();
    let refuse =
        |why: &str| Err(Invalid::new("LP1105", format!("\"{trimmed}\" is no e-mail address for HubSpot: {why}")));
    let Some((local, domain)) = trimmed.split_once('@') else { return refuse("it has no @") };
    if !trimmed.is_ascii() {
        return refuse("only letters without accents are accepted (a domain can be written in punycode)");
    }
    if trimmed.len() > EMAIL_BYTES_MAX || local.len() > LOCAL_BYTES_MAX {
        return refuse("it is too long");
    }
    let local_ok = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    if !local_ok {
        return refuse("the part before the @ is not valid");
    }
    if !is_host_name(domain) {
        return refuse("the domain is not valid");
    }
    Ok(trimmed.to_ascii_lowercase())
}

/// At least two labels, the last one not a number.
fn is_host_name(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let label_ok = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last_ok = labels.last().is_some_and(|last| last.len() >= 2 && !last.bytes().all(|b| b.is_ascii_digit()));
    labels.len() >= 2 && labels.iter().all(label_ok) && last_ok
}

/// The registrable domain of an e-mail or web address: `shop.example.co.uk` is `example.co.uk`. `None` if there is
/// none (an IP address, a public suffix, no domain at all).
pub fn domain_of(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let after_scheme = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let ip_address = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let label_ok = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let clean = !ip_address && host.split('.').all(label_ok);
    if !clean {
        return None;
    }
    psl::domain_str(host).map(str::to_owned)
}

pub(crate) fn step(text: &str, skip: &[String]) -> Result<Value, Invalid> {
    let Some(domain) = domain_of(text) else {
        return Err(Invalid::new("LP1114", format!("\"{text}\" holds no internet domain")));
    };
    Ok(if skip.contains(&domain) { Value::Null } else { Value::Text(domain) })
}
