//! The older ways to ask for associations of single records: version 3 paths below a record, and version 1.
//!
//! Sources: HubSpot's legacy documentation; recorded version 1 answers of 2022; a page token of version 3 that was
//! quoted in HubSpot/hubspot-api-python#135, the Base64 of `0-{type}-{last record}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::associations::to_itself;
use super::call::{Call, Text, encode, unreadable_parameter};
use super::catalog::Kind;
use super::links::{End, LinkType};

/// Records of one page of version 3, and of one record in its batch read.
pub(super) const LEGACY_PAGE_MAX: usize = 100;
/// Associations of one page of a version 3 read of one record.
const SINGLE_PAGE_MAX: usize = 500;
/// Inputs of one version 1 batch.
const FIRST_BATCH_MAX: usize = 100;

/// One association of version 1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FirstInput {
    from_object_id: Option<Text>,
    to_object_id: Option<Text>,
    category: Option<String>,
    definition_id: Option<u32>,
}

impl Portal {
    /// Version 3 calls below one record: `{a}/{id}/associations/{b}[/{id}/{type}]`.
    pub(super) fn dispatch_legacy_record_links(
        &mut self,
        name: &str,
        key: &str,
        tail: &[&str],
        call: &mut Call<'_>,
    ) -> Outcome {
        let method = call.method().clone();
        match (tail, &method) {
            ([to], &Method::GET) => self.read_legacy_links(name, key, to, call),
            ([to, other, known], &Method::PUT) => self.put_legacy_link(name, key, (to, other, known), call),
            ([to, other, known], &Method::DELETE) => self.delete_legacy_link(name, key, (to, other, known)),
            ([_] | [_, _, _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn read_legacy_links(&self, name: &str, key: &str, to: &str, call: &Call<'_>) -> Outcome {
        let (from, to) = (self.kind_named(name)?, self.kind_named(to)?);
        let end = self.link_from(from, key)?;
        let limit = call.query.limit(SINGLE_PAGE_MAX, SINGLE_PAGE_MAX)?;
        let first = match call.query.first("after") {
            None => 0,
            Some(token) => read_token(token).ok_or_else(|| unreadable_parameter("after"))?,
        };
        let (results, next) = self.linked_page(end, to, first, limit);
        let mut body = json!({"results": results});
        if let (Some(after), Some(body)) = (next, body.as_object_mut()) {
            let link = call.next_link(&after);
            body.insert("paging".into(), json!({"next": {"after": encode(&after), "link": link}}));
        }
        Ok(Reply::ok(&body))
    }

    /// One page of a record's associations, an entry for each type, and the token of the next page.
    pub(super) fn linked_page(&self, end: End, to: Kind, first: u64, limit: usize) -> (Vec<Value>, Option<String>) {
        let (mut entries, mut last) = (Vec::new(), None);
        for (place, (other, types)) in self.links.of(end, to, first).enumerate() {
            if place == limit {
                return (entries, last.map(|(id, known): (u64, u32)| STANDARD.encode(format!("0-{known}-{id}"))));
            }
            for id in types {
                let name = self.entry_type(end.kind, to, *id);
                entries.push(json!({"id": other.id.to_string(), "type": name}));
            }
            last = Some((other.id, types.first().copied().unwrap_or_default()));
        }
        (entries, None)
    }

    /// The type of a pair that version 3 calls by a name or a number.
    pub(super) fn legacy_type(&self, from: Kind, to: Kind, given: &str) -> Option<&LinkType> {
        let types = self.links.types(from, to);
        let number = given.parse::<u32>().ok();
        types.iter().find(|known| Some(known.id) == number || self.entry_type(from, to, known.id) == given)
    }

    fn put_legacy_link(
        &mut self,
        name: &str,
        key: &str,
        (to, other, known): (&str, &str, &str),
        call: &Call<'_>,
    ) -> Outcome {
        let (from, to) = self.two_ends(name, key, (to, other))?;
        let id = self.legacy_type(from.kind, to.kind, known).map(|known| known.id);
        let id = id.ok_or_else(|| Refusal::invalid(format!("{known} is not a valid association type")))?;
        self.check_room(from, to, &[id]).map_err(Refusal::invalid)?;
        self.link(from, to, &[id]);
        let view = self.view(from.kind, call);
        let record = self.catalog.get(from.kind).records.live.get(&from.id).ok_or_else(Refusal::missing)?;
        let mut body = self.shown(from.kind, from.id, record, &view, call);
        let (entries, _) = self.linked_page(from, to.kind, 0, LEGACY_PAGE_MAX);
        let list = self.catalog.get(to.kind).association_key();
        if let Some(body) = body.as_object_mut() {
            body.insert("associations".into(), json!({list: {"results": entries}}));
        }
        Ok(Reply::ok(&body))
    }

    fn delete_legacy_link(&mut self, name: &str, key: &str, (to, other, known): (&str, &str, &str)) -> Outcome {
        let (from, to) = (self.kind_named(name)?, self.kind_named(to)?);
        let Some(id) = self.legacy_type(from, to, known).map(|known| known.id) else {
            return Err(Refusal::invalid(format!("{known} is not a valid association type")));
        };
        if let (Some(from), Some(to)) = (self.link_end(from, key), self.link_end(to, other)) {
            self.links.remove_types(from, to, &[id]);
        }
        Ok(Reply::no_content())
    }

    /// Version 1 calls, below `crm-associations/v1/associations`.
    pub(super) fn dispatch_first_links(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            ([key, category, known], &Method::GET) => self.read_first_links(key, category, known, call),
            ([], &Method::PUT) => self.write_first_links(&[call.body()?], false),
            (["delete"], &Method::PUT) => self.write_first_links(&[call.body()?], true),
            ([verb @ ("create-batch" | "delete-batch")], &Method::PUT) => {
                let inputs: Vec<FirstInput> = call.body()?;
                if inputs.len() > FIRST_BATCH_MAX {
                    return Err(Refusal::invalid(format!("No more than {FIRST_BATCH_MAX} associations are allowed")));
                }
                self.write_first_links(&inputs, *verb == "delete-batch")
            }
            ([] | [_] | [_, _, _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn read_first_links(&self, key: &str, category: &str, known: &str, call: &Call<'_>) -> Outcome {
        let unreadable = |name: &str| Refusal::bare(400, format!("Unable to parse value for path parameter: {name}"));
        let id: u32 = known.parse().map_err(|_| unreadable("definitionId"))?;
        let (from, to) = self.first_type(id, category)?;
        let limit = call.query.limit(LEGACY_PAGE_MAX, LEGACY_PAGE_MAX)?;
        let offset: u64 = match call.query.first("offset") {
            None => 0,
            Some(text) => text.parse().map_err(|_| unreadable_parameter("offset"))?,
        };
        let key: u64 = key.parse().map_err(|_| unreadable("objectId"))?;
        let end = self.link_end(from, &key.to_string()).unwrap_or(End { kind: from, id: key });
        let others = self.links.of(end, to, offset.saturating_add(1)).filter(|(_, types)| types.contains(&id));
        let mut results: Vec<u64> = others.map(|(other, _)| other.id).take(limit + 1).collect();
        let more = results.len() > limit;
        results.truncate(limit);
        let last = results.last().copied().unwrap_or(0);
        Ok(Reply::ok(&json!({"results": results, "hasMore": more, "offset": last})))
    }

    fn first_type(&self, id: u32, category: &str) -> Outcome<(Kind, Kind)> {
        let pair = self.links.pair_of(id);
        let fits = |(from, to)| self.links.find(from, to, id).is_some_and(|known| known.category.name() == category);
        pair.filter(|pair| fits(*pair)).ok_or_else(|| {
            Refusal::invalid(format!("Association definition {id} of category {category} does not exist"))
        })
    }

    /// All of it or nothing: the answer is a bare 204, so that no caller could learn which ones were made.
    fn write_first_links(&mut self, inputs: &[FirstInput], removes: bool) -> Outcome {
        let mut planned = Vec::new();
        for input in inputs {
            let (Some(one), Some(other), Some(category), Some(id)) =
                (&input.from_object_id, &input.to_object_id, &input.category, input.definition_id)
            else {
                return Err(Refusal::unset_fields(&["fromObjectId", "toObjectId", "category", "definitionId"]));
            };
            let (from, to) = self.first_type(id, category)?;
            let ends = self.link_end(from, &one.0).zip(self.link_end(to, &other.0));
            match ends {
                Some((from, to)) if from == to && !removes => return Err(Refusal::invalid(to_itself(from))),
                Some((from, to)) => planned.push((from, to, id)),
                None if removes => {}
                None => return Err(Refusal::invalid(format!("Objects {} and {} do not both exist", one.0, other.0))),
            }
        }
        if !removes {
            self.check_room_for_all(&planned).map_err(Refusal::invalid)?;
        }
        for (from, to, id) in planned {
            if removes {
                self.links.remove_types(from, to, &[id]);
            } else {
                self.link(from, to, &[id]);
            }
        }
        Ok(Reply::no_content())
    }
}

/// The record after the one that a page token names; a plain number is one as well.
pub(super) fn read_token(token: &str) -> Option<u64> {
    if let Ok(first) = token.parse() {
        return Some(first);
    }
    let bytes = STANDARD.decode(token.replace("%3D", "=")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let last: u64 = text.rsplit('-').next()?.parse().ok()?;
    last.checked_add(1)
}
