//! Whether two answers are one: equal but for times, correlation ids and a one-to-one renaming of new ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::words::{self, Word};

/// The headers that a client may decide by. Those of rate limits are Linchpin's own view, and not compared.
pub const NAMED_HEADERS: [&str; 5] =
    ["content-type", "content-encoding", "location", "x-hubspot-notfound", "x-hubspot-correlation-id"];

/// The header by which HubSpot names a request.
const CORRELATION: &str = "x-hubspot-correlation-id";

/// Two moments of one deed, seen in two worlds, lie no further apart than this.
const APART_MS_MAX: i64 = 3_600_000;
/// Shorter numbers are counts, limits and type ids, which are the same everywhere.
const NEW_ID_DIGITS_MIN: usize = 3;

/// Members that name an app or a kind of association.
const DEFINED: [&str; 3] = ["/hs_object_source_id", "/typeId", "/associationTypeId"];

/// What a client sees of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The HTTP status.
    pub status: u16,
    /// The named headers that are there.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: Content,
}

/// A body.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// Anything else.
    Text(String),
}

impl Seen {
    /// Reads an answer.
    pub fn of(status: u16, headers: &HeaderMap, body: &Bytes) -> Self {
        let named = NAMED_HEADERS.into_iter();
        let headers = named.filter_map(|name| Some((name, headers.get(name)?.to_str().ok()?.to_owned()))).collect();
        let body = match serde_json::from_slice(body) {
            _ if body.is_empty() => Content::Empty,
            Ok(json) => Content::Json(json),
            Err(_) => Content::Text(String::from_utf8_lossy(body).into_owned()),
        };
        Self { status, headers, body }
    }

    /// Whether its header and its body carry one correlation id; none if one of them carries none.
    fn names_itself(&self) -> Option<bool> {
        let Content::Json(body) = &self.body else { return None };
        Some(self.headers.get(CORRELATION)? == body.get("correlationId")?.as_str()?)
    }
}

/// Which id of one world is which of the other. Learned from answers to calls that were the same in both.
#[derive(Clone, Debug, Default)]
pub struct Renaming {
    there: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
    /// What was learned, in order: an attempt that fails is taken back.
    learned: Vec<(String, String)>,
}

impl Renaming {
    /// How many ids differ.
    pub fn differing(&self) -> usize {
        self.there.iter().filter(|(here, there)| here != there).count()
    }

    /// A text of the one world as it reads in the other.
    pub fn translated(&self, text: &str) -> String {
        let mut whole = String::with_capacity(text.len());
        for word in words::of(text) {
            let (Word::Number(part) | Word::Uuid(part) | Word::Time(part) | Word::Other(part)) = word;
            let known = if matches!(word, Word::Number(_) | Word::Uuid(_)) { self.there.get(part) } else { None };
            whole.push_str(known.map_or(part, String::as_str));
        }
        whole
    }

    /// Demands that two answers to one call are the same. `unordered` allows the results of a batch in any order, as
    /// HubSpot gives them.
    ///
    /// # Errors
    /// They differ; where.
    pub fn demand(&mut self, one: &Seen, other: &Seen, unordered: bool) -> Result<(), String> {
        if one.status != other.status {
            return Err(format!("status {} and {}: {:?} and {:?}", one.status, other.status, one.body, other.body));
        }
        for name in NAMED_HEADERS {
            match (one.headers.get(name), other.headers.get(name)) {
                (None, None) => {}
                (Some(one), Some(other)) if name == CORRELATION => Self::correlation(name, one, other)?,
                (Some(one), Some(other)) => self.text(name, one, other)?,
                (one, other) => return Err(format!("header {name}: {one:?} and {other:?}")),
            }
        }
        if one.names_itself() != other.names_itself() {
            return Err("the correlation ids of header and body".to_owned());
        }
        match (&one.body, &other.body) {
            (Content::Empty, Content::Empty) => Ok(()),
            (Content::Json(one), Content::Json(other)) => self.value("", one, other, unordered),
            (Content::Text(one), Content::Text(other)) => self.text("body", one, other),
            (one, other) => Err(format!("body: {one:?} and {other:?}")),
        }
    }

    /// Correlation ids may differ, and readers who share an answer share its id.
    fn correlation(place: &str, one: &str, other: &str) -> Result<(), String> {
        match (words::of(one).as_slice(), words::of(other).as_slice()) {
            ([Word::Uuid(_)], [Word::Uuid(_)]) => Ok(()),
            _ => Err(format!("{place}: {one:?} and {other:?}")),
        }
    }

    /// Takes over what another one has learned, of a page whose ids were one-to-one among themselves.
    pub fn absorb(&mut self, page: Self) {
        for (one, other) in page.learned {
            self.there.insert(one.clone(), other.clone());
            self.back.insert(other, one);
        }
    }

