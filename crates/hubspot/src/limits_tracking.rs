//! What the account has of what it may have: records, properties, pipelines, associations
//! (<https://developers.hubspot.com/docs/api-reference/crm-limits-tracking-v3/guide>).
//!
//! Not rate limits: those are in [`crate::limits`].

use serde::Deserialize;

use crate::endpoint::{endpoint, items, one};
use crate::id::RecordId;
use crate::version::Surface;
use crate::wire::{null_as_default, number_or_none, record_id};

/// How much of one thing, for one object type.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeUsage {
    /// `0-1`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object_type_id: String,
    /// What people call one.
    #[serde(default)]
    pub singular_label: Option<String>,
    /// What people call many.
    #[serde(default)]
    pub plural_label: Option<String>,
    /// How many there may be; none where all types share one limit.
    #[serde(default, deserialize_with = "number_or_none")]
    pub limit: Option<u64>,
    /// How many there are.
    #[serde(default, deserialize_with = "number_or_none")]
    pub usage: Option<u64>,
    /// Usage in hundredths of the limit.
    #[serde(default)]
    pub percentage: Option<f64>,
}

/// How much of one thing for all types together, and for each.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedUsage {
    /// How many there may be.
    #[serde(default, alias = "limit", deserialize_with = "number_or_none")]
    pub overall_limit: Option<u64>,
    /// How many there are.
    #[serde(default, alias = "usage", deserialize_with = "number_or_none")]
    pub overall_usage: Option<u64>,
    /// Usage in hundredths of the limit.
    #[serde(default, alias = "percentage")]
    pub overall_percentage: Option<f64>,
    /// For each type.
    #[serde(default, deserialize_with = "null_as_default")]
    pub by_object_type: Vec<TypeUsage>,
}

/// How much of one thing, built-in types apart from custom ones.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitUsage {
    /// Each built-in type has a limit of its own.
    #[serde(default, rename = "hubspotDefinedObjectTypes", deserialize_with = "null_as_default")]
    pub standard: Vec<TypeUsage>,
    /// Custom types share one.
    #[serde(default, rename = "customObjectTypes", deserialize_with = "null_as_default")]
    pub custom: SharedUsage,
}

/// GET how many records there are and may be.
#[derive(Clone, Copy, Debug)]
pub struct Records;

/// GET how many pipelines.
#[derive(Clone, Copy, Debug)]
pub struct Pipelines;

/// GET how many custom properties.
#[derive(Clone, Copy, Debug)]
pub struct CustomProperties;

/// GET how many calculated properties.
#[derive(Clone, Copy, Debug)]
pub struct CalculatedProperties;

/// GET how many custom object types.
#[derive(Clone, Copy, Debug)]
pub struct CustomObjectTypes;

endpoint!(Records => SplitUsage, one("usage of records"), |_, version| Surface::LimitsTracking.get(version, &["records"]));
endpoint!(Pipelines => SplitUsage, one("usage of pipelines"), |_, version| {
    Surface::LimitsTracking.get(version, &["pipelines"])
});
endpoint!(CustomProperties => SharedUsage, one("usage of properties"), |_, version| {
    Surface::LimitsTracking.get(version, &["custom-properties"])
});
endpoint!(CalculatedProperties => SharedUsage, one("usage of calculated properties"), |_, version| {
    Surface::LimitsTracking.get(version, &["calculated-properties"])
});
endpoint!(CustomObjectTypes => SharedUsage, one("usage of object types"), |_, version| {
    Surface::LimitsTracking.get(version, &["custom-object-types"])
});

/// GET how many association labels there are between types; all pairs unless one or both are named by type id.
#[derive(Clone, Debug, Default)]
pub struct AssociationLabels {
    /// Where they start.
    pub from: Option<String>,
    /// Where they end.
    pub to: Option<String>,
}

/// How many labels one pair of types has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelUsage {
    /// Where they start.
    #[serde(rename = "fromObjectType")]
    pub from: TypeUsage,
    /// Where they end.
    #[serde(rename = "toObjectType")]
    pub to: TypeUsage,
    /// How many there may be.
    #[serde(default, deserialize_with = "number_or_none")]
    pub limit: Option<u64>,
    /// How many there are.
    #[serde(default, deserialize_with = "number_or_none")]
    pub usage: Option<u64>,
    /// Their names.
    #[serde(default, deserialize_with = "null_as_default")]
    pub all_labels: Vec<String>,
}

endpoint!(AssociationLabels => Vec<LabelUsage>, items("usage of association labels"), |this, version| {
    Surface::LimitsTracking
        .get(version, &["associations", "labels"])
        .with_some("fromObjectTypeId", this.from.as_deref())
        .with_some("toObjectTypeId", this.to.as_deref())
});

/// GET types of which some record has nearly or quite as many associations as it may.
#[derive(Clone, Debug, Default)]
pub struct CrowdedTypes {
    /// Of records of this type id: the types at the other end. None: the types where associations start.
    pub from: Option<String>,
}

/// One type with crowded records.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrowdedType {
    /// Its id.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object_type_id: String,
    /// Some record has as many as it may.
    #[serde(default, deserialize_with = "null_as_default")]
    pub has_records_at_limit: bool,
    /// Some record has nearly as many.
    #[serde(default, deserialize_with = "null_as_default")]
    pub has_records_near_limit: bool,
}

