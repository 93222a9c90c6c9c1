//! Companies and deals as the legacy paths show them: every value with the moment and the source of its versions.

use serde_json::{Map, Value, json};

use super::super::Portal;
use super::super::answer::{Outcome, Refusal, Reply};
use super::super::call::Call;
use super::super::catalog::{COMPANIES, CONTACTS, DEALS, Kind};
use super::super::links::End;
use super::super::property::{CREATED, MODIFIED, OBJECT_ID, PropId, Property, ValueType};
use super::super::record::{Change, Record};
use super::super::time;
use super::{number, numbers, page_size, record_id};

/// Records of one page.
const PAGE_MAX: usize = 250;
/// Records of one page when nothing is asked.
const PAGE_DEFAULT: usize = 100;

/// Which properties a page shows, and how much of them.
struct Shown {
    places: Vec<PropId>,
    /// All versions, not only the latest.
    whole_history: bool,
    /// Whether deals show what they are associated with.
    associations: bool,
}

impl Portal {
    /// A page of companies or deals in ascending order of ids; the offset is the last id of the page before.
    pub(super) fn legacy_page(&self, kind: Kind, call: &Call<'_>) -> Outcome {
        let limit = page_size(&call.query, "limit", PAGE_DEFAULT, PAGE_MAX)?;
        let offset = number(&call.query, "offset")?;
        let shown = self.page_shows(kind, call)?;
        let records = &self.catalog.get(kind).records.live;
        let mut page: Vec<(&u64, &Record)> = records.range(offset.saturating_add(1)..).take(limit + 1).collect();
        let has_more = page.len() > limit;
        page.truncate(limit);
        let offset = page.last().map_or(offset, |(id, _)| **id);
        let results: Vec<Value> =
            page.into_iter().map(|(id, record)| self.legacy_json(kind, *id, record, &shown)).collect();
        Ok(Reply::ok(&if kind == COMPANIES {
            json!({"has-more": has_more, "offset": offset, "companies": results})
        } else {
            json!({"deals": results, "hasMore": has_more, "offset": offset})
        }))
    }

    /// One company or deal, with everything.
    pub(super) fn legacy_one(&self, kind: Kind, id: &str) -> Outcome {
        let (id, record) = self.catalog.get(kind).records.resolve(record_id(id)?).ok_or_else(Refusal::missing)?;
        let places = [OBJECT_ID, CREATED, MODIFIED].into_iter().chain(record.state.places());
        let shown = Shown { places: places.collect(), whole_history: true, associations: true };
        Ok(Reply::ok(&self.legacy_json(kind, id, record, &shown)))
    }

    fn page_shows(&self, kind: Kind, call: &Call<'_>) -> Outcome<Shown> {
        let table = &self.catalog.get(kind).properties;
        let histories = call.query.list("propertiesWithHistory");
        let places = if call.query.flag("includeAllProperties")? {
            table.by_name().filter(|(_, property)| property.is_live(call.now)).map(|(place, _)| place).collect()
        } else {
            let asked = call.query.list("properties").into_iter().chain(histories.iter().copied());
            let mut places: Vec<PropId> =
                asked.filter_map(|name| table.live(name, call.now).map(|(place, _)| place)).collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        let associations = call.query.flag("includeAssociations")?;
        Ok(Shown { places, whole_history: !histories.is_empty(), associations })
    }

    fn legacy_json(&self, kind: Kind, id: u64, record: &Record, shown: &Shown) -> Value {
        let table = &self.catalog.get(kind).properties;
        let mut properties = Map::new();
        for place in &shown.places {
            let Some(property) = table.get(*place) else { continue };
            let mut versions = record.history(id, *place);
            if !shown.whole_history {
                versions.truncate(1);
            }
            if versions.first().is_some_and(|latest| !latest.value.is_empty()) {
                properties.insert(property.name.clone(), value_json(property, *place, &versions));
            }
        }
        let mut out = Map::new();
        out.insert("portalId".into(), self.options.portal_id.into());
        out.insert(if kind == COMPANIES { "companyId" } else { "dealId" }.into(), id.into());
        out.insert("isDeleted".into(), false.into());
        if kind == COMPANIES {
            out.insert("properties".into(), properties.into());
            out.insert("additionalDomains".into(), json!([]));
        } else {
            let end = End { kind, id };
            let linked = |to: Kind| {
                let links = shown.associations.then(|| self.links.of(end, to, 0)).into_iter().flatten();
                numbers(links.map(|(other, _)| other.id))
            };
            let associations = json!({"associatedVids": linked(CONTACTS), "associatedCompanyIds": linked(COMPANIES),
                                      "associatedDealIds": linked(DEALS)});
            out.insert("associations".into(), associations);
            out.insert("properties".into(), properties.into());
            out.insert("imports".into(), json!([]));
        }
        out.insert("stateChanges".into(), json!([]));
        if kind == COMPANIES {
            out.insert("mergeAudits".into(), json!([]));
        }
        Value::Object(out)
    }
}

/// A value with its versions, the latest first.
fn value_json(property: &Property, place: PropId, versions: &[Change]) -> Value {
    let shown: Vec<Value> = versions
        .iter()
        .map(|version| {
            let (source, source_id) = source_of(place, version);
            let mut out = Map::new();
            out.insert("name".into(), property.name.as_str().into());
            out.insert("value".into(), legacy_value(property, version).into());
            out.insert("timestamp".into(), version.at.0.into());
            if let Some(id) = &source_id {
                out.insert("sourceId".into(), id.as_str().into());
            }
            out.insert("source".into(), source.into());
            out.insert("sourceVid".into(), json!([]));
            Value::Object(out)
        })
        .collect();
    let Some(latest) = versions.first() else { return Value::Null };
    let (source, source_id) = source_of(place, latest);
    json!({"value": legacy_value(property, latest), "timestamp": latest.at.0, "source": source,
           "sourceId": source_id, "versions": shown})
}

fn source_of(place: PropId, version: &Change) -> (&'static str, Option<String>) {
    if place == MODIFIED || place == OBJECT_ID { ("CALCULATED", None) } else { version.source.names() }
}

/// Dates and instants are epoch milliseconds here.
fn legacy_value(property: &Property, version: &Change) -> String {
    match property.value_type {
        ValueType::Date | ValueType::DateTime => {
            time::parse(&version.value).map_or_else(|| version.value.to_string(), |at| at.0.to_string())
        }
        _ => version.value.to_string(),
    }
}
