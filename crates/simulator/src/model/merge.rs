//! Merging two records: the survivor is a new record, and both old ids lead to it from then on.
//!
//! Source: HubSpot's changelog of January 2025 (new id, `hs_merged_object_ids`); the answer itself is not recorded
//! anywhere, so it is that of an update.

use serde::Deserialize;

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text};
use super::catalog::{CONTACTS, Kind};
use super::links::End;
use super::record::{ChangeSource, Record, Snapshot};
use super::write::{Changes, secondary_emails};

/// Records that may come together in one.
const IDENTITIES_MAX: usize = 250;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MergeInput {
    primary_object_id: Option<Text>,
    object_id_to_merge: Option<Text>,
}

impl Portal {
    /// POST of a merge.
    pub(super) fn merge(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: MergeInput = call.body()?;
        let (Some(primary), Some(other)) = (input.primary_object_id, input.object_id_to_merge) else {
            return Err(Refusal::unset_fields(&["primaryObjectId", "objectIdToMerge"]));
        };
        let (primary, winner) = self.to_merge(kind, &primary.0)?;
        let (other, loser) = self.to_merge(kind, &other.0)?;
        if primary == other {
            return Err(Refusal::invalid(format!("Object {primary} cannot be merged with itself")));
        }
        let id = self.catalog.get(kind).records.last_id + 1 + call.roll(7);
        let merged = self.merged_ids(kind, (primary, &winner.state), (other, &loser.state));
        if merged.len() > IDENTITIES_MAX {
            return Err(Refusal::bare(414, format!("Cannot have more than {IDENTITIES_MAX} identities on a profile")));
        }
        let mut state = (*winner.state).clone();
        state.updated = call.now;
        state.created = state.created.min(loser.state.created);
        state.revision = winner.state.revision.max(loser.state.revision) + 1;
        for place in loser.state.places() {
            if state.get(place).is_none_or(str::is_empty) {
                state.set(place, loser.state.get(place).unwrap_or_default());
            }
        }
        self.keep_further_stage(kind, &mut state, &loser.state);
        self.note_merge(kind, &mut state, &merged, &loser.state);
        let edges: Vec<(End, Vec<u32>)> = [other, primary]
            .into_iter()
            .flat_map(|old| {
                self.links.all_of(End { kind, id: old }).map(|(to, types)| (to, types.to_vec())).collect::<Vec<_>>()
            })
            .filter(|(to, _)| to.kind != kind || (to.id != primary && to.id != other))
            .collect();
        for old in [primary, other] {
            self.lists.replace(End { kind, id: old }, id);
            self.retire(kind, old, call.now);
            self.catalog.get_mut(kind).records.archived.remove(&old);
        }
        self.derive(kind, &mut state, id, false);
        let keys = self.key_properties(kind);
        let source = ChangeSource::of(call.caller);
        let others = secondary_emails(&self.catalog, kind, &state);
        let email = self.catalog.get(kind).properties.find("email").filter(|_| kind == CONTACTS);
        let records = &mut self.catalog.get_mut(kind).records;
        records.last_id = id;
        records.merged.extend([(primary, id), (other, id)]);
        for place in keys {
            records.claim(place, state.get(place).unwrap_or_default(), id);
        }
        for (place, address) in email.into_iter().flat_map(|place| others.iter().map(move |address| (place, address))) {
            records.claim(place, address, id);
        }
        records.live.insert(id, Record::new(state, source));
        self.links.silently(|links| {
            for (to, types) in edges {
                links.connect(End { kind, id }, to, &types);
            }
        });
        self.note_merged(kind, (primary, other, id), call.now);
        self.index_later(kind, id, call);
        self.merge_answer(kind, id, call)
    }

    fn to_merge(&self, kind: Kind, key: &str) -> Outcome<(u64, Record)> {
        let found = key.parse().ok().and_then(|id| self.catalog.get(kind).records.resolve(id));
        found.map(|(id, record)| (id, record.clone())).ok_or_else(|| {
            Refusal::invalid(format!(
                "{key} is not a valid {} or is already in the process of being merged",
                self.catalog.get(kind).singular
            ))
        })
    }

    /// Of two lifecycle stages the further one stays.
    fn keep_further_stage(&self, kind: Kind, state: &mut Snapshot, loser: &Snapshot) {
        let Some(place) = self.catalog.get(kind).properties.find("lifecyclestage") else { return };
        let Some(other) = loser.get(place).filter(|stage| !stage.is_empty()) else { return };
        let further = self.merged_value(kind, place, other, state);
        state.set(place, &further);
    }

    /// Every id that the survivor stands for.
    fn merged_ids(&self, kind: Kind, one: (u64, &Snapshot), other: (u64, &Snapshot)) -> Vec<String> {
        let place = self.catalog.get(kind).properties.find("hs_merged_object_ids");
        let mut ids = Vec::new();
        for (id, state) in [one, other] {
            ids.push(id.to_string());
            let before = place.and_then(|place| state.get(place)).unwrap_or_default();
            ids.extend(before.split(';').filter(|id| !id.is_empty()).map(str::to_owned));
        }
        ids
    }

    fn note_merge(&self, kind: Kind, state: &mut Snapshot, merged: &[String], loser: &Snapshot) {
        let table = &self.catalog.get(kind).properties;
        let mut changes = Changes::new();
        changes.extend(table.find("hs_merged_object_ids").map(|place| (place, merged.join(";"))));
        if kind == CONTACTS {
            let vids: Vec<String> = merged.iter().map(|id| format!("{id}:{}", state.updated.0)).collect();
            changes.extend(table.find("hs_calculated_merged_vids").map(|place| (place, vids.join(";"))));
            let mut emails = secondary_emails(&self.catalog, kind, state);
            emails.extend(secondary_emails(&self.catalog, kind, loser));
            let email = table.find("email");
            let own = email.and_then(|place| state.get(place)).unwrap_or_default().to_owned();
            emails.extend(email.and_then(|place| loser.get(place)).map(str::to_owned));
            emails.retain(|address| *address != own && !address.is_empty());
            emails.sort();
            emails.dedup();
            changes.extend(table.find("hs_additional_emails").map(|place| (place, emails.join(";"))));
        }
        for (place, value) in changes {
            state.set(place, &value);
        }
    }

    fn merge_answer(&self, kind: Kind, id: u64, call: &Call<'_>) -> Outcome {
        let record = self.catalog.get(kind).records.live.get(&id).ok_or_else(Refusal::missing)?;
        let view = self.view(kind, call);
        Ok(Reply::ok(&self.shown(kind, id, record, &view, call)))
    }
}
