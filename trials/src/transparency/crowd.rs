//! Callers beside the one that is looked at: of the same kind, so that they share its batches, and such that they change
//! nothing that anybody reads.

use http::Method;
use linchpin_hubspot::routes::{self, Operation};
use serde_json::{Map, Value, json};

use super::compare::{Content, Seen};
use super::wanted::Wanted;

/// Callers at once, the one that is looked at included.
pub(super) const CALLERS: usize = 64;
/// The place of the one that is looked at: some are on their way already, most come later.
pub(super) const PLACE: usize = 9;
/// Writes that are refused, beside one call: each is asked again alone.
const REFUSED: usize = 6;
/// A number that no record has.
const NOBODY: usize = 70_000_000;

/// Records that nobody but the crowd is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    pub(super) contacts: Vec<String>,
    pub(super) companies: Vec<String>,
    pub(super) deals: Vec<String>,
    /// An address that one of the contacts has.
    pub(super) email: String,
}

/// A property that every record of the stock has as `crowd`: writing it again changes nothing.
pub(super) fn settled_property(object_type: &str) -> &'static str {
    if object_type == "contacts" { "jobtitle" } else { "description" }
}

/// One caller of the crowd, and the record it should hear of.
pub(super) struct Companion {
    pub(super) wanted: Wanted,
    record: Option<String>,
    statuses: &'static [u16],
}

impl Companion {
    /// Whether an answer is this caller's: what it may be, and about its own record.
    pub(super) fn is_answered_by(&self, seen: &Seen) -> bool {
        let (Content::Json(body), Some(record)) = (&seen.body, self.record.as_ref().filter(|_| seen.status == 200))
        else {
            return self.statuses.contains(&seen.status);
        };
        body.get("id").is_none_or(|id| id.as_str() == Some(record))
    }
}

impl Stock {
    fn of(&self, object_type: &str) -> Option<&Vec<String>> {
        match object_type {
            "contacts" => Some(&self.contacts),
            "companies" => Some(&self.companies),
            "deals" => Some(&self.deals),
            _ => None,
        }
    }

    /// The crowd around one call.
    pub(super) fn around(&self, wanted: &Wanted) -> Vec<Companion> {
        let (path, query) = wanted.target.split_once('?').unwrap_or((&wanted.target, ""));
        let method = Method::from_bytes(wanted.method.as_bytes()).unwrap_or_default();
        let route = routes::classify(&method, path);
        let records = route.object_type.as_ref().and_then(|kind| Some((kind.as_str(), self.of(kind.as_str())?)));
        let beside = |id: &str| path.rsplit_once('/').map_or(path.to_owned(), |(front, _)| format!("{front}/{id}"));
        let mut crowd = Vec::new();
        if let Some((kind, ids)) = records {
            match route.operation {
                Operation::ObjectRead => crowd = reads(ids, |id| with_query(&beside(id), query)),
                Operation::AssociationList => {
                    let own = route.id.clone().unwrap_or_default();
                    crowd = reads(ids, |id| with_query(&path.replacen(&own, id, 1), query));
                    for companion in &mut crowd {
                        companion.record = None;
                    }
                }
                Operation::ObjectUpdate => {
                    let body = json!({"properties": {settled_property(kind): "crowd"}});
                    let update = |id: &String| Companion {
                        wanted: Wanted::new(&Method::PATCH, beside(id), &body),
                        record: Some(id.clone()),
                        statuses: &[200],
                    };
                    crowd.extend(ids.iter().map(update));
                    crowd.extend(nobodies().map(|id| refused(&Method::PATCH, beside(&id), &body, &[404])));
                }
                Operation::ObjectArchive => {
                    crowd.extend(nobodies().map(|id| refused(&Method::DELETE, beside(&id), &Value::Null, &[204])));
                }
                Operation::ObjectCreate => crowd = self.creations(path, &wanted.body),
                _ => {}
            }
        }
        let others = reads(&self.contacts, |id| format!("/crm/v3/objects/contacts/{id}?properties=email"));
        crowd.extend(others.into_iter().cycle_to(CALLERS));
        crowd.truncate(CALLERS - 1);
        crowd
    }

    /// Creations with the same properties that are refused: of a wrong address and of one that is taken.
    fn creations(&self, path: &str, body: &str) -> Vec<Companion> {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let Some(properties) = body.get("properties").and_then(Value::as_object) else { return Vec::new() };
        if !properties.contains_key("email") {
            return Vec::new();
        }
        let with = |email: &str| {
            let mut properties: Map<String, Value> = properties.clone();
            properties.insert("email".to_owned(), Value::from(email));
            json!({"properties": properties})
        };
        let wrong = (0..REFUSED / 2).map(|number| with(&format!("no address {number}")));
        let taken = (0..REFUSED / 2).map(|_| with(&self.email));
        wrong.chain(taken).map(|body| refused(&Method::POST, path.to_owned(), &body, &[400, 409])).collect()
    }
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn nobodies() -> impl Iterator<Item = String> {
    (0..REFUSED).map(|number| (NOBODY + number).to_string())
}

fn reads(ids: &[String], target: impl Fn(&str) -> String) -> Vec<Companion> {
    let known = ids.iter().map(|id| Companion {
        wanted: Wanted::get(target(id)),
        record: Some(id.clone()),
        statuses: &[200, 400, 404],
    });
    let unknown = nobodies().map(|id| refused(&Method::GET, target(&id), &Value::Null, &[200, 400, 404]));
    known.chain(unknown).collect()
}

fn refused(method: &Method, target: String, body: &Value, statuses: &'static [u16]) -> Companion {
    Companion { wanted: Wanted::new(method, target, body), record: None, statuses }
}

/// As many as are wanted, from the beginning again if there are fewer.
trait CycleTo: Iterator<Item = Companion> + Sized {
    fn cycle_to(self, count: usize) -> Vec<Companion> {
        let all: Vec<Companion> = self.collect();
        let again = all.iter().cycle().take(count);
        let copy = |one: &Companion| Companion {
            wanted: one.wanted.clone(),
            record: one.record.clone(),
            statuses: one.statuses,
        };
        again.map(copy).collect()
    }
}

impl<I: Iterator<Item = Companion>> CycleTo for I {}
