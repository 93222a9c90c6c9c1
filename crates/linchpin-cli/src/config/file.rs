//! The configuration file as it is written: sections, defaults, and what each must fulfil.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::{GatewayCaller, UnknownTokens};
use super::lifetime::Lifetime;
use super::mirror::MirrorSection;
use super::secret::SecretRef;
use super::source::Source;
use super::subscribers::{Events, Subscriber, SubscriberName};
use super::webhooks::Webhooks;
use crate::wiring::SyncFile;

/// The newest form of the file that this program reads.
pub(crate) const VERSION: u32 = 1;

/// The gateway's port when none is named.
const GATEWAY_PORT: u16 = 4000;

/// HubSpot's API.
pub(crate) const DEFAULT_BASE_URL: &str = "https://api.hubapi.com";

/// The configuration of Linchpin: one file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Linchpin configuration")]
#[expect(dead_code, reason = "settings are taken from `Settings`; here they give errors their places, and the schema")]
pub(crate) struct File {
    /// The form of this file: 1.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: Version,
    /// The account and how to speak with it.
    #[serde(default)]
    pub(crate) hubspot: HubSpot,
    /// Where Linchpin remembers what it did: a file, relative to this one. Default: beside this file, with the ending
    /// `.db`.
    #[serde(default)]
    pub(crate) store: Option<PathBuf>,
    /// The systems of record, by name.
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, Source>,
    /// What goes where: the mapping. A file for `linchpin serve` alone needs none.
    #[serde(default)]
    pub(crate) sync: Option<SyncFile>,
    /// The gateway that other programs call.
    #[serde(default)]
    pub(crate) gateway: Gateway,
    /// Whose webhooks are accepted.
    #[serde(default)]
    pub(crate) webhooks: Webhooks,
    /// What of the account is kept at hand, and true by the events that it tells.
    #[serde(default)]
    pub(crate) mirror: MirrorSection,
    /// Who is told of what they deliver, by name.
    #[serde(default)]
    pub(crate) subscribers: BTreeMap<SubscriberName, Subscriber>,
    /// How long that is kept.
    #[serde(default)]
    pub(crate) events: Events,
    /// What stops a run that looks like a mistake.
    #[serde(default)]
    pub(crate) guard: Guard,
}

/// The file without the mapping: what environment and flags may override.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default, rename = "version")]
    _version: Version,
    #[serde(default)]
    pub(crate) hubspot: HubSpot,
    #[serde(default)]
    pub(crate) store: Option<PathBuf>,
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, Source>,
    #[serde(default)]
    pub(crate) gateway: Gateway,
    #[serde(default)]
    pub(crate) webhooks: Webhooks,
    #[serde(default)]
    pub(crate) mirror: MirrorSection,
    #[serde(default)]
    pub(crate) subscribers: BTreeMap<SubscriberName, Subscriber>,
    #[serde(default)]
    pub(crate) events: Events,
    #[serde(default)]
    pub(crate) guard: Guard,
}

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
#[schemars(with = "u32")]
pub(crate) struct Version(u32);

impl Default for Version {
    fn default() -> Self {
        Self(VERSION)
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == VERSION {
            Ok(Self(number))
        } else {
            Err(format!("version {number} is not known to this program: it reads version {VERSION}"))
        }
    }
}

/// The account and how to speak with it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HubSpot {
    /// The token of a private app, by reference.
    pub(crate) token: Option<SecretRef>,
    /// Accept a token that stands in this file. Anyone who reads the file can then use the account.
    pub(crate) allow_literal_token: bool,
    /// The API's address; a simulator's for trying things out.
    #[schemars(url)]
    pub(crate) base_url: BaseUrl,
    /// Send the token over plain `http` to another machine, where everybody on the way can read it. Only for a
    /// simulator in a network of your own; addresses of this machine need no leave.
    pub(crate) allow_plain_http: bool,
    /// The version of the API: a date such as `2026-03`, or `v3` for the older paths.
    pub(crate) api_version: ApiVersion,
    /// The account's plan, which sets its limits. When it is not given, the lowest that fits is assumed.
    pub(crate) tier: Option<Tier>,
    /// The account has bought the API limit increase.
    pub(crate) limit_increase: bool,
    /// Calls of each ten seconds that are left to others who use the same token, as a share of the limit.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub(crate) reserve: Reserve,
}

impl Default for HubSpot {
    fn default() -> Self {
        Self {
            token: None,
            allow_literal_token: false,
            base_url: BaseUrl(DEFAULT_BASE_URL.to_owned()),
            allow_plain_http: false,
            api_version: ApiVersion::default(),
            tier: None,
            limit_increase: false,
            reserve: Reserve::default(),
        }
    }
}

/// The plans that HubSpot sells, as far as limits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// Free tools.
    Free,
    /// Starter.
    Starter,
    /// Professional.
    Professional,
    /// Enterprise.
    Enterprise,
    /// No plan: no limits. Only for a server of your own, as when speed is measured; refused for HubSpot itself.
    Unlimited,
}

