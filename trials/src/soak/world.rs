//! Two accounts behind one gateway, and a reference that is asked one call at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::schedule::{Permit, WindowSnapshot};
use linchpin_core::verdict::{Cause, CauseKind, Outcome as Sent};
use linchpin_engine::clock::{Clock, TokioClock};
use linchpin_engine::dispatch::{Dispatch, Parts, UtcDays};
use linchpin_engine::gateway::{Asked, Coalesce, Gateway};
use linchpin_engine::tasks::Tasks;
use linchpin_engine::upstream::Upstream;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::credentials::{CredentialKind, Credentials, CredentialsError, Token};
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::wire::Millis;
use linchpin_simulator::{APP_ID_DEFAULT, InProcess, PORTAL_ID_DEFAULT, SimOptions, Tier as SimTier, TokenSpec};
use linchpin_store_sqlite::SqliteStore;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Plan;
use super::load::{Ask, Outcome};
use crate::desk::{BEGINNING, TOKEN, Wire};
use crate::ledger::Entry;
use crate::transparency::compare::Seen;
use crate::transparency::wanted::{Wanted, direct};

/// The tokens of both accounts.
const TOKENS: [&str; 2] = [TOKEN, "pat-test-2"];
/// No caller waits longer, whatever goes wrong.
const HANGS_AFTER: Duration = Duration::from_secs(3_600);
/// Whatever was to happen late has happened then.
const QUIET_AFTER: Duration = Duration::from_secs(30);
const SEEDED_CONTACTS: usize = 60;

/// What is in each account at the beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    /// Records that are only read.
    pub(super) read: Vec<String>,
    /// Records that are written.
    pub(super) written: Vec<String>,
    /// The former id of a merged record.
    pub(super) merged: String,
    /// An archived record.
    pub(super) archived: String,
    /// An address that somebody has.
    pub(super) email: String,
}

pub(super) struct World {
    pub(super) simulators: [InProcess; 2],
    dispatch: Dispatch,
    reference: InProcess,
    gateway: Gateway,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
}

fn install(account: usize) -> Install {
    let account = account as u64;
    Install { portal: PortalId(PORTAL_ID_DEFAULT + account), app: AppId(APP_ID_DEFAULT + account) }
}

async fn simulator(plan: &Plan, tier: SimTier, account: usize) -> InProcess {
    let install = install(account);
    let token = TOKENS.get(account).copied().unwrap_or_default();
    let mut options = SimOptions {
        seed: plan.seed,
        latency_ms: plan.latency_ms,
        window: plan.window,
        tier,
        tokens: vec![TokenSpec::new(token, install.app.0)],
        ..SimOptions::default()
    };
    options.portal.index_lag = IndexLag::Off;
    // Both accounts number alike, so that one reference is enough.
    options.portal.portal_id = PORTAL_ID_DEFAULT;
    let simulator = InProcess::start(&options, Millis(BEGINNING.0)).expect("the simulator starts");
    let seeded = json!({"contacts": SEEDED_CONTACTS, "companies": 4, "owners": 3, "associate": true});
    control(&simulator, "POST", "/_control/seed", &seeded.to_string()).await;
    simulator
}

/// A control call: its body as text.
async fn control(simulator: &InProcess, method: &str, path: &str, body: &str) -> String {
    let request = http::Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned()));
    let answer = simulator.call(request.expect("a request")).await.expect("the simulator answers control calls");
    String::from_utf8_lossy(answer.body()).into_owned()
}

