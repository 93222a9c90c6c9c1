//! Searching lists by name, kind and id: pages are offsets.
//!
//! Source: recorded pages of 2025. Clients ask for 1,000 at once although the reference says 500 at most: they get 500.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::List;
use crate::model::Portal;
use crate::model::answer::{Outcome, Refusal, Reply};
use crate::model::call::{Call, Text};

/// Lists of one page.
const PAGE_MAX: usize = 500;
/// Lists of one page when nothing is asked.
const PAGE_DEFAULT: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SearchInput {
    query: Option<String>,
    offset: Option<usize>,
    count: Option<usize>,
    list_ids: Option<Vec<Text>>,
    processing_types: Option<Vec<String>>,
    object_type_id: Option<String>,
    additional_properties: Option<Vec<String>>,
}

impl SearchInput {
    fn accepts(&self, list: &List, type_id: &str) -> bool {
        let given = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
        let ids = self.list_ids.as_ref().filter(|ids| !ids.is_empty());
        let word = self.query.as_deref().unwrap_or_default().trim().to_lowercase();
        list.is_live()
            && list.name.to_lowercase().contains(&word)
            && ids.is_none_or(|ids| ids.iter().any(|id| id.0 == list.id.to_string()))
            && given(&self.processing_types).is_none_or(|types| types.iter().any(|one| one == list.processing.name()))
            && self.object_type_id.as_ref().is_none_or(|wanted| wanted == type_id)
    }
}

impl Portal {
    /// POST of a search.
    pub(super) fn search_lists(&self, call: &Call<'_>) -> Outcome {
        let input: SearchInput = call.body()?;
        let count = match input.count {
            None | Some(0) => PAGE_DEFAULT,
            Some(count) => count.min(PAGE_MAX),
        };
        let offset = input.offset.unwrap_or(0);
        for name in input.processing_types.iter().flatten() {
            if !matches!(name.as_str(), "MANUAL" | "SNAPSHOT" | "DYNAMIC") {
                return Err(Refusal::invalid(format!(
                    "{name} is not a valid processing type: MANUAL, SNAPSHOT or DYNAMIC"
                )));
            }
        }
        let type_id = |list: &List| self.catalog.get(list.kind).type_id.as_str();
        let found: Vec<&List> = self.lists.by_id.values().filter(|list| input.accepts(list, type_id(list))).collect();
        let more: BTreeSet<&str> = input.additional_properties.iter().flatten().map(String::as_str).collect();
        let shown: Vec<Value> =
            found.iter().skip(offset).take(count).map(|list| self.found_json(list, &more)).collect();
        let next = offset.saturating_add(shown.len());
        Ok(Reply::ok(&json!({
            "offset": next, "hasMore": next < found.len(), "lists": shown, "total": found.len(),
        })))
    }

    /// A list as a search shows it: the five properties that always come if they have a value, and those asked for.
    fn found_json(&self, list: &List, more: &BTreeSet<&str>) -> Value {
        let mut properties = Map::new();
        let moment = |at: Option<crate::wire::Millis>| at.map(|at| at.0.to_string());
        let folder = self.lists.folders.get(&list.folder).map(|folder| folder.name.clone());
        let known = [
            ("hs_list_size", Some(list.members.len().to_string()), true),
            ("hs_list_reference_count", Some("0".to_owned()), true),
            ("hs_last_record_added_at", moment(list.last_added), true),
            ("hs_last_record_removed_at", moment(list.last_removed), true),
            ("hs_folder_name", folder, true),
            ("hs_list_id", Some(list.id.to_string()), false),
            ("hs_created_at", Some(list.created_at.0.to_string()), false),
        ];
        for (name, value, always) in known {
            if let Some(value) = value.filter(|_| always || more.contains(name)) {
                properties.insert(name.to_owned(), value.into());
            }
        }
        let mut out = list.face(&self.catalog.get(list.kind).type_id);
        out.insert("additionalProperties".into(), Value::Object(properties));
        Value::Object(out)
    }
}
