//! Pipelines and stages.

use serde_json::{Value, json};

use super::Desk;

const DEALS: &str = "/crm/v3/pipelines/deals";

fn stage(label: &str, order: i64, chance: &str) -> Value {
    json!({"label": label, "displayOrder": order, "metadata": {"probability": chance}})
}

fn pipeline(label: &str, stages: &[Value]) -> String {
    json!({"label": label, "displayOrder": 3, "stages": stages}).to_string()
}

fn make(desk: &mut Desk, label: &str) -> Value {
    let body = pipeline(label, &[stage("In", 0, "0.5"), stage("Won", 1, "1"), stage("Lost", 2, "0")]);
    let (status, made) = desk.post(DEALS, &body);
    assert_eq!(status, 201, "{made}");
    made
}

fn labels(desk: &mut Desk, target: &str) -> Vec<String> {
    let (status, read) = desk.get(target);
    assert_eq!(status, 200, "{read}");
    let stages = read["stages"].as_array().or_else(|| read["results"].as_array()).unwrap();
    stages.iter().map(|one| format!("{} {}", one["displayOrder"], one["label"].as_str().unwrap())).collect()
}

#[test]
fn a_write_echoes_the_metadata_and_a_read_shows_what_is_kept() {
    let mut desk = Desk::new();
    let made = make(&mut desk, "Own");
    assert_eq!(made["stages"][1]["metadata"], json!({"probability": "1"}));
    let id = made["id"].as_str().unwrap();
    let (_, read) = desk.get(&format!("/crm/pipelines/2026-03/deals/{id}"));
    assert_eq!(read["stages"][0]["metadata"], json!({"isClosed": "false", "probability": "0.5"}));
    assert_eq!(read["stages"][1]["metadata"], json!({"isClosed": "true", "probability": "1.0"}));
    let first = read["stages"][0]["id"].as_str().unwrap();
    let target = format!("{DEALS}/{id}/stages/{first}");
    let (status, echo) = desk.send("PATCH", &target, r#"{"metadata":{"probability":"1"}}"#);
    assert_eq!(
        (status, &echo["metadata"]),
        (200, &json!({"isClosed": "false", "probability": "1"})),
        "a stale isClosed"
    );
    assert_eq!(desk.get(&target).1["metadata"], json!({"isClosed": "true", "probability": "1.0"}));
}

#[test]
fn the_stage_of_a_deal_needs_a_probability_from_nothing_to_one() {
    let mut desk = Desk::new();
    let table = [
        (json!({}), "must specify probability when writing a dealstage"),
        (json!({"probability": "1.01"}), "dealstage probability is not valid, must be between 0.0 and 1.0 (inclusive)"),
        (json!({"probability": "x"}), "dealstage probability is not valid, must be between 0.0 and 1.0 (inclusive)"),
    ];
    for (metadata, message) in table {
        let body = json!({"label": "New", "displayOrder": 9, "metadata": metadata}).to_string();
        let (status, refusal) = desk.post(&format!("{DEALS}/default/stages"), &body);
        assert_eq!((status, &refusal["message"]), (400, &json!(message)));
        assert!(refusal.get("category").is_none());
    }
    let tickets = "/crm/v3/pipelines/tickets/0/stages";
    let (status, refusal) = desk.post(tickets, r#"{"label":"X","displayOrder":9,"metadata":{"ticketState":"HALF"}}"#);
    assert_eq!((status, &refusal["subCategory"]), (400, &json!("PipelineError.INVALID_PIPELINE_STAGE_METADATA")));
    let (_, made) = desk.post(tickets, r#"{"label":"X","displayOrder":9,"metadata":{"unknown":"dropped"}}"#);
    let id = made["id"].as_str().unwrap();
    let kept = desk.get(&format!("{tickets}/{id}")).1["metadata"].clone();
    assert_eq!(kept, json!({"ticketState": "OPEN", "isClosed": "false"}));
}

#[test]
fn labels_are_unique_whatever_their_case() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.post(DEALS, &pipeline("SALES pipeline", &[stage("A", 0, "0.1")]));
    assert_eq!((status, &refusal["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(refusal["message"], "An active pipeline with label SALES pipeline already exists.");
    let (_, refusal) = desk.post(DEALS, &pipeline("P", &[stage("A", 0, "0.1"), stage(" a ", 1, "0.2")]));
    assert_eq!(refusal["subCategory"], "PipelineError.STAGE_LABEL_EXISTS");
    let (_, refusal) = desk.post(&format!("{DEALS}/default/stages"), &stage("contract SENT", 9, "0.1").to_string());
    assert_eq!(refusal["message"], "Stage with label contract SENT already exists");
    let own = desk.send("PATCH", &format!("{DEALS}/default"), r#"{"label":"sales pipeline"}"#);
    assert_eq!(own.0, 200, "its own label in another case");
}

#[test]
fn ids_are_taken_as_given_and_belong_to_one_pipeline() {
    let mut desk = Desk::new();
    let named = |id: &str, stage_id: &str| {
        json!({"pipelineId": id, "label": id, "displayOrder": 1,
               "stages": [{"stageId": stage_id, "label": "A", "displayOrder": 0, "metadata": {"probability": "0.1"}}]})
        .to_string()
    };
    let (status, made) = desk.post(DEALS, &named("mine", "first"));
    assert_eq!((status, &made["id"], &made["stages"][0]["id"]), (201, &json!("mine"), &json!("first")));
    let (status, refusal) = desk.post(DEALS, &named("mine", "second"));
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], "There's another pipeline in this portal with pipelineId (mine).");
    for (id, stage_id) in [("other", "first"), ("0", "third")] {
        let (status, refusal) = desk.post(DEALS, &named(id, stage_id));
        assert_eq!(status, 409, "{refusal}");
        assert_eq!(refusal["subCategory"], "PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE");
    }
    let body = r#"{"stageId":"first","label":"B","displayOrder":9,"metadata":{"probability":"0.1"}}"#;
    let (status, refusal) = desk.post(&format!("{DEALS}/default/stages"), body);
    let message = "An existing active stage in another pipeline is already using stage id first";
    assert_eq!((status, &refusal["message"]), (400, &json!(message)));
    let (fits, breaks) = (named("long", &"s".repeat(100)), named("longer", &"s".repeat(101)));
    assert_eq!(desk.post(DEALS, &fits).0, 201);
    let (status, refusal) = desk.post(DEALS, &breaks);
    assert_eq!((status, &refusal["message"]), (500, &json!("internal error")));
}

#[test]
fn a_stage_on_a_taken_place_goes_behind_its_holder() {
    let mut desk = Desk::new();
    let id = make(&mut desk, "Own")["id"].as_str().unwrap().to_owned();
    let target = format!("{DEALS}/{id}");
    desk.post(&format!("{target}/stages"), &stage("Late", 9, "0.7").to_string());
    assert_eq!(labels(&mut desk, &target), ["0 In", "1 Won", "2 Lost", "9 Late"]);
    desk.post(&format!("{target}/stages"), &stage("New", 1, "0.7").to_string());
    assert_eq!(labels(&mut desk, &format!("{target}/stages")), ["0 In", "1 Won", "2 New", "3 Lost", "4 Late"]);
    let (status, refusal) = desk.post(&format!("{target}/stages"), &stage("Minus", -1, "0.7").to_string());
    assert_eq!((status, &refusal["message"]), (400, &json!("Pipeline display order cannot be negative")));
    let tied = pipeline("Tied", &[stage("A", 0, "0.1"), stage("B", 0, "0.2"), stage("C", 5, "0.3")]);
    let (_, made) = desk.post(DEALS, &tied);
    let tied = format!("{DEALS}/{}", made["id"].as_str().unwrap());
    assert_eq!(labels(&mut desk, &tied), ["0 B", "1 A", "2 C"]);
}

#[test]
fn a_pipeline_keeps_a_stage_and_a_ticket_pipeline_a_closed_one() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.post(DEALS, &pipeline("Empty", &[]));
    assert_eq!((status, &refusal["message"]), (400, &json!("Pipeline must have at least one stage")));
    let (_, made) = desk.post(DEALS, &pipeline("One", &[stage("A", 0, "0.1")]));
    let (id, only) = (made["id"].as_str().unwrap(), made["stages"][0]["id"].as_str().unwrap());
    assert_eq!(desk.send("DELETE", &format!("{DEALS}/{id}/stages/{only}"), "").0, 400);
    let tickets = "/crm/v3/pipelines/tickets/0/stages/4";
    for (method, body) in [("DELETE", ""), ("PATCH", r#"{"metadata":{"ticketState":"OPEN"}}"#)] {
        let (status, refusal) = desk.send(method, tickets, body);
        assert_eq!((status, &refusal["subCategory"]), (400, &json!("PipelineError.MISSING_CLOSED_STAGE")));
    }
}

#[test]
fn deleting_answers_for_what_does_not_exist_and_stops_at_records_if_asked() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.send("DELETE", &format!("{DEALS}/nothing"), "");
    assert_eq!((status, &refusal["message"]), (404, &json!("No pipeline found with id nothing")));
    assert_eq!(desk.send("DELETE", &format!("{DEALS}/nothing/stages/none"), "").0, 204);
    assert_eq!(desk.send("DELETE", &format!("{DEALS}/default/stages/none"), "").0, 204);
    let made = make(&mut desk, "Own");
    let (id, first) = (made["id"].as_str().unwrap(), made["stages"][0]["id"].as_str().unwrap());
    let deal = desk.make("deals", &json!({"pipeline": id, "dealstage": first}).to_string());
    for flag in ["validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete"] {
        let (status, refusal) = desk.send("DELETE", &format!("{DEALS}/{id}?{flag}=true"), "");
        assert_eq!((status, &refusal["subCategory"]), (400, &json!("PipelineError.STAGE_ID_IN_USE")));
        assert_eq!(refusal["context"]["objectIds"], json!([format!("[{deal}]")]));
    }
    assert_eq!(desk.send("DELETE", &format!("{DEALS}/{id}"), "").0, 204);
    assert_eq!(desk.get(&format!("{DEALS}/{id}")).0, 404);
}

#[test]
fn put_replaces_the_stages_and_patch_leaves_them() {
    let mut desk = Desk::new();
    let made = make(&mut desk, "Own");
    let (id, first) = (made["id"].as_str().unwrap(), made["stages"][0]["id"].as_str().unwrap());
    let target = format!("{DEALS}/{id}");
    desk.now += 1_000;
    let (status, patched) = desk.send("PATCH", &target, r#"{"label":"Renamed","stages":[]}"#);
    assert_eq!((status, patched["stages"].as_array().unwrap().len()), (200, 3));
    assert_eq!(patched["stages"][0]["updatedAt"], "2026-11-20T09:15:03.417Z", "a PATCH moves the dates of all stages");
    let mut kept = stage("Kept", 0, "0.4");
    kept["stageId"] = first.into();
    let (status, put) = desk.send("PUT", &target, &pipeline("Put", &[kept, stage("Fresh", 1, "0.6")]));
    assert_eq!((status, &put["stages"][0]["metadata"]), (200, &json!({"probability": "0.4"})));
    let (_, read) = desk.get(&target);
    assert_eq!(read["stages"][0]["id"], first);
    assert_eq!(read["stages"][0]["createdAt"], "2026-11-20T09:15:02.417Z");
    assert_eq!(read["stages"].as_array().unwrap().len(), 2);
    assert_eq!(desk.send("PUT", &target, r#"{"label":"Put"}"#).0, 400);
    let stage_target = format!("{target}/stages/{first}");
    assert_eq!(desk.send("PUT", &stage_target, r#"{"label":"Only"}"#).0, 400);
    let (status, put) = desk.send("PUT", &stage_target, &stage("Whole", 0, "0.9").to_string());
    assert_eq!((status, &put["metadata"]), (200, &json!({"probability": "0.9"})));
}

#[test]
fn a_deleted_pipeline_comes_back_by_a_patch_and_its_audit_tells() {
    let mut desk = Desk::new();
    let id = make(&mut desk, "Own")["id"].as_str().unwrap().to_owned();
    let target = format!("{DEALS}/{id}");
    assert_eq!(desk.send("PATCH", &target, r#"{"archived":false}"#).0, 400, "it is not archived");
    desk.send("PATCH", &target, r#"{"displayOrder":8}"#);
    desk.send("DELETE", &target, "");
    assert_eq!(desk.send("PATCH", &target, r#"{"archived":true}"#).0, 400);
    let (status, back) = desk.send("PATCH", &target, r#"{"archived":false}"#);
    assert_eq!((status, &back["displayOrder"], back["stages"].as_array().unwrap().len()), (200, &json!(8), 3));
    let (_, audit) = desk.get(&format!("{target}/audit"));
    let actions: Vec<&str> =
        audit["results"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["UPDATE", "DELETE", "UPDATE", "CREATE"], "the newest first");
    assert_eq!(audit["results"][3]["rawObject"]["label"], "Own");
    let stage_id = back["stages"][0]["id"].as_str().unwrap();
    let (_, audit) = desk.get(&format!("{target}/stages/{stage_id}/audit"));
    assert_eq!(audit["results"].as_array().unwrap().len(), 1);
    assert_eq!(desk.send("PATCH", &format!("{DEALS}/never"), r#"{"archived":false}"#).0, 404);
}

#[test]
fn the_lifecycle_of_contacts_is_a_pipeline_that_can_only_be_read() {
    let mut desk = Desk::new();
    let (_, found) = desk.get("/crm/v3/pipelines/contacts");
    let own = &found["results"][0];
    assert_eq!(
        (&own["id"], &own["createdAt"]),
        (&json!("contacts-lifecycle-pipeline"), &json!("1970-01-01T00:00:00Z"))
    );
    assert_eq!(own["stages"][1]["metadata"], json!({"isClosed": "false", "state": "OPEN"}));
    assert_eq!(desk.get("/crm/v3/pipelines/0-1/contacts-lifecycle-pipeline/stages/lead").1["label"], "Lead");
    assert_eq!(desk.post("/crm/v3/pipelines/contacts", &pipeline("X", &[])).0, 400);
    assert_eq!(desk.get("/crm/v3/pipelines/products").1, json!({"results": []}));
}

#[test]
fn a_pipeline_has_at_most_a_hundred_stages() {
    let mut desk = Desk::new();
    let stages = |count: i64| (0..count).map(|n| stage(&format!("S{n}"), n, "0.5")).collect::<Vec<Value>>();
    assert_eq!(desk.post(DEALS, &pipeline("Many", &stages(101))).0, 400);
    let (status, made) = desk.post(DEALS, &pipeline("Many", &stages(100)));
    assert_eq!(status, 201);
    let target = format!("{DEALS}/{}/stages", made["id"].as_str().unwrap());
    assert_eq!(desk.post(&target, &stage("More", 200, "0.5").to_string()).0, 400);
}