/// An `http` or `https` address without path, query and credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The address without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether HubSpot itself is there.
    pub(crate) fn is_hubspots(&self) -> bool {
        let host = self.0.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
        host.is_some_and(|host| host.ends_with("hubapi.com") || host.ends_with("hubspot.com"))
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = || format!("{text:?} is no address: expected something like {DEFAULT_BASE_URL}");
        let uri: http::Uri = text.parse().map_err(|_| expected())?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || host.is_empty() {
            return Err(expected());
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("the address must not hold a user name or password".to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{text:?} has a path or query: only scheme, host and port are expected"));
        }
        if scheme == "http" && host.to_ascii_lowercase().ends_with("hubapi.com") {
            return Err("HubSpot is reached by https only: the token would travel in the open".to_owned());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// A version of HubSpot's API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct ApiVersion(String);

impl ApiVersion {
    /// As it stands in paths.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self("2026-03".to_owned())
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        const KNOWN: [&str; 3] = ["2026-03", "2026-09", "v3"];
        if KNOWN.contains(&text.as_str()) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is no version of the API that this program speaks: {}", KNOWN.join(", ")))
        }
    }
}

/// The gateway that other programs call instead of HubSpot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Gateway {
    /// The address and port to listen on. It speaks plain `http`: let no other machine reach it but through a proxy
    /// that speaks `https`.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Which single calls are packed into batches.
    pub(crate) coalesce: Coalesce,
    /// Let every call pass through as it came, and count what packing and keeping would have saved: for trying it out.
    pub(crate) shadow: bool,
    /// Which answers are kept to be given again.
    pub(crate) cache: Caches,
    /// Who may call, by name. Whoever shows the configured HubSpot token may call as well.
    pub(crate) callers: BTreeMap<String, GatewayCaller>,
    /// Who may look at what the gateway does, under `/linchpin/v1`. Nobody may while this has no key.
    pub(crate) admin: GatewayAdmin,
    /// What becomes of HubSpot tokens that are not the configured one. What has not the form of a HubSpot token is
    /// refused in any case.
    pub(crate) unknown_tokens: UnknownTokens,
}

impl Default for Gateway {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, GATEWAY_PORT));
        Self {
            listen,
            coalesce: Coalesce::default(),
            shadow: false,
            cache: Caches::default(),
            callers: BTreeMap::new(),
            admin: GatewayAdmin::default(),
            unknown_tokens: UnknownTokens::default(),
        }
    }
}

/// Who may look at what the gateway does.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GatewayAdmin {
    /// The key that opens `/linchpin/v1`, by reference. No caller may have the same.
    pub(crate) key: Option<SecretRef>,
}

/// Which answers the gateway keeps to give them again.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Caches {
    /// How long answers about definitions are kept (properties, schemas, pipelines, owners, association labels): `300s`,
    /// `5m`, up to `24h`, or `off`. A change made through the gateway is seen at once; HubSpot tells nobody of others,
    /// so that a change made elsewhere is seen that much later.
    pub(crate) metadata: Lifetime,
}

/// Which single calls are packed into batches, and which reads share an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Coalesce {
    /// None: every call leaves as it came, at once, and on its own.
    Off,
    /// Reads and archives.
    #[default]
    Proven,
    /// Updates, creations, and associations that are read, made without a label or removed as well.
    All,
}

/// How urgent calls are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Lane {
    /// A person waits.
    #[default]
    Interactive,
    /// Something happened, and others should know soon.
    Realtime,
    /// Much to do, no hurry.
    Bulk,
    /// When nothing else is to be done.
    Reporting,
}

/// A share of the limit that is left to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(with = "f64")]
pub(crate) struct Reserve(f64);

impl Reserve {
    const MAX: f64 = 0.9;

    /// The share, from 0 to 0.9.
    pub(crate) fn fraction(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Reserve {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=Self::MAX).contains(&share) {
            Ok(Self(share))
        } else {
            Err(format!("{share} is not between 0 and {}", Self::MAX))
        }
    }
}

/// What stops a run that looks like a mistake.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Guard {
    /// A run is stopped unless it is forced if, in any entry, it would update more than this share of the records that
    /// are linked already, remove associations of more than this share of the rows (from 20 removals), or create
    /// records while more than this share of the linked rows are gone. 1 lets everything pass.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) max_change_share: ChangeShare,
}

impl Default for Guard {
    fn default() -> Self {
        Self { max_change_share: ChangeShare(0.5) }
    }
}

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(with = "f64")]
pub(crate) struct ChangeShare(f64);

impl ChangeShare {
    /// The share, from 0 to 1.
    pub(crate) fn fraction(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for ChangeShare {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(format!("{share} is not between 0 and 1")) }
    }
}
