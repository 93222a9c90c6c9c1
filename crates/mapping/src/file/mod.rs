//! The `sync:` section of the configuration file, as it is written.
//!
//! What a person writes and nothing more: no defaults are filled in and nothing is looked up here, that is
//! [`compile()`](crate::compile())'s work. Unknown keys are errors. The documentation comments of these types are the
//! descriptions that editors show, by way of [`json_schema`].

mod at;
mod field;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use at::{At, Columns, Ordered, Scalar};
pub use field::{
    ConcatArgs, DateArgs, DomainArgs, FieldDetails, FieldSpec, MapArgs, MoneyArgs, MultiValueArgs, NumberArgs,
    OnInvalid, PhoneArgs, ReplaceArgs, SplitArgs, TRANSFORM_NAMES, TransformKind, TransformSpec, TruncateArgs,
};

use crate::problem::Problem;

/// What is kept in step with HubSpot, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncFile {
    /// The region of phone numbers without a country code, unless a field says otherwise: an ISO code (`US`) or a
    /// country's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_region: Option<At<String>>,
    /// The time zone of dates and times that carry none (`Europe/Berlin`). Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<At<String>>,
    /// The entries by name; their order does not matter.
    pub entries: Ordered<EntrySpec>,
}

/// One kind of row that becomes one kind of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrySpec {
    /// The source, by its name under `sources:`.
    pub source: At<String>,
    /// The table or view to read. Either this or `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<At<String>>,
    /// A query to read, in the source's own language. Either this or `table`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<At<String>>,
    /// The columns that identify a row.
    pub key: Columns,
    /// Which rows belong: a CEL condition over `row`, for example `row.Email != ""`. Default: all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<At<String>>,
    /// The HubSpot object type: `contacts`, `companies`, `deals`, `products`, `line_items`, `tickets`, or `2-123`.
    pub object: At<String>,
    /// How a record is recognised in HubSpot.
    pub identity: At<IdentitySpec>,
    /// The properties, each with where its value comes from.
    pub fields: Ordered<FieldSpec>,
    /// The records that a record is associated with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub associations: Vec<At<AssociationSpec>>,
    /// What happens to the record of a row that is gone. Default: `report`.
    #[serde(default)]
    pub gone: Gone,
}

/// How a record is recognised: by a unique property, or by equal content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentitySpec {
    /// A property that HubSpot keeps unique, or `email` of contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<At<String>>,
    /// Makes the unique property if the account does not have it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<At<CreateSpec>>,
    /// The properties that together tell one record from another, for types without unique properties (products).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<At<String>>,
}

/// A property to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSpec {
    /// What people see in HubSpot.
    pub label: String,
    /// What the property is for, who fills it, what uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The property group, by internal name. Default: the information group of the object type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A kind of association from this entry's records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssociationSpec {
    /// The entry whose records are at the other end.
    pub to: At<String>,
    /// The columns of this entry's rows that hold the key of the other row. A null means: no association.
    pub key: Columns,
    /// The label (`primary`, or the text of a label in the account). Default: HubSpot's unlabelled association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<At<String>>,
    /// The association type by its number, instead of a label. Numbers are directed: 279 leads from contact to
    /// company only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_id: Option<At<u32>>,
}

/// What happens to the record of a row that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It is reported and stays as it is; nothing is ever archived.
    #[default]
    Report,
}

/// The options under which the configuration file is read: values are what they look like in YAML 1.2, so that
/// `country: no` stays a text.
pub fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true, with_snippet: false }
}

/// Reads the `sync:` section of a configuration file; the other sections are left alone.
///
/// # Errors
/// The first thing that is no valid YAML or no known key (`LP1001`). What the section means is checked by
/// [`compile()`](crate::compile()).
pub fn parse(text: &str) -> Result<SyncFile, Problem> {
    #[derive(Deserialize)]
    struct Document {
        sync: SyncFile,
    }
    serde_saphyr::from_str_with_options::<Document>(text, yaml_options())
        .map(|document| document.sync)
        .map_err(|error| Problem::from_yaml(&error))
}

/// The JSON Schema of the `sync:` section, for editors.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(SyncFile).to_value()
}
