//! Who is in a list, and in which lists a record is.

use serde::{Deserialize, Serialize};

use crate::endpoint::{endpoint, items, one, page, paged, success};
use crate::id::RecordId;
use crate::limits::sizes::{BATCH_INPUTS_MAX, MEMBERSHIPS_CHANGE_MAX, MEMBERSHIPS_LIST_MAX, at_most};
use crate::objects::BatchOutcome;
use crate::version::Surface;
use crate::wire::{Inputs, Page, null_as_default, number_or_none, record_id, text};

/// In which order members are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By record id.
    #[default]
    Id,
    /// By the time they joined.
    Joined,
}

/// GET one page of the members of a list.
#[derive(Clone, Debug)]
pub struct Members {
    /// Of which list.
    pub id: String,
    /// In which order.
    pub order: Order,
    /// Per page, at most [`MEMBERSHIPS_LIST_MAX`].
    pub limit: u32,
    /// From the previous page.
    pub after: Option<String>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The record.
    #[serde(deserialize_with = "record_id")]
    pub record_id: RecordId,
    /// Since when, ISO 8601.
    #[serde(default)]
    pub membership_timestamp: Option<String>,
}

endpoint!(Members => Page<Member>, page("members of a list"), |this, version| {
    let segments: &[&str] = match this.order {
        Order::Id => &[&this.id, "memberships"],
        Order::Joined => &[&this.id, "memberships", "join-order"],
    };
    Surface::Lists
        .get(version, segments)
        .with_query("limit", this.limit.to_string())
        .with_some("after", this.after.as_deref())
}, check: at_most("members of a page", this.limit, MEMBERSHIPS_LIST_MAX));

paged!(Members, Member);

/// PUT records into a list and out of it. Manual and snapshot lists only.
#[derive(Clone, Debug)]
pub struct ChangeMembers {
    /// Of which list.
    pub id: String,
    /// Records to be in it.
    pub add: Vec<RecordId>,
    /// Records to be out of it.
    pub remove: Vec<RecordId>,
}

/// What became of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembersChanged {
    // HubSpot's spelling differs from the two below.
    #[serde(default, rename = "recordsIdsAdded", alias = "recordIdsAdded", deserialize_with = "null_as_default")]
    added: Vec<IdBody>,
    #[serde(default, alias = "recordsIdsRemoved", deserialize_with = "null_as_default")]
    record_ids_removed: Vec<IdBody>,
    #[serde(default, alias = "recordsIdsMissing", deserialize_with = "null_as_default")]
    record_ids_missing: Vec<IdBody>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct IdBody(#[serde(deserialize_with = "record_id")] RecordId);

fn ids(bodies: &[IdBody]) -> Vec<RecordId> {
    bodies.iter().map(|IdBody(id)| *id).collect()
}

impl MembersChanged {
    /// Records that are members now and were not before.
    pub fn added(&self) -> Vec<RecordId> {
        ids(&self.added)
    }

    /// Records that were members and are not any more.
    pub fn removed(&self) -> Vec<RecordId> {
        ids(&self.record_ids_removed)
    }

    /// Records that do not exist.
    pub fn missing(&self) -> Vec<RecordId> {
        ids(&self.record_ids_missing)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    record_ids_to_add: Vec<String>,
    record_ids_to_remove: Vec<String>,
}

fn texts(ids: &[RecordId]) -> Vec<String> {
    ids.iter().map(RecordId::to_string).collect()
}

// One way alone has a path and a body of its own.
endpoint!(ChangeMembers => MembersChanged, one("changed members"), |this, version| {
    let put = |verb| Surface::Lists.put(version, &[&this.id, "memberships", verb]);
    match (this.add.as_slice(), this.remove.as_slice()) {
        (add, []) => put("add").with_json(&texts(add)),
        ([], remove) => put("remove").with_json(&texts(remove)),
        (add, remove) => put("add-and-remove").with_json(&ChangeBody {
            record_ids_to_add: texts(add),
            record_ids_to_remove: texts(remove),
        }),
    }
}, check: at_most("records of a change", this.add.len() + this.remove.len(), MEMBERSHIPS_CHANGE_MAX));

/// PUT all members of one list into another.
#[derive(Clone, Debug)]
pub struct AddFromList {
    /// Into which list.
    pub id: String,
    /// From which list.
    pub source: String,
}

endpoint!(AddFromList => (), success, |this, version| {
    Surface::Lists.put(version, &[&this.id, "memberships", "add-from", &this.source])
});

/// DELETE all memberships of a list; the records stay.
#[derive(Clone, Debug)]
pub struct RemoveAllMembers {
    /// Of which list.
    pub id: String,
}

endpoint!(RemoveAllMembers => (), success, |this, version| Surface::Lists.delete(version, &[&this.id, "memberships"]));

/// GET the lists of one record.
#[derive(Clone, Debug)]
pub struct MembershipsOf {
    /// Type id of the record (`0-1`).
    pub object_type_id: String,
    /// Which record.
    pub record: RecordId,
}

/// One list that a record is in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The list.
    #[serde(deserialize_with = "text")]
    pub list_id: String,
    /// The version of the list.
    #[serde(default, deserialize_with = "number_or_none")]
    pub list_version: Option<u64>,
    /// Since when first, ISO 8601.
    #[serde(default)]
    pub first_added_timestamp: Option<String>,
    /// Since when, ISO 8601.
    #[serde(default)]
    pub last_added_timestamp: Option<String>,
}

endpoint!(MembershipsOf => Vec<Membership>, items("memberships of a record"), |this, version| {
    Surface::Lists.get(version, &["records", &this.object_type_id, &this.record.to_string(), "memberships"])
});

/// A record with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordKey {
    object_type_id: String,
    record_id: String,
}

impl RecordKey {
    /// The record `id` of the type with this type id (`0-1`).
    pub fn new(object_type_id: impl Into<String>, id: RecordId) -> Self {
        Self { object_type_id: object_type_id.into(), record_id: id.to_string() }
    }
}

/// POST a batch read of the lists of many records.
#[derive(Clone, Debug)]
pub struct BatchReadMemberships {
    /// Which records.
    pub records: Vec<RecordKey>,
}

/// The lists of one record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordMemberships {
    /// Type id of the record.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object_type_id: String,
    /// The record.
    #[serde(deserialize_with = "record_id")]
    pub record_id: RecordId,
    /// Its lists.
    #[serde(default, rename = "recordListMemberships", deserialize_with = "null_as_default")]
    pub memberships: Vec<Membership>,
}

endpoint!(BatchReadMemberships => BatchOutcome<RecordMemberships>, one("memberships of records"), |this, version| {
    Surface::Lists
        .post(version, &["records", "memberships", "batch", "read"])
        .with_json(&Inputs { inputs: &this.records })
}, check: at_most("records of a batch read", this.records.len(), BATCH_INPUTS_MAX));
