//! Two answers side by side: status, header set, and the shape of the body, which is its keys and the types of their
//! values. What may differ stands in [`RULES`], each with its reason; everything else is a failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use linchpin_simulator::wire::ApiAnswer;
use serde_json::Value;

/// What HubSpot answered.
pub(super) struct Recorded {
    pub(super) status: u16,
    /// Names in lower case; nothing where the recording has no headers.
    pub(super) headers: Option<BTreeSet<String>>,
    pub(super) body: Value,
}

/// How one place of an answer differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// HubSpot has it, the simulator has not.
    Missing,
    /// The simulator has it, HubSpot has not.
    Extra,
    /// Both have it, with values of other types.
    Type,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    place: String,
    kind: Kind,
    detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.kind, self.place, self.detail)
    }
}

/// A difference that may be: in recordings whose name begins so, at a place (`*` at its end for everything below).
struct Rule {
    source: &'static str,
    place: &'static str,
    kind: Kind,
    reason: &'static str,
}

const fn rule(source: &'static str, place: &'static str, kind: Kind, reason: &'static str) -> Rule {
    Rule { source, place, kind, reason }
}

const NEWER: &str = "newer recordings have it";
const SUBSET: &str = "the simulator knows a working subset of the standard properties, with plain definitions";
const EDITED: &str = "left out by the authors of the recording";
const SHORTENED: &str = "the quotation is shortened; recordings have it";
const EMPTY: &str = "the family is not built: its lists are empty";
const OLDER: &str = "an older form of the same answer";

/// How a body travels is the socket's matter, not the hub's.
const OF_THE_SOCKET: [&str; 2] = ["transfer-encoding", "content-length"];

const RULES: &[Rule] = &[
    rule("grouparoo", "results[].url", Kind::Extra, NEWER),
    rule("grouparoo create", "results[].properties.*", Kind::Extra, "what a create computes has grown"),
    rule("grouparoo update", "results[].properties.*", Kind::Extra, "what an update tells has grown"),
    rule("grouparoo schema", "associations[].*", Kind::Extra, NEWER),
    rule("grouparoo schema", "results[].associations[].*", Kind::Extra, NEWER),
    rule("grouparoo schema", "properties[].*", Kind::Extra, NEWER),
    rule("grouparoo schema", "properties[].*", Kind::Missing, SUBSET),
    rule("grouparoo schema", "properties[].*", Kind::Type, SUBSET),
    rule("grouparoo schema", "results[].properties[].*", Kind::Extra, NEWER),
    rule("grouparoo schema", "results[].properties[].*", Kind::Missing, SUBSET),
    rule("grouparoo legacy", "[].*", Kind::Extra, NEWER),
    rule("grouparoo legacy", "[].*", Kind::Missing, SUBSET),
    rule("grouparoo legacy", "[].*", Kind::Type, SUBSET),
    rule("ruby", "properties.*", Kind::Missing, SUBSET),
    rule("ruby", "properties.*", Kind::Extra, "what HubSpot computes has grown"),
    rule("ruby", "requestId", Kind::Missing, OLDER),
    rule("ruby", "mergeAudits", Kind::Extra, NEWER),
    rule("ruby", "stateChanges", Kind::Extra, NEWER),
    rule("ruby", "imports", Kind::Extra, NEWER),
    rule("ruby", "attachments", Kind::Extra, NEWER),
    rule("ruby", "associations.ticketIds", Kind::Extra, NEWER),
    rule("ruby", "metadata.*", Kind::Missing, SUBSET),
    rule("amp list", "results[].url", Kind::Extra, EDITED),
    rule("amp", "results[].properties.*", Kind::Extra, "asked of other accounts, or left out by the authors"),
    rule("amp invalid", "errors[].*", Kind::Extra, NEWER),
    rule("amp schema", "*", Kind::Missing, SUBSET),
    rule("amp schema", "*", Kind::Extra, SUBSET),
    rule("amp definition", "results[].*", Kind::Missing, SUBSET),
    rule("amp definition", "results[].*", Kind::Extra, SUBSET),
    rule("amp create", "results[].properties.*", Kind::Missing, SUBSET),
    rule("amp empty", "results[]*", Kind::Missing, EMPTY),
    rule("amp empty", "paging*", Kind::Missing, EMPTY),
    rule("quoted", "requestId", Kind::Missing, OLDER),
    rule("quoted", "error", Kind::Missing, "in one copied body alone; no recording has it"),
    rule("quoted", "errors*", Kind::Extra, SHORTENED),
    rule("quoted", "correlationId", Kind::Extra, SHORTENED),
    rule("quoted in part", "*", Kind::Extra, SHORTENED),
];

