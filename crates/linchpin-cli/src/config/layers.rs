//! The layers above the file: `LINCHPIN__HUBSPOT__TIER` in the environment, then `--set hubspot.tier=...`.
//!
//! An override replaces one setting (never part of the mapping). Its text is taken as text where the setting is text,
//! and as a YAML scalar where it is a number or a truth value.

use std::collections::BTreeMap;

use serde_json::Value;

use super::file::Settings;
use crate::failure::{Code, Failure};

const PREFIX: &str = "LINCHPIN__";

/// The environment as it was when the program began. Only this module reads it.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are no text are left out.
    pub(crate) fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// A made-up environment.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The settings that it overrides, as (how to call it, path, value).
    fn overrides(&self) -> impl Iterator<Item = Override<'_>> {
        self.0.range(PREFIX.to_owned()..).take_while(|(name, _)| name.starts_with(PREFIX)).map(|(name, value)| {
            Override {
                label: format!("the environment variable {name}"),
                path: name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect(),
                value,
            }
        })
    }
}

struct Override<'a> {
    label: String,
    path: Vec<String>,
    value: &'a str,
}

/// Lays environment and flags over the file's settings.
///
/// `file` is the file's content without the mapping. An override that fits nowhere is refused: a misspelt one that is
/// passed over in silence is worse than none.
pub(super) fn lay(mut file: Value, environment: &Environment, flags: &[(String, String)]) -> Result<Settings, Failure> {
    let flags = flags.iter().map(|(key, value)| Override {
        label: format!("--set {key}"),
        path: key.split('.').map(str::to_owned).collect(),
        value,
    });
    for layer in environment.overrides().chain(flags) {
        file = lay_one(&file, &layer)?;
    }
    serde_json::from_value(file).map_err(|error| {
        // The file alone has been read before, so this is a gap between the two readers.
        Failure::internal("the configuration cannot be read again after overrides", &error)
    })
}

fn lay_one(settings: &Value, layer: &Override<'_>) -> Result<Value, Failure> {
    if layer.path.first().is_some_and(|first| first == "sync") {
        return Err(refused(layer, "the mapping can only be changed in the file"));
    }
    let text = Value::String(layer.value.to_owned());
    let scalar = serde_saphyr::from_str::<Value>(layer.value).ok().filter(|value| !value.is_object());
    let mut reason = String::new();
    for candidate in std::iter::once(text).chain(scalar) {
        let mut laid = settings.clone();
        put(&mut laid, &layer.path, candidate).map_err(|why| refused(layer, why))?;
        match serde_json::from_value::<Settings>(laid.clone()) {
            Ok(_) => return Ok(laid),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(refused(layer, &reason))
}

fn put(settings: &mut Value, path: &[String], value: Value) -> Result<(), &'static str> {
    let mut place = settings;
    for name in path {
        if name.is_empty() {
            return Err("a part of its name is empty");
        }
        if place.is_null() {
            *place = Value::Object(serde_json::Map::new());
        }
        let Value::Object(map) = place else { return Err("it reaches into a setting that has no parts") };
        place = map.entry(name.clone()).or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

fn refused(layer: &Override<'_>, why: &str) -> Failure {
    Failure::new(
        Code::Override,
        format!("{} does not fit: {why}", layer.label),
        "correct or remove it; `linchpin schema config` lists the settings, LINCHPIN__HUBSPOT__TIER stands for \
         hubspot.tier",
    )
}
