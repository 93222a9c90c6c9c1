//! Rules that an administrator sets for the values of a property, and their calls.
//!
//! Sources: HubSpot's guide to property validations (types of rules and their arguments), its changelog of July 2023
//! (rules hold for API writes; `INVALID_ALPHA`, "Enter only letters"). Other codes and texts are ours.

use std::collections::BTreeMap;

use http::Method;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::Call;
use super::catalog::Kind;
use super::property::{PropId, Property, ValueType};
use super::saved::Places;
use super::time;
use super::value::{Decimal, Invalid};
use crate::saved::Unfit;
use crate::wire::Millis;

/// Arguments that one rule may have.
const ARGUMENTS_MAX: usize = 100;

/// What a rule demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) enum RuleType {
    AfterDatetimeDuration,
    AfterDuration,
    Alphanumeric,
    BeforeDatetimeDuration,
    BeforeDuration,
    DaysOfWeek,
    Decimal,
    Domain,
    Email,
    EmailAllowedDomains,
    EmailBlockedDomains,
    EndDate,
    EndDatetime,
    Format,
    MaxLength,
    MaxNumber,
    MinLength,
    MinNumber,
    PhoneNumberWithExplicitCountryCode,
    Regex,
    SpecialCharacters,
    StartDate,
    StartDatetime,
    Url,
    UrlAllowedDomains,
    UrlBlockedDomains,
    Whitespace,
}

use RuleType as R;

/// HubSpot's name of each rule type.
const NAMES: &[(RuleType, &str)] = &[
    (R::AfterDatetimeDuration, "AFTER_DATETIME_DURATION"),
    (R::AfterDuration, "AFTER_DURATION"),
    (R::Alphanumeric, "ALPHANUMERIC"),
    (R::BeforeDatetimeDuration, "BEFORE_DATETIME_DURATION"),
    (R::BeforeDuration, "BEFORE_DURATION"),
    (R::DaysOfWeek, "DAYS_OF_WEEK"),
    (R::Decimal, "DECIMAL"),
    (R::Domain, "DOMAIN"),
    (R::Email, "EMAIL"),
    (R::EmailAllowedDomains, "EMAIL_ALLOWED_DOMAINS"),
    (R::EmailBlockedDomains, "EMAIL_BLOCKED_DOMAINS"),
    (R::EndDate, "END_DATE"),
    (R::EndDatetime, "END_DATETIME"),
    (R::Format, "FORMAT"),
    (R::MaxLength, "MAX_LENGTH"),
    (R::MaxNumber, "MAX_NUMBER"),
    (R::MinLength, "MIN_LENGTH"),
    (R::MinNumber, "MIN_NUMBER"),
    (R::PhoneNumberWithExplicitCountryCode, "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE"),
    (R::Regex, "REGEX"),
    (R::SpecialCharacters, "SPECIAL_CHARACTERS"),
    (R::StartDate, "START_DATE"),
    (R::StartDatetime, "START_DATETIME"),
    (R::Url, "URL"),
    (R::UrlAllowedDomains, "URL_ALLOWED_DOMAINS"),
    (R::UrlBlockedDomains, "URL_BLOCKED_DOMAINS"),
    (R::Whitespace, "WHITESPACE"),
];

