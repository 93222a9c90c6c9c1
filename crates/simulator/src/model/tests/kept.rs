//! A portal that was written down and read again is the portal that it was.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;

use super::{Desk, IndexLag, NINE};
use crate::hub::Hub;
use crate::model::Places;
use crate::model::SeedSpec;
use crate::options::SimOptions;
use crate::saved::{FrameReader, FrameWriter, SnapshotError};
use crate::wire::Millis;

const TYPES: [&str; 6] = ["contacts", "companies", "deals", "tickets", "products", "line_items"];

/// Writes a desk's portal down and reads it into a new one.
fn again(desk: &Desk) -> Desk {
    let mut file = Vec::new();
    let mut frames = FrameWriter::begin(&mut file).unwrap();
    desk.portal.save(&mut frames).unwrap();
    frames.end().unwrap();
    let mut other = Desk::with(|options| {
        options.index_lag = desk.portal.options.index_lag;
        options.late_properties = desk.portal.options.late_properties;
        options.sample_records = true;
    });
    let mut input = file.as_slice();
    let mut frames = FrameReader::begin(&mut input).unwrap();
    let mut places = Places::default();
    while let Some(frame) = frames.next().unwrap() {
        let loaded = other.portal.load(&frame.part, &frame.payload, &mut places);
        assert!(loaded.is_ok(), "{}: {loaded:?}", frame.part);
    }
    (other.now, other.dice) = (desk.now, desk.dice.clone());
    other
}

