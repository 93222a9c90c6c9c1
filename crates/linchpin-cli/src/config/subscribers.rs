//! Who is told of what HubSpot delivers, and how long that is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use linchpin_core::outbound::{Network, Policy, Target};
use linchpin_core::subscribers::filter::{Filter, NAMES_MAX};
use linchpin_core::subscribers::message::EVENTS_MAX;
use linchpin_core::subscribers::sign::SigningSecret;
use linchpin_engine::retention::{KEEP_DEFAULT, KEEP_MIN};
use linchpin_engine::subscribers::SUBSCRIBERS_MAX;
use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::SecretRef;
use super::{Config, TOKEN_CALLER};
use crate::failure::{Code, Failure};

/// The longest name of a subscriber.
const NAME_MAX: usize = 64;
/// The longest time that events may be kept.
const KEEP_MAX: Duration = Duration::from_secs(3_660 * 24 * 3_600);

/// The log of what HubSpot has delivered.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    /// How long events are kept: `30d`, from `4d` on. An event that is too old goes, whether or not every subscriber has
    /// got it. HubSpot repeats deliveries for a day, and they are recognised while the first one is kept.
    pub(crate) retention: Retention,
}

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^[1-9][0-9]*[dh]$"))]
pub(crate) struct Retention(pub(crate) Duration);

impl Default for Retention {
    fn default() -> Self {
        Self(KEEP_DEFAULT)
    }
}

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hours = match text.split_at_checked(text.len().saturating_sub(1)) {
            Some((number, "d")) => number.parse::<u64>().ok().and_then(|days| days.checked_mul(24)),
            Some((number, "h")) => number.parse().ok(),
            _ => None,
        };
        let keep = hours.and_then(|hours| hours.checked_mul(3_600)).map(Duration::from_secs);
        match keep.filter(|keep| (KEEP_MIN..=KEEP_MAX).contains(keep)) {
            Some(keep) => Ok(Self(keep)),
            None => Err(format!("{text:?} is no time from 4d to 3660d, such as 30d or 96h")),
        }
    }
}

/// The name of a subscriber: it stands in addresses and in metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct SubscriberName(String);

impl TryFrom<String> for SubscriberName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is no name of small letters, digits, - and _, at most {NAME_MAX} of them"))
        }
    }
}

/// One who is told, by webhooks that are signed as Standard Webhooks has it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscriber {
    /// Where it listens: `https`, or plain `http` on this machine.
    pub(crate) url: String,
    /// What deliveries are signed with, by reference: `whsec_` and 24 to 64 bytes in base64.
    pub(crate) secret: SecretRef,
    /// The secret before, while the receiver still knows no other: deliveries carry both signatures.
    #[serde(default)]
    pub(crate) previous_secret: Option<SecretRef>,
    /// Only events of these object types.
    #[serde(default)]
    pub(crate) object_types: Vec<String>,
    /// Only events of these kinds: `propertyChange`, `creation`, `deletion`, `privacyDeletion`, `restore`, `merge`,
    /// `associationChange`, `workflow`, `notUnderstood`, or HubSpot's own word for any other.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// Of changes of properties, only those of these properties.
    #[serde(default)]
    pub(crate) properties: Vec<String>,
    /// No echoes of what these callers of the gateway have written, by their names below `gateway.callers`: what a
    /// two-way program calls itself, so that it does not hear itself. `hubspot-token` is whoever shows HubSpot's token.
    #[serde(default)]
    pub(crate) ignore_echoes_of: Vec<String>,
    /// The most events of a delivery, whose `data` is a list then. Without it, each event is delivered alone.
    #[serde(default)]
    pub(crate) batch: Option<BatchSize>,
    /// Where a subscriber begins that is new. One that has been told before goes on from there.
    #[serde(default)]
    pub(crate) from: Begin,
    /// Networks that may be called although they are not public, as `10.20.0.0/16`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) allow_networks: Vec<AllowedNetwork>,
    /// Send in the open, over plain `http`, to another machine. Only within a network of your own.
    #[serde(default)]
    pub(crate) allow_plain_http: bool,
}