impl RuleType {
    fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(rule, _)| *rule)
    }

    fn name(self) -> &'static str {
        NAMES.iter().find(|(rule, _)| *rule == self).map_or("", |(_, name)| name)
    }

    /// The type of property for which the rule is made.
    fn suits(self, value_type: ValueType) -> bool {
        match self {
            Self::AfterDatetimeDuration | Self::BeforeDatetimeDuration | Self::EndDatetime | Self::StartDatetime => {
                value_type == ValueType::DateTime
            }
            Self::AfterDuration | Self::BeforeDuration | Self::EndDate | Self::StartDate => {
                value_type == ValueType::Date
            }
            Self::DaysOfWeek => matches!(value_type, ValueType::Date | ValueType::DateTime),
            Self::Decimal | Self::MaxNumber | Self::MinNumber => value_type == ValueType::Number,
            Self::Alphanumeric
            | Self::Domain
            | Self::Email
            | Self::EmailAllowedDomains
            | Self::EmailBlockedDomains
            | Self::Format
            | Self::MaxLength
            | Self::MinLength
            | Self::PhoneNumberWithExplicitCountryCode
            | Self::Regex
            | Self::SpecialCharacters
            | Self::Url
            | Self::UrlAllowedDomains
            | Self::UrlBlockedDomains
            | Self::Whitespace => matches!(value_type, ValueType::String | ValueType::Phone),
        }
    }

    /// Whether the rule can be carried out with these arguments. What is not carried out takes any.
    fn takes(self, arguments: &[String]) -> bool {
        let only = match arguments {
            [only] => Some(only.as_str()),
            _ => None,
        };
        match self {
            Self::Alphanumeric => {
                only.is_some_and(|word| matches!(word, "ALPHANUMERIC" | "ALPHA_ONLY" | "NUMERIC_ONLY"))
            }
            Self::MaxLength | Self::MinLength | Self::Decimal => only.is_some_and(|text| text.parse::<usize>().is_ok()),
            Self::MaxNumber | Self::MinNumber => only.is_some_and(|text| Decimal::parse(text).is_some()),
            Self::EndDate | Self::EndDatetime | Self::StartDate | Self::StartDatetime => {
                only.is_some_and(|text| time::parse(text).is_some())
            }
            Self::AfterDuration | Self::BeforeDuration | Self::AfterDatetimeDuration | Self::BeforeDatetimeDuration => {
                only.is_some_and(|text| text.parse::<Span>().is_ok())
            }
            Self::EmailAllowedDomains | Self::EmailBlockedDomains => !arguments.is_empty(),
            Self::DaysOfWeek
            | Self::Domain
            | Self::Email
            | Self::Format
            | Self::PhoneNumberWithExplicitCountryCode
            | Self::Regex
            | Self::SpecialCharacters
            | Self::Url
            | Self::UrlAllowedDomains
            | Self::UrlBlockedDomains
            | Self::Whitespace => true,
        }
    }
}

/// One rule of a property.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Rule {
    arguments: Vec<String>,
    normalises: Option<bool>,
}

/// The rules of all properties.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Rules(#[serde(with = "super::saved::pairs")] BTreeMap<(Kind, PropId), BTreeMap<RuleType, Rule>>);

