//! Calls about lists themselves: made, read, renamed, deleted, restored.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LISTS_MAX, List, Lists, NAME_CHARS_MAX, Processing, duplicate, unknown};
use crate::model::Portal;
use crate::model::answer::{Outcome, Refusal, Reply};
use crate::model::call::{Call, Text};
use crate::model::catalog::Kind;
use crate::wire::Millis;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListInput {
    name: Option<String>,
    object_type_id: Option<String>,
    processing_type: Option<String>,
    filter_branch: Option<Value>,
    list_folder_id: Option<Text>,
}

impl Portal {
    /// Calls below `lists`.
    pub(in crate::model) fn dispatch_lists(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            ([], &Method::GET) => self.read_lists(call),
            ([], &Method::POST) => self.create_list(call),
            (["search"], &Method::POST) => self.search_lists(call),
            (["idmapping"], &Method::GET) => no_legacy_list(call),
            (["idmapping"], &Method::POST) => no_legacy_lists(call),
            (["object-type-id", object_type, "name", name], &Method::GET) => self.read_list_named(object_type, name),
            (["records", "memberships", "batch", "read"], &Method::POST) => self.batch_read_lists_of(call),
            (["records", object_type, id, "memberships"], &Method::GET) => self.lists_of(object_type, id),
            (["folders", tail @ ..], _) => self.dispatch_list_folders(tail, call),
            ([id], &Method::GET) => {
                call.query.flag("includeFilters")?;
                Ok(Reply::ok(&json!({"list": self.list_json(self.lists.live(id)?)})))
            }
            ([id], &Method::DELETE) => self.delete_list(id, call.now),
            ([id, "restore"], &Method::PUT) => self.restore_list(id, call.now),
            ([id, "update-list-name"], &Method::PUT) => self.rename_list(id, call),
            ([id, "update-list-filters"], &Method::PUT) => {
                let list = self.lists.live(id)?;
                Err(Refusal::invalid(format!("List {} is not DYNAMIC; its filters cannot be changed", list.id)))
            }
            ([id, "memberships", tail @ ..], _) => self.dispatch_members(id, tail, call),
            ([] | [_] | [_, "restore" | "update-list-name" | "update-list-filters"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    pub(super) fn list_json(&self, list: &List) -> Value {
        list.to_json(&self.catalog.get(list.kind).type_id)
    }

    /// The type that a list call names: by its type id, in no other way.
    pub(super) fn list_kind(&self, type_id: &str) -> Outcome<Kind> {
        let known = self.catalog.find(type_id).filter(|kind| self.catalog.get(*kind).type_id == type_id);
        known.ok_or_else(|| Refusal::bare(400, format!("Unable to infer object type from: {type_id}")))
    }

    fn read_lists(&self, call: &Call<'_>) -> Outcome {
        call.query.flag("includeFilters")?;
        let mut lists = Vec::new();
        for key in call.query.list("listIds") {
            let id: u64 = key.parse().map_err(|_| crate::model::call::unreadable_parameter("listIds"))?;
            lists.extend(self.lists.by_id.get(&id).filter(|list| list.is_live()).map(|list| self.list_json(list)));
        }
        Ok(Reply::ok(&json!({"lists": lists})))
    }

    fn read_list_named(&self, object_type: &str, name: &str) -> Outcome {
        let kind = self.list_kind(object_type)?;
        let wanted = name.to_lowercase();
        let fits = |list: &&List| list.is_live() && list.kind == kind && list.name.to_lowercase() == wanted;
        let list = self.lists.by_id.values().find(fits).ok_or_else(|| {
            Refusal::bare(404, format!("List does not exist with name '{name}' and object type ID {object_type}."))
                .category("OBJECT_NOT_FOUND")
                .sub_category("ILS.LIST_NOT_FOUND")
        })?;
        Ok(Reply::ok(&json!({"list": self.list_json(list)})))
    }

    fn create_list(&mut self, call: &Call<'_>) -> Outcome {
        let input: ListInput = call.body()?;
        let fields = [
            ("name", input.name.is_none()),
            ("objectTypeId", input.object_type_id.is_none()),
            ("processingType", input.processing_type.is_none()),
        ];
        let (Some(name), Some(object_type), Some(processing)) =
            (&input.name, &input.object_type_id, input.processing_type.as_deref())
        else {
            let unset: Vec<&str> = fields.iter().filter(|(_, unset)| *unset).map(|(name, _)| *name).collect();
            return Err(Refusal::unset_fields(&unset));
        };
        let processing = processing_of(processing, input.filter_branch.as_ref())?;
        let kind = self.list_kind(object_type)?;
        let name = checked_name(name)?;
        if self.lists.is_taken(&name, None) {
            return Err(duplicate(&name));
        }
        let folder = match &input.list_folder_id {
            None => 0,
            Some(Text(key)) => self.lists.folder_id(key)?,
        };
        self.lists.make_room(call.now)?;
        let id = self.lists.last_id + 1;
        self.lists.last_id = id;
        let list = List {
            id,
            name,
            kind,
            processing,
            version: 1,
            created_at: call.now,
            updated_at: call.now,
            folder,
            deleted_at: None,
            members: std::collections::BTreeMap::new(),
            order: std::collections::BTreeMap::new(),
            last_added: None,
            last_removed: None,
        };
        let reply = Reply::ok(&json!({"list": self.list_json(&list)}));
        self.lists.by_id.insert(id, list);
        Ok(reply)
    }

    fn rename_list(&mut self, key: &str, call: &Call<'_>) -> Outcome {
        let id = self.lists.live(key)?.id;
        call.query.flag("includeFilters")?;
        let Some(name) = call.query.first("listName") else {
            return Err(Refusal::invalid("query parameter listName must not be empty"));
        };
        let name = checked_name(name)?;
        if self.lists.is_taken(&name, Some(id)) {
            return Err(duplicate(&name));
        }
        let list = self.lists.live_mut(key)?;
        if list.name != name {
            list.name = name;
            list.version = list.version.saturating_add(1);
            list.updated_at = call.now;
        }
        Ok(Reply::ok(&json!({"updatedList": self.list_json(self.lists.live(key)?)})))
    }

    fn delete_list(&mut self, key: &str, now: Millis) -> Outcome {
        self.lists.live_mut(key)?.deleted_at = Some(now);
        Ok(Reply::no_content())
    }

    fn restore_list(&mut self, key: &str, now: Millis) -> Outcome {
        let id = super::list_id(key)?;
        let name = match self.lists.by_id.get(&id) {
            Some(list) if list.is_live() => return Ok(Reply::no_content()),
            Some(list) if list.can_be_restored(now) => list.name.clone(),
            Some(_) | None => return Err(unknown(key)),
        };
        if self.lists.is_taken(&name, Some(id)) {
            return Err(duplicate(&name));
        }
        if let Some(list) = self.lists.by_id.get_mut(&id) {
            list.deleted_at = None;
        }
        Ok(Reply::no_content())
    }
}

impl Lists {
    /// Drops lists that nobody can restore any more, and refuses another one where there are too many.
    fn make_room(&mut self, now: Millis) -> Outcome<()> {
        self.by_id.retain(|_, list| list.is_live() || list.can_be_restored(now));
        if self.by_id.len() < LISTS_MAX {
            return Ok(());
        }
        Err(Refusal::invalid(format!("No more than {LISTS_MAX} lists are allowed; delete some")))
    }
}

fn checked_name(name: &str) -> Outcome<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Refusal::invalid("List name must not be empty"));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(Refusal::invalid(format!("List name must have at most {NAME_CHARS_MAX} characters")));
    }
    Ok(name.to_owned())
}