endpoint!(CrowdedTypes => Vec<CrowdedType>, items("types near their association limits"), |this, version| {
    match &this.from {
        None => Surface::LimitsTracking.get(version, &["associations", "records", "from"]),
        Some(from) => Surface::LimitsTracking.get(version, &["associations", "records", from, "to"]),
    }
});

/// GET how many records of one type have nearly or quite as many associations to another as they may.
#[derive(Clone, Debug)]
pub struct CrowdedRecords {
    /// Type id where they start.
    pub from: String,
    /// Type id where they end.
    pub to: String,
}

/// What [`CrowdedRecords`] returns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Crowd {
    /// How many associations a record may have.
    #[serde(default, deserialize_with = "number_or_none")]
    pub limit: Option<u64>,
    /// How many records have as many.
    #[serde(default, deserialize_with = "number_or_none")]
    pub total_records_at_limit: Option<u64>,
    /// How many records have nearly as many.
    #[serde(default, deserialize_with = "number_or_none")]
    pub total_records_near_limit: Option<u64>,
    /// Some of the former.
    #[serde(default, rename = "atLimitFromRecordSamples", deserialize_with = "null_as_default")]
    pub at_limit: Vec<CrowdedRecord>,
    /// Some of the latter.
    #[serde(default, rename = "nearLimitFromRecordSamples", deserialize_with = "null_as_default")]
    pub near_limit: Vec<CrowdedRecord>,
}

/// One crowded record. Its name is left out: it is a person's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrowdedRecord {
    /// Which one.
    #[serde(deserialize_with = "record_id")]
    pub object_id: RecordId,
    /// How many associations it has.
    #[serde(default, deserialize_with = "number_or_none")]
    pub usage: Option<u64>,
}

endpoint!(CrowdedRecords => Crowd, one("records near their association limits"), |this, version| {
    Surface::LimitsTracking.get(version, &["associations", "records", &this.from, &this.to])
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Effect, Family};
    use crate::endpoint::Endpoint;
    use crate::testing::answer;
    use crate::version::ApiVersion;

    #[test]
    fn usage_of_records_tells_built_in_from_custom_types() {
        let call = Records.call(ApiVersion::V2026_03);
        assert_eq!(call.target(), "/crm/limits/2026-03/records");
        assert_eq!((call.family, call.effect), (Family::Account, Effect::Safe));
        let text = r#"{"hubspotDefinedObjectTypes":[{"objectTypeId":"0-1","singularLabel":"Contact","pluralLabel":"Contacts",
            "limit":1000,"usage":"250","percentage":25.0}],"customObjectTypes":{"overallLimit":500,"overallUsage":5,
            "overallPercentage":1.0,"byObjectType":[{"objectTypeId":"2-7","singularLabel":"Car","pluralLabel":"Cars","usage":5}]}}"#;
        let usage = Records.decode(&answer(200, text)).expect("usage");
        assert_eq!((usage.standard[0].limit, usage.standard[0].usage), (Some(1000), Some(250)));
        assert_eq!((usage.custom.overall_usage, usage.custom.by_object_type[0].limit), (Some(5), None));
    }

    #[test]
    fn the_other_things_have_paths_of_their_own() {
        let v = ApiVersion::V3;
        assert_eq!(Pipelines.call(v).path, "/crm/v3/limits/pipelines");
        assert_eq!(CustomProperties.call(v).path, "/crm/v3/limits/custom-properties");
        assert_eq!(CalculatedProperties.call(v).path, "/crm/v3/limits/calculated-properties");
        assert_eq!(CustomObjectTypes.call(v).path, "/crm/v3/limits/custom-object-types");
        let types = CustomObjectTypes.decode(&answer(200, r#"{"limit":10,"usage":1,"percentage":10.0}"#));
        assert_eq!(types.expect("usage").overall_limit, Some(10));
    }

    #[test]
    fn association_limits_are_asked_for_by_type_ids() {
        let labels = AssociationLabels { from: Some("0-1".to_owned()), to: Some("0-2".to_owned()) };
        let target = "/crm/v3/limits/associations/labels?fromObjectTypeId=0-1&toObjectTypeId=0-2";
        assert_eq!(labels.call(ApiVersion::V3).target(), target);
        let text = r#"{"results":[{"fromObjectType":{"objectTypeId":"0-1"},"toObjectType":{"objectTypeId":"0-2"},
            "limit":10,"usage":2,"percentage":20.0,"allLabels":["a","b"]}]}"#;
        assert_eq!(labels.decode(&answer(200, text)).expect("usage")[0].all_labels.len(), 2);
        let crowded = CrowdedTypes::default();
        assert_eq!(crowded.call(ApiVersion::V3).path, "/crm/v3/limits/associations/records/from");
        let crowded = CrowdedTypes { from: Some("0-1".to_owned()) };
        assert_eq!(crowded.call(ApiVersion::V3).path, "/crm/v3/limits/associations/records/0-1/to");
        let records = CrowdedRecords { from: "0-1".to_owned(), to: "0-2".to_owned() };
        assert_eq!(records.call(ApiVersion::V3).path, "/crm/v3/limits/associations/records/0-1/0-2");
        let text = r#"{"limit":5,"totalRecordsAtLimit":1,"totalRecordsNearLimit":0,
            "atLimitFromRecordSamples":[{"objectId":901,"label":"Ada"}],"nearLimitFromRecordSamples":null}"#;
        let crowd = records.decode(&answer(200, text)).expect("a crowd");
        assert_eq!((crowd.limit, crowd.at_limit[0].object_id), (Some(5), RecordId(901)));
    }
}
