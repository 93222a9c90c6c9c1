//! What a simulator is told at its start; the flags of `linchpin sim` map onto it one to one.
//!
//! Reading files, flags and the environment is the caller's work: [`StartFile::parse`] takes text.

use std::fmt;

use serde::Deserialize;
use thiserror::Error;

use crate::{
    faults::{FaultRule, FaultRuleError},
    limits::{Profile, Tier, WindowModel},
    model::{PortalOptions, SeedSpec},
    oauth::OauthAppSpec,
};

/// The longest mean latency, in milliseconds.
pub const LATENCY_MS_MAX: u32 = 60_000;
/// The portal of a simulator that is not told another.
pub const PORTAL_ID_DEFAULT: u64 = 48_151_623;
/// The app of a token that is made at the start.
pub const APP_ID_DEFAULT: u64 = 7_007;

/// A private app's token, and what it may do.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSpec {
    /// The secret string, any text without blanks.
    pub token: String,
    /// The app; tokens of one app share its ten seconds.
    pub app_id: u64,
    /// The granted scopes; `None` grants everything.
    pub scopes: Option<Vec<String>>,
}

impl TokenSpec {
    /// A token of an app with every scope.
    pub fn new(token: impl Into<String>, app_id: u64) -> Self {
        Self { token: token.into(), app_id, scopes: None }
    }
}

impl fmt::Debug for TokenSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSpec").field("app_id", &self.app_id).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// What a simulator is told at its start.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// The portal's identity and the behaviours on which the sources disagree; its `seed` is overwritten by ours.
    pub portal: PortalOptions,
    /// The plan.
    pub tier: Tier,
    /// Whether the API limit increase was bought.
    pub limit_increase: bool,
    /// The generation of limits.
    pub profile: Profile,
    /// The tokens; without any, one is made from the dice.
    pub tokens: Vec<TokenSpec>,
    /// The public apps that portals may install through the consent page.
    pub oauth_apps: Vec<OauthAppSpec>,
    /// The seed of every draw.
    pub seed: u64,
    /// The mean latency in milliseconds; 0 answers at once.
    pub latency_ms: u32,
    /// How the rolling limits remember.
    pub window: WindowModel,
    /// Whether a refused call fills the window that refused it (no source says; the stricter reading).
    pub count_rejected: bool,
    /// Records to make and faults to arm at the start.
    pub start: StartFile,
}

impl Default for SimOptions {
    /// A Professional portal, exact windows, no latency, seed 0.
    fn default() -> Self {
        Self {
            portal: PortalOptions::new(PORTAL_ID_DEFAULT),
            tier: Tier::Professional,
            limit_increase: false,
            profile: Profile::Current,
            tokens: Vec::new(),
            oauth_apps: Vec::new(),
            seed: 0,
            latency_ms: 0,
            window: WindowModel::Exact,
            count_rejected: false,
            start: StartFile::default(),
        }
    }
}

/// The file of `--load`: `{"seed": {"contacts": 10}, "faults": [{"path": "/crm", "fault": {"kind": "reset"}}]}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StartFile {
    /// Records to make, as in `POST /_control/seed`.
    pub seed: Option<SeedSpec>,
    /// Faults to arm, as in `POST /_control/faults`.
    pub faults: Vec<FaultRule>,
}

impl StartFile {
    /// Reads the file's text; the error names line and column.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// Why a simulator does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The time zone is unknown.
    #[error("unknown time zone `{0}`: give an IANA name such as Europe/Berlin")]
    TimeZone(String),
    /// The latency is too long.
    #[error("a mean latency of {0} ms is longer than {LATENCY_MS_MAX} ms")]
    Latency(u32),
    /// A token cannot be sent in a header, or is empty.
    #[error("a token must be visible ASCII text without blanks")]
    Token,
    /// A token is given twice.
    #[error("the same token is given twice")]
    TokenTwice,
    /// An OAuth app's id or secret cannot be sent, or is empty.
    #[error("an OAuth app's client id and secret must be visible ASCII text without blanks")]
    OauthApp,
    /// An OAuth app is given twice.
    #[error("the same OAuth client id is given twice")]
    OauthAppTwice,
    /// An OAuth app's codes may not be sent to this address.
    #[error(
        "`{0}` is no redirect address: it must be https, or http on localhost, without an IP address or a fragment"
    )]
    RedirectUri(String),
    /// A fault rule is wrong.
    #[error("a fault rule cannot be armed")]
    Fault(#[from] FaultRuleError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: std::net::SocketAddr,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_file_holds_records_and_faults_and_nothing_else() {
        let text = r#"{"seed":{"contacts":3},"faults":[{"fault":{"kind":"lost_answer"},"nth":2}]}"#;
        let file = StartFile::parse(text).unwrap();
        assert_eq!(file.seed.map(|seed| seed.contacts), Some(3));
        assert_eq!(file.faults.len(), 1);
        let error = StartFile::parse("{\"sed\":{}}").unwrap_err();
        assert!(error.to_string().contains("line 1 column"), "{error}");
    }

    #[test]
    fn printing_the_options_shows_no_token() {
        let options = SimOptions { tokens: vec![TokenSpec::new("pat-secret", 1)], ..SimOptions::default() };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
