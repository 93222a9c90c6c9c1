//! The way in, over a store that can fail.

use http::HeaderValue;
use linchpin_core::time::{Mono, Now};
use linchpin_hubspot::call::Call;
use linchpin_hubspot::signature::{NotVerified, SIGNATURE, SIGNATURE_VERSION};
use linchpin_ports::faulty::{Fault, Method, Script, wrap};
use linchpin_store_sqlite::SqliteStore;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;

const APP: AppId = AppId(9);
const NOW: Wall = Wall(1_767_225_605_000);
const SECRET: &str = "secret-of-the-app";
const URL: &str = "https://hooks.example.test/webhooks/hubspot/9";

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono(0), wall: NOW }
    }
}

fn ingress(least: Scheme) -> (Ingress, Arc<dyn EventLog>, Script) {
    let (stores, script) = wrap(SqliteStore::in_memory().unwrap().stores());
    (again(least, &stores.events), stores.events, script)
}

/// The same after a restart.
fn again(least: Scheme, log: &Arc<dyn EventLog>) -> Ingress {
    ringing(least, log, Bell::default())
}

fn ringing(least: Scheme, log: &Arc<dyn EventLog>, bell: Bell) -> Ingress {
    let app = App { id: APP, secrets: vec![SECRET.into()], least };
    Ingress::new(vec![app], Arc::clone(log), Arc::new(Still), bell)
}

fn hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn delivery(teller: Teller, version: &'static str, signature: &str, body: Vec<u8>) -> Delivery {
    let signature = HeaderValue::from_str(signature).unwrap();
    let headers =
        HeaderMap::from_iter([(SIGNATURE, signature), (SIGNATURE_VERSION, HeaderValue::from_static(version))]);
    Delivery { teller, method: "POST".to_owned(), url: URL.to_owned(), headers, body: body.into() }
}

/// Signed over the body alone.
fn v1(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let signature = hex(&[SECRET.as_bytes(), &body]);
    delivery(Teller::Webhook, "v1", &signature, body)
}

fn v2(teller: Teller, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let signature = hex(&[SECRET.as_bytes(), b"POST", URL.as_bytes(), &body]);
    delivery(teller, "v2", &signature, body)
}

fn event(portal: u64, object: u64, attempt: u32) -> serde_json::Value {
    json!({"eventId": 1, "subscriptionId": 2, "portalId": portal, "appId": 9, "occurredAt": 1_767_225_600_000_i64,
        "subscriptionType": "contact.creation", "attemptNumber": attempt, "objectId": object})
}

fn body(events: &[serde_json::Value]) -> String {
    serde_json::Value::from(events.to_vec()).to_string()
}

#[tokio::test]
async fn news_are_told_when_something_new_is_on_the_disk_and_not_otherwise() {
    let (_, log, script) = ingress(Scheme::V1);
    let bell = Bell::default();
    let (ingress, mut news) = (ringing(Scheme::V1, &log, bell.clone()), bell.listen());
    ingress.accept(APP, v1(body(&[event(1, 1, 0), event(1, 2, 0)]))).await.unwrap();
    assert!(news.is_new());
    news.note();
    assert_eq!(stored(&log, 1).await, 2);
    // The same again, a forgery, a store that fails: nobody is woken.
    ingress.accept(APP, v1(body(&[event(1, 1, 1)]))).await.unwrap();
    ingress.accept(AppId(8), v1(body(&[event(1, 3, 0)]))).await.unwrap_err();
    script.fail(Method::EventsAccept, Fault::Before);
    ingress.accept(APP, v1(body(&[event(1, 3, 0)]))).await.unwrap_err();
    assert!(!news.is_new());
}

async fn stored(log: &Arc<dyn EventLog>, portal: u64) -> usize {
    log.read(Install { portal: PortalId(portal), app: APP }, 0, u16::MAX).await.unwrap().len()
}

#[tokio::test]
async fn what_is_acknowledged_is_in_the_log_of_its_account_once() {
    let (ingress, log, _) = ingress(Scheme::V1);
    let first = body(&[event(7, 1, 0), event(7, 2, 0), event(8, 1, 0)]);
    let accepted = ingress.accept(APP, v1(first)).await.unwrap();
    assert_eq!(accepted, Accepted { new: 3, repeated: 0, known: 0 });
    let later = body(&[event(7, 2, 3), event(8, 1, 1), event(8, 5, 0)]);
    let accepted = ingress.accept(APP, v1(later)).await.unwrap();
    assert_eq!(accepted, Accepted { new: 1, repeated: 2, known: 0 });
    assert_eq!((stored(&log, 7).await, stored(&log, 8).await), (2, 2));
    let counts = ingress.counts();
    assert_eq!((counts.deliveries, counts.events.new, counts.events.repeated, counts.refused), (2, 4, 2, 0));
}

#[tokio::test]
async fn what_is_not_believed_leaves_nothing_behind() {
    let (ingress, log, _) = ingress(Scheme::V1);
    let mut forged = v1(body(&[event(7, 1, 0)]));
    forged.body = Bytes::from(body(&[event(7, 2, 0)]));
    let refused = ingress.accept(APP, forged).await.unwrap_err();
    assert!(matches!(refused, NotAccepted::NotVerified(NotVerified::Mismatch)), "{refused:?}");
    let unknown = ingress.accept(AppId(1), v1("[]")).await.unwrap_err();
    assert!(matches!(unknown, NotAccepted::UnknownApp), "{unknown:?}");
    assert_eq!((stored(&log, 7).await, ingress.counts().refused), (0, 2));
}