impl World {
    pub(super) async fn start(plan: &Plan) -> (Self, Stock) {
        let simulators = [simulator(plan, SimTier::Starter, 0).await, simulator(plan, SimTier::Professional, 1).await];
        let reference = simulator(plan, SimTier::Unlimited, 0).await;
        let stock = stock(&reference).await;
        for (account, simulator) in simulators.iter().enumerate() {
            settle(simulator, account, &stock).await;
        }
        settle(&reference, 0, &stock).await;
        control(&simulators[0], "POST", "/_control/faults", plan.trouble.rules()).await;
        let store = SqliteStore::in_memory().expect("a store");
        let tasks = Tasks::new();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(BEGINNING));
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(Wires(simulators.clone().map(Wire))),
            credentials: Arc::new(Keys),
            records: Arc::clone(&store.stores().budget),
            days: Arc::new(UtcDays),
            seed: plan.seed,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        for (account, tier) in [(0, Tier::Starter), (1, Tier::Professional)] {
            let limits = Limits::of(tier, AppKind::Private, 0);
            dispatch.install(install(account), AppKind::Private, limits).await.expect("the install is registered");
        }
        let coalesce = if plan.proven_only { Coalesce::Proven } else { Coalesce::All };
        let gateway = Gateway::new(dispatch.clone(), install(0), coalesce, Arc::clone(&clock), plan.seed);
        (Self { simulators, dispatch, reference, gateway, clock, tasks }, stock)
    }

    /// All callers, and the door's closing in the middle if there is one.
    ///
    /// # Errors
    /// Somebody waits for ever, or a task of the door panicked.
    pub(super) async fn run(&self, plan: &Plan, asks: &[Ask]) -> Result<Vec<Outcome>, String> {
        let calls = futures_util::future::join_all(asks.iter().map(|ask| self.make(ask)));
        let closing = async {
            let Some(at) = plan.closes_ms else { return Ok(()) };
            tokio::time::sleep(Duration::from_millis(at)).await;
            self.tasks.shutdown().await.map_err(|error| format!("closing: {error}"))
        };
        let all = async { futures_util::join!(calls, closing) };
        let (outcomes, closed) =
            tokio::time::timeout(HANGS_AFTER, all).await.map_err(|_| "a caller waits for ever (invariant 5)")?;
        closed?;
        // HubSpot is well again. What callers left behind is cleared when its turn comes.
        control(self.simulator(0), "DELETE", "/_control/faults", "").await;
        let cleared = async {
            while !self.is_idle().await {
                tokio::time::sleep(QUIET_AFTER).await;
            }
        };
        tokio::time::timeout(HANGS_AFTER, cleared).await.map_err(|_| "something is left over for ever (5)")?;
        tokio::time::sleep(QUIET_AFTER).await;
        Ok(outcomes)
    }

    async fn make(&self, ask: &Ask) -> Outcome {
        tokio::time::sleep(ask.at).await;
        let Wanted { method, target, body } = ask.wanted.clone();
        let asked = Asked {
            install: install(ask.account),
            lane: ask.lane,
            deadline: ask.deadline,
            caller: "soak".to_owned(),
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            target,
            headers: HeaderMap::new(),
            body: Bytes::from(body),
            joined: Arc::default(),
            passage: None,
        };
        let began = self.clock.now().mono;
        let answer = self.gateway.answer(asked);
        let ended = match ask.patience {
            None => answer.await,
            Some(patience) => match tokio::time::timeout(patience, answer).await {
                Ok(ended) => ended,
                Err(tokio::time::error::Elapsed { .. }) => return Outcome::Left,
            },
        };
        match ended {
            Ok(answer) => {
                let seen = Seen::of(answer.status, &answer.headers, &answer.body);
                Outcome::Answered(seen, self.clock.now().mono - began)
            }
            Err(error) => Outcome::Failed(error.code(), error.to_string()),
        }
    }

    /// What a call is answered that disturbs nobody.
    pub(super) async fn expected(&self, wanted: &Wanted) -> Seen {
        direct(&self.reference, wanted).await
    }

    fn simulator(&self, account: usize) -> &InProcess {
        let [first, second] = &self.simulators;
        if account == 0 { first } else { second }
    }

    /// Every call that an account has seen.
    pub(super) async fn ledger(&self, account: usize) -> Vec<Entry> {
        let text = control(self.simulator(account), "GET", "/_control/ledger", "").await;
        text.lines().map(|line| serde_json::from_str(line).expect("a line of the ledger")).collect()
    }

    /// The live records of a type by id, with the value that marks them.
    pub(super) async fn marks(&self, account: usize, object_type: &str, property: &str) -> BTreeMap<String, String> {
        let path = format!("/_control/dump/{object_type}");
        let text = control(self.simulator(account), "GET", &path, "").await;
        let mark = |line: &str| {
            let record: Value = serde_json::from_str(line).ok()?;
            let value = record.pointer(&format!("/properties/{property}")).and_then(Value::as_str).unwrap_or_default();
            Some((record.get("id")?.as_str()?.to_owned(), value.to_owned()))
        };
        text.lines().filter_map(mark).collect()
    }

    /// Whether nothing waits and nothing is on its way. A door that was closed is idle.
    async fn is_idle(&self) -> bool {
        let Some(snapshot) = self.dispatch.snapshot().await else { return true };
        let waits = |window: &WindowSnapshot| Lane::ALL.into_iter().any(|lane| *window.waiting.get(lane) > 0);
        snapshot.in_flight == 0 && snapshot.backing_off == 0 && !snapshot.windows.iter().any(waits)
    }

    /// Whether the door is closed.
    pub(super) async fn is_closed(&self) -> bool {
        self.dispatch.snapshot().await.is_none()
    }
}

