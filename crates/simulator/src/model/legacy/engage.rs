//! Writing engagements by their legacy path: a note or a task in one body with what it is tied to.
//!
//! They become records of the types that version 3 knows. Fields of the metadata that no property holds are left out.
//! Whether an update replaces associations is not documented; here it only adds to them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::Portal;
use super::super::answer::{Outcome, Refusal, Reply};
use super::super::call::{Call, Properties, Text};
use super::super::catalog::{COMPANIES, CONTACTS, DEALS, Kind, TICKETS};
use super::super::links::End;
use super::super::write::Edges;
use super::engagements::TYPES;
use super::record_id;

/// Records that one engagement may be tied to in one call.
const ENDS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input {
    engagement: Option<Head>,
    associations: Ends,
    metadata: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Head {
    #[serde(rename = "type")]
    name: Option<String>,
    owner_id: Option<Text>,
    timestamp: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ends {
    #[serde(rename = "contactIds")]
    contacts: Vec<u64>,
    #[serde(rename = "companyIds")]
    companies: Vec<u64>,
    #[serde(rename = "dealIds")]
    deals: Vec<u64>,
    #[serde(rename = "ticketIds")]
    tickets: Vec<u64>,
}

impl Portal {
    /// Makes an engagement of the type that the body names.
    pub(super) fn create_engagement(&mut self, call: &mut Call<'_>) -> Outcome {
        let input: Input = call.body()?;
        let head = input.engagement.as_ref().ok_or_else(|| Refusal::unset_fields(&["engagement"]))?;
        let name = head.name.as_deref().ok_or_else(|| Refusal::unset_fields(&["type"]))?;
        let known = self.engagement_types().find(|(kind, _)| self.catalog.get(*kind).shout == name);
        let (kind, fields) = known.ok_or_else(|| Refusal::invalid(format!("Unknown engagement type: {name}")))?;
        let mut properties = told(&input, fields);
        if !properties.0.iter().any(|(name, _)| name == "hs_timestamp") {
            properties.0.push(("hs_timestamp".to_owned(), Some(call.now.0.to_string())));
        }
        let changes = self.check_values(kind, &properties, call.now).map_err(|wrong| self.refuse_values(&wrong))?;
        let edges = self.engagement_edges(kind, &input.associations)?;
        let id = self.create(kind, &changes, &edges, call);
        self.engagement_of(kind, id).map(|told| Reply::ok(&told))
    }

    /// Changes what the body names of an engagement, and ties it to more records.
    pub(super) fn update_engagement(&mut self, id: &str, call: &mut Call<'_>) -> Outcome {
        let input: Input = call.body()?;
        let id = record_id(id)?;
        let found = self.engagement_types().find(|(kind, _)| self.catalog.get(*kind).records.live.contains_key(&id));
        let (kind, fields) = found.ok_or_else(Refusal::missing)?;
        let properties = told(&input, fields);
        let changes = self.check_values(kind, &properties, call.now).map_err(|wrong| self.refuse_values(&wrong))?;
        let edges = self.engagement_edges(kind, &input.associations)?;
        self.update(kind, id, &changes, call);
        for (to, types) in edges {
            self.link(End { kind, id }, to, &types);
        }
        self.engagement_of(kind, id).map(|told| Reply::ok(&told))
    }

    fn engagement_types(&self) -> impl Iterator<Item = (Kind, &'static [super::engagements::Field])> + use<'_> {
        TYPES.iter().filter_map(|(name, fields)| Some((self.catalog.find(name)?, *fields)))
    }

    fn engagement_edges(&self, kind: Kind, ends: &Ends) -> Outcome<Edges> {
        let lists =
            [(CONTACTS, &ends.contacts), (COMPANIES, &ends.companies), (DEALS, &ends.deals), (TICKETS, &ends.tickets)];
        if lists.iter().map(|(_, ids)| ids.len()).sum::<usize>() > ENDS_MAX {
            return Err(Refusal::invalid(format!("An engagement can be associated with at most {ENDS_MAX} records")));
        }
        let mut edges = Edges::new();
        for (to, ids) in lists {
            let Some(known) = self.links.default_type(kind, to) else { continue };
            for id in ids {
                let Some((record, _)) = self.catalog.get(to).records.resolve(*id) else {
                    let shout = &self.catalog.get(to).shout;
                    return Err(Refusal::invalid("One or more associations are invalid")
                        .context("INVALID_OBJECT_IDS", vec![format!("{shout}={id} is not valid")]));
                };
                edges.push((End { kind: to, id: record }, vec![known.id]));
            }
        }
        Ok(edges)
    }
}

/// The body's values as properties.
fn told(input: &Input, fields: &[super::engagements::Field]) -> Properties {
    let mut properties = Vec::new();
    let head = input.engagement.as_ref();
    for (name, value) in [
        ("hubspot_owner_id", head.and_then(|head| head.owner_id.as_ref())),
        ("hs_timestamp", head.and_then(|head| head.timestamp.as_ref())),
    ] {
        properties.extend(value.map(|Text(text)| (name.to_owned(), Some(text.clone()))));
    }
    for (name, property, _) in fields {
        let value = input.metadata.get(*name).filter(|value| !value.is_null());
        let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        properties.extend(text.map(|text| ((*property).to_owned(), Some(text))));
    }
    Properties(properties)
}
