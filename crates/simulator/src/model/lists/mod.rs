//! Lists: what they are called, what is in them, and in which folder they stand.
//!
//! Manual lists and snapshots without filters are whole. A list that HubSpot would fill by itself (`DYNAMIC`, or a
//! snapshot with filters) is refused: an empty one would be a lie.
//! Sources: HubSpot's lists guide and reference; recorded searches of 2025; `ILS.DUPLICATE_LIST_NAMES` in many clients.
//! Invariants: a member is a live record of the list's object type; a name belongs to one list that is not deleted.

mod calls;
mod folders;
mod members;
mod search;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::{Outcome, Refusal};
use super::catalog::Kind;
use super::links::End;
use super::saved::Places;
use super::time;
use crate::saved::Unfit;
use crate::wire::Millis;
use folders::Folder;

/// Lists of a portal, deleted ones that can be restored included.
const LISTS_MAX: usize = 10_000;
/// Members of one list.
const MEMBERS_MAX: usize = 1_000_000;
/// Members that a list may have to be emptied or copied by one call, and ids in the body of a change.
const MEMBERS_AT_ONCE_MAX: usize = 100_000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;
/// How long a deleted list can be restored.
const RESTORABLE_MS: i64 = 90 * 86_400_000;

/// How a list gets its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Processing {
    Manual,
    Snapshot,
}

impl Processing {
    fn name(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Snapshot => "SNAPSHOT",
        }
    }
}

/// Since when a record is in a list, and its place among all who ever joined one.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Member {
    joined: Millis,
    place: u64,
}

/// One list.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct List {
    id: u64,
    name: String,
    kind: Kind,
    processing: Processing,
    version: u32,
    created_at: Millis,
    updated_at: Millis,
    /// The folder that it stands in; 0 is the root.
    folder: u64,
    deleted_at: Option<Millis>,
    members: BTreeMap<u64, Member>,
    /// The members by the order in which they joined.
    order: BTreeMap<u64, u64>,
    last_added: Option<Millis>,
    last_removed: Option<Millis>,
}

impl List {
    fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    fn can_be_restored(&self, now: Millis) -> bool {
        self.deleted_at.is_some_and(|at| now.0.saturating_sub(at.0) < RESTORABLE_MS)
    }

    /// The keys that reads and searches share, in wire order.
    fn face(&self, type_id: &str) -> Map<String, Value> {
        let user = super::users::APP_USER.to_string();
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        put("listId", self.id.to_string().into());
        put("listVersion", self.version.into());
        put("createdAt", time::iso(self.created_at).into());
        put("updatedAt", time::iso(self.updated_at).into());
        put("filtersUpdatedAt", time::iso(self.created_at).into());
        put("processingStatus", "COMPLETE".into());
        put("createdById", user.clone().into());
        put("updatedById", user.into());
        put("processingType", self.processing.name().into());
        put("objectTypeId", type_id.into());
        put("name", self.name.as_str().into());
        out
    }

    /// A list as a read shows it.
    fn to_json(&self, type_id: &str) -> Value {
        let mut out = self.face(type_id);
        out.insert("size".into(), self.members.len().into());
        Value::Object(out)
    }

    fn join(&mut self, record: u64, member: Member) {
        if let Some(old) = self.members.insert(record, member) {
            self.order.remove(&old.place);
        }
        self.order.insert(member.place, record);
    }

    fn leave(&mut self, record: u64) -> Option<Member> {
        let member = self.members.remove(&record)?;
        self.order.remove(&member.place);
        Some(member)
    }

    fn empty(&mut self) {
        self.members.clear();
        self.order.clear();
    }
}

/// All lists of a portal and their folders.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Lists {
    by_id: BTreeMap<u64, List>,
    folders: BTreeMap<u64, Folder>,
    last_id: u64,
    last_folder: u64,
    joined: u64,
}

impl Lists {
    /// The same under the numbers that this version gives to object types.
    pub(super) fn translated(mut self, places: &Places) -> Result<Self, Unfit> {
        for list in self.by_id.values_mut() {
            list.kind = places.kind(list.kind)?;
        }
        Ok(self)
    }

    /// A list that calls can use, by the id in a path.
    fn live(&self, key: &str) -> Outcome<&List> {
        let id = list_id(key)?;
        self.by_id.get(&id).filter(|list| list.is_live()).ok_or_else(|| unknown(key))
    }

    fn live_mut(&mut self, key: &str) -> Outcome<&mut List> {
        let id = list_id(key)?;
        self.by_id.get_mut(&id).filter(|list| list.is_live()).ok_or_else(|| unknown(key))
    }

    /// Whether a list that is not deleted has this name, in any case; `own` may.
    fn is_taken(&self, name: &str, own: Option<u64>) -> bool {
        let name = name.to_lowercase();
        self.by_id.values().any(|list| list.is_live() && Some(list.id) != own && list.name.to_lowercase() == name)
    }

    /// The lists that hold a record, by ascending id.
    fn holding(&self, end: End) -> impl Iterator<Item = (&List, Member)> {
        let own = self.by_id.values().filter(move |list| list.is_live() && list.kind == end.kind);
        own.filter_map(move |list| Some((list, *list.members.get(&end.id)?)))
    }

    /// Takes a record out of every list: it was archived.
    pub(super) fn forget(&mut self, end: End, now: Millis) {
        for list in self.by_id.values_mut().filter(|list| list.kind == end.kind) {
            if list.leave(end.id).is_some() {
                list.last_removed = Some(now);
            }
        }
    }

    /// Puts the survivor of a merge where one of the merged records was.
    pub(super) fn replace(&mut self, old: End, survivor: u64) {
        for list in self.by_id.values_mut().filter(|list| list.kind == old.kind) {
            if let Some(member) = list.leave(old.id)
                && !list.members.contains_key(&survivor)
            {
                list.join(survivor, member);
            }
        }
    }

    /// Empties every list: all records are gone.
    pub(super) fn clear_members(&mut self) {
        for list in self.by_id.values_mut() {
            list.empty();
        }
    }
}

fn list_id(key: &str) -> Outcome<u64> {
    key.parse().map_err(|_| Refusal::bare(400, "Unable to parse value for path parameter: listId"))
}

fn unknown(key: &str) -> Refusal {
    Refusal::bare(404, format!("List does not exist with ID {key}."))
        .category("OBJECT_NOT_FOUND")
        .sub_category("ILS.LIST_NOT_FOUND")
}

fn duplicate(name: &str) -> Refusal {
    Refusal::invalid(format!("A list with the name '{name}' already exists.")).sub_category("ILS.DUPLICATE_LIST_NAMES")
}
