//! Single calls and batches are told apart by nothing but their envelope.
//!
//! Two portals with one seed are asked the same, the one by single calls and the other by batches; `single` and `batch`
//! share no line of how an answer is put together. After each sequence both hold the same. Where HubSpot itself
//! is known to differ between the two, [`Apart`] names how, and the single call is repeated on the other portal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use serde_json::{Map, Value, json};

use super::{Desk, IndexLag};
use crate::wire::Millis;

/// Sequences in all, and for how many of them one pair of portals lives.
const SEQUENCES: u64 = 2_000;
const SEQUENCES_PER_PAIR: u64 = 50;
/// What a correlation id takes from the dice: a call rolls it before anything else.
const WORDS_OF_AN_ID: u128 = 3;

/// How single calls and batches differ by HubSpot's own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    /// A batch update passes over ids of merged records and addresses without `idProperty`.
    PassedOver,
    /// A batch update finds nobody by e-mail or `hs_object_id`.
    KeyRefused,
    /// A batch looks for its records before it looks at what to write.
    MissingFirst,
    /// A batch archive or delete takes any id.
    AnyIdGoes,
    /// What no id can be is missing for a single call and no identifier for a batch.
    NoIdentifier,
    /// An upsert may bring nothing for a record that is there; an update may not.
    NothingToUpsert,
    /// A batch says of a missing record that it has no associations.
    NoneLinked,
}

struct Twins {
    single: Desk,
    batch: Desk,
    /// Decides what is asked.
    choice: ChaCha8Rng,
    /// Decides what both portals roll in the present step.
    step: u64,
    contacts: Vec<String>,
    companies: Vec<String>,
    /// How often each known difference was met, and how often there was none.
    apart: Vec<Apart>,
    equal: usize,
}

type Answer = (u16, Value);

impl Twins {
    fn new(seed: u64) -> Self {
        let desk = || {
            let mut desk = Desk::with(|options| {
                options.index_lag = IndexLag::Recorded;
                options.late_properties = true;
                options.batch_conflict_names_id = true;
                options.seed = seed;
            });
            let key = json!({"name": "erp_key", "label": "ERP key", "type": "string", "fieldType": "text",
                             "groupName": "contactinformation", "hasUniqueValue": true});
            assert_eq!(desk.post("/crm/v3/properties/contacts", &key.to_string()).0, 201);
            desk
        };
        Self {
            single: desk(),
            batch: desk(),
            choice: super::dice(seed),
            step: seed << 32,
            contacts: Vec::new(),
            companies: Vec::new(),
            apart: Vec::new(),
            equal: 0,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.choice.next_u64() % bound
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        let place = self.below(list.len() as u64);
        list[usize::try_from(place).unwrap()]
    }

    /// Lets both portals roll the same again.
    fn same_dice(&mut self) {
        self.single.dice = super::dice(self.step);
        self.batch.dice = super::dice(self.step);
    }

    fn ask_single(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        self.same_dice();
        self.single.send(method, target, &body.to_string())
    }

    fn ask_batch(&mut self, target: &str, body: &Value) -> Answer {
        self.same_dice();
        self.batch.post(target, &body.to_string())
    }

    /// The single call on the other portal, where its batch did not do the same.
    fn repeat_on_batch(&mut self, why: Apart, method: &str, target: &str, body: &Value, expected: &Answer) {
        self.same_dice();
        let repeated = self.batch.send(method, target, &body.to_string());
        assert_eq!(repeated, *expected, "{why:?}: {method} {target} {body}");
        self.apart.push(why);
    }

    fn email(&mut self) -> String {
        let n = self.below(6);
        if self.below(2) == 0 { format!("e{n}@x.test") } else { format!("E{n}@X.test ") }
    }

    /// Properties, mostly good ones.
    fn properties(&mut self, kind: &str) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut put = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        for _ in 0..self.below(4) {
            let n = self.below(5);
            let (name, value) = match self.below(if kind == "contacts" { 14 } else { 7 }) {
                0 => ("city", json!(format!("City {n}"))),
                1 => ("city", json!("")),
                2 => ("phone", Value::Null),
                3 => ("lifecyclestage", json!(self.one_of(&["lead", "customer", "subscriber", "", "vip"]))),
                4 => ("nonsense", json!(n)),
                5 => ("hs_object_id", json!(n)),
                6 => ("closedate", json!(self.one_of(&["2026-01-02", "1767225600000", "soon"]))),
                7..=9 => ("email", json!(self.email())),
                10 => ("email", json!("no address")),
                11 => ("firstname", json!(n)),
                12 => ("erp_key", json!(format!("K{n}"))),
                _ => ("hs_lead_status", json!(self.one_of(&["NEW", "OPEN", "new"]))),
            };
            put(name, value);
        }
        properties
    }

