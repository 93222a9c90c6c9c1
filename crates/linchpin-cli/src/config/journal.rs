//! Which apps' journals are read, and how often.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::Config;
use super::lifetime::Lifetime;
use super::webhooks::{AppNumber, ResolvedApp};
use crate::failure::Failure;

/// How long after nothing was new the journal is asked again, unless told otherwise.
const POLL: Duration = Duration::from_secs(10);
/// How long webhooks and journal have to tell a change, unless told otherwise.
const COMPARE_AFTER: Duration = Duration::from_secs(15 * 60);

/// The webhooks journal of an app: what its webhooks lost is read there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// Whether it is read.
    #[serde(default = "enabled")]
    pub(crate) enabled: bool,
    /// The app's client id. Its client secret is that of the webhooks.
    pub(crate) client_id: String,
    /// How long after nothing was new the journal is asked again, such as `10s` or `1m`.
    #[serde(default = "poll")]
    pub(crate) poll: Span,
    /// How long after a change came in both webhooks and journal must have told it, such as `15m`: after that it counts
    /// as missed by the other.
    #[serde(default = "compare_after")]
    pub(crate) compare_after: Span,
}

fn enabled() -> bool {
    true
}

fn poll() -> Span {
    Span(POLL)
}

fn compare_after() -> Span {
    Span(COMPARE_AFTER)
}

/// A span of time from a second to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^[1-9][0-9]*[smh]$"))]
pub(crate) struct Span(pub(crate) Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span = Lifetime::try_from(text.clone()).ok().and_then(Lifetime::lives);
        span.map(Self).ok_or_else(|| format!("{text:?} is no time from 1s to 24h, such as 10s, 5m or 1h"))
    }
}

/// A journal that is read, with its secret.
pub(crate) struct ResolvedJournal {
    pub(crate) app: u64,
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
    pub(crate) poll: Duration,
    pub(crate) compare_after: Duration,
}

impl Config {
    /// The journals that are read, with the secrets of their apps.
    pub(crate) fn journals(&self, apps: &[ResolvedApp]) -> Result<Vec<ResolvedJournal>, Failure> {
        let mut journals = Vec::new();
        for (AppNumber(number), app) in &self.webhooks().apps {
            let Some(journal) = app.journal.as_ref().filter(|journal| journal.enabled) else { continue };
            let place = format!("webhooks.apps.{number}.journal.client_id");
            if journal.client_id.is_empty() || !journal.client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Failure::new(
                    crate::failure::Code::Setting,
                    format!("`{place}` is no client id"),
                    "copy the client id from the app's page in HubSpot (Auth)",
                ));
            }
            let resolved = apps.iter().find(|resolved| resolved.number == *number);
            let Some(secret) = resolved.and_then(|resolved| resolved.secrets.first()) else { continue };
            journals.push(ResolvedJournal {
                app: *number,
                client_id: journal.client_id.clone(),
                secret: secret.clone(),
                poll: journal.poll.0,
                compare_after: journal.compare_after.0,
            });
        }
        Ok(journals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_not_off() {
        assert_eq!(Span::try_from("10s".to_owned()), Ok(Span(Duration::from_secs(10))));
        for wrong in ["off", "0s", "25h", "10", ""] {
            assert!(Span::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
