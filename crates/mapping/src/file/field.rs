//! How one property gets its value: from a column, several columns, an expression, a constant or another entry's
//! record, then through transforms.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::at::{At, Columns, Ordered, Scalar};

/// One property: a column's name, or the details.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FieldSpec(pub At<FieldDetails>);

/// Where the value of a property comes from and what happens to it on the way. Exactly one of `column`, `columns`,
/// `expression`, `value` and `record_of`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldDetails {
    /// The column that holds the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<At<String>>,
    /// Several columns, to be joined by the transform `concat` or `multi_value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<At<String>>,
    /// A CEL expression over `row`, for example `row.FirstName + " " + row.LastName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<At<String>>,
    /// The same value for every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<At<Scalar>>,
    /// The record id of another entry's record, found by `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_of: Option<At<String>>,
    /// With `record_of`: the columns of this entry's rows that hold the key of the other row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Columns>,
    /// What happens to the value, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<At<TransformSpec>>,
    /// What happens to a value that a transform cannot use or that HubSpot would refuse. Default: `reject`.
    #[serde(default)]
    pub on_invalid: OnInvalid,
}

/// What happens to a value that is not valid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// The row is not synced, and listed with the reason.
    #[default]
    Reject,
    /// The property is left as it is in HubSpot, with a warning; the rest of the row is synced.
    Omit,
    /// This value is used instead, with a warning.
    Use(Scalar),
}

/// One step of `transforms`: a name, or a name with settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum TransformSpec {
    /// One that exists.
    #[serde(untagged)]
    Known(TransformKind),
    /// One that does not: reported by the check, together with everything else.
    #[serde(untagged)]
    Unknown(String),
}

/// The transforms. A null passes through all of them but `default`, `map` and `concat`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransformKind {
    /// Takes white space from both ends.
    Trim,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Title case for names: `O'REILLY` becomes `O'Reilly`, `van der berg` becomes `van der Berg`.
    TitleCase,
    /// A phone number in E.164 form: `+493026550280`. Numbers that are not valid in their region are invalid.
    Phone(PhoneArgs),
    /// A HubSpot date, `2026-11-20`, from an ISO 8601 date or date and time. A time is taken to the time zone first.
    Date(DateArgs),
    /// A HubSpot date and time in UTC, `2026-11-20T09:15:00Z`, from ISO 8601 or milliseconds since 1970.
    Datetime(DateArgs),
    /// An amount of money, rounded to the minor units of its currency.
    Money(MoneyArgs),
    /// A plain decimal number without thousands separators.
    Number(NumberArgs),
    /// `true` or `false`, from true/false, yes/no, y/n, t/f, on/off, 1/0.
    Boolean,
    /// One value for another, for enumerations.
    Map(MapArgs),
    /// Several values of a checkbox property, joined by semicolons, sorted, each once.
    MultiValue(MultiValueArgs),
    /// This value where there is none.
    Default(Scalar),
    /// The values of `columns` as one text; empty ones are left out.
    Concat(ConcatArgs),
    /// A text cut at each separator.
    Split(SplitArgs),
    /// One text instead of another, as often as it occurs. No patterns.
    Replace(ReplaceArgs),
    /// At most so many characters, with a warning where something was cut off.
    Truncate(TruncateArgs),
    /// The HubSpot owner with this e-mail address.
    OwnerByEmail,
    /// The domain of an e-mail or web address: `embraer.com.br`.
    Domain(DomainArgs),
}

/// Settings of `phone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneArgs {
    /// The region of numbers without a country code: an ISO code or a country's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<At<String>>,
    /// The column that holds the region, by ISO code or by name (`Brazil`); `region` is used where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_column: Option<At<String>>,
}

/// Settings of `date` and `datetime`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateArgs {
    /// The time zone of values that carry none, and the one whose calendar day counts for `date`. Default: the one of
    /// the `sync` section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<At<String>>,
    /// The form of the source's values where it is not ISO 8601, in strptime letters: `%d.%m.%Y`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Settings of `money`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyArgs {
    /// The currency by its ISO 4217 code; it sets the number of digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<At<String>>,
    /// The column that holds the currency code; `currency` is used where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_column: Option<At<String>>,
    /// The source counts minor units (cents).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub minor_units: bool,
}

/// Settings of `number`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberArgs {
    /// The source writes `1.234,5` for what is 1234.5.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
    /// Rounds to so many digits after the point, half away from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_digits: Option<u32>,
}

/// Settings of `map`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapArgs {
    /// The source's value, and the option's internal value that stands for it.
    pub values: Ordered<At<Scalar>>,
    /// For every other value. Without it, another value is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<At<Scalar>>,
}

/// Settings of `multi_value`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiValueArgs {
    /// What stands between the values in the source. Default: a semicolon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// Settings of `concat`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcatArgs {
    /// What goes between the parts. Default: a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// Settings of `split`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitArgs {
    /// Where to cut.
    pub separator: String,
    /// Takes one part only: 1 is the first, -1 the last. A missing part is no value. Default: all parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<i32>,
}

/// Settings of `replace`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceArgs {
    /// The text to look for.
    pub find: String,
    /// What stands there afterwards.
    pub with: String,
}