/// A portal in which everything happened that a portal knows.
fn eventful() -> Desk {
    let mut desk = Desk::with(|options| {
        options.index_lag = IndexLag::Recorded;
        options.late_properties = true;
        options.seed = 77;
    });
    let spec = SeedSpec {
        contacts: 30,
        companies: 4,
        deals: 9,
        line_items: 5,
        tickets: 3,
        owners: 3,
        filled: 15,
        associate: true,
        ..SeedSpec::default()
    };
    let mut dice = super::dice(4);
    desk.portal.seed(&spec, Millis(desk.now), &mut dice);
    let number = json!({"name": "points", "label": "Points", "type": "number", "fieldType": "number",
                        "groupName": "contactinformation"});
    desk.post("/crm/v3/properties/contacts", &number.to_string());
    let key = json!({"name": "key", "label": "Key", "type": "string", "fieldType": "text", "hasUniqueValue": true,
                     "groupName": "contactinformation"});
    desk.post("/crm/v3/properties/contacts", &key.to_string());
    let schema = json!({"name": "boat", "labels": {"singular": "Boat", "plural": "Boats"},
                        "requiredProperties": ["name"], "searchableProperties": ["name"],
                        "primaryDisplayProperty": "name", "associatedObjects": ["CONTACT"],
                        "properties": [{"name": "name", "label": "Name", "type": "string", "fieldType": "text"}]});
    assert_eq!(desk.post("/crm-object-schemas/v3/schemas", &schema.to_string()).0, 201);
    let boat = desk.make("p_boat", r#"{"name":"Arrow"}"#);
    let one = desk.make("contacts", r#"{"email":"one@x.test","points":"5","key":"k1"}"#);
    let two = desk.make("contacts", r#"{"email":"two@x.test","city":"Rome"}"#);
    desk.send("PUT", &format!("/crm/v4/objects/p_boat/{boat}/associations/default/contacts/{one}"), "");
    desk.now += 30_000;
    desk.send("PATCH", &format!("/crm/v3/objects/contacts/{two}"), r#"{"properties":{"city":"Turin"}}"#);
    desk.send("PATCH", &format!("/crm/v3/objects/contacts/{two}"), r#"{"properties":{"city":""}}"#);
    let label = json!({"label": "Skipper", "name": "skipper", "inverseLabel": "Crew"});
    desk.post("/crm/v4/associations/contacts/companies/labels", &label.to_string());
    desk.now += 30_000;
    let list = json!({"name": "Sailors", "objectTypeId": "0-1", "processingType": "MANUAL"});
    assert_eq!(desk.post("/crm/v3/lists", &list.to_string()).0, 200);
    let stage = json!({"label": "Aboard", "displayOrder": 9, "metadata": {"probability": "0.5"}});
    assert_eq!(desk.post("/crm/v3/pipelines/deals/default/stages", &stage.to_string()).0, 201);
    let merge = json!({"primaryObjectId": one, "objectIdToMerge": two});
    assert_eq!(desk.post("/crm/v3/objects/contacts/merge", &merge.to_string()).0, 200);
    let gone = desk.make("contacts", r#"{"email":"gone@x.test"}"#);
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{gone}"), "");
    desk.make("contacts", r#"{"email":"late@x.test"}"#);
    let changed = desk.make("contacts", r#"{"email":"changed@x.test"}"#);
    desk.now += 10_000;
    desk.send("PATCH", &format!("/crm/v3/objects/contacts/{changed}"), r#"{"properties":{"city":"Bari"}}"#);
    desk
}

/// Calls whose answers tell of everything: definitions, records, history, associations, search before and after its
/// lag, and what the next records are called.
fn ask(desk: &mut Desk) -> Vec<(String, u16, String)> {
    let search =
        json!({"sorts": ["-createdate"], "limit": 100, "properties": ["city", "points", "hs_analytics_source"]});
    let search = search.to_string();
    let calls: Vec<(&str, String, String)> = vec![
        (
            "GET",
            "/crm/v3/objects/contacts?limit=50&propertiesWithHistory=city,lifecyclestage,points".into(),
            String::new(),
        ),
        ("GET", "/crm/v3/objects/contacts?limit=100&archived=true".into(), String::new()),
        (
            "GET",
            "/crm/v3/objects/contacts/one@x.test?idProperty=email&associations=companies,p_boat".into(),
            String::new(),
        ),
        (
            "GET",
            "/crm/v3/objects/contacts/two@x.test?idProperty=email&properties=hs_merged_object_ids".into(),
            String::new(),
        ),
        ("GET", "/crm/v3/objects/contacts/k1?idProperty=key".into(), String::new()),
        ("GET", "/crm/v3/properties/contacts".into(), String::new()),
        ("GET", "/crm/v3/properties/p_boat".into(), String::new()),
        ("GET", "/crm/v3/properties/contacts/groups".into(), String::new()),
        ("GET", "/crm-object-schemas/v3/schemas".into(), String::new()),
        ("GET", "/crm/v3/pipelines/deals".into(), String::new()),
        ("GET", "/crm/v3/pipelines/deals/default/audit".into(), String::new()),
        ("GET", "/crm/v3/lists/object-type-id/0-1/name/Sailors".into(), String::new()),
        ("GET", "/crm/v3/owners".into(), String::new()),
        ("GET", "/crm/v4/associations/contacts/companies/labels".into(), String::new()),
        ("POST", "/crm/v3/objects/contacts/search".into(), search.clone()),
        ("POST", "/crm/v3/objects/contacts".into(), r#"{"properties":{"email":"next@x.test"}}"#.into()),
        ("POST", "/crm/v3/objects/contacts".into(), r#"{"properties":{"email":"one@x.test"}}"#.into()),
        ("POST", "/crm/v3/objects/p_boat".into(), r#"{"properties":{"name":"Bow"}}"#.into()),
        ("POST", "/crm/v4/associations/deals/companies/labels".into(), r#"{"label":"Payer","name":"payer"}"#.into()),
        ("WAIT", "20000".into(), String::new()),
        ("POST", "/crm/v3/objects/contacts/search".into(), search),
    ];
    let mut answers = Vec::new();
    for (method, target, body) in calls {
        if method == "WAIT" {
            desk.now += target.parse::<i64>().unwrap();
            continue;
        }
        let answer = desk.answer(method, &target, &body);
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        answers.push((format!("{method} {target}"), answer.status, text));
    }
    desk.portal.add_owner("new@x.test", "New", "Owner", Millis(NINE));
    answers.push(("the next owner".into(), 0, desk.portal.owners.last().unwrap().id.to_string()));
    answers
}

#[test]
fn a_portal_that_was_read_again_answers_as_before_and_counts_on() {
    let mut desk = eventful();
    let mut other = again(&desk);
    for name in TYPES.into_iter().chain(["p_boat"]) {
        assert_eq!(other.portal.dump(name).unwrap(), desk.portal.dump(name).unwrap(), "{name}");
    }
    assert_eq!(other.portal.next_due(), desk.portal.next_due());
    let (expected, found) = (ask(&mut desk), ask(&mut other));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected);
    }
    let statuses: Vec<u16> = expected.iter().map(|(_, status, _)| *status).collect();
    assert_eq!(
        statuses,
        [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 201, 409, 201, 200, 200, 0]
    );
}

#[test]
fn a_file_of_a_version_with_other_places_is_read_by_names() {
    let desk = eventful();
    let mut file = Vec::new();
    let mut frames = FrameWriter::begin(&mut file).unwrap();
    desk.portal.save(&mut frames).unwrap();
    frames.end().unwrap();
    let mut other = Desk::new();
    let (mut places, mut input) = (Places::default(), file.as_slice());
    let mut frames = FrameReader::begin(&mut input).unwrap();
    while let Some(frame) = frames.next().unwrap() {
        other.portal.load(&frame.part, &frame.payload, &mut places).unwrap();
        if frame.part == "portal" {
            // As if this version knew a property and an object type more, before those of the file.
            let kind = other.portal.catalog.find("contacts").unwrap();
            let property = crate::model::property::Property::standard(
                "newer",
                "Newer",
                crate::model::property::ValueType::String,
                "text",
                "contactinformation",
            );
            other.portal.catalog.get_mut(kind).define(property);
            other.post(
                "/crm-object-schemas/v3/schemas",
                &json!({"name": "newer", "labels": {"singular": "N", "plural": "N"},
                "requiredProperties": [], "properties": []})
                .to_string(),
            );
        }
    }
    for name in TYPES.into_iter().chain(["p_boat"]) {
        let (found, expected) = (other.portal.dump(name).unwrap(), desk.portal.dump(name).unwrap());
        // Numbers of association types are the file's, those of properties and object types are not seen.
        assert_eq!(found, expected, "{name}");
    }
}

fn hub() -> Hub {
    let options = SimOptions::default();
    Hub::new(&options, Millis(NINE), &mut ChaCha8Rng::seed_from_u64(0)).unwrap()
}

fn file_of_a_hub() -> Vec<u8> {
    let mut hub = hub();
    let mut dice = ChaCha8Rng::seed_from_u64(0);
    let portal = hub.first_portal();
    let spec = SeedSpec { contacts: 3, companies: 1, owners: 1, associate: true, ..SeedSpec::default() };
    hub.portal_mut(portal).unwrap().model.seed(&spec, Millis(NINE), &mut dice);
    let mut file = Vec::new();
    let (bytes, records) = hub.save(&dice, &mut file).unwrap();
    assert_eq!((bytes, records), (file.len() as u64, 4));
    file
}

fn restored(file: &[u8]) -> Result<Hub, SnapshotError> {
    let mut hub = hub();
    let mut input = file;
    hub.restore(&mut ChaCha8Rng::seed_from_u64(0), &mut input)?;
    Ok(hub)
}

#[test]
fn a_broken_file_is_refused_with_the_part_and_the_place() {
    let file = file_of_a_hub();
    let hub = restored(&file).unwrap();
    assert_eq!(hub.portal(hub.first_portal()).unwrap().record_counts()["contacts"], 3);
    assert_eq!(restored(b"{}").unwrap_err().to_string(), "the file is no snapshot of a simulator");
    for len in (0..file.len()).step_by(file.len() / 40) {
        let error = restored(&file[..len]).unwrap_err().to_string();
        assert!(error.contains("cut short") || error.contains("no snapshot"), "{error}");
    }
    let payload_of = |part: &str, payload: &[u8]| {
        let mut file = Vec::new();
        let mut frames = FrameWriter::begin(&mut file).unwrap();
        frames.put("portal", br#"{"portal_id":48151623,"seed":0,"event_count":0}"#).unwrap();
        frames.put(part, payload).unwrap();
        frames.end().unwrap();
        file
    };
    for (part, payload, reason) in [
        ("types", &b"{\"kind\":"[..], "part `types` at byte 100: EOF while parsing a value at line 1 column 8"),
        ("records", &[0, 0, 0, 1][..], "part `records` at byte 100: no object type has number 0"),
        ("journal", b"", "part `journal` at byte 100: this version does not know such a part"),
        ("merged", b"[[0,{\"5\":5}]]", "part `merged` at byte 100: record 5 cannot be merged into 5"),
        (
            "portal",
            br#"{"portal_id":1,"seed":0,"event_count":0}"#,
            "part `portal` at byte 100: this simulator has no portal 1",
        ),
    ] {
        assert_eq!(restored(&payload_of(part, payload)).unwrap_err().to_string(), reason);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Checksums are made anew, so that what reads the parts is what is tried.
    #[test]
    fn no_bytes_of_a_part_make_the_model_panic(
        frame in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let file = file_of_a_hub();
        let mut input = file.as_slice();
        let mut frames = FrameReader::begin(&mut input).unwrap();
        let mut all = Vec::new();
        while let Some(frame) = frames.next().unwrap() {
            all.push(frame);
        }
        let hurt = frame.index(all.len());
        let payload = &mut all[hurt].payload;
        if !payload.is_empty() {
            let place = place.index(payload.len());
            for (old, new) in payload[place..].iter_mut().zip(bytes) {
                *old = new;
            }
        }
        let mut file = Vec::new();
        let mut frames = FrameWriter::begin(&mut file).unwrap();
        for frame in &all {
            frames.put(&frame.part, &frame.payload).unwrap();
        }
        frames.end().unwrap();
        if let Ok(hub) = restored(&file) {
            let portal = hub.portal(hub.first_portal()).unwrap();
            portal.dump("contacts").unwrap();
        }
    }
}
