//! The model of one HubSpot portal: every record, property and association, and how HubSpot answers calls about them.
//!
//! A pure machine. Time and dice come with each call, so the same options, calls, times and dice give the same bytes;
//! no call panics, whatever it holds. Credentials, rate limits, faults and sockets are the shell's, not the model's.
//!
//! Where the sources are silent the stricter behaviour stands; where they contradict each other, the newest recording
//! does, and [`PortalOptions`] names the other choice.

mod answer;
mod associations;
mod batch;
mod bin;
mod bits;
mod browse;
mod calculated;
mod call;
mod catalog;
mod churn;
mod defaults;
mod definitions;
mod distinct;
mod events;
mod feed;
mod filter;
mod formula;
mod further_types;
mod json;
mod later;
mod legacy;
mod legacy_links;
mod limits;
mod link_limits;
mod links;
mod lists;
mod lookalikes;
mod merge;
mod options;
mod owners;
mod pipeline;
mod property;
mod record;
mod requirements;
mod rollups;
mod route;
mod saved;
mod schemas;
mod search;
mod seed;
mod seen;
mod single;
mod sorted;
mod stage_rules;
mod stages;
#[cfg(test)]
mod tests;
mod time;
mod users;
mod validation;
mod value;
mod write;

use std::collections::BTreeMap;

use rand_core::Rng;
use serde_json::{Map, Value, json};

use crate::wire::{ApiAnswer, ApiRequest, Millis};
use call::{Call, Query, Version};
use catalog::{Catalog, DEALS, Kind, TICKETS};
use events::Event;
use links::{End, Links};
use pipeline::Pipeline;
use property::{CREATED, MODIFIED, OBJECT_ID};

pub use bin::RestoreError;
pub(crate) use browse::{Browse, Missing};
pub(crate) use call::{decode, encode, segments};
pub use churn::{CHURN_DEEDS_MAX, ChurnSpec};
pub(crate) use feed::{Origin, Tale, Told, ToldLink, ToldValue, TypeName};
pub use options::{IndexLag, PortalOptions, PortalSettings};
pub use requirements::{Condition, REQUIREMENTS_MAX, Requirement, RequirementError};
pub(crate) use saved::Places;
pub use seed::{SEED_FILLED_MAX, SEED_RECORDS_MAX, SeedError, SeedReport, SeedSpec};

/// What a record's `hs_object_source` says about the app that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordSource {
    /// `INTEGRATION`: a private app, a project app or an OAuth app.
    Integration,
    /// `API`: an API key or a service key.
    Api,
    /// `CRM_UI`: a person in HubSpot's pages; the app's number is the user's.
    Person,
}

/// Who calls, as far as the model needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The app's number, kept in `hs_object_source_id`.
    pub app_id: u64,
    /// What kind of app it is.
    pub source: RecordSource,
}

/// The name fits no object type of the portal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no object type is called {name}")]
pub struct UnknownType {
    /// The name that was asked for.
    pub name: String,
}

/// An owner: somebody to whom records can be assigned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Owner {
    id: u64,
    user_id: u64,
    email: String,
    first_name: String,
    last_name: String,
    created_at: Millis,
    updated_at: Millis,
    archived_at: Option<Millis>,
    /// What it is as a user.
    seat: users::Seat,
}

/// One HubSpot portal.
#[derive(Debug)]
pub struct Portal {
    options: PortalOptions,
    catalog: Catalog,
    pipelines: BTreeMap<Kind, Vec<Pipeline>>,
    pipeline_log: pipeline::PipelineLog,
    stale_schemas: BTreeMap<Kind, schemas::Stale>,
    owners: Vec<Owner>,
    directory: users::Directory,
    lists: lists::Lists,
    links: Links,
    due: BTreeMap<(Millis, u64), Event>,
    event_count: u64,
    feed: feed::Feed,
    /// For so long after its creation a record reads as not there yet.
    read_gap_ms: i64,
    /// The latest moment that a call or the clock told.
    now: Millis,
    bin: bin::Bin,
    formulas: calculated::Formulas,
    rules: validation::Rules,
    requirements: Vec<requirements::Required>,
    /// Whether the call under way is of a version that enforces them.
    enforces_requirements: bool,
}

