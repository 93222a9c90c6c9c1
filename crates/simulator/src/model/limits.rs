//! How full the account is: the limits that HubSpot tracks, with the usage that the model really has.
//!
//! Not the limits on calls. Source: HubSpot's limits tracking reference for the shapes, a live run of October 2026 for
//! labels. The limits themselves differ by plan and contract; those that are not enforced elsewhere are our choice.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::Call;
use super::catalog::{DEALS, Kind, ObjectType, TICKETS};
use super::links::{End, LABELS_MAX};
use super::property::CUSTOM_MAX;
use super::schemas::SCHEMAS_MAX;
use super::stages::PIPELINES_MAX;

/// Records of a standard type.
const RECORDS_MAX: u64 = 15_000_000;
/// Records of all custom types together.
const CUSTOM_RECORDS_MAX: u64 = 1_500_000;
/// Custom properties of all types together.
const ALL_PROPERTIES_MAX: u64 = 10_000;
/// Calculated properties of all types together.
const CALCULATED_MAX: u64 = 200;
/// The share of a limit, in per cent, from which a record is near it.
const NEAR_PERCENT: u64 = 80;
/// Records that an answer names as samples.
const SAMPLES_MAX: usize = 10;

/// Records at a limit, and those near it with their counts.
#[derive(Debug, Default)]
struct Full {
    at: Vec<u64>,
    near: Vec<(u64, u64)>,
}