impl Rules {
    /// The same under the numbers that this version gives to object types and properties.
    pub(super) fn translated(self, places: &Places) -> Result<Self, Unfit> {
        let rules = self.0.into_iter().map(|((kind, id), rules)| Ok((places.property(kind, id)?, rules)));
        rules.collect::<Result<_, Unfit>>().map(Self)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RuleInput {
    rule_arguments: Option<Vec<String>>,
    should_apply_normalization: Option<bool>,
}

impl Portal {
    /// Calls below `property-validations/`.
    pub(super) fn dispatch_validations(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        let Some((name, tail)) = rest.split_first() else { return Err(Refusal::no_such_path()) };
        let kind = self.kind_named(name)?;
        match (tail, &method) {
            ([], &Method::GET) => Ok(Reply::ok(&json!({"results": self.all_rules(kind)}))),
            ([name], &Method::GET) => {
                let place = self.ruled_property(kind, name, call)?;
                let rules = self.rules.0.get(&(kind, place)).into_iter().flatten();
                let rules: Vec<Value> = rules.map(|(known, rule)| rule_json(*known, rule)).collect();
                Ok(Reply::ok(&json!({"results": rules})))
            }
            ([name, "rule-type", known], &Method::GET) => {
                let (place, known) = (self.ruled_property(kind, name, call)?, rule_type(known)?);
                let rule = self.rules.0.get(&(kind, place)).and_then(|rules| rules.get(&known));
                rule.map(|rule| Reply::ok(&rule_json(known, rule))).ok_or_else(Refusal::missing)
            }
            ([name, "rule-type", known], &Method::PUT) => self.put_rule(kind, name, rule_type(known)?, call),
            ([] | [_] | [_, "rule-type", _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn ruled_property(&self, kind: Kind, name: &str, call: &Call<'_>) -> Outcome<PropId> {
        let found = self.catalog.get(kind).properties.live(name, call.now);
        found.map(|(place, _)| place).ok_or_else(Refusal::missing)
    }

    fn all_rules(&self, kind: Kind) -> Vec<Value> {
        let table = &self.catalog.get(kind).properties;
        let of_kind = self.rules.0.iter().filter(|((of, _), _)| *of == kind);
        let entry = |((_, place), rules): (&(Kind, PropId), &BTreeMap<RuleType, Rule>)| {
            let name = &table.get(*place)?.name;
            let rules: Vec<Value> = rules.iter().map(|(known, rule)| rule_json(*known, rule)).collect();
            Some(json!({"propertyName": name, "propertyValidationRules": rules}))
        };
        of_kind.filter_map(entry).collect()
    }

    fn put_rule(&mut self, kind: Kind, name: &str, known: RuleType, call: &Call<'_>) -> Outcome {
        let input: RuleInput = call.body()?;
        let Some(arguments) = input.rule_arguments else { return Err(Refusal::unset_fields(&["ruleArguments"])) };
        let place = self.ruled_property(kind, name, call)?;
        let property = self.catalog.get(kind).properties.get(place).ok_or_else(Refusal::missing)?;
        if !known.suits(property.value_type) {
            let (rule, value_type) = (known.name(), property.value_type.name());
            return Err(Refusal::invalid(format!(
                "Rule type {rule} does not apply to properties of type {value_type}"
            )));
        }
        if arguments.len() > ARGUMENTS_MAX || !known.takes(&arguments) {
            return Err(Refusal::invalid(format!("Rule arguments of {} are not valid: {arguments:?}", known.name())));
        }
        let rule = Rule { arguments, normalises: input.should_apply_normalization };
        self.rules.0.entry((kind, place)).or_default().insert(known, rule);
        Ok(Reply::no_content())
    }

    /// The first rule of its property that a stored value breaks.
    pub(super) fn broken_rule(&self, kind: Kind, place: PropId, value: &str, now: Millis) -> Option<Invalid> {
        let rules = self.rules.0.get(&(kind, place))?;
        let property = self.catalog.get(kind).properties.get(place)?;
        rules.iter().find_map(|(known, rule)| breach(property, *known, rule, value, now))
    }
}

fn rule_type(name: &str) -> Outcome<RuleType> {
    RuleType::parse(name).ok_or_else(|| Refusal::bare(400, "Unable to parse value for path parameter: ruleType"))
}

fn rule_json(known: RuleType, rule: &Rule) -> Value {
    let mut out = Map::new();
    out.insert("ruleType".into(), known.name().into());
    out.insert("ruleArguments".into(), json!(rule.arguments));
    if let Some(normalises) = rule.normalises {
        out.insert("shouldApplyNormalization".into(), normalises.into());
    }
    Value::Object(out)
}

/// What a value does against a rule; nothing when it keeps it, or when the rule is one that is only remembered.
fn breach(property: &Property, known: RuleType, rule: &Rule, value: &str, now: Millis) -> Option<Invalid> {
    let argument = rule.arguments.first().map_or("", String::as_str);
    let given = if rule.normalises == Some(true) { value.trim() } else { value };
    let found = match known {
        R::Alphanumeric => breach_of_letters(argument, given),
        R::MaxLength | R::MinLength => breach_of_length(known, argument, given),
        R::Decimal | R::MaxNumber | R::MinNumber => breach_of_number(known, argument, given),
        R::AfterDatetimeDuration
        | R::AfterDuration
        | R::BeforeDatetimeDuration
        | R::BeforeDuration
        | R::EndDate
        | R::EndDatetime
        | R::StartDate
        | R::StartDatetime => breach_of_time(known, argument, given, now),
        R::EmailAllowedDomains | R::EmailBlockedDomains => {
            let domain = given.rsplit('@').next().unwrap_or_default();
            let listed = rule.arguments.iter().any(|one| one.eq_ignore_ascii_case(domain));
            (listed == (known == R::EmailBlockedDomains))
                .then(|| ("INVALID_EMAIL_DOMAIN", format!("The domain {domain} is not allowed")))
        }
        R::DaysOfWeek
        | R::Domain
        | R::Email
        | R::Format
        | R::PhoneNumberWithExplicitCountryCode
        | R::Regex
        | R::SpecialCharacters
        | R::Url
        | R::UrlAllowedDomains
        | R::UrlBlockedDomains
        | R::Whitespace => None,
    };
    found.map(|(code, message)| Invalid::new(&property.name, value, code, message))
}

/// A code and a message.
type Breach = Option<(&'static str, String)>;

fn breach_of_letters(argument: &str, value: &str) -> Breach {
    let all = |fine: fn(char) -> bool| value.chars().all(|one| fine(one) || one.is_whitespace());
    match argument {
        "ALPHA_ONLY" if !all(char::is_alphabetic) => Some(("INVALID_ALPHA", "Enter only letters".to_owned())),
        "NUMERIC_ONLY" if !all(char::is_numeric) => Some(("INVALID_NUMERIC", "Enter only numbers".to_owned())),
        "ALPHANUMERIC" if !all(char::is_alphanumeric) => {
            Some(("INVALID_ALPHANUMERIC", "Enter only letters and numbers".to_owned()))
        }
        _ => None,
    }
}

fn breach_of_length(known: RuleType, argument: &str, value: &str) -> Breach {
    let (limit, length) = (argument.parse::<usize>().ok()?, value.chars().count());
    if known == R::MaxLength {
        (length > limit).then(|| ("INVALID_MAX_LENGTH", format!("Enter no more than {limit} characters")))
    } else {
        (length < limit).then(|| ("INVALID_MIN_LENGTH", format!("Enter at least {limit} characters")))
    }
}

fn breach_of_number(known: RuleType, argument: &str, value: &str) -> Breach {
    if known == R::Decimal {
        let places = value.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let most = argument.parse::<usize>().ok()?;
        return (places > most).then(|| ("INVALID_DECIMAL", format!("Enter no more than {most} decimal places")));
    }
    let above = Decimal::parse(value)?.minus(Decimal::parse(argument)?)?;
    if known == R::MaxNumber {
        above.is_positive().then(|| ("INVALID_MAX_NUMBER", format!("Enter a number of at most {argument}")))
    } else {
        above.is_negative().then(|| ("INVALID_MIN_NUMBER", format!("Enter a number of at least {argument}")))
    }
}

fn breach_of_time(known: RuleType, argument: &str, value: &str, now: Millis) -> Breach {
    let at = time::parse(value)?;
    let date_only = matches!(known, R::AfterDuration | R::BeforeDuration);
    let now = if date_only { Millis(now.0 - now.0.rem_euclid(86_400_000)) } else { now };
    let (limit, is_latest) = match known {
        R::StartDate | R::StartDatetime => (time::parse(argument)?, false),
        R::EndDate | R::EndDatetime => (time::parse(argument)?, true),
        R::BeforeDuration | R::BeforeDatetimeDuration => (moved(now, argument, true)?, true),
        _ => (moved(now, argument, false)?, false),
    };
    if is_latest {
        (at > limit).then(|| ("INVALID_END_DATE", format!("Enter a date no later than {}", time::iso(limit))))
    } else {
        (at < limit).then(|| ("INVALID_START_DATE", format!("Enter a date no earlier than {}", time::iso(limit))))
    }
}

/// A moment that lies an ISO 8601 period away.
fn moved(now: Millis, period: &str, back: bool) -> Option<Millis> {
    let span: Span = period.parse().ok()?;
    let zoned = Timestamp::from_millisecond(now.0).ok()?.to_zoned(TimeZone::UTC);
    let moved = if back { zoned.checked_sub(span) } else { zoned.checked_add(span) };
    Some(Millis(moved.ok()?.timestamp().as_millisecond()))
}