/// How the comparisons of one kind of recording ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    equal: usize,
    allowed: usize,
    excused: BTreeMap<String, usize>,
    used: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
}

impl Tally {
    /// Compares one exchange, or notes that the simulator does not serve its path.
    pub(super) fn compare(&mut self, source: &str, exchange: &str, recorded: &Recorded, ours: &ApiAnswer) {
        if is_unserved(recorded, ours) {
            return self.excuse("the path is not served");
        }
        let mut used = BTreeSet::new();
        let mut left = Vec::new();
        for difference in differences(recorded, ours) {
            match RULES.iter().find(|rule| rule.allows(source, &difference)) {
                Some(rule) => drop(used.insert(rule.reason)),
                None => left.push(difference.to_string()),
            }
        }
        if !left.is_empty() {
            self.failed.push(format!("{source}: {exchange}: {}", left.join("; ")));
        } else if used.is_empty() {
            self.equal += 1;
        } else {
            self.allowed += 1;
        }
        for reason in used {
            *self.used.entry(reason).or_default() += 1;
        }
    }

    /// Counts an exchange that is not compared.
    pub(super) fn excuse(&mut self, reason: &str) {
        *self.excused.entry(reason.to_owned()).or_default() += 1;
    }

    /// Prints the figures and fails when something differs that may not; at least so many were compared.
    pub(super) fn finish(self, name: &str, at_least: usize) {
        let excused: usize = self.excused.values().sum();
        let compared = self.equal + self.allowed + self.failed.len();
        println!(
            "figure: {name}: compared = {compared}, of these equal = {}, with allowed differences = {}, excused = {excused}",
            self.equal, self.allowed
        );
        for (reason, count) in &self.used {
            println!("  allowed {count}: {reason}");
        }
        for (reason, count) in &self.excused {
            println!("  excused {count}: {reason}");
        }
        let mut failed: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &self.failed {
            *failed.entry(line).or_default() += 1;
        }
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        assert!(compared >= at_least, "{name}: only {compared} were compared");
    }
}

impl Rule {
    fn allows(&self, source: &str, difference: &Difference) -> bool {
        let fits = match self.place.strip_suffix('*') {
            Some(start) => difference.place.starts_with(start) && !difference.place.starts_with("header "),
            None => difference.place == self.place,
        };
        source.starts_with(self.source) && self.kind == difference.kind && fits
    }
}

fn is_page(answer: &ApiAnswer) -> bool {
    answer
        .headers
        .get("content-type")
        .is_some_and(|value| value.to_str().is_ok_and(|text| text.starts_with("text/html")))
}

/// A page of the servlet container where HubSpot answered something else: nothing stands at this path.
fn is_unserved(recorded: &Recorded, ours: &ApiAnswer) -> bool {
    let other = recorded.status != ours.status || recorded.body.is_object() || recorded.body.is_array();
    is_page(ours) && (ours.status == 404 || ours.status == 405) && other
}

