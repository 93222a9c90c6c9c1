//! What HubSpot would refuse, found before a call is spent: one check for each property of an entry.
//!
//! HubSpot itself would answer `INVALID_EMAIL`, `INVALID_OPTION`, `INVALID_LONG`, `INVALID_DATE` and the like (its
//! error guide). Where its behaviour is not documented, the stricter reading is taken.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::portal::PropertyKind;
use crate::problem::first_few;
use crate::transform::{self, date, datetime};
use crate::value::{Invalid, Value};

/// The most characters of a text property (HubSpot's properties guide).
pub(crate) const TEXT_CHARACTERS_MAX: usize = 65_536;

/// What the values of one property must be.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// How values are understood; `None` if the account is not known.
    pub kind: Option<PropertyKind>,
    /// The values that are allowed, if the list is closed.
    pub options: Option<Arc<[String]>>,
    /// It is the e-mail address of a contact, which HubSpot validates and stores in lower case.
    pub email: bool,
}

impl Check {
    /// The value as it is sent, in the one form that HubSpot answers with; `None` clears the property.
    pub(crate) fn apply(&self, value: Value) -> Result<Option<String>, Invalid> {
        if value.is_empty() {
            return Ok(None);
        }
        let text = match (self.kind, value) {
            (Some(PropertyKind::MultiEnumeration), value) => self.multi_option(value)?,
            (_, Value::List(parts)) => {
                let reason = format!(
                    "{} values stand where the property holds one: join them with `concat` or take one with `split`",
                    parts.len()
                );
                return Err(Invalid::new("LP1116", reason));
            }
            (None | Some(PropertyKind::Text | PropertyKind::Other), value) => bare_line_ends(value),
            (Some(PropertyKind::Number), value) => transform::number_exact(&value)?,
            (Some(PropertyKind::Bool), value) => strict_bool(&value)?,
            (Some(PropertyKind::Enumeration), value) => self.option(value.into_text().unwrap_or_default())?,
            (Some(PropertyKind::Date), value) => strict_date(&value)?,
            (Some(PropertyKind::Datetime), value) => datetime(&value, &TimeZone::UTC, None)?,
        };
        let text = if self.email { transform::normal_email(&text)? } else { text };
        if text.len() > TEXT_CHARACTERS_MAX && text.chars().count() > TEXT_CHARACTERS_MAX {
            let reason = format!(
                "the text has {} characters, HubSpot takes {TEXT_CHARACTERS_MAX}: use the transform `truncate`",
                text.chars().count()
            );
            return Err(Invalid::new("LP1111", reason));
        }
        Ok(Some(text))
    }

    fn option(&self, text: String) -> Result<String, Invalid> {
        match &self.options {
            Some(options) if !options.contains(&text) => Err(unknown_option(&text, options)),
            _ => Ok(text),
        }
    }

    fn multi_option(&self, value: Value) -> Result<String, Invalid> {
        let joined = match value {
            Value::List(parts) => {
                let texts: Vec<String> = parts.into_iter().filter_map(Value::into_text).collect();
                transform::multi_value(texts.iter().map(String::as_str))
            }
            single => transform::multi_value(single.into_text().unwrap_or_default().split(';')),
        };
        let Some(options) = &self.options else { return Ok(joined) };
        match joined.split(';').find(|one| !one.is_empty() && !options.iter().any(|option| option == one)) {
            Some(unknown) => Err(unknown_option(unknown, options)),
            None => Ok(joined),
        }
    }
}

/// HubSpot keeps line ends as a bare line feed.
fn bare_line_ends(value: Value) -> String {
    let text = value.into_text().unwrap_or_default();
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text }
}

fn unknown_option(text: &str, options: &[String]) -> Invalid {
    let names: Vec<&str> = options.iter().map(String::as_str).collect();
    let near = options.iter().find(|option| option.eq_ignore_ascii_case(text));
    let hint = near.map_or_else(String::new, |option| format!("; \"{option}\" differs in case only"));
    let reason = format!("\"{text}\" is not among the options of the property: {}{hint}", first_few(&names));
    Invalid::new("LP1110", reason)
}

/// Only what HubSpot itself takes for a truth value; other spellings need the transform `boolean`.
fn strict_bool(value: &Value) -> Result<String, Invalid> {
    match value {
        Value::Bool(known) => Ok(known.to_string()),
        Value::Text(text) if text == "true" || text == "false" => Ok(text.clone()),
        other => {
            let reason = format!("{} is neither true nor false: use the transform `boolean`", other.quoted());
            Err(Invalid::new("LP1109", reason))
        }
    }
}

/// A day, or a moment that is midnight UTC; HubSpot refuses other moments (`INVALID_DATE`, "... not midnight!").
fn strict_date(value: &Value) -> Result<String, Invalid> {
    let day = date(value, &TimeZone::UTC, None)?.to_string();
    let moment = datetime(value, &TimeZone::UTC, None)?;
    if moment.strip_prefix(&day) == Some("T00:00:00Z") {
        return Ok(day);
    }
    let reason = format!("{} is not at midnight UTC: use the transform `date` to take its day", value.quoted());
    Err(Invalid::new("LP1107", reason))
}