/// Settings of `truncate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TruncateArgs {
    /// The most characters to keep.
    pub max_characters: u32,
}

/// Settings of `domain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainArgs {
    /// Domains of free mail providers (gmail.com and the like) are no value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_free_mail: bool,
    /// More domains that are no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
}

/// Every transform's name, for messages.
pub const TRANSFORM_NAMES: [&str; 19] = [
    "trim",
    "lower",
    "upper",
    "title_case",
    "phone",
    "date",
    "datetime",
    "money",
    "number",
    "boolean",
    "map",
    "multi_value",
    "default",
    "concat",
    "split",
    "replace",
    "truncate",
    "owner_by_email",
    "domain",
];

impl TransformSpec {
    fn by_name(name: &str) -> Result<Self, String> {
        Ok(Self::Known(match name {
            "trim" => TransformKind::Trim,
            "lower" => TransformKind::Lower,
            "upper" => TransformKind::Upper,
            "title_case" => TransformKind::TitleCase,
            "phone" => TransformKind::Phone(PhoneArgs::default()),
            "date" => TransformKind::Date(DateArgs::default()),
            "datetime" => TransformKind::Datetime(DateArgs::default()),
            "money" => TransformKind::Money(MoneyArgs::default()),
            "number" => TransformKind::Number(NumberArgs::default()),
            "boolean" => TransformKind::Boolean,
            "multi_value" => TransformKind::MultiValue(MultiValueArgs::default()),
            "concat" => TransformKind::Concat(ConcatArgs::default()),
            "owner_by_email" => TransformKind::OwnerByEmail,
            "domain" => TransformKind::Domain(DomainArgs::default()),
            "map" | "default" | "split" | "replace" | "truncate" => {
                return Err(format!("`{name}` needs settings: `{name}: ...`"));
            }
            _ => return Ok(Self::Unknown(name.to_owned())),
        }))
    }

    fn with_settings<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
        Ok(Self::Known(match name {
            "phone" => TransformKind::Phone(map.next_value()?),
            "date" => TransformKind::Date(map.next_value()?),
            "datetime" => TransformKind::Datetime(map.next_value()?),
            "money" => TransformKind::Money(map.next_value()?),
            "number" => TransformKind::Number(map.next_value()?),
            "map" => TransformKind::Map(map.next_value()?),
            "multi_value" => TransformKind::MultiValue(map.next_value()?),
            "default" => TransformKind::Default(map.next_value()?),
            "concat" => TransformKind::Concat(map.next_value()?),
            "split" => TransformKind::Split(map.next_value()?),
            "replace" => TransformKind::Replace(map.next_value()?),
            "truncate" => TransformKind::Truncate(map.next_value()?),
            "domain" => TransformKind::Domain(map.next_value()?),
            "trim" | "lower" | "upper" | "title_case" | "boolean" | "owner_by_email" => {
                return Err(de::Error::custom(format_args!("`{name}` takes no settings: write `- {name}`")));
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
                return Ok(Self::Unknown(name.to_owned()));
            }
        }))
    }
}

struct TransformVisitor;

impl<'de> Visitor<'de> for TransformVisitor {
    type Value = TransformSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transform: a name, or a name with settings")
    }
    fn visit_str<E: de::Error>(self, name: &str) -> Result<TransformSpec, E> {
        TransformSpec::by_name(name).map_err(E::custom)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TransformSpec, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::custom("a transform needs a name"));
        };
        let spec = TransformSpec::with_settings(&name, &mut map)?;
        if let Some(second) = map.next_key::<String>()? {
            let message = format!("`{name}` and `{second}` are two transforms: give each a line of its own");
            return Err(de::Error::custom(message));
        }
        Ok(spec)
    }
}

impl<'de> Deserialize<'de> for TransformSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TransformVisitor)
    }
}

impl JsonSchema for TransformSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Transform".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<TransformKind>();
        schemars::json_schema!({
            "description": "One step: a name, or a name with settings.",
            "anyOf": [
                {"enum": ["phone", "date", "datetime", "money", "number", "multi_value", "concat", "domain"]},
                kind
            ]
        })
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = FieldDetails;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, or a map with `column`, `columns`, `expression`, `value` or `record_of`")
    }
    fn visit_str<E: de::Error>(self, column: &str) -> Result<FieldDetails, E> {
        Ok(FieldDetails { column: Some(At::nowhere(column.to_owned())), ..FieldDetails::default() })
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldDetails, A::Error> {
        FieldDetails::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner(FieldDetails);
        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(FieldVisitor).map(Inner)
            }
        }
        let At { value: Inner(mut details), line, column, width } = At::<Inner>::deserialize(deserializer)?;
        if let Some(name) = details.column.as_mut().filter(|name| name.line == 0) {
            (name.line, name.column) = (line, column);
        }
        Ok(Self(At { value: details, line, column, width }))
    }
}

impl JsonSchema for FieldSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Field".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let details = generator.subschema_for::<FieldDetails>();
        schemars::json_schema!({
            "description": "A column's name, or where the value comes from and what happens to it.",
            "anyOf": [{"type": "string"}, details]
        })
    }
}