    fn kind(&mut self) -> &'static str {
        if self.below(4) == 0 { "companies" } else { "contacts" }
    }

    /// An id, mostly of a record that is or was there.
    fn id(&mut self, kind: &str) -> String {
        let made = if kind == "contacts" { &self.contacts } else { &self.companies };
        let (count, made) = (made.len() as u64, made.clone());
        if count > 0 && self.below(8) > 0 {
            let place = self.below(count.min(12));
            return made[usize::try_from(count - 1 - place).unwrap()].clone();
        }
        self.one_of(&["99999999", "0", "-7", "abc", "e1@x.test", "7 "]).to_owned()
    }

    fn trace(&mut self, input: &mut Value) -> bool {
        let traced = self.below(2) == 0;
        if traced {
            input["objectWriteTraceId"] = json!("t");
        }
        traced
    }

    fn remember(&mut self, kind: &str, body: &Value) {
        let id = body["id"].as_str().unwrap().to_owned();
        if kind == "contacts" { self.contacts.push(id) } else { self.companies.push(id) }
    }

    /// What a refusal of a single call has become in a batch: the same, or an error that names the input.
    fn same_refusal(&mut self, single: &Answer, batch: &Answer, traced: bool) {
        if traced {
            assert_eq!(
                (batch.0, &batch.1["results"], &batch.1["numErrors"]),
                (207, &json!([]), &json!(1)),
                "{single:?}"
            );
            let error = &batch.1["errors"][0];
            assert_eq!(error["message"], single.1["message"]);
            let category = single.1.get("category").cloned().unwrap_or(json!("VALIDATION_ERROR"));
            assert_eq!(error["category"], category);
            assert_eq!(error["context"]["objectWriteTraceId"], json!(["t"]));
        } else {
            assert_eq!(single, batch);
        }
        self.equal += 1;
    }

    /// What a write has become in a batch.
    fn same_success(&mut self, single: &Answer, batch: &Answer) {
        assert_eq!(single.0, batch.0, "{single:?} {batch:?}");
        assert_eq!(batch.1["results"], json!([single.1]));
        assert!(batch.1.get("errors").is_none());
        self.equal += 1;
    }

    fn same_missing(&mut self, key: &str, batch: &Answer) {
        assert_eq!((batch.0, &batch.1["results"]), (207, &json!([])), "{key} {batch:?}");
        let error = &batch.1["errors"][0];
        assert_eq!((&error["category"], &error["context"]["ids"]), (&json!("OBJECT_NOT_FOUND"), &json!([key])));
        self.equal += 1;
    }

    fn create(&mut self) {
        let kind = self.kind();
        let mut input = json!({"properties": self.properties(kind)});
        if self.below(3) == 0 {
            let (to, type_id) = if kind == "contacts" { ("companies", 279) } else { ("contacts", 280) };
            let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
            input["associations"] = json!([{"to": {"id": self.id(to)}, "types": types}]);
        }
        let single = self.ask_single("POST", &format!("/crm/v3/objects/{kind}"), &input);
        let traced = self.trace(&mut input);
        let batch = self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/create"), &json!({"inputs": [input]}));
        if single.0 == 201 {
            self.same_success(&single, &batch);
            self.remember(kind, &single.1);
        } else {
            self.same_refusal(&single, &batch, traced);
        }
    }

    fn update(&mut self) {
        let kind = self.kind();
        let id_property = self.one_of(&["", "", "", "", "erp_key", "email", "hs_object_id", "city"]);
        let key = match id_property {
            "erp_key" => format!("K{}", self.below(5)),
            "email" => self.email().trim().to_owned(),
            _ => self.id(kind),
        };
        let properties = Value::Object(self.properties(kind));
        let body = json!({"properties": properties});
        let mut input = json!({"id": key, "properties": properties});
        let mut target = format!("/crm/v3/objects/{kind}/{}", crate::model::encode(&key));
        if !id_property.is_empty() {
            input["idProperty"] = json!(id_property);
            write!(target, "?idProperty={id_property}").unwrap();
        }
        let traced = self.trace(&mut input);
        let single = self.ask_single("PATCH", &target, &body);
        let batch = self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/update"), &json!({"inputs": [input]}));
        let refused_key = batch.0 == 400
            && batch.1["message"].as_str().is_some_and(|text| text.starts_with("Unable to perform update/upsert by"));
        if refused_key {
            let known = matches!((kind, id_property), ("contacts", "email") | (_, "hs_object_id"));
            let says = single.1["message"].as_str().unwrap_or_default();
            assert!(
                known || says.starts_with("Unable to perform read/update by") || properties == json!({}),
                "{single:?}"
            );
            return self.repeat_on_batch(Apart::KeyRefused, "PATCH", &target, &body, &single);
        }
        let passed_over = batch.0 == 200 && batch.1["results"] == json!([]);
        if passed_over {
            let is_merged = single.0 == 200 && single.1["id"] != json!(key);
            assert!(is_merged || key.contains('@') || single.0 == 400, "{single:?} {batch:?}");
            return self.repeat_on_batch(Apart::PassedOver, "PATCH", &target, &body, &single);
        }
        match single.0 {
            200 => self.same_success(&single, &batch),
            404 => self.same_missing(&key, &batch),
            400 if batch.1["errors"][0]["category"] == "OBJECT_NOT_FOUND" => {
                assert_eq!(properties, json!({}), "{single:?} {batch:?}");
                self.repeat_on_batch(Apart::MissingFirst, "PATCH", &target, &body, &single);
            }
            _ => self.same_refusal(&single, &batch, traced),
        }
    }

    /// An upsert by single calls: look, then create or update.
    fn upsert(&mut self) {
        let by_email = self.below(2) == 0;
        let (name, key) = if by_email { ("email", self.email()) } else { ("erp_key", format!("K{}", self.below(7))) };
        let properties = self.properties("contacts");
        let mut input = json!({"id": key, "idProperty": name, "properties": properties});
        let traced = self.trace(&mut input);
        let target = format!("/crm/v3/objects/contacts/{}?idProperty={name}", crate::model::encode(&key));
        let found = self.ask_single("GET", &target, &Value::Null).0 == 200;
        let mut whole = properties;
        if !found && whole.get(name).is_none_or(Value::is_null) {
            whole.shift_remove(name);
            whole.insert(name.to_owned(), json!(key));
        }
        let body = json!({"properties": whole});
        let single = if found {
            self.ask_single("PATCH", &target, &body)
        } else {
            self.ask_single("POST", "/crm/v3/objects/contacts", &body)
        };
        let mut batch = self.ask_batch("/crm/v3/objects/contacts/batch/upsert", &json!({"inputs": [input]}));
        if found && whole.is_empty() {
            assert_eq!((single.0, batch.0), (400, 200));
            return self.apart.push(Apart::NothingToUpsert);
        }
        if single.0 >= 400 {
            return self.same_refusal(&single, &batch, traced);
        }
        let new = batch.1["results"][0].as_object_mut().unwrap().shift_remove("new");
        assert_eq!((new, batch.0), (Some(json!(!found)), 200));
        batch.0 = single.0;
        self.same_success(&single, &batch);
        if !found {
            self.remember("contacts", &single.1);
        }
    }

    fn read(&mut self) {
        let kind = self.kind();
        let id_property = self.one_of(&["", "", "", "erp_key", "email"]);
        let id_property = if kind == "contacts" { id_property } else { "" };
        let key = match id_property {
            "erp_key" => format!("K{}", self.below(5)),
            "email" => self.email(),
            _ => self.id(kind),
        };
        let names =
            self.one_of(&["", "city,phone", "city,nonsense", "lifecyclestage,city,city", "hs_analytics_source"]);
        let histories = self.one_of(&["", "", "city", "city,lifecyclestage,nonsense"]);
        let archived = self.below(4) == 0;
        let list = |names: &str| names.split(',').filter(|name| !name.is_empty()).map(Value::from).collect::<Vec<_>>();
        let mut target = format!("/crm/v3/objects/{kind}/{}?archived={archived}", crate::model::encode(&key));
        let mut body =
            json!({"inputs": [{"id": key}], "properties": list(names), "propertiesWithHistory": list(histories)});
        write!(target, "&properties={names}&propertiesWithHistory={histories}").unwrap();
        if !id_property.is_empty() {
            write!(target, "&idProperty={id_property}").unwrap();
            body["idProperty"] = json!(id_property);
        }
        let single = self.ask_single("GET", &target, &Value::Null);
        let mut batch = self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/read?archived={archived}"), &body);
        let unknown = names.contains("nonsense");
        if let Some(errors) = batch.1.get_mut("errors").and_then(Value::as_array_mut).filter(|_| unknown) {
            let last = errors.pop().unwrap();
            assert_eq!(last["message"], "'nonsense' Property does not exist");
            if errors.is_empty() {
                batch.1.as_object_mut().unwrap().shift_remove("errors");
                batch.0 = 200;
            }
        }
        match single.0 {
            200 => self.same_success(&single, &batch),
            404 => self.same_missing(&key, &batch),
            _ => self.same_refusal(&single, &batch, false),
        }
    }

    fn archive(&mut self) {
        let kind = self.kind();
        let id = self.id(kind);
        let single =
            self.ask_single("DELETE", &format!("/crm/v3/objects/{kind}/{}", crate::model::encode(&id)), &Value::Null);
        let batch = self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/archive"), &json!({"inputs": [{"id": id}]}));
        assert_eq!(batch, (204, Value::Null));
        if single.0 == 404 {
            assert!(id.parse::<u64>().unwrap_or(0) == 0, "{id}");
            self.apart.push(Apart::AnyIdGoes);
        } else {
            assert_eq!(single, batch);
            self.equal += 1;
        }
    }

    /// A call of the one portal that rolls what the batch rolled for the same input: a call first draws its correlation
    /// id, a batch only once.
    fn ask_single_in_turn(&mut self, turn: &mut u128, method: &str, target: &str, body: &Value) -> Answer {
        self.single.dice = super::dice(self.step);
        self.single.dice.set_word_pos(*turn - WORDS_OF_AN_ID);
        let answer = self.single.send(method, target, &body.to_string());
        *turn = self.single.dice.get_word_pos();
        answer
    }

    /// Several inputs at once, and the same one after the other.
    fn many(&mut self) {
        let verb = self.one_of(&["create", "update", "upsert"]);
        let traced = self.below(3) > 0;
        let inputs: Vec<Value> = (0..2 + self.below(4)).map(|n| self.input_of(verb, traced.then_some(n))).collect();
        let batch = self.ask_batch(&format!("/crm/v3/objects/contacts/batch/{verb}"), &json!({"inputs": inputs}));
        if batch.0 == 400 || batch.0 == 409 {
            let says = batch.1["message"].as_str().unwrap();
            assert!(!traced || says.starts_with("Duplicate IDs found in batch input"), "{says}");
            // Nothing was written: the states are compared at the end.
            self.equal += 1;
            return;
        }
        let (mut done, mut refused, mut missing) = (Vec::new(), Vec::new(), 0);
        let mut turn = WORDS_OF_AN_ID;
        for input in &inputs {
            let Some(single) = self.one_by_one(verb, input, &mut turn) else { continue };
            match single.0 {
                200 | 201 => done.push(single.1),
                404 => missing += 1,
                _ => refused.push(single.1["message"].as_str().unwrap().to_owned()),
            }
        }
        self.same_entries(&batch, &done, refused, missing);
    }

    fn input_of(&mut self, verb: &str, trace: Option<u64>) -> Value {
        let mut input = json!({"properties": self.properties("contacts")});
        match verb {
            "update" => input["id"] = json!(self.id("contacts")),
            "upsert" => {
                input["id"] = json!(format!("K{}", self.below(7)));
                input["idProperty"] = json!("erp_key");
                input["properties"]["firstname"] = json!(self.below(3));
            }
            _ => {}
        }
        if let Some(trace) = trace {
            input["objectWriteTraceId"] = json!(trace);
        }
        input
    }

    /// One input as a call of its own; nothing where the batch is known to do nothing.
    fn one_by_one(&mut self, verb: &str, input: &Value, turn: &mut u128) -> Option<Answer> {
        let (all, key) = ("/crm/v3/objects/contacts", input["id"].as_str().unwrap_or_default());
        let mut target = format!("{all}/{}", crate::model::encode(key));
        let mut body = json!({"properties": input["properties"]});
        if verb == "create" {
            return Some(self.ask_single_in_turn(turn, "POST", all, &body));
        }
        let mut look = *turn;
        if verb == "upsert" {
            target.push_str("?idProperty=erp_key");
            let found = self.ask_single_in_turn(&mut look, "GET", &target, &Value::Null).0 == 200;
            if found {
                return Some(self.ask_single_in_turn(turn, "PATCH", &target, &body));
            }
            if body["properties"].get("erp_key").is_none_or(Value::is_null) {
                body["properties"]["erp_key"] = json!(key);
            }
            return Some(self.ask_single_in_turn(turn, "POST", all, &body));
        }
        let (status, found) = self.ask_single_in_turn(&mut look, "GET", &target, &Value::Null);
        let passed_over = key.contains('@') || (status == 200 && found["id"] != *key);
        if passed_over {
            return None;
        }
        if status == 404 {
            return Some((404, Value::Null));
        }
        Some(self.ask_single_in_turn(turn, "PATCH", &target, &body))
    }

    fn same_entries(&mut self, batch: &Answer, done: &[Value], mut refused: Vec<String>, missing: usize) {
        let entries = batch.1["results"].as_array().unwrap().iter().map(|entry| {
            let mut entry = entry.clone();
            entry.as_object_mut().unwrap().shift_remove("new");
            entry
        });
        let in_order = |mut entries: Vec<Value>| {
            entries.sort_by_key(Value::to_string);
            entries
        };
        let (ours, entries) = (in_order(done.to_vec()), in_order(entries.collect()));
        assert_eq!(entries, ours, "{batch:?}");
        let errors = batch.1["errors"].as_array().cloned().unwrap_or_default();
        let (gone, wrong): (Vec<&Value>, Vec<&Value>) =
            errors.iter().partition(|error| error["category"] == "OBJECT_NOT_FOUND");
        let gone: usize = gone.iter().map(|error| error["context"]["ids"].as_array().unwrap().len()).sum();
        assert_eq!(gone, missing, "{batch:?}");
        let mut wrong: Vec<String> = wrong.iter().map(|error| error["message"].as_str().unwrap().to_owned()).collect();
        wrong.sort();
        refused.sort();
        assert_eq!(wrong, refused);
        assert_eq!(batch.0 == 207, !errors.is_empty());
        self.equal += 1;
        for record in done {
            let known = self.contacts.iter().any(|id| record["id"] == **id);
            if !known {
                self.remember("contacts", record);
            }
        }
    }

    /// Reads and archives of several, with ids that are given twice.
    fn many_ids(&mut self) {
        let kind = self.kind();
        let ids: Vec<String> = (0..2 + self.below(5)).map(|_| self.id(kind)).collect();
        let inputs = json!({"inputs": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()});
        if self.below(4) == 0 {
            for id in ids.iter().filter(|id| id.parse::<u64>().is_ok()) {
                self.ask_single("DELETE", &format!("/crm/v3/objects/{kind}/{id}"), &Value::Null);
            }
            assert_eq!(self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/archive"), &inputs).0, 204);
            self.equal += 1;
            return;
        }
        let batch = self.ask_batch(&format!("/crm/v3/objects/{kind}/batch/read"), &inputs);
        let different: BTreeSet<&String> = ids.iter().collect();
        if different.len() < ids.len() {
            assert_eq!(batch.0, 400);
            assert!(batch.1["message"].as_str().unwrap().starts_with("Duplicate IDs found in batch input"));
            self.equal += 1;
            return;
        }
        let (mut found, mut missing) = (BTreeMap::new(), 0);
        for id in &ids {
            let target = format!("/crm/v3/objects/{kind}/{}", crate::model::encode(id));
            match self.ask_single("GET", &target, &Value::Null) {
                // Two ids of one merged record are one entry.
                (200, record) => drop(found.insert(record["id"].to_string(), record)),
                _ => missing += 1,
            }
        }
        let kept = std::mem::take(&mut self.contacts);
        let found: Vec<Value> = found.into_values().collect();
        self.same_entries(&batch, &found, Vec::new(), missing);
        self.contacts = kept;
    }

    /// What has no batch is asked of both.
    fn both(&mut self, target: &str, body: &Value) -> Answer {
        let single = self.ask_single("POST", target, body);
        let other = self.ask_batch(target, body);
        assert_eq!(single, other, "{target}");
        single
    }

    fn merge(&mut self) {
        let kind = self.kind();
        let body = json!({"primaryObjectId": self.id(kind), "objectIdToMerge": self.id(kind)});
        let merged = self.both(&format!("/crm/v3/objects/{kind}/merge"), &body);
        if merged.0 == 200 {
            self.remember(kind, &merged.1);
        }
    }

    fn forget(&mut self) {
        let body = json!({"objectId": self.id("contacts")});
        self.both("/crm/v3/objects/contacts/gdpr-delete", &body);
    }

    fn link(&mut self) {
        let to_kind = self.one_of(&["companies", "companies", "contacts"]);
        let (from, to) = (self.id("contacts"), self.id(to_kind));
        let single_path =
            |tail: &str| format!("/crm/v4/objects/contacts/{}/associations/{tail}", crate::model::encode(&from));
        let batch_path = |verb: &str| format!("/crm/v4/associations/contacts/{to_kind}/batch/{verb}");
        let to_segment = crate::model::encode(&to);
        let pair = json!({"from": {"id": from}, "to": {"id": to}});
        match self.below(4) {
            0 => {
                let single =
                    self.ask_single("PUT", &single_path(&format!("default/{to_kind}/{to_segment}")), &Value::Null);
                let batch = self.ask_batch(&batch_path("associate/default"), &json!({"inputs": [pair]}));
                self.same_link(&single, &batch);
                if single.0 == 200 {
                    assert_eq!(single.1["results"], batch.1["results"]);
                }
            }
            1 => {
                let single = self.ask_single("DELETE", &single_path(&format!("{to_kind}/{to_segment}")), &Value::Null);
                let body = json!({"inputs": [{"from": {"id": from}, "to": [{"id": to}]}]});
                assert_eq!(self.ask_batch(&batch_path("archive"), &body), single);
                self.equal += 1;
            }
            2 => {
                let single = self.ask_single("GET", &single_path(to_kind), &Value::Null);
                let batch = self.ask_batch(&batch_path("read"), &json!({"inputs": [{"id": from}]}));
                let none = batch.1["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND";
                if batch.1["errors"][0]["subCategory"] == "crm.associations.INVALID_IDENTIFIER" {
                    assert_eq!(single.1["message"], "Object not found.  objectId are usually numeric.");
                    self.apart.push(Apart::NoneLinked);
                } else if single.0 == 200 && !none {
                    assert_eq!(batch.1["results"][0]["to"], single.1["results"]);
                    self.equal += 1;
                } else {
                    assert!(none && (single.0 == 404 || single.1["results"] == json!([])), "{single:?} {batch:?}");
                    self.apart.push(Apart::NoneLinked);
                }
            }
            _ => self.label(to_kind, (&from, &to), pair),
        }
    }

    /// A labelled PUT replaces what was there; a batch adds, so that the pair is cleared first.
    fn label(&mut self, to_kind: &str, (from, to): (&str, &str), mut pair: Value) {
        let type_id = self.one_of(&[279, 1, 449, 450, 4_242]);
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
        let target = format!(
            "/crm/v4/objects/contacts/{}/associations/{to_kind}/{}",
            crate::model::encode(from),
            crate::model::encode(to)
        );
        let single = self.ask_single("PUT", &target, &types);
        let batch_path = |verb: &str| format!("/crm/v4/associations/contacts/{to_kind}/batch/{verb}");
        if single.0 == 201 {
            let body = json!({"inputs": [{"from": {"id": from}, "to": [{"id": to}]}]});
            assert_eq!(self.ask_batch(&batch_path("archive"), &body).0, 204);
        }
        pair["types"] = types;
        let batch = self.ask_batch(&batch_path("create"), &json!({"inputs": [pair]}));
        self.same_link(&single, &batch);
        if single.0 == 201 {
            assert_eq!(batch.1["results"], json!([single.1]));
        }
    }

    fn same_link(&mut self, single: &Answer, batch: &Answer) {
        if single.0 < 300 {
            assert_eq!(single.0, batch.0, "{single:?} {batch:?}");
            self.equal += 1;
            return;
        }
        assert_eq!((batch.0, &batch.1["results"]), (207, &json!([])), "{single:?}");
        let error = &batch.1["errors"][0];
        if error["subCategory"] == "crm.associations.INVALID_IDENTIFIER" {
            assert_eq!((single.0, &single.1["category"]), (404, &json!("OBJECT_NOT_FOUND")));
            return self.apart.push(Apart::NoIdentifier);
        }
        for key in ["message", "category", "subCategory"] {
            assert_eq!(error.get(key), single.1.get(key), "{single:?} {batch:?}");
        }
        self.equal += 1;
    }

    fn step(&mut self) {
        self.step += 1;
        let pause = i64::try_from(self.below(2_000)).unwrap();
        self.single.now += pause;
        self.batch.now += pause;
        match self.below(25) {
            20..=22 => self.many(),
            23 => self.many_ids(),
            0..=5 => self.create(),
            6..=9 => self.update(),
            10..=11 => self.upsert(),
            12..=14 => self.read(),
            15 => self.archive(),
            16 => self.merge(),
            17 => self.forget(),
            _ => self.link(),
        }
    }

    /// Everything that can be seen of a portal.
    fn seen(desk: &mut Desk) -> Vec<Value> {
        desk.dice = super::dice(1);
        desk.portal.advance(Millis(desk.now));
        let mut seen = Vec::new();
        for kind in ["contacts", "companies"] {
            seen.extend(desk.portal.dump(kind).unwrap());
            seen.push(desk.get(&format!("/crm/v3/objects/{kind}?limit=100&archived=true&properties=email,city")).1);
            seen.push(desk.post(&format!("/crm/v3/objects/{kind}/search"), r#"{"limit":200}"#).1);
        }
        seen
    }
}

#[test]
fn two_thousand_sequences_of_single_calls_and_of_batches_end_in_the_same_state() {
    let (mut equal, mut apart) = (0, Vec::new());
    for pair in 0..SEQUENCES / SEQUENCES_PER_PAIR {
        let mut twins = Twins::new(pair + 1);
        for sequence in 0..SEQUENCES_PER_PAIR {
            let steps = 6 + twins.below(14);
            for step in 0..steps {
                let _watch = Watch(format!("pair {pair}, sequence {sequence}, step {step}"));
                twins.step();
            }
            assert_eq!(Twins::seen(&mut twins.single), Twins::seen(&mut twins.batch), "pair {pair}, {sequence}");
            for desk in [&mut twins.single, &mut twins.batch] {
                desk.portal.clear_records();
            }
            twins.contacts.clear();
            twins.companies.clear();
        }
        equal += twins.equal;
        apart.extend(twins.apart);
    }
    println!("figure: sequences = {SEQUENCES}, steps answered equally = {equal}");
    apart.sort();
    for group in apart.chunk_by(|one, other| one == other) {
        println!("figure: apart by {:?} = {}", group[0], group.len());
    }
    let kinds: BTreeSet<Apart> = apart.into_iter().collect();
    assert_eq!(kinds.len(), 7, "every known difference was met: {kinds:?}");
    assert!(equal > 15_000, "{equal}");
}

/// Says where a failing step stands.
struct Watch(String);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed in {}", self.0);
        }
    }
}
