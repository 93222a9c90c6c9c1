//! What every store promises about following. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_core::follow::known::{Found, Known, Read};
use linchpin_core::follow::want::Want;
use linchpin_core::ingress::latest::{Dated, End, Latest, Presence, RecordKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::event::NewValue;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};

use super::Home;
use super::fixtures::{INSTALL, NOW, OTHER, body, contact, contacts};
use crate::follow::{Outlook, Progress, Reflect, Tracked, Update, Wanted};
use crate::mirror::MirrorRecord;
use crate::store::{Refusal, StoreError, Stores};

const LOG: AppId = AppId(7007);
const SOON: Wall = Wall(NOW.0 + 250);

fn key(id: u64) -> RecordKey {
    (contacts(), RecordId(id))
}

/// All that can be known of a record.
fn known() -> Known {
    let dated = |value| Dated { at_ms: NOW.0, value };
    let properties = [("city", NewValue::Known("Oslo".to_owned())), ("iban", NewValue::Hidden)];
    Known {
        latest: Latest {
            properties: properties.into_iter().map(|(name, value)| (name.to_owned(), dated(value))).collect(),
            presence: Some((NOW.0, Presence::Doubtful)),
            unseen: Some(NOW.0 - 1),
            end: Some(End::Merged(RecordId(3))),
        },
        read: Some(Read { as_of_ms: NOW.0 - 5, found: Found::There, mark: u64::MAX }),
    }
}

fn update(id: u64, from: u64) -> Update {
    Update { key: key(id), from, known: Known::default(), reflect: Reflect::Nothing, want: None }
}

fn due(at: Wall) -> Want {
    Want { from: at, due: at, attempts: 0 }
}

fn wanted(id: u64, from: u64, want: Want) -> Update {
    Update { want: Some(want), ..update(id, from) }
}

async fn advance(stores: &Stores, from: u64, upto: u64, updates: Vec<Update>) -> Result<(), StoreError> {
    stores.follow.advance(INSTALL, Progress { log: LOG, from, upto }, updates).await
}

async fn settle(stores: &Stores, updates: Vec<Update>) -> Result<(), StoreError> {
    stores.follow.settle(INSTALL, updates).await
}

async fn place(stores: &Stores, install: Install, log: AppId) -> u64 {
    stores.follow.place(install, log).await.expect("the place is read")
}

async fn claim(stores: &Stores, limit: u16) -> Option<Wanted> {
    stores.follow.claim(INSTALL, NOW, SOON, limit).await.expect("wishes are claimed")
}

async fn claimed(stores: &Stores, limit: u16) -> Vec<u64> {
    claim(stores, limit).await.map(|wanted| wanted.records.iter().map(|(id, _)| id.0).collect()).unwrap_or_default()
}

async fn version(stores: &Stores, id: u64) -> u64 {
    stores.follow.known(INSTALL, &[key(id)]).await.expect("it is read").first().map_or(99, |found| found.version)
}

fn moved<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Refused(Refusal::Moved(_))))
}

/// What is known comes back as it was, in the order of the keys; the default where nothing is known.
pub async fn what_is_known_comes_back_as_it_was<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    advance(&stores, 0, 4, vec![Update { known: known(), ..update(1, 0) }, update(2, 0)]).await.expect("it is stored");
    let companies = (ObjectType::new("companies"), RecordId(1));
    let found = stores.follow.known(INSTALL, &[key(2), companies, key(1)]).await.expect("it is read");
    let tracked = |version, known| Tracked { version, known };
    assert_eq!(found, [tracked(1, Known::default()), Tracked::default(), tracked(1, known())]);
    settle(&stores, vec![update(1, 1)]).await.expect("it is stored");
    assert_eq!((version(&stores, 1).await, version(&stores, 2).await), (2, 1));
}

/// A place is zero at first, and each log has its own.
pub async fn each_log_has_its_place<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    assert_eq!(place(&stores, INSTALL, LOG).await, 0);
    advance(&stores, 0, 4, Vec::new()).await.expect("it moves");
    advance(&stores, 4, 9, Vec::new()).await.expect("it moves");
    assert_eq!((place(&stores, INSTALL, LOG).await, place(&stores, INSTALL, AppId(1)).await), (9, 0));
}