/// Every way in which two answers differ.
pub(super) fn differences(recorded: &Recorded, ours: &ApiAnswer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |place: &str, kind, detail: String| found.push(Difference { place: place.to_owned(), kind, detail });
    if recorded.status != ours.status {
        let body = String::from_utf8_lossy(&ours.body).into_owned();
        add("status", Kind::Type, format!("{} here {} {body}", recorded.status, ours.status));
        return found;
    }
    if let Some(theirs) = &recorded.headers {
        let own: BTreeSet<String> = ours.headers.keys().map(|name| name.as_str().to_owned()).collect();
        for name in theirs.difference(&own).filter(|name| !OF_THE_SOCKET.contains(&name.as_str())) {
            add(&format!("header {name}"), Kind::Missing, String::new());
        }
        for name in own.difference(theirs) {
            add(&format!("header {name}"), Kind::Extra, String::new());
        }
    }
    let own = serde_json::from_slice(&ours.body).unwrap_or(Value::Null);
    let theirs = if recorded.body == "" { &Value::Null } else { &recorded.body };
    let (theirs, own) = (Shape::of(theirs), Shape::of(&own));
    for (place, node) in &theirs.nodes {
        match own.nodes.get(place) {
            None if own.has_parent_of(place) && theirs.is_always(place) => add(place, Kind::Missing, String::new()),
            None => {}
            Some(other) => {
                let new: BTreeSet<_> = other.types.difference(&node.types).copied().collect();
                let null_only = node.types.iter().all(|name| *name == "null");
                // A value that was never there in the recording may be of any one type here.
                let may_be = null_only && new.len() == other.types.len();
                if !new.is_empty() && !may_be {
                    add(place, Kind::Type, format!("{:?} here {:?}", node.types, other.types));
                }
            }
        }
    }
    for place in own.nodes.keys().filter(|place| !theirs.nodes.contains_key(*place)) {
        if theirs.has_parent_of(place) {
            add(place, Kind::Extra, String::new());
        }
    }
    found
}

/// The keys and types of a body; all entries of a list together.
#[derive(Default)]
struct Shape {
    nodes: BTreeMap<String, Node>,
    objects: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Node {
    count: usize,
    types: BTreeSet<&'static str>,
}

impl Shape {
    fn of(body: &Value) -> Self {
        let mut shape = Self::default();
        shape.walk("", body);
        shape
    }

    fn walk(&mut self, place: &str, value: &Value) {
        match value {
            Value::Object(entries) => {
                *self.objects.entry(place.to_owned()).or_default() += 1;
                for (key, value) in entries {
                    let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                    let node = self.nodes.entry(place.clone()).or_default();
                    node.count += 1;
                    node.types.insert(type_of(value));
                    self.walk(&place, value);
                }
            }
            Value::Array(entries) => {
                for value in entries {
                    let place = format!("{place}[]");
                    let node = self.nodes.entry(place.clone()).or_default();
                    node.count += 1;
                    node.types.insert(type_of(value));
                    self.walk(&place, value);
                }
            }
            _ => {}
        }
    }

    /// Whether the object that would hold this key is there.
    fn has_parent_of(&self, place: &str) -> bool {
        match place.rsplit_once('.') {
            _ if place.ends_with("[]") => true,
            Some((parent, _)) => self.objects.contains_key(parent),
            None => true,
        }
    }

    /// Whether every object at this place has the key.
    fn is_always(&self, place: &str) -> bool {
        let count = self.nodes.get(place).map_or(0, |node| node.count);
        let parent = place.rsplit_once('.').map_or("", |(parent, _)| parent);
        place.ends_with("[]") || self.objects.get(parent).is_some_and(|objects| *objects == count)
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn told(theirs: Value, own: &Value) -> Vec<String> {
        let recorded = Recorded { status: 200, headers: None, body: theirs };
        let ours = ApiAnswer { status: 200, headers: HeaderMap::new(), body: Bytes::from(own.to_string()) };
        differences(&recorded, &ours).iter().map(|one| format!("{:?} {}", one.kind, one.place)).collect()
    }

    #[test]
    fn keys_and_types_are_compared_and_values_are_not() {
        assert!(told(json!({"a": [{"b": "x"}]}), &json!({"a": [{"b": "y"}, {"b": "z"}]})).is_empty());
        assert_eq!(told(json!({"a": 1, "b": {"c": true}}), &json!({"a": "1", "b": {}})), ["Type a", "Missing b.c"]);
        assert_eq!(told(json!({"a": []}), &json!({"a": [1], "z": 1})), ["Extra a[]", "Extra z"]);
        assert_eq!(told(json!({"a": [{"b": 1}]}), &json!({"a": []})), ["Missing a[]"]);
        assert!(told(json!({"a": null}), &json!({"a": "known here"})).is_empty());
    }
}