/// The processing type, if this simulator can keep what it promises.
fn processing_of(name: &str, filters: Option<&Value>) -> Outcome<Processing> {
    match (name, filters) {
        ("MANUAL", None) => Ok(Processing::Manual),
        ("MANUAL", Some(_)) => Err(Refusal::invalid("A list of processing type MANUAL cannot have filters")),
        ("SNAPSHOT", None) => Ok(Processing::Snapshot),
        ("SNAPSHOT" | "DYNAMIC", _) => Err(Refusal::invalid(
            "This simulator evaluates no list filters: create a MANUAL list, or a SNAPSHOT without filterBranch",
        )),
        _ => Err(Refusal::invalid(format!("{name} is not a valid processing type: MANUAL, SNAPSHOT or DYNAMIC"))),
    }
}

/// No list of a new portal was made by the first version of the API, so none has an id of that time.
fn no_legacy_list(call: &Call<'_>) -> Outcome {
    match call.query.first("legacyListId") {
        Some(id) => Err(unknown(id)),
        None => Err(Refusal::invalid("query parameter legacyListId must not be empty")),
    }
}

fn no_legacy_lists(call: &Call<'_>) -> Outcome {
    let ids = super::members::record_ids(call)?;
    let missing: Vec<String> = ids.into_iter().map(|id| id.0).collect();
    Ok(Reply::ok(&json!({"missingLegacyListIds": missing, "legacyListIdsToIdsMapping": []})))
}
