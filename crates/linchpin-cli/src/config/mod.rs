//! The configuration: one YAML file, then the environment, then flags; each wins over the one before.
//!
//! Relative paths in the file are relative to the file, so a configuration means the same wherever it is used from.
//! Problems are shown with line, column and the line itself; lines that may hold a token are never shown.

mod caller;
mod file;
mod journal;
mod layers;
mod lifetime;
mod mirror;
mod place;
mod secret;
mod source;
mod subscribers;
mod subscriptions;
mod webhooks;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use linchpin_hubspot::token::token_form;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(crate) use caller::{GatewayCaller, TOKEN_CALLER, UnknownTokens};
pub(crate) use file::{BaseUrl, Coalesce, DEFAULT_BASE_URL, File, Gateway, Guard, Lane, Tier};
pub(crate) use journal::ResolvedJournal;
pub(crate) use layers::Environment;
pub(crate) use mirror::MirrorSection;
pub(crate) use secret::SecretRef;
pub(crate) use source::{Csv, EmptyField, Source, Sqlite};
pub(crate) use subscribers::{Begin, ResolvedSubscriber};
pub(crate) use subscriptions::ManagedApp;
pub(crate) use webhooks::{ResolvedApp, Signature, Webhooks};

use crate::args::ConfigArgs;
use crate::failure::{Code, Failure};
use crate::wiring::SyncFile;
use file::Settings;

/// No configuration is larger; a larger file is the wrong file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A configuration that has been read and laid over; secrets are not fetched yet.
pub(crate) struct Config {
    /// The file, as given on the command line.
    pub(crate) path: PathBuf,
    /// Its text, for showing places in it.
    pub(crate) text: String,
    /// The mapping; an empty one where the file has none.
    pub(crate) sync: SyncFile,
    has_mapping: bool,
    settings: Settings,
    environment: Environment,
}

impl Config {
    /// Reads the file that the command line names.
    pub(crate) fn load(args: &ConfigArgs) -> Result<Self, Failure> {
        Self::load_with(&args.config, &args.set, Environment::of_process())
    }

    /// Reads a file under a given environment and flags.
    pub(crate) fn load_with(
        path: &Path,
        flags: &[(String, String)],
        environment: Environment,
    ) -> Result<Self, Failure> {
        Self::of_text(path, read(path)?, flags, environment)
    }

    /// Takes a text as if it stood in the file.
    pub(crate) fn of_text(
        path: &Path,
        text: String,
        flags: &[(String, String)],
        environment: Environment,
    ) -> Result<Self, Failure> {
        let options = || serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let broken = |error: &serde_saphyr::Error| broken(path, &text, error);
        let file: File = serde_saphyr::from_str_with_options(&text, options()).map_err(|error| broken(&error))?;
        let mut tree: Value = serde_saphyr::from_str_with_options(&text, options()).map_err(|error| broken(&error))?;
        if let Value::Object(sections) = &mut tree {
            sections.shift_remove("sync");
        }
        let settings = layers::lay(tree, &environment, flags)?;
        let has_mapping = file.sync.is_some();
        let sync = file.sync.unwrap_or_default();
        Ok(Self { path: path.to_owned(), sync, has_mapping, settings, environment, text })
    }

    /// The folder that relative paths start from.
    pub(crate) fn base(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The account's settings.
    pub(crate) fn hubspot(&self) -> &file::HubSpot {
        &self.settings.hubspot
    }

    /// What stops a run.
    pub(crate) fn guard(&self) -> Guard {
        self.settings.guard
    }

    /// The gateway.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.settings.gateway
    }

    /// What of the account is kept at hand.
    pub(crate) fn mirror(&self) -> &MirrorSection {
        &self.settings.mirror
    }