    /// Learns the id of a record from answers that need not be the same otherwise.
    pub fn learn(&mut self, one: &Seen, other: &Seen) {
        if let (Content::Json(one), Content::Json(other)) = (&one.body, &other.body) {
            let id = |body: &Value| body.get("id").and_then(Value::as_str).map(str::to_owned);
            if let (Some(one), Some(other)) = (id(one), id(other)) {
                self.id(&one, &other);
            }
        }
    }

    fn value(&mut self, path: &str, one: &Value, other: &Value, unordered: bool) -> Result<(), String> {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                let mut names: Vec<&String> = one.keys().collect();
                names.sort();
                let mut others: Vec<&String> = other.keys().collect();
                others.sort();
                // A record's id may be the name of a member.
                let as_they_read_there: Vec<String> = names.iter().map(|name| self.translated(name)).collect();
                let mut sorted: Vec<&String> = as_they_read_there.iter().collect();
                sorted.sort();
                if sorted != others {
                    return Err(format!("{path}: members {names:?} and {others:?}"));
                }
                for (name, there) in names.iter().zip(&as_they_read_there) {
                    if let (Some(one), Some(other)) = (one.get(*name), other.get(there)) {
                        self.value(&format!("{path}/{name}"), one, other, unordered)?;
                    }
                }
                Ok(())
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                if unordered {
                    return self.members(path, one, other);
                }
                let mut pairs = one.iter().zip(other).enumerate();
                pairs.try_for_each(|(index, (one, other))| self.value(&format!("{path}/{index}"), one, other, false))
            }
            // A cursor may be an offset, which is no id.
            (Value::String(one), Value::String(other)) if path.ends_with("/next/after") && one == other => Ok(()),
            (Value::String(one), Value::String(other)) if path.ends_with("/correlationId") => {
                Self::correlation(path, one, other)
            }
            // Ids of apps and of association types are no records', and the same in both worlds.
            (one, other) if one == other && DEFINED.iter().any(|name| path.ends_with(name)) => Ok(()),
            (Value::String(one), Value::String(other)) => self.text(path, one, other),
            (Value::Number(one), Value::Number(other)) => {
                let (one, other) = (one.to_string(), other.to_string());
                let is_id = path.rsplit('/').find(|name| name.parse::<usize>().is_err()).is_some_and(names_an_id);
                if is_id {
                    self.text(path, &one, &other)
                } else if one == other {
                    Ok(())
                } else {
                    Self::moment(path, &one, &other)
                }
            }
            (one, other) if one == other => Ok(()),
            (one, other) => Err(format!("{path}: {one} and {other}")),
        }
    }

    /// Items in any order: each has its counterpart. The oldest are tried first, so that equal ones pair by age.
    fn members(&mut self, path: &str, one: &[Value], other: &[Value]) -> Result<(), String> {
        let mut left: Vec<&Value> = by_age(other);
        for item in by_age(one) {
            let mut why = String::new();
            let fits = |renaming: &mut Self, candidate: &Value| {
                let known = renaming.learned.len();
                let outcome = renaming.value(path, item, candidate, true);
                if let Err(difference) = outcome {
                    renaming.forget(known);
                    write!(why, "\n  {difference}").expect("a string takes every write");
                    return false;
                }
                true
            };
            let mut fits = fits;
            let Some(place) = left.iter().position(|candidate| fits(self, candidate)) else {
                let few: String = why.chars().take(2_000).collect();
                return Err(format!("{path}: nothing there is {item}:{few}"));
            };
            left.remove(place);
        }
        Ok(())
    }

    fn text(&mut self, path: &str, one: &str, other: &str) -> Result<(), String> {
        let differ = || format!("{path}: {one:?} and {other:?}");
        let (ours, theirs) = (words::of(one), words::of(other));
        if ours.len() != theirs.len() {
            return Err(differ());
        }
        for pair in ours.into_iter().zip(theirs) {
            let same = match pair {
                (Word::Time(one), Word::Time(other)) => words::are_close(one, other, APART_MS_MAX),
                (Word::Number(one), Word::Number(other)) => {
                    words::are_close(one, other, APART_MS_MAX) && one.len() > 12 || self.id(one, other)
                }
                (Word::Uuid(one), Word::Uuid(other)) => self.id(one, other),
                (one, other) => one == other,
            };
            if !same {
                return Err(differ());
            }
        }
        Ok(())
    }

    fn moment(path: &str, one: &str, other: &str) -> Result<(), String> {
        let close = one.len() > 12 && words::are_close(one, other, APART_MS_MAX);
        if close { Ok(()) } else { Err(format!("{path}: {one} and {other}")) }
    }

    /// Whether two names may be those of one thing; remembers that they are.
    fn id(&mut self, one: &str, other: &str) -> bool {
        match (self.there.get(one), self.back.get(other)) {
            (None, None) if one == other => {}
            (None, None) if one.len().min(other.len()) < NEW_ID_DIGITS_MIN => return false,
            (None, None) => {}
            (Some(there), Some(back)) => return there == other && back == one,
            _ => return false,
        }
        if one.len() >= NEW_ID_DIGITS_MIN {
            self.there.insert(one.to_owned(), other.to_owned());
            self.back.insert(other.to_owned(), one.to_owned());
            self.learned.push((one.to_owned(), other.to_owned()));
        }
        true
    }

    fn forget(&mut self, known: usize) {
        for (one, other) in self.learned.split_off(known) {
            self.there.remove(&one);
            self.back.remove(&other);
        }
    }
}