/// What was made from something old is refused, and nothing of it is stored.
pub async fn an_update_of_something_old_is_refused_as_a_whole<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    advance(&stores, 0, 4, vec![update(1, 0)]).await.expect("it is stored");
    assert!(moved(&advance(&stores, 0, 5, vec![update(2, 0)]).await), "the log is elsewhere");
    assert!(moved(&advance(&stores, 4, 5, vec![wanted(2, 0, due(NOW)), update(1, 0)]).await), "a record has moved");
    let shown = Reflect::Put(contact(2, &[]));
    let put = Update { reflect: shown, ..wanted(2, 0, due(NOW)) };
    assert!(moved(&settle(&stores, vec![put, update(1, 0)]).await), "a record has moved");
    assert_eq!((place(&stores, INSTALL, LOG).await, version(&stores, 2).await), (4, 0));
    assert_eq!(stores.follow.outlook(INSTALL).await.expect("it is read"), Outlook::default());
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 0);
}

/// The mirror is written with what is known: put, archived, erased; and only what is held is archived or erased.
pub async fn the_mirror_is_written_with_what_is_known<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let held = contact(1, &[("city", Some("Oslo")), ("phone", None)]);
    let whole = || Some(body(r#"{"id":"1"}"#));
    let reflected = |id, from, reflect| Update { reflect, ..update(id, from) };
    let put = vec![reflected(1, 0, Reflect::Put(held.clone())), reflected(2, 0, Reflect::Put(contact(2, &[])))];
    advance(&stores, 0, 1, put).await.expect("it is stored");
    let newer = MirrorRecord { updated_at: None, ..contact(1, &[("city", Some("Rome"))]) };
    settle(&stores, vec![reflected(1, 1, Reflect::Put(newer))]).await.expect("it is stored");
    let get = async |id| {
        let found = stores.mirror.get(INSTALL, &contacts(), &[RecordId(id)]).await.expect("the mirror is read");
        found.into_iter().next().flatten()
    };
    let rome: BTreeMap<_, _> = [("city".to_owned(), Some("Rome".to_owned())), ("phone".to_owned(), None)].into();
    let expected = MirrorRecord { properties: rome.clone(), ..held.clone() };
    assert_eq!(get(1).await, Some(expected.clone()));
    let expected = MirrorRecord { body: whole(), ..expected };
    settle(&stores, vec![reflected(1, 2, Reflect::Put(expected.clone()))]).await.expect("it is stored");
    assert_eq!(get(1).await, Some(expected.clone()));
    advance(&stores, 1, 2, vec![reflected(1, 3, Reflect::Archive)]).await.expect("it is stored");
    assert_eq!(get(1).await, Some(MirrorRecord { archived: true, body: None, ..expected.clone() }));
    settle(&stores, vec![reflected(1, 4, Reflect::Put(expected))]).await.expect("it is stored");
    advance(&stores, 2, 3, vec![reflected(1, 5, Reflect::Erase)]).await.expect("it is stored");
    let erased = MirrorRecord { properties: BTreeMap::new(), updated_at: None, archived: true, ..held };
    assert_eq!(get(1).await, Some(erased));
    let strangers = vec![reflected(8, 0, Reflect::Archive), reflected(9, 0, Reflect::Erase)];
    advance(&stores, 3, 4, strangers).await.expect("it is stored");
    assert_eq!((get(8).await, get(9).await), (None, None));
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 2);
}