    /// Whose webhooks are accepted.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.settings.webhooks
    }

    /// Who is told of what they deliver.
    pub(crate) fn subscribers(&self) -> &BTreeMap<subscribers::SubscriberName, subscribers::Subscriber> {
        &self.settings.subscribers
    }

    /// How long it is kept.
    pub(crate) fn retention(&self) -> std::time::Duration {
        self.settings.events.retention.0
    }

    /// Fetches the key of each caller of the gateway.
    pub(crate) fn keys(&self) -> Result<Vec<(&str, &GatewayCaller, SecretString)>, Failure> {
        let key = |name: &str, caller: &GatewayCaller| {
            let setting = format!("gateway.callers.{name}.key");
            let key = caller.key.resolve(&setting, self.base(), &self.environment, false)?;
            if token_form(key.expose_secret()).is_none() {
                return Ok(key);
            }
            // Such a key, mistyped by its program, would be taken for an unknown token and passed on to HubSpot.
            Err(Failure::new(
                Code::Setting,
                format!("`{setting}` has the form of a HubSpot token"),
                "make up a key of another form, for example with `openssl rand -hex 32`",
            ))
        };
        let callers = self.settings.gateway.callers.iter();
        callers.map(|(name, caller)| Ok((name.as_str(), caller, key(name, caller)?))).collect()
    }

    /// Fetches the key of the admin interface, if one is configured.
    pub(crate) fn admin_key(&self) -> Result<Option<SecretString>, Failure> {
        let key = self.settings.gateway.admin.key.as_ref();
        key.map(|key| key.resolve("gateway.admin.key", self.base(), &self.environment, false)).transpose()
    }

    /// Demands that the file says what goes where: what syncs has nothing to do otherwise.
    pub(crate) fn demand_mapping(&self) -> Result<(), Failure> {
        if self.has_mapping {
            return Ok(());
        }
        Err(Failure::new(
            Code::ConfigBroken,
            format!("{} has no mapping: it lacks the section `sync:`", self.path.display()),
            "write one, or let `linchpin init` propose it",
        ))
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        match &self.settings.store {
            Some(store) => self.base().join(store),
            None => self.path.with_extension("db"),
        }
    }

    /// The sources, their paths made absolute or relative to the working folder.
    pub(crate) fn sources(&self) -> BTreeMap<String, Source> {
        let place = |path: &Path| self.base().join(path);
        let resolve = |source: &Source| match source {
            Source::Sqlite(sqlite) => Source::Sqlite(Sqlite { path: place(&sqlite.path) }),
            Source::Csv(csv) => Source::Csv(Csv { path: place(&csv.path), ..csv.clone() }),
        };
        self.settings.sources.iter().map(|(name, source)| (name.clone(), resolve(source))).collect()
    }

    /// Fetches the token.
    pub(crate) fn token(&self) -> Result<SecretString, Failure> {
        let hubspot = self.hubspot();
        let Some(reference) = &hubspot.token else {
            return Err(Failure::new(
                Code::SecretMissing,
                format!("{} names no HubSpot token", self.path.display()),
                "write `token: env:HUBSPOT_TOKEN` below `hubspot:` and set that variable",
            ));
        };
        reference.resolve("hubspot.token", self.base(), &self.environment, hubspot.allow_literal_token)
    }

    /// The arguments that name this configuration on a command line, for advice.
    pub(crate) fn flag(&self) -> String {
        if self.path == Path::new("linchpin.yaml") {
            String::new()
        } else {
            format!(" --config {}", self.path.display())
        }
    }
}

/// The JSON Schema of the file, as `docs/config.schema.json` holds it.
pub(crate) fn schema() -> Value {
    schemars::schema_for!(File).to_value()
}

fn read(path: &Path) -> Result<String, Failure> {
    let missing = |why: String| {
        Failure::new(
            Code::ConfigMissing,
            format!("cannot read the configuration {}: {why}", path.display()),
            "make one with `linchpin init`, or say where it is with --config FILE",
        )
    };
    let size = std::fs::metadata(path).map_err(|error| missing(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(missing(format!("it has {size} bytes, more than {FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(path).map_err(|error| missing(error.to_string()))
}

fn broken(path: &Path, text: &str, error: &serde_saphyr::Error) -> Failure {
    let place = error.location().map(|at| (at.line(), at.column()));
    let message = place::message(error);
    let what = match place {
        Some((line, column)) => format!("{}:{line}:{column}: {message}", path.display()),
        None => format!("{}: {message}", path.display()),
    };
    let failure = Failure::new(
        Code::ConfigBroken,
        what,
        "correct the file; `linchpin schema config` prints the schema that editors check it with",
    );
    match place.and_then(|(line, column)| place::snippet(text, line, column)) {
        Some(snippet) => failure.with_detail(snippet),
        None => failure,
    }
}