fn names_an_id(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["id", "ids", "vid", "vids"].iter().any(|end| name.ends_with(end))
}

/// Records by their ids, which ascend with age; other items as they stand.
fn by_age(items: &[Value]) -> Vec<&Value> {
    let age = |item: &&Value| {
        let id = item.get("id").or_else(|| item.pointer("/from/id"));
        id.and_then(Value::as_str).and_then(|id| id.parse::<u64>().ok()).unwrap_or_default()
    };
    let mut sorted: Vec<&Value> = items.iter().collect();
    sorted.sort_by_key(age);
    sorted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(status: u16, body: Value) -> Seen {
        Seen { status, headers: BTreeMap::new(), body: Content::Json(body) }
    }

    #[test]
    fn times_correlations_and_new_ids_may_differ_and_nothing_else() {
        let record = |id: &str, city: &str, at: &str| {
            seen(200, json!({"id": id, "properties": {"city": city, "hs_object_id": id}, "createdAt": at}))
        };
        let one = record("1022", "Graz", "2026-11-21T08:14:26.285Z");
        let mut renaming = Renaming::default();
        renaming.demand(&one, &record("1023", "Graz", "2026-11-21T08:14:27.001Z"), false).unwrap();
        assert_eq!(
            renaming.translated("/crm/v3/objects/contacts/1022?x=10220"),
            "/crm/v3/objects/contacts/1023?x=10220"
        );
        // One record is not two, nor two one.
        assert!(renaming.demand(&one, &record("1024", "Graz", "2026-11-21T08:14:27.001Z"), false).is_err());
        assert!(renaming.demand(&record("1021", "Graz", "2026-11-21T08:14:27.001Z"), &one, false).is_ok());
        let third = record("1029", "Graz", "2026-11-21T08:14:27.001Z");
        assert!(renaming.demand(&third, &record("1023", "Graz", "2026-11-21T08:14:27.001Z"), false).is_err());
        assert!(renaming.demand(&one, &record("1023", "Linz", "2026-11-21T08:14:27.001Z"), false).is_err());
        assert!(renaming.demand(&one, &record("1023", "Graz", "2026-11-21T11:14:27.001Z"), false).is_err());
    }

    #[test]
    fn a_record_may_have_the_year_as_its_id() {
        let created = |id: &str| {
            let mut answer = seen(201, json!({"id": id}));
            answer.headers.insert("location", format!("/crm/objects/2026-03/companies/{id}"));
            answer
        };
        let mut renaming = Renaming::default();
        renaming.demand(&created("2026"), &created("2031"), false).unwrap();
        assert_eq!(renaming.translated("/crm/objects/2026-03/deals/2026"), "/crm/objects/2026-03/deals/2031");
    }

    #[test]
    fn counts_do_not_pass_for_ids() {
        let mut renaming = Renaming::default();
        assert!(
            renaming.demand(&seen(200, json!({"total": 1001})), &seen(200, json!({"total": 1002})), false).is_err()
        );
        let linked = |id: u64| seen(200, json!({"results": [{"toObjectId": id}]}));
        assert!(renaming.demand(&linked(1001), &linked(1002), false).is_ok());
    }

    #[test]
    fn results_of_a_batch_may_come_in_any_order() {
        let batch = |one: [&str; 2], other: [&str; 2]| {
            let item = |[id, name]: [&str; 2]| json!({"id": id, "properties": {"name": name}});
            seen(200, json!({"results": [item(one), item(other)]}))
        };
        let one = batch(["101", "A"], ["102", "B"]);
        let other = batch(["201", "B"], ["202", "A"]);
        assert!(Renaming::default().demand(&one, &other, false).is_err());
        let mut renaming = Renaming::default();
        renaming.demand(&one, &other, true).unwrap();
        assert_eq!(renaming.translated("101 102"), "202 201");
        assert!(Renaming::default().demand(&one, &batch(["201", "B"], ["202", "B"]), true).is_err());
    }

    #[test]
    fn a_header_that_only_one_has_is_a_difference() {
        let one = seen(404, json!({"message": "resource not found"}));
        let mut other = one.clone();
        other.headers.insert("x-hubspot-notfound", "true".to_owned());
        assert!(Renaming::default().demand(&one, &other, false).is_err());
        other.status = 400;
        other.headers.clear();
        assert!(Renaming::default().demand(&one, &other, false).is_err());
    }
}