/// What the records are, before anything happens to them.
async fn stock(simulator: &InProcess) -> Stock {
    let text = control(simulator, "GET", "/_control/dump/contacts", "").await;
    let records: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let value = |record: &Value, pointer: &str| {
        record.pointer(pointer).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    let mut ids: Vec<String> = records.iter().map(|record| value(record, "/id")).collect();
    let email = records.last().map(|record| value(record, "/properties/email")).unwrap_or_default();
    let (merged, archived) = (ids.remove(0), ids.remove(1));
    // The survivor of the merge is none of these.
    ids.remove(0);
    let read = ids.split_off(ids.len() / 2);
    Stock { read, written: ids, merged, archived, email }
}

/// Merges one record and archives another, in every account alike, and forgets that it was done.
async fn settle(simulator: &InProcess, account: usize, stock: &Stock) {
    let text = control(simulator, "GET", "/_control/dump/contacts", "").await;
    let ids: Vec<String> = text
        .lines()
        .filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str()?.to_owned()))
        .collect();
    let survivor = ids.get(1).cloned().unwrap_or_default();
    let merge = json!({"primaryObjectId": survivor, "objectIdToMerge": stock.merged});
    let wanted = Wanted::new(&Method::POST, "/crm/v3/objects/contacts/merge", &merge);
    let archive = Wanted::new(&Method::DELETE, format!("/crm/v3/objects/contacts/{}", stock.archived), &Value::Null);
    for wanted in [wanted, archive] {
        let mut request = wanted.request();
        let token = format!("Bearer {}", TOKENS.get(account).copied().unwrap_or_default());
        request.headers_mut().insert("authorization", token.parse().expect("a header"));
        let answer = simulator.call(request).await.expect("the simulator answers");
        assert!(answer.status().is_success(), "the beginning: {}", answer.status());
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    control(simulator, "POST", "/_control/reset", r#"{"stats": true}"#).await;
}

/// Each account's calls go to its simulator.
struct Wires([Wire; 2]);

#[async_trait]
impl Upstream for Wires {
    async fn send(&self, permit: Permit, token: &Token, call: &Call) -> Sent {
        let known = TOKENS.iter().position(|known| *known == token.secret.expose_secret());
        match known.and_then(|account| self.0.get(account)) {
            Some(wire) => wire.send(permit, token, call).await,
            None => Sent::NotSent(Cause { kind: CauseKind::Build, detail: "nobody's token".to_owned() }),
        }
    }
}

/// Each account's token.
struct Keys;

#[async_trait]
impl Credentials for Keys {
    async fn token(&self, wanted: Install) -> Result<Token, CredentialsError> {
        let known = TOKENS.iter().enumerate().find(|(account, _)| install(*account) == wanted);
        let (_, token) = known.ok_or(CredentialsError::Unknown(wanted))?;
        Ok(Token { secret: (*token).into(), kind: CredentialKind::PrivateApp })
    }
}
