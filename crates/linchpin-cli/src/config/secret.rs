//! References to secrets: where one is, not what it is.
//!
//! The configuration holds `env:NAME` or `file:PATH`. A token written into the file itself is refused, unless it is one
//! of the simulator's (`pat-test-...`) or `hubspot.allow_literal_token` is set. `Debug` shows no secret.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::layers::Environment;
use crate::failure::{Code, Failure};

/// Tokens with this beginning open nothing but a simulator.
const TEST_TOKEN_PREFIX: &str = "pat-test-";

/// No secret is larger; a larger file is the wrong file.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file, alone; white space around it is cut off.
    File(PathBuf),
    /// In the configuration itself.
    Literal(SecretString),
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Literal(_) => f.write_str("[literal]"),
        }
    }
}

impl From<&str> for SecretRef {
    fn from(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("env:") {
            Self::Env(name.trim().to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            Self::File(PathBuf::from(path.trim()))
        } else {
            Self::Literal(text.to_owned().into())
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretReference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where the secret is: `env:NAME` or `file:PATH`. The simulator's tokens (`pat-test-...`) may stand here as they are.",
            "pattern": "^(env:.+|file:.+|pat-test-.+)$",
            "examples": ["env:HUBSPOT_TOKEN", "file:/run/secrets/hubspot"]
        })
    }
}

impl SecretRef {
    /// Fetches the secret. Relative files are relative to `base`.
    pub(crate) fn resolve(
        &self,
        setting: &str,
        base: &Path,
        environment: &Environment,
        literal_allowed: bool,
    ) -> Result<SecretString, Failure> {
        match self {
            Self::Env(name) => from_environment(setting, name, environment),
            Self::File(path) => from_file(setting, &base.join(path)),
            Self::Literal(secret) => {
                if literal_allowed || secret.expose_secret().starts_with(TEST_TOKEN_PREFIX) {
                    usable(secret.expose_secret(), setting, "the configuration")
                } else {
                    Err(Failure::new(
                        Code::SecretLiteral,
                        format!("`{setting}` holds the token itself"),
                        "put the token into an environment variable and write `env:NAME` here, or into a file and write \
                         `file:PATH`",
                    ))
                }
            }
        }
    }
}

fn from_environment(setting: &str, name: &str, environment: &Environment) -> Result<SecretString, Failure> {
    match environment.get(name) {
        Some(value) => usable(value, setting, &format!("the environment variable {name}")),
        None => Err(Failure::new(
            Code::SecretMissing,
            format!("`{setting}` points to the environment variable {name}, which is not set"),
            format!("set it: export {name}=pat-..."),
        )),
    }
}

fn from_file(setting: &str, path: &Path) -> Result<SecretString, Failure> {
    let place = format!("the file {}", path.display());
    match std::fs::read(path) {
        Ok(bytes) if bytes.len() > SECRET_BYTES_MAX => {
            Err(unusable(setting, &place, &format!("is larger than {SECRET_BYTES_MAX} bytes")))
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => usable(&text, setting, &place),
            Err(_) => Err(unusable(setting, &place, "is not text")),
        },
        Err(error) => Err(Failure::new(
            Code::SecretMissing,
            format!("`{setting}` points to {place}, which cannot be read: {error}"),
            "make the file readable for this user, or point the setting elsewhere",
        )),
    }
}

/// Cuts white space off and refuses what can be no bearer token.
fn usable(text: &str, setting: &str, place: &str) -> Result<SecretString, Failure> {
    let token = text.trim();
    if token.is_empty() {
        Err(unusable(setting, place, "is empty"))
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(unusable(setting, place, "holds something else than one token (spaces or line breaks inside)"))
    } else {
        Ok(token.to_owned().into())
    }
}

fn unusable(setting: &str, place: &str, why: &str) -> Failure {
    Failure::new(
        Code::SecretMissing,
        format!("`{setting}`: {place} {why}"),
        "put the token there and nothing else; in HubSpot it stands under Settings, Integrations, Private Apps",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(reference: &str, base: &Path, allowed: bool) -> Result<String, Failure> {
        let environment = Environment::of([("HUBSPOT_TOKEN", " pat-na1-secret\n"), ("EMPTY", ""), ("TWO", "a b")]);
        SecretRef::from(reference)
            .resolve("hubspot.token", base, &environment, allowed)
            .map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn references_lead_to_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "pat-eu1-from-file\n").unwrap();
        for (reference, allowed, secret) in [
            ("env:HUBSPOT_TOKEN", false, "pat-na1-secret"),
            ("file:token", false, "pat-eu1-from-file"),
            ("pat-test-1", false, "pat-test-1"),
            ("pat-na1-live", true, "pat-na1-live"),
        ] {
            assert_eq!(resolve(reference, folder.path(), allowed).unwrap(), secret, "{reference}");
        }
    }

    #[test]
    fn references_that_lead_nowhere_say_so_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
        for (reference, code, words) in [
            ("env:NOT_SET", Code::SecretMissing, "NOT_SET"),
            ("env:EMPTY", Code::SecretMissing, "is empty"),
            ("env:TWO", Code::SecretMissing, "something else than one token"),
            ("file:absent", Code::SecretMissing, "absent"),
            ("file:binary", Code::SecretMissing, "is not text"),
            ("pat-na1-live", Code::SecretLiteral, "holds the token itself"),
        ] {
            let failure = resolve(reference, folder.path(), false).unwrap_err();
            assert_eq!(failure.code(), code.as_str(), "{reference}");
            assert!(failure.render().contains(words), "{reference}: {}", failure.render());
            assert!(!failure.render().contains("pat-na1"), "{reference}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?} {:?}", SecretRef::from("pat-na1-live"), SecretRef::from("env:HUBSPOT_TOKEN"));
        assert_eq!(shown, "[literal] env:HUBSPOT_TOKEN");
    }
}