/// Events of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u16")]
#[schemars(with = "u16", extend("minimum" = 1, "maximum" = 100))]
pub(crate) struct BatchSize(u16);

impl TryFrom<u16> for BatchSize {
    type Error = String;

    fn try_from(size: u16) -> Result<Self, String> {
        if (1..=EVENTS_MAX).contains(&size) {
            Ok(Self(size))
        } else {
            Err(format!("{size} is not between 1 and {EVENTS_MAX}"))
        }
    }
}

/// Where a new subscriber begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Begin {
    /// With what comes from now on.
    #[default]
    Now,
    /// With the oldest event that is kept.
    Oldest,
}

/// A network that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct AllowedNetwork(Network);

impl TryFrom<String> for AllowedNetwork {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("{text:?}: {error}"))
    }
}

/// A subscriber with its secrets.
pub(crate) struct ResolvedSubscriber {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) secrets: Vec<SigningSecret>,
    pub(crate) filter: Filter,
    pub(crate) ignored_callers: BTreeSet<String>,
    pub(crate) batch: Option<u16>,
    pub(crate) begin: Begin,
}

impl Config {
    /// Fetches the secrets of every subscriber.
    pub(crate) fn resolved_subscribers(&self) -> Result<Vec<ResolvedSubscriber>, Failure> {
        let all: &BTreeMap<SubscriberName, Subscriber> = self.subscribers();
        if all.len() > SUBSCRIBERS_MAX {
            return Err(Failure::new(
                Code::Setting,
                format!("`subscribers` has {} entries, more than {SUBSCRIBERS_MAX}", all.len()),
                "let one receiver pass events on to the others",
            ));
        }
        all.iter().map(|(SubscriberName(name), subscriber)| self.subscriber(name, subscriber)).collect()
    }

    fn subscriber(&self, name: &str, subscriber: &Subscriber) -> Result<ResolvedSubscriber, Failure> {
        let networks = subscriber.allow_networks.iter().map(|AllowedNetwork(network)| *network).collect();
        let policy = Policy { networks, plain_http: subscriber.allow_plain_http };
        let target = Target::new(&subscriber.url, policy).map_err(|why| {
            Failure::new(
                Code::Setting,
                format!("`subscribers.{name}.url`: {why}"),
                "use https to a public address; `allow_networks` and `allow_plain_http` open what is yours",
            )
        })?;
        for (list, names) in [
            ("object_types", &subscriber.object_types),
            ("kinds", &subscriber.kinds),
            ("properties", &subscriber.properties),
            ("ignore_echoes_of", &subscriber.ignore_echoes_of),
        ] {
            if names.len() > NAMES_MAX {
                let what = format!("`subscribers.{name}.{list}` has more than {NAMES_MAX} names");
                return Err(Failure::new(Code::Setting, what, "leave the list out, and let all pass"));
            }
        }
        let strangers = |caller: &&String| *caller != TOKEN_CALLER && !self.gateway().callers.contains_key(*caller);
        if let Some(stranger) = subscriber.ignore_echoes_of.iter().find(strangers) {
            return Err(Failure::new(
                Code::Setting,
                format!("`subscribers.{name}.ignore_echoes_of` names {stranger:?}, which is no caller"),
                "name callers as they stand below `gateway.callers`, or `hubspot-token`",
            ));
        }
        let mut secrets = vec![self.signing_secret(&subscriber.secret, &format!("subscribers.{name}.secret"))?];
        if let Some(previous) = &subscriber.previous_secret {
            secrets.push(self.signing_secret(previous, &format!("subscribers.{name}.previous_secret"))?);
        }
        let (types, kinds) = (subscriber.object_types.clone(), subscriber.kinds.clone());
        Ok(ResolvedSubscriber {
            name: name.to_owned(),
            target,
            secrets,
            filter: Filter::new(types, kinds, subscriber.properties.clone()),
            ignored_callers: subscriber.ignore_echoes_of.iter().cloned().collect(),
            batch: subscriber.batch.map(|BatchSize(size)| size),
            begin: subscriber.from,
        })
    }