/// Wishes are claimed once one is due: of its type, those due first, and those that may come along.
pub async fn wishes_are_claimed_by_type_when_one_is_due<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let second = Duration::from_secs(1);
    let company = |id| (ObjectType::new("companies"), RecordId(id));
    // It may come along, but it does not call.
    advance(&stores, 0, 1, vec![wanted(5, 0, Want { due: SOON, ..due(NOW) })]).await.expect("it is stored");
    assert_eq!(claim(&stores, 9).await, None);
    let earlier = Wall(NOW.0 - 10);
    let first = Want { from: earlier, due: earlier, attempts: 3 };
    let updates = vec![
        wanted(1, 0, due(NOW)),
        wanted(2, 0, first),
        // Due soon, but not to be read yet; and due later.
        wanted(3, 0, due(SOON)),
        wanted(4, 0, due(NOW + second)),
        Update { key: company(1), ..wanted(1, 0, due(NOW)) },
    ];
    advance(&stores, 1, 2, updates).await.expect("it is stored");
    let batch = claim(&stores, 1).await.expect("one is due");
    assert_eq!(batch, Wanted { object_type: contacts(), records: vec![(RecordId(2), first)] });
    let mut batches = [claim(&stores, 9).await.expect("more are due"), claim(&stores, 9).await.expect("more are due")];
    batches.sort_by_key(|batch| batch.object_type.clone());
    let ids: Vec<Vec<u64>> = batches.iter().map(|batch| batch.records.iter().map(|(id, _)| id.0).collect()).collect();
    assert_eq!(ids, [vec![1], vec![1, 5]]);
    assert_eq!(claim(&stores, 9).await, None);
    let outlook = stores.follow.outlook(INSTALL).await.expect("it is read");
    assert_eq!(outlook, Outlook { waiting: 6, next_due: Some(SOON) });
}

/// A claimed wish is claimed again after it is settled or given back, and not when an event renews it.
pub async fn a_claim_lasts_until_it_is_settled_or_given_back<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    advance(&stores, 0, 1, vec![wanted(1, 0, due(NOW))]).await.expect("it is stored");
    assert_eq!(claimed(&stores, 9).await, [1]);
    advance(&stores, 1, 2, vec![wanted(1, 1, due(NOW))]).await.expect("it is stored");
    assert_eq!(claimed(&stores, 9).await, [0; 0]);
    settle(&stores, vec![wanted(1, 2, Want { attempts: 4, ..due(NOW) })]).await.expect("it is stored");
    let again = claim(&stores, 9).await.expect("it is due");
    assert_eq!(again.records, [(RecordId(1), Want { attempts: 4, ..due(NOW) })]);
    assert_eq!(stores.follow.begin(INSTALL).await.expect("it is given back"), 1);
    assert_eq!(claimed(&stores, 9).await, [1]);
    settle(&stores, vec![update(1, 3)]).await.expect("it is stored");
    assert_eq!(stores.follow.begin(INSTALL).await.expect("there is nothing to give back"), 2);
    assert_eq!(claimed(&stores, 9).await, [0; 0]);
}

/// Installs never meet.
pub async fn installs_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    advance(&stores, 0, 1, vec![Update { known: known(), ..wanted(1, 0, due(NOW)) }]).await.expect("it is stored");
    assert_eq!(place(&stores, OTHER, LOG).await, 0);
    assert_eq!(stores.follow.known(OTHER, &[key(1)]).await.expect("it is read"), [Tracked::default()]);
    assert_eq!(stores.follow.claim(OTHER, NOW, SOON, 9).await.expect("nothing is due"), None);
    assert_eq!(claimed(&stores, 9).await, [1]);
    assert_eq!(stores.follow.begin(OTHER).await.expect("there is nothing to give back"), 1);
    assert_eq!(claimed(&stores, 9).await, [0; 0]);
}

/// What was stored survives a crash, claims included.
pub async fn what_was_followed_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let updates =
        vec![Update { known: known(), ..wanted(1, 0, due(NOW)) }, wanted(2, 0, due(NOW + Duration::from_secs(9)))];
    advance(&stores, 0, 7, updates).await.expect("it is stored");
    assert_eq!(claimed(&stores, 9).await, [1]);
    assert_eq!(stores.follow.begin(INSTALL).await.expect("it begins"), 1);
    assert_eq!(claimed(&stores, 9).await, [1]);
    settle(&stores, vec![Update { reflect: Reflect::Put(contact(2, &[])), ..update(2, 1) }])
        .await
        .expect("it is stored");
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!((place(&stores, INSTALL, LOG).await, version(&stores, 2).await), (7, 2));
    assert_eq!(claimed(&stores, 9).await, [0; 0]);
    assert_eq!(stores.follow.begin(INSTALL).await.expect("it is given back"), 2);
    assert_eq!(claimed(&stores, 9).await, [1]);
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 1);
    let found = stores.follow.known(INSTALL, &[key(1)]).await.expect("it is read");
    assert_eq!(found, [Tracked { version: 1, known: known() }]);
}