impl Portal {
    /// Calls below `limits`.
    pub(super) fn dispatch_limits(&self, rest: &[&str], call: &Call<'_>) -> Outcome {
        if call.method() != Method::GET {
            return Err(match rest {
                ["records" | "custom-properties" | "calculated-properties" | "custom-object-types" | "pipelines"]
                | ["associations", ..] => Refusal::wrong_method(),
                _ => Refusal::no_such_path(),
            });
        }
        match rest {
            ["records"] => Ok(self.record_limits()),
            ["custom-properties"] => Ok(self.property_limits()),
            ["calculated-properties"] => Ok(self.calculation_limits()),
            ["custom-object-types"] => Ok(self.type_limits()),
            ["pipelines"] => Ok(self.pipeline_limits()),
            ["associations", "labels"] => self.label_limits(call),
            ["associations", "records", "from"] => Ok(self.full_types_from()),
            ["associations", "records", from, "to"] => self.full_types_to(from),
            ["associations", "records", from, to] => self.full_records(from, to),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn standard(&self) -> impl Iterator<Item = (Kind, &ObjectType)> {
        self.catalog.iter().filter(|(_, known)| known.custom.is_none())
    }

    fn custom(&self) -> impl Iterator<Item = (Kind, &ObjectType)> {
        self.catalog.iter().filter(|(_, known)| known.custom.is_some() && known.is_live())
    }

    fn record_limits(&self) -> Reply {
        let used = |known: &ObjectType| known.records.live.len() as u64;
        let standard: Vec<Value> =
            self.standard().map(|(_, known)| limited_json(known, RECORDS_MAX, used(known))).collect();
        let custom = self.custom().map(|(_, known)| (known, used(known)));
        Reply::ok(&json!({"hubspotDefinedObjectTypes": standard,
                          "customObjectTypes": overall_json(custom, CUSTOM_RECORDS_MAX)}))
    }

    fn property_limits(&self) -> Reply {
        let limit = CUSTOM_MAX as u64;
        let all = self.standard().chain(self.custom()).map(|(_, known)| (known, known.properties.own_count() as u64));
        let counts: Vec<(&ObjectType, u64)> = all.collect();
        let usage: u64 = counts.iter().map(|(_, usage)| usage).sum();
        let by_type: Vec<Value> = counts.into_iter().map(|(known, usage)| limited_json(known, limit, usage)).collect();
        Reply::ok(&json!({"overallLimit": ALL_PROPERTIES_MAX, "overallUsage": usage,
                          "overallPercentage": percentage(usage, ALL_PROPERTIES_MAX), "byObjectType": by_type}))
    }

    fn calculation_limits(&self) -> Reply {
        let used = |known: &ObjectType| {
            let own = known.properties.by_name();
            own.filter(|(_, one)| !one.hubspot_defined && one.archived_at.is_none() && one.calculated).count() as u64
        };
        let all = self.standard().chain(self.custom()).map(|(_, known)| (known, used(known)));
        Reply::ok(&overall_json(all, CALCULATED_MAX))
    }

    fn type_limits(&self) -> Reply {
        let (usage, limit) = (self.custom().count() as u64, SCHEMAS_MAX as u64);
        Reply::ok(&json!({"limit": limit, "usage": usage, "percentage": percentage(usage, limit)}))
    }

    fn pipeline_limits(&self) -> Reply {
        let limit = PIPELINES_MAX as u64;
        let used = |kind: Kind| self.pipelines_of(kind).len() as u64;
        let standard: Vec<Value> =
            [DEALS, TICKETS].map(|kind| limited_json(self.catalog.get(kind), limit, used(kind))).into();
        let custom = self.custom().map(|(kind, known)| (known, used(kind)));
        Reply::ok(&json!({"hubspotDefinedObjectTypes": standard, "customObjectTypes": overall_json(custom, limit)}))
    }

    /// One entry for each direction that has labels; a pair without a label is not there.
    fn label_limits(&self, call: &Call<'_>) -> Outcome {
        let wanted = |name: &str| call.query.first(name).map(|text| self.kind_named(text)).transpose();
        let (from, to) = (wanted("fromObjectTypeId")?, wanted("toObjectTypeId")?);
        let limit = LABELS_MAX as u64;
        let mut results = Vec::new();
        for (one, other, types) in self.links.pairs() {
            let own = types.iter().filter(|known| known.category == super::links::Category::User);
            let labels: Vec<&str> = own.filter_map(|known| known.label.as_deref()).collect();
            let usage = labels.len() as u64;
            if usage == 0 || from.is_some_and(|kind| kind != one) || to.is_some_and(|kind| kind != other) {
                continue;
            }
            results.push(json!({"limit": limit, "usage": usage, "percentage": percentage(usage, limit),
                                "fromObjectType": type_json(self.catalog.get(one)),
                                "toObjectType": type_json(self.catalog.get(other)), "allLabels": labels}));
        }
        Ok(Reply::ok(&json!({"results": results})))
    }

    /// How many records of one type a record of another may be associated with; nothing where it cannot be at all.
    fn associated_max(&self, from: Kind, to: Kind) -> Option<u64> {
        self.links.default_type(from, to).map(|known| u64::from(known.limit()))
    }

    /// The records of one type that are at the limit of their associations, or near it, by the type at the other end.
    fn full_from(&self, from: Kind) -> BTreeMap<Kind, Full> {
        let mut all: BTreeMap<Kind, Full> = BTreeMap::new();
        for id in self.catalog.get(from).records.live.keys() {
            let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
            for (other, _) in self.links.all_of(End { kind: from, id: *id }) {
                *counts.entry(other.kind).or_default() += 1;
            }
            for (to, count) in counts {
                let Some(limit) = self.associated_max(from, to) else { continue };
                if count >= limit {
                    all.entry(to).or_default().at.push(*id);
                } else if count * 100 >= limit * NEAR_PERCENT {
                    all.entry(to).or_default().near.push((*id, count));
                }
            }
        }
        all
    }

    fn full_types_from(&self) -> Reply {
        let kinds = self.catalog.iter().filter(|(_, known)| known.is_live()).map(|(kind, _)| kind);
        let results: Vec<Value> = kinds
            .filter_map(|from| {
                let full = self.full_from(from);
                let any = |fits: fn(&Full) -> bool| full.values().any(fits);
                self.full_json(from, any(|full| !full.at.is_empty()), any(|full| !full.near.is_empty()))
            })
            .collect();
        Reply::ok(&json!({"results": results}))
    }

    fn full_types_to(&self, from: &str) -> Outcome {
        let full = self.full_from(self.kind_named(from)?);
        let results =
            full.iter().filter_map(|(to, full)| self.full_json(*to, !full.at.is_empty(), !full.near.is_empty()));
        Ok(Reply::ok(&json!({"results": results.collect::<Vec<Value>>()})))
    }

    fn full_json(&self, kind: Kind, at: bool, near: bool) -> Option<Value> {
        let known = self.catalog.get(kind);
        let (singular, plural) = known.labels();
        (at || near).then(|| {
            json!({"objectTypeId": known.type_id, "singularLabel": singular, "pluralLabel": plural,
                   "hasRecordsAtLimit": at, "hasRecordsNearLimit": near})
        })
    }

    fn full_records(&self, from: &str, to: &str) -> Outcome {
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        let Some(limit) = self.associated_max(from, to) else {
            return Err(Refusal::invalid("The object types cannot be associated with each other"));
        };
        let Full { at, near } = self.full_from(from).remove(&to).unwrap_or_default();
        let sample = |id: u64| json!({"objectId": id, "label": id.to_string()});
        let at_samples: Vec<Value> = at.iter().take(SAMPLES_MAX).map(|id| sample(*id)).collect();
        let near_samples = near.iter().take(SAMPLES_MAX).map(|(id, usage)| {
            json!({"objectId": id, "label": id.to_string(), "usage": usage,
                   "percentage": percentage(*usage, limit)})
        });
        Ok(Reply::ok(&json!({
            "limit": limit, "totalRecordsAtLimit": at.len(), "totalRecordsNearLimit": near.len(),
            "atLimitFromRecordSamples": at_samples, "nearLimitFromRecordSamples": near_samples.collect::<Vec<Value>>(),
        })))
    }
}

fn type_json(known: &ObjectType) -> Value {
    let (singular, plural) = known.labels();
    json!({"objectTypeId": known.type_id, "singularLabel": singular, "pluralLabel": plural})
}

fn limited_json(known: &ObjectType, limit: u64, usage: u64) -> Value {
    let (singular, plural) = known.labels();
    json!({"objectTypeId": known.type_id, "singularLabel": singular, "pluralLabel": plural, "limit": limit,
           "usage": usage, "percentage": percentage(usage, limit)})
}

fn overall_json<'a>(types: impl Iterator<Item = (&'a ObjectType, u64)>, limit: u64) -> Value {
    let counts: Vec<(&ObjectType, u64)> = types.collect();
    let usage: u64 = counts.iter().map(|(_, usage)| usage).sum();
    let by_type = counts.into_iter().map(|(known, usage)| {
        let (singular, plural) = known.labels();
        json!({"objectTypeId": known.type_id, "singularLabel": singular, "pluralLabel": plural, "usage": usage})
    });
    json!({"overallLimit": limit, "overallUsage": usage, "overallPercentage": percentage(usage, limit),
           "byObjectType": by_type.collect::<Vec<Value>>()})
}

/// Hundredths of a limit with two digits behind the point.
fn percentage(usage: u64, limit: u64) -> f64 {
    let hundredths = usage.saturating_mul(10_000).checked_div(limit).unwrap_or(0);
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}