    /// Fetches a secret to sign with.
    pub(crate) fn signing_secret(&self, reference: &SecretRef, setting: &str) -> Result<SigningSecret, Failure> {
        let secret = reference.resolve(setting, self.base(), &self.environment, false)?;
        SigningSecret::parse(&secret).map_err(|why| {
            Failure::new(
                Code::Setting,
                format!("`{setting}`: {why}"),
                "make one: `echo whsec_$(openssl rand -base64 32)`, and give it to the receiver as well",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Environment;
    use super::*;

    fn resolved(text: &str) -> Result<Vec<ResolvedSubscriber>, String> {
        let environment = Environment::of([("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("PLAIN", "hello")]);
        let text = format!("subscribers:\n  erp: {{{text}}}\n");
        let config = Config::of_text(Path::new("linchpin.yaml"), text, &[], environment);
        config.and_then(|config| config.resolved_subscribers()).map_err(|failure| failure.render())
    }

    #[test]
    fn a_subscriber_is_read_with_its_secrets() {
        let all = resolved(
            "url: 'https://erp.example.com/in', secret: 'env:SECRET', previous_secret: 'env:SECRET', batch: 20, \
             object_types: [contact], from: oldest",
        );
        let all = all.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((all[0].name.as_str(), all[0].secrets.len(), all[0].batch), ("erp", 2, Some(20)));
        let token = "url: 'https://erp.example.com/in', secret: 'env:SECRET', ignore_echoes_of: [hubspot-token]";
        assert_eq!(resolved(token).unwrap_or_default()[0].ignored_callers, ["hubspot-token".to_owned()].into());
        assert_eq!((all[0].begin, all[0].target.shown()), (Begin::Oldest, "https://erp.example.com".to_owned()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_words_that_help() {
        for (text, words) in [
            ("url: 'https://10.0.0.1/in', secret: 'env:SECRET'", "allow_networks"),
            ("url: 'http://erp.example.com/in', secret: 'env:SECRET'", "plain http"),
            ("url: 'https://erp.example.com/in', secret: 'env:PLAIN'", "openssl rand"),
            ("url: 'https://erp.example.com/in', secret: 'env:SECRET', batch: 101", "between 1 and 100"),
            ("url: 'https://erp.example.com/in', secret: 'env:SECRET', allow_networks: [10.0.0.0]", "10.20.0.0/16"),
            ("url: 'https://erp.example.com/in'", "secret"),
            ("url: 'https://erp.example.com/in', secret: 'env:SECRET', ignore_echoes_of: [me]", "no caller"),
        ] {
            let why = resolved(text).err().unwrap_or_default();
            assert!(why.contains(words) && !why.contains("hello"), "{text}: {why}");
        }
        assert!(resolved("url: 'https://10.20.0.1/in', secret: 'env:SECRET', allow_networks: [10.20.0.0/16]").is_ok());
    }

    #[test]
    fn names_and_times_have_bounds() {
        for name in ["erp", "erp-2_b"] {
            assert!(SubscriberName::try_from(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["", "ERP", "a/b", "a b", &"x".repeat(65)] {
            assert!(SubscriberName::try_from(name.to_owned()).is_err(), "{name}");
        }
        let hours = |text: &str| Retention::try_from(text.to_owned()).map(|Retention(keep)| keep.as_secs() / 3_600);
        assert_eq!((hours("30d"), hours("96h"), hours("3660d")), (Ok(720), Ok(96), Ok(87_840)));
        assert_eq!(Retention::default().0, KEEP_DEFAULT);
        for wrong in ["", "d", "3d", "95h", "3661d", "30", "30 d", "-5d", "99999999999999999999d"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }
}
