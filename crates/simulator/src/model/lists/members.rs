//! Calls about who is in a list, and in which lists a record is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{List, MEMBERS_AT_ONCE_MAX, MEMBERS_MAX, Member};
use crate::model::Portal;
use crate::model::answer::{BatchError, Outcome, Refusal, Reply};
use crate::model::batch::finish;
use crate::model::call::{BatchInput, Call, Text, unreadable_parameter};
use crate::model::definitions::check_count;
use crate::model::links::End;
use crate::model::time;

/// Members of one page.
const PAGE_MAX: usize = 250;
/// Members of one page when nothing is asked.
const PAGE_DEFAULT: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChangeInput {
    record_ids_to_add: Vec<Text>,
    record_ids_to_remove: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RecordInput {
    object_type_id: Option<String>,
    record_id: Option<Text>,
}

/// What a change of members did.
#[derive(Debug, Default)]
struct Changed {
    added: Vec<String>,
    removed: Vec<String>,
    missing: Vec<String>,
}

/// Which way a page goes.
#[derive(Clone, Copy, Debug)]
enum Direction {
    /// Upwards, behind a key.
    After(u64),
    /// Downwards, before a key.
    Before(u64),
}

impl Portal {
    /// Calls below `lists/{id}/memberships`.
    pub(super) fn dispatch_members(&mut self, id: &str, tail: &[&str], call: &Call<'_>) -> Outcome {
        match (tail, call.method()) {
            ([], &Method::GET) => {
                let list = self.lists.live(id)?;
                page(list, &list.members, |record, member| Some((record, *member)), call)
            }
            (["join-order"], &Method::GET) => {
                let list = self.lists.live(id)?;
                page(list, &list.order, |_, record| Some((*record, *list.members.get(record)?)), call)
            }
            ([], &Method::DELETE) => self.remove_all_members(id, call),
            (["add"], &Method::PUT) => self.change_members(id, &record_ids(call)?, &[], call),
            (["remove"], &Method::PUT) => self.change_members(id, &[], &record_ids(call)?, call),
            (["add-and-remove"], &Method::PUT) => {
                let input: ChangeInput = call.body()?;
                self.change_members(id, &input.record_ids_to_add, &input.record_ids_to_remove, call)
            }
            (["add-from", source], &Method::PUT) => self.add_from(id, source, call),
            ([] | ["join-order" | "add" | "remove" | "add-and-remove"] | ["add-from", _], _) => {
                Err(Refusal::wrong_method())
            }
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn change_members(&mut self, key: &str, add: &[Text], remove: &[Text], call: &Call<'_>) -> Outcome {
        let kind = self.lists.live(key)?.kind;
        if add.len() + remove.len() > MEMBERS_AT_ONCE_MAX {
            return Err(Refusal::invalid(format!("No more than {MEMBERS_AT_ONCE_MAX} record IDs are allowed at once")));
        }
        let names = |ids: &[Text]| ids.iter().map(|id| id.0.clone()).collect::<BTreeSet<String>>();
        let (add, remove) = (names(add), names(remove));
        if let Some(both) = add.intersection(&remove).next() {
            return Err(Refusal::invalid(format!("Record ID {both} is to be added and removed at once")));
        }
        let mut changed = Changed::default();
        let records = &self.catalog.get(kind).records;
        let mut found = |ids: BTreeSet<String>| {
            let mut known = Vec::new();
            for id in ids {
                match id.parse().ok().and_then(|number| records.resolve(number)) {
                    Some((number, _)) => known.push(number),
                    None => changed.missing.push(id),
                }
            }
            known
        };
        let (add, remove) = (found(add), found(remove));
        let joined = self.lists.joined;
        let list = self.lists.live_mut(key)?;
        if list.members.len() + add.len() > MEMBERS_MAX {
            return Err(Refusal::invalid(format!("A list has at most {MEMBERS_MAX} members")));
        }
        let mut place = joined;
        for record in add.into_iter().filter(|record| !list.members.contains_key(record)).collect::<BTreeSet<u64>>() {
            place += 1;
            list.join(record, Member { joined: call.now, place });
            changed.added.push(record.to_string());
        }
        for record in remove {
            if list.leave(record).is_some() {
                changed.removed.push(record.to_string());
            }
        }
        list.note(&changed, call);
        self.lists.joined = place;
        Ok(Reply::ok(&json!({"recordsIdsAdded": changed.added, "recordIdsRemoved": changed.removed,
                             "recordIdsMissing": changed.missing})))
    }

    fn add_from(&mut self, key: &str, source: &str, call: &Call<'_>) -> Outcome {
        let kind = self.lists.live(key)?.kind;
        let source = self.lists.live(source)?;
        if source.kind != kind {
            return Err(Refusal::invalid("Both lists must have the same object type"));
        }
        check_size(source)?;
        let ids: Vec<Text> = source.members.keys().map(|id| Text(id.to_string())).collect();
        self.change_members(key, &ids, &[], call)?;
        Ok(Reply::no_content())
    }

    fn remove_all_members(&mut self, key: &str, call: &Call<'_>) -> Outcome {
        let list = self.lists.live_mut(key)?;
        check_size(list)?;
        if !list.members.is_empty() {
            list.last_removed = Some(call.now);
        }
        list.empty();
        Ok(Reply::no_content())
    }

    /// GET of the lists that a record is in.
    pub(super) fn lists_of(&self, object_type: &str, key: &str) -> Outcome {
        let end = self.record_named(object_type, key)?.ok_or_else(Refusal::missing)?;
        let results = self.memberships_json(end);
        Ok(Reply::ok(&json!({"total": results.len(), "results": results})))
    }

    /// POST of a batch of the same.
    pub(super) fn batch_read_lists_of(&self, call: &Call<'_>) -> Outcome {
        let body: BatchInput<RecordInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len())?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let (Some(object_type), Some(Text(key))) = (input.object_type_id, input.record_id) else {
                return Err(Refusal::unset_fields(&["objectTypeId", "recordId"]));
            };
            match self.record_named(&object_type, &key)? {
                Some(end) => {
                    let lists = self.memberships_json(end);
                    let entry = json!({"objectTypeId": object_type, "recordId": key, "recordListMemberships": lists});
                    results.push(entry.to_string().into_bytes());
                }
                None => errors.push(BatchError {
                    category: "OBJECT_NOT_FOUND",
                    sub_category: None,
                    message: format!("No record of object type {object_type} with ID {key} exists"),
                    context: vec![("recordId", vec![key]), ("objectTypeId", vec![object_type])],
                }),
            }
        }
        Ok(finish(200, &results, &errors, call))
    }

    fn record_named(&self, object_type: &str, key: &str) -> Outcome<Option<End>> {
        let kind = self.list_kind(object_type)?;
        let found = key.parse().ok().and_then(|id| self.catalog.get(kind).records.resolve(id));
        Ok(found.map(|(id, _)| End { kind, id }))
    }

    fn memberships_json(&self, end: End) -> Vec<Value> {
        let lists = self.lists.holding(end).map(|(list, member)| {
            let since = time::iso(member.joined);
            json!({"listId": list.id.to_string(), "listVersion": list.version, "firstAddedTimestamp": since,
                   "lastAddedTimestamp": since, "isPublicList": true})
        });
        lists.collect()
    }
}

impl List {
    fn note(&mut self, changed: &Changed, call: &Call<'_>) {
        if !changed.added.is_empty() {
            self.last_added = Some(call.now);
        }
        if !changed.removed.is_empty() {
            self.last_removed = Some(call.now);
        }
    }
}

/// A body that is a list of ids; what else it may be is refused in the words of a live probe.
pub(super) fn record_ids(call: &Call<'_>) -> Outcome<Vec<Text>> {
    let body: Value = call.body()?;
    if !body.is_array() {
        let message = "Invalid input JSON on line 1, column 1: Cannot deserialize value of type \
                       `java.util.ArrayList<java.lang.String>` from Object value (token `JsonToken.START_OBJECT`)";
        return Err(Refusal::bare(400, message));
    }
    call.body()
}

fn check_size(list: &List) -> Outcome<()> {
    if list.members.len() <= MEMBERS_AT_ONCE_MAX {
        return Ok(());
    }
    Err(Refusal::invalid(format!("List {} has more than {MEMBERS_AT_ONCE_MAX} memberships", list.id)))
}

/// One page of members by their keys, record ids or places; upwards unless only `before` is given.
fn page<V>(
    list: &List,
    keyed: &BTreeMap<u64, V>,
    member: impl Fn(u64, &V) -> Option<(u64, Member)>,
    call: &Call<'_>,
) -> Outcome {
    let limit = call.query.limit(PAGE_DEFAULT, PAGE_MAX)?;
    let key = |name: &str| {
        let text = call.query.first(name);
        text.map(|text| text.parse::<u64>().map_err(|_| unreadable_parameter(name))).transpose()
    };
    let direction = match (key("after")?, key("before")?) {
        (Some(key), _) => Direction::After(key),
        (None, Some(key)) => Direction::Before(key),
        (None, None) => Direction::After(0),
    };
    let found = |(key, value): (&u64, &V)| Some((*key, member(*key, value)?));
    let mut shown: Vec<(u64, (u64, Member))> = match direction {
        Direction::After(from) => keyed.range((Excluded(from), Unbounded)).filter_map(found).take(limit + 1).collect(),
        Direction::Before(to) => keyed.range(..to).rev().filter_map(found).take(limit + 1).collect(),
    };
    let more = shown.len() > limit;
    shown.truncate(limit);
    let last = shown.last().map(|(key, _)| key.to_string()).filter(|_| more);
    let results: Vec<Value> = shown
        .iter()
        .map(|(_, (record, member))| {
            json!({"recordId": record.to_string(), "membershipTimestamp": time::iso(member.joined)})
        })
        .collect();
    let mut body = json!({"total": list.members.len(), "results": results});
    if let (Some(last), Some(body)) = (last, body.as_object_mut()) {
        let paging = match direction {
            Direction::After(_) => json!({"next": {"after": last, "link": call.next_link(&last)}}),
            Direction::Before(_) => json!({"prev": {"before": last}}),
        };
        body.insert("paging".into(), paging);
    }
    Ok(Reply::ok(&body))
}
