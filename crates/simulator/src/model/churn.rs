//! Busy people: records that are created, changed, associated, merged, archived and restored, one deed after another.
//!
//! For proofs that need very many changes: each deed goes the way of a call, without the call.

use bytes::Bytes;
use http::{HeaderMap, Method};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Call, Properties, Query, Version};
use super::catalog::{COMPANIES, CONTACTS, Kind};
use super::feed::{Origin, PERSON};
use super::links::End;
use super::{Caller, Portal, RecordSource, SeedReport, SeedSpec};
use crate::wire::{ApiRequest, Millis};

/// The deeds that one order may ask for.
pub const CHURN_DEEDS_MAX: u64 = 100_000_000;
/// Properties that change when none is named.
const USUAL_PROPERTIES: [&str; 3] = ["city", "phone", "state"];

/// How much is to happen, and how fast. The body of `POST /_control/churn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChurnSpec {
    /// Changes of one property of one record.
    pub changes: u64,
    /// New records.
    pub creations: u64,
    /// Archived records.
    pub deletions: u64,
    /// Archived records that come back.
    pub restorations: u64,
    /// Contacts and companies that are associated, or parted if they are.
    pub associations: u64,
    /// Two records that become one.
    pub merges: u64,
    /// The type of all records; contacts without a word.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// The text property that changes; some of the usual ones without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Deeds in a second; without it as fast as the events go out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
}

impl ChurnSpec {
    /// The deeds that are left.
    pub fn left(&self) -> u64 {
        let Self { changes, creations, deletions, restorations, associations, merges, .. } = self;
        [changes, creations, deletions, restorations, associations, merges]
            .into_iter()
            .copied()
            .fold(0, u64::saturating_add)
    }

    /// Takes one deed, each with a chance in proportion to how many of its kind are left.
    fn take(&mut self, dice: &mut dyn Rng) -> Option<Deed> {
        let left = self.left();
        if left == 0 {
            return None;
        }
        let mut place = dice.next_u64() % left;
        let kinds = [
            (&mut self.changes, Deed::Change),
            (&mut self.creations, Deed::Create),
            (&mut self.deletions, Deed::Archive),
            (&mut self.restorations, Deed::Restore),
            (&mut self.associations, Deed::Associate),
            (&mut self.merges, Deed::Merge),
        ];
        for (count, deed) in kinds {
            if place < *count {
                *count -= 1;
                return Some(deed);
            }
            place -= *count;
        }
        None
    }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Change,
    Create,
    Archive,
    Restore,
    Associate,
    Merge,
}

impl Portal {
    /// Says what is wrong with an order, if anything is.
    pub(crate) fn check_churn(&self, spec: &ChurnSpec, now: Millis) -> Result<(), String> {
        let name = spec.object_type.as_deref().unwrap_or("contacts");
        let kind = self.catalog.find(name).ok_or_else(|| format!("there is no record type `{name}`"))?;
        if let Some(property) = &spec.property {
            let values = Properties(vec![(property.clone(), Some("7".to_owned()))]);
            let checked = self.check_values(kind, &values, now);
            checked.map_err(|_| format!("`{property}` is no text or number that a person may write"))?;
        }
        if spec.left() > CHURN_DEEDS_MAX {
            return Err(format!("one order does at most {CHURN_DEEDS_MAX} deeds"));
        }
        Ok(())
    }

    /// Does the next deed of an order; false when none is left. A deed that finds no record is done without effect.
    pub(crate) fn churn(&mut self, spec: &mut ChurnSpec, now: Millis, dice: &mut dyn Rng) -> bool {
        let Some(deed) = spec.take(dice) else { return false };
        let kind = self.catalog.find(spec.object_type.as_deref().unwrap_or("contacts")).unwrap_or(CONTACTS);
        self.act_as(Origin::Person(PERSON));
        let caller = Caller { app_id: PERSON, source: RecordSource::Person };
        let mut request = person_request();
        if let Deed::Merge = deed {
            let (Some(one), Some(other)) = (self.any_live(kind, dice), self.any_live(kind, dice)) else { return true };
            let body = json!({"primaryObjectId": one.to_string(), "objectIdToMerge": other.to_string()});
            request.body = Bytes::from(body.to_string());
        }
        let (version, query) = (Version::V3, Query::default());
        let mut call = Call { request: &request, caller: &caller, now, dice, version, query };
        match deed {
            Deed::Change => self.change_any(kind, spec, &mut call),
            Deed::Create => self.seed_one(kind, 0, &SeedSpec::default(), &mut call, &mut SeedReport::default()),
            Deed::Archive => {
                if let Some(id) = self.any_live(kind, call.dice) {
                    self.archive(kind, id, now);
                }
            }
            Deed::Restore => self.restore_any(kind, &mut call),
            Deed::Associate => self.associate_any(&mut call),
            // The same record twice, or too many in one, is refused as for a call.
            Deed::Merge => drop(self.merge(kind, &mut call)),
        }
        self.settle_rollups(&mut call);
        self.note_links(now);
        true
    }

    fn change_any(&mut self, kind: Kind, spec: &ChurnSpec, call: &mut Call<'_>) {
        let Some(id) = self.any_live(kind, call.dice) else { return };
        let table = &self.catalog.get(kind).properties;
        let property = if let Some(name) = &spec.property {
            table.find(name)
        } else {
            let known: Vec<_> = USUAL_PROPERTIES.into_iter().filter_map(|name| table.find(name)).collect();
            let place = usize::try_from(call.roll(known.len() as u64)).unwrap_or(0);
            known.get(place).copied().or_else(|| table.find("name"))
        };
        if let Some(property) = property {
            let value = call.roll(1 << 40).to_string();
            self.update(kind, id, &vec![(property, value)], call);
        }
    }

    fn restore_any(&mut self, kind: Kind, call: &mut Call<'_>) {
        let archived = &self.catalog.get(kind).records.archived;
        let bounds = archived.first_key_value().zip(archived.last_key_value());
        let Some((low, high)) = bounds.map(|((low, _), (high, _))| (*low, *high)) else { return };
        let drawn = low + call.roll(high - low + 1);
        let Some(id) = archived.range(drawn..).next().map(|(id, _)| *id) else { return };
        let name = self.catalog.get(kind).type_id.clone();
        // A record whose address another has by now stays archived.
        drop(self.restore(&name, id, call.now));
    }

    fn associate_any(&mut self, call: &mut Call<'_>) {
        let ends = (self.any_live(CONTACTS, call.dice), self.any_live(COMPANIES, call.dice));
        let (Some(contact), Some(company)) = ends else { return };
        let (from, to) = (End { kind: CONTACTS, id: contact }, End { kind: COMPANIES, id: company });
        if self.links.between(from, to).is_empty() {
            self.link(from, to, &[]);
        } else {
            self.links.disconnect(from, to);
        }
    }

    /// A live record; ids leave gaps, so a place is drawn from the range and the next record after it is taken.
    fn any_live(&self, kind: Kind, dice: &mut dyn Rng) -> Option<u64> {
        let live = &self.catalog.get(kind).records.live;
        let (low, high) = (*live.first_key_value()?.0, *live.last_key_value()?.0);
        let drawn = low + dice.next_u64() % (high - low + 1);
        live.range(drawn..).next().map(|(id, _)| *id)
    }
}

fn person_request() -> ApiRequest {
    ApiRequest {
        method: Method::POST,
        path: String::new(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}