#[tokio::test]
async fn what_is_not_understood_is_kept_and_spoils_nothing() {
    let (ingress, log, _) = ingress(Scheme::V1);
    let mixed = format!("[{}, 17, {{\"subscriptionType\":\"contact.creation\"}}]", event(7, 1, 0));
    assert_eq!(ingress.accept(APP, v1(mixed)).await.unwrap().new, 3);
    assert_eq!(ingress.accept(APP, v1("no JSON at all")).await.unwrap().new, 1);
    let kept = log.read(Install { portal: PortalId(0), app: APP }, 0, u16::MAX).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|logged| &logged.event.raw[..]).collect();
    assert_eq!(kept, [&b"17"[..], b"{\"subscriptionType\":\"contact.creation\"}", b"no JSON at all"]);
    assert_eq!((stored(&log, 7).await, ingress.counts().not_understood), (1, 3));
}

#[tokio::test]
async fn an_app_that_has_used_a_stronger_scheme_never_gets_back() {
    let (ingress, log, _) = ingress(Scheme::V1);
    ingress.accept(APP, v1(body(&[event(7, 1, 0)]))).await.unwrap();
    ingress.accept(APP, v2(Teller::Webhook, body(&[event(7, 2, 0)]))).await.unwrap();
    for ingress in [ingress, again(Scheme::V1, &log)] {
        let refused = ingress.accept(APP, v1(body(&[event(7, 3, 0)]))).await.unwrap_err();
        assert_eq!(refused.code(), "LP6003");
    }
}

#[tokio::test]
async fn a_workflow_signs_by_the_second_scheme_and_a_replay_has_no_effect() {
    let (ingress, log, _) = ingress(Scheme::V1);
    let told = r#"{"portalId": 7, "note": "a person's own words"}"#;
    for expected in [Accepted { new: 1, repeated: 0, known: 0 }, Accepted { new: 0, repeated: 1, known: 0 }] {
        assert_eq!(ingress.accept(APP, v2(Teller::Workflow, told)).await.unwrap(), expected);
    }
    let kept = log.read(Install { portal: PortalId(7), app: APP }, 0, u16::MAX).await.unwrap();
    assert_eq!((kept[0].event.kind.as_str(), &kept[0].event.raw[..]), ("workflow", told.as_bytes()));
    let weak = Delivery { teller: Teller::Workflow, ..v1(told) };
    assert_eq!(ingress.accept(APP, weak).await.unwrap_err().code(), "LP6003");
    // A workflow's scheme says nothing of the app's webhooks.
    ingress.accept(APP, v1(body(&[event(7, 1, 0)]))).await.unwrap();
}

#[tokio::test]
async fn a_store_that_fails_acknowledges_nothing_and_the_repeat_is_recognised() {
    let (ingress, log, script) = ingress(Scheme::V1);
    for (fault, left) in [(Fault::Before, 0), (Fault::After, 1)] {
        script.fail(Method::EventsAccept, fault);
        let failed = ingress.accept(APP, v1(body(&[event(7, 1, 0)]))).await.unwrap_err();
        assert_eq!((failed.code(), stored(&log, 7).await), ("LP6005", left));
    }
    let repeated = ingress.accept(APP, v1(body(&[event(7, 1, 1)]))).await.unwrap();
    assert_eq!(repeated, Accepted { new: 0, repeated: 1, known: 0 });
    assert!(script.is_spent());
    assert_eq!(ingress.counts().failed, 2);
}

#[tokio::test]
async fn an_event_that_tells_a_caller_of_its_own_write_says_so() {
    let (_, log, _) = ingress(Scheme::V1);
    let echoes = Arc::<Echoes>::default();
    let call = Call::new(http::Method::PATCH, "/crm/v3/objects/contacts/901")
        .with_json(&json!({"properties": {"city": "Oslo"}}));
    echoes.note(PortalId(7), &[("gateway:erp".to_owned(), Arc::new(call))], NOW);
    let ingress = again(Scheme::V1, &log).with_echoes(echoes);
    let told = |value: &str| {
        json!({"eventId": 3, "subscriptionId": 41, "portalId": 7, "appId": 9, "occurredAt": NOW.0, "objectId": 901,
            "subscriptionType": "contact.propertyChange", "propertyName": "city", "propertyValue": value})
    };
    for _ in 0..2 {
        ingress.accept(APP, v1(json!([told("Oslo"), told("Rome")]).to_string())).await.unwrap();
    }
    let install = Install { portal: PortalId(7), app: APP };
    let stored: Vec<_> = log.read(install, 0, 9).await.unwrap().into_iter().map(|logged| logged.event.echo).collect();
    assert_eq!(stored, [Some(Echo { caller: "erp".to_owned(), sent_at: NOW }), None]);
    assert_eq!(ingress.echoes(), [("erp".to_owned(), 1)].into(), "what is told again is counted once");
}
