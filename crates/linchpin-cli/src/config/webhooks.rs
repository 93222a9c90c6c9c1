//! Whose webhooks are accepted, and under which address HubSpot knows this server.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::Config;
use super::journal::Journal;
use super::secret::SecretRef;
use super::subscriptions::WebhookSubscription;
use crate::failure::Failure;

/// What HubSpot delivers to `/webhooks/hubspot/APP` and `/webhooks/workflow/APP`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    /// What stands before the path in HubSpot's settings: `https://hooks.example.com`. Signatures cover the address, so
    /// say it wherever a proxy stands before Linchpin. Where nothing is said, the request's own words count.
    pub(crate) public_url: Option<PublicUrl>,
    /// Addresses of proxies whose `X-Forwarded-Host` and `X-Forwarded-Proto` are believed. Without effect where
    /// `public_url` is said.
    #[schemars(with = "Vec<String>")]
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// The apps, by their number.
    pub(crate) apps: BTreeMap<AppNumber, WebhookApp>,
}

/// One app whose deliveries are accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookApp {
    /// Its client secret, by reference; not its access token.
    pub(crate) secret: SecretRef,
    /// The client secret before, while HubSpot still signs by it.
    #[serde(default)]
    pub(crate) previous_secret: Option<SecretRef>,
    /// The weakest signature that is let in. Whatever an app has used once, nothing weaker is let in afterwards.
    #[serde(default)]
    pub(crate) least: Signature,
    /// Its journal, where what its webhooks lost is read.
    #[serde(default)]
    pub(crate) journal: Option<Journal>,
    /// The key of the developer account, by reference: with it `linchpin webhooks` manages the subscriptions of a
    /// legacy public app.
    #[serde(default)]
    pub(crate) developer_key: Option<SecretRef>,
    /// What the app is to be told, beside what the mapping needs.
    #[serde(default)]
    pub(crate) subscriptions: Vec<WebhookSubscription>,
}

/// HubSpot's signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signature {
    /// Over the body alone.
    #[default]
    V1,
    /// Over the address as well.
    V2,
    /// Over the moment as well.
    V3,
}

/// An app's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct AppNumber(pub(crate) u64);

impl TryFrom<String> for AppNumber {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == text);
        number.map(Self).ok_or_else(|| format!("{text:?} is no number of an app, as 7007"))
    }
}

/// Scheme and host, and what stands before our paths.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct PublicUrl(pub(crate) String);

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let plain =
            rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ']));
        if plain {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(format!("{text:?} is no address, as https://hooks.example.com"))
        }
    }
}

/// An app with its secrets.
pub(crate) struct ResolvedApp {
    pub(crate) number: u64,
    pub(crate) secrets: Vec<SecretString>,
    pub(crate) least: Signature,
}

impl Config {
    /// Fetches the secrets of every app whose webhooks are accepted.
    pub(crate) fn webhook_apps(&self) -> Result<Vec<ResolvedApp>, Failure> {
        self.webhooks().apps.iter().map(|(AppNumber(number), app)| self.webhook_app(*number, app)).collect()
    }

    fn webhook_app(&self, number: u64, app: &WebhookApp) -> Result<ResolvedApp, Failure> {
        let resolve = |reference: &SecretRef, key: &str| {
            reference.resolve(&format!("webhooks.apps.{number}.{key}"), self.base(), &self.environment, false)
        };
        let mut secrets = vec![resolve(&app.secret, "secret")?];
        if let Some(previous) = &app.previous_secret {
            secrets.push(resolve(previous, "previous_secret")?);
        }
        Ok(ResolvedApp { number, secrets, least: app.least })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_named_by_its_number_in_one_spelling() {
        assert_eq!(AppNumber::try_from("7007".to_owned()), Ok(AppNumber(7007)));
        for wrong in ["", "0", "007", "+7", "x", "7 "] {
            assert!(AppNumber::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_public_address_has_no_slash_at_its_end() {
        let taken = |text: &str| PublicUrl::try_from(text.to_owned()).map(|PublicUrl(url)| url);
        assert_eq!(taken("https://hooks.example.com/"), Ok("https://hooks.example.com".to_owned()));
        assert_eq!(taken("https://example.com/in"), Ok("https://example.com/in".to_owned()));
        for wrong in ["hooks.example.com", "ftp://a.test", "https://", "https:///a", "https://a.test?b"] {
            assert!(taken(wrong).is_err(), "{wrong}");
        }
    }
}