impl Portal {
    /// A new portal: default properties, groups, pipelines and association types, no records and no owners.
    pub fn new(options: PortalOptions, now: Millis) -> Self {
        let samples = options.sample_records;
        let mut portal = Self {
            catalog: Catalog::standard(options.seed),
            pipelines: [(DEALS, vec![pipeline::deal_default()]), (TICKETS, vec![pipeline::ticket_default()])].into(),
            pipeline_log: pipeline::PipelineLog::default(),
            stale_schemas: BTreeMap::new(),
            owners: Vec::new(),
            directory: users::Directory::default(),
            lists: lists::Lists::default(),
            links: Links::standard(options.seed),
            due: BTreeMap::new(),
            event_count: 0,
            feed: feed::Feed::default(),
            read_gap_ms: 0,
            now,
            bin: bin::Bin::default(),
            formulas: calculated::Formulas::new(),
            rules: validation::Rules::default(),
            requirements: Vec::new(),
            enforces_requirements: false,
            options,
        };
        if samples {
            portal.seed_samples(now);
        }
        portal
    }

    /// Answers one call at one moment.
    pub fn handle(&mut self, request: &ApiRequest, caller: &Caller, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        self.advance(now);
        self.act_as(Origin::of(caller));
        let correlation = answer::uuid_v7(now, dice);
        let query = Query::parse(&request.query);
        let mut call = Call { request, caller, now, dice, version: Version::V3, query };
        let outcome = self.dispatch(&mut call);
        self.settle_rollups(&mut call);
        self.note_links(now);
        answer::finish(outcome, &correlation)
    }

    /// Changes settings: all that are given, or none and the reason.
    pub fn change_settings(&mut self, settings: &PortalSettings) -> Result<(), RequirementError> {
        if let Some(required) = &settings.required {
            self.require(required)?;
        }
        settings.apply(&mut self.options);
        Ok(())
    }

    fn pipelines_of(&self, kind: Kind) -> &[Pipeline] {
        self.pipelines.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Every live record of a type in ascending order of ids, for tests and tools that compare databases.
    ///
    /// Each is `{id, objectType, properties, associations, createdAt, updatedAt}`: all properties that have a value,
    /// computed ones included, and every association with its label.
    pub fn dump(&self, object_type: &str) -> Result<Vec<Value>, UnknownType> {
        let kind = self.catalog.find(object_type).ok_or_else(|| UnknownType { name: object_type.to_owned() })?;
        let records = &self.catalog.get(kind).records;
        Ok(records.live.iter().map(|(id, record)| self.dump_record(kind, *id, &record.state)).collect())
    }

    fn dump_record(&self, kind: Kind, id: u64, state: &record::Snapshot) -> Value {
        let object_type = self.catalog.get(kind);
        let places = state.places().chain([OBJECT_ID, CREATED, MODIFIED]);
        let values: BTreeMap<&str, String> = places
            .filter_map(|place| Some((object_type.properties.get(place)?.name.as_str(), state.shown(id, place)?)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.into_owned()))
            .collect();
        let values: Map<String, Value> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let mut associations = Vec::new();
        for (to, types) in self.links.all_of(End { kind, id }) {
            for known in types.iter().filter_map(|id| self.links.find(kind, to.kind, *id)) {
                associations.push(json!({
                    "toObjectType": self.catalog.get(to.kind).plural, "toObjectId": to.id.to_string(),
                    "category": known.category.name(), "typeId": known.id, "label": known.label,
                }));
            }
        }
        json!({"id": id.to_string(), "objectType": object_type.plural, "properties": values,
               "associations": associations, "createdAt": time::iso(state.created),
               "updatedAt": time::iso(state.updated)})
    }

    /// Removes every record, archived ones and associations included; definitions, owners, lists and id counters stay.
    pub fn clear_records(&mut self) {
        for object_type in self.catalog.iter_mut() {
            object_type.records.clear();
        }
        self.links.clear();
        self.lists.clear_members();
        self.bin.clear();
        self.due.clear();
    }

    /// How many live records each type has, by its plural name; types without records are left out.
    pub fn record_counts(&self) -> BTreeMap<String, usize> {
        let counts = self.catalog.iter().map(|(_, known)| (known.plural.clone(), known.records.live.len()));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
