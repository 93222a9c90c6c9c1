//! What a simulator is told at its start; the flags of `linchpin sim` map onto it one to one.
//!
//! Reading files, flags and the environment is the caller's work: [`StartFile::parse`] takes text.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use crate::{
    faults::{FaultRule, FaultRuleError},
    limits::{Profile, Tier, WindowModel},
    model::{PortalOptions, PortalSettings, RequirementError, SeedError, SeedSpec},
    oauth::OauthAppSpec,
    saved::SnapshotError,
    tls::TlsError,
    webhooks::{WebhookError, WebhookSpec},
};

/// The longest mean latency, in milliseconds.
pub const LATENCY_MS_MAX: u32 = 60_000;
/// The most counters that may share an app's ten seconds.
pub const REMAINING_COUNTERS_MAX: u32 = 100;
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

/// The key of a developer account. Printing it does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct DeveloperKey(pub String);

impl fmt::Debug for DeveloperKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeveloperKey")
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
    /// The key of the developer account, which opens the management of webhooks; without it nobody is let in.
    pub developer_key: Option<DeveloperKey>,
    /// The seed of every draw.
    pub seed: u64,
    /// The mean latency in milliseconds; 0 answers at once.
    pub latency_ms: u32,
    /// How the rolling limits remember.
    pub window: WindowModel,
    /// Whether a refused call fills the window that refused it (no source says; the stricter reading).
    pub count_rejected: bool,
    /// A snapshot that is read at the start and never written.
    pub restore: Option<PathBuf>,
    /// The file that keeps the state: read at the start if it is there, written by `POST /_control/snapshot` and by
    /// [`Running::save_and_stop`](crate::Running::save_and_stop). What `start` seeds is for a file that is not there.
    pub state: Option<PathBuf>,
    /// How many counters share the ten seconds of an app, 1 to [`REMAINING_COUNTERS_MAX`]. Beyond one, an answer's headers know only the calls that its
    /// own counter saw, so `Remaining` jumps inside a burst as in recordings of 2022; the limit itself stays exact.
    pub remaining_counters: u32,
    /// Whether the socket also speaks HTTPS, and is an HTTPS proxy to HubSpot's hosts that leads back to itself.
    pub tls: bool,
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
            developer_key: None,
            seed: 0,
            latency_ms: 0,
            window: WindowModel::Exact,
            count_rejected: false,
            restore: None,
            state: None,
            remaining_counters: 1,
            tls: false,
            start: StartFile::default(),
        }
    }
}

impl SimOptions {
    /// Refuses numbers out of their range.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.latency_ms > LATENCY_MS_MAX {
            return Err(StartError::Latency(self.latency_ms));
        }
        match self.remaining_counters() {
            1..=REMAINING_COUNTERS_MAX => Ok(()),
            counters => Err(StartError::RemainingCounters(counters)),
        }
    }

    /// Whether a refused call fills its window; the start file outranks the option.
    pub(crate) fn count_rejected(&self) -> bool {
        self.start.options.count_rejected.unwrap_or(self.count_rejected)
    }

    /// The counters that share an app's ten seconds; the start file outranks the option.
    pub(crate) fn remaining_counters(&self) -> u32 {
        self.start.options.remaining_counters.unwrap_or(self.remaining_counters)
    }

    /// What the first portal is born with: our seed, and the start file's samples.
    pub(crate) fn newborn(&self) -> PortalOptions {
        let sample_records = self.start.options.sample_records.unwrap_or(self.portal.sample_records);
        PortalOptions { seed: self.seed, sample_records, ..self.portal.clone() }
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
    /// Webhooks to set up, as in `POST /_control/webhooks`.
    pub webhooks: Option<WebhookSpec>,
    /// Settings of the account, as in `POST /_control/settings`.
    pub settings: PortalSettings,
    /// What is chosen once, before the first call.
    pub options: StartOptions,
}

/// The part `options` of a start file: behaviours on which the sources disagree and which cannot change under way. What
/// is left out stays as [`SimOptions`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StartOptions {
    /// See [`PortalOptions::sample_records`].
    pub sample_records: Option<bool>,
    /// See [`SimOptions::count_rejected`].
    pub count_rejected: Option<bool>,
    /// See [`SimOptions::remaining_counters`].
    pub remaining_counters: Option<u32>,
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
    /// There are no counters, or too many.
    #[error("`remaining_counters` must be between 1 and {REMAINING_COUNTERS_MAX}, not {0}")]
    RemainingCounters(u32),
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
    /// Webhooks cannot be set up as the file says.
    #[error("webhooks cannot be set up")]
    Webhooks(#[from] WebhookError),
    /// A setting of the account is wrong.
    #[error("the account cannot be set up")]
    Settings(#[from] RequirementError),
    /// The start file asks for too many records.
    #[error("the records of the start file cannot be made")]
    Seed(#[from] SeedError),
    /// A snapshot cannot be read.
    #[error("{} cannot be restored", file.display())]
    Restore {
        /// The file that was named.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: SnapshotError,
    },
    /// Both files are named.
    #[error("give a file to restore from or a file that keeps the state, not both")]
    RestoreAndState,
    /// There is no HTTPS without certificates.
    #[error("HTTPS cannot be offered")]
    Tls(#[from] TlsError),
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
    fn a_key_that_a_start_file_does_not_know_is_refused_by_its_name() {
        for (text, name) in [
            (r#"{"sed":{}}"#, "`sed`"),
            (r#"{"seed":{"contact":1}}"#, "`contact`"),
            (r#"{"options":{"sample_record":true}}"#, "`sample_record`"),
            (r#"{"settings":{"count_rejected":true}}"#, "`count_rejected`"),
            (r#"{"faults":[{"fault":{"kind":"reset"},"time":1}]}"#, "`time`"),
            (r#"{"faults":[{"fault":{"kind":"latency","over_ms":1}}]}"#, "`over_ms`"),
            (r#"{"faults":[{"fault":{"kind":"reset","times":1}}]}"#, "`times`"),
            (r#"{"webhooks":{"app":[]}}"#, "`app`"),
        ] {
            let error = StartFile::parse(text).unwrap_err().to_string();
            assert!(error.contains("unknown field") && error.contains(name), "{text}: {error}");
        }
    }

    #[test]
    fn the_start_file_outranks_the_options_where_it_says_something() {
        let mut options = SimOptions { count_rejected: true, remaining_counters: 3, ..SimOptions::default() };
        options.portal.sample_records = true;
        let chosen = |options: &SimOptions| {
            (options.count_rejected(), options.remaining_counters(), options.newborn().sample_records)
        };
        assert_eq!(chosen(&options), (true, 3, true));
        let text = r#"{"options":{"count_rejected":false,"remaining_counters":2,"sample_records":false}}"#;
        options.start = StartFile::parse(text).unwrap();
        assert_eq!(chosen(&options), (false, 2, false));
    }

    #[test]
    fn counters_out_of_their_range_are_refused() {
        for counters in [0, REMAINING_COUNTERS_MAX + 1] {
            let mut options = SimOptions::default();
            options.start.options.remaining_counters = Some(counters);
            assert!(matches!(options.check(), Err(StartError::RemainingCounters(told)) if told == counters));
        }
        assert!(SimOptions { remaining_counters: REMAINING_COUNTERS_MAX, ..SimOptions::default() }.check().is_ok());
    }

    #[test]
    fn printing_the_options_shows_no_token() {
        let developer_key = Some(DeveloperKey("secret-key".into()));
        let tokens = vec![TokenSpec::new("pat-secret", 1)];
        let options = SimOptions { tokens, developer_key, ..SimOptions::default() };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
