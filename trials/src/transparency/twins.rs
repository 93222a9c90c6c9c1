//! Two worlds behind one address. A program that calls it talks with a simulator; what it asks is asked a second time
//! through the gateway of another simulator with the same seed, and both answers are compared.
//!
//! Calls go one after the other, so that both worlds see the same order; in a crowd, each goes through the gateway among
//! 63 others. Faults are armed in the first world only: they are not HubSpot's words, and a call that one of them struck
//! is not compared.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use linchpin_core::schedule::limits::{AppKind, Limits, Rate, Tier};
use linchpin_engine::clock::{Clock as _, SystemClock};
use linchpin_engine::gateway::Coalesce;
use linchpin_server::gateway::Face;
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::wire::Millis;
use linchpin_simulator::{APP_ID_DEFAULT, Broken, InProcess, OauthAppSpec, SimOptions, Tier as SimTier, TokenSpec};
use linchpin_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::compare::{Renaming, Seen};
use super::crowd::{PLACE, Stock, settled_property};
use super::wanted::{Wanted, face_for, read};
use crate::desk::{self, Desk};
use crate::simulator::TOKEN;

const SEED: u64 = 4;
/// How long a call takes behind the gateway, in milliseconds on average: long enough that others gather meanwhile.
const LATENCY_MS: u32 = 5;
/// Differences that are kept; more say no more.
const DIFFERENCES_MAX: usize = 20;

/// What came of all calls of a program.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Calls whose answers were compared.
    pub compared: usize,
    /// Calls that a fault struck in the first world: not compared.
    pub struck: usize,
    /// Calls that met a limit in the first world: not compared.
    pub limited: usize,
    /// Calls with other credentials than the configured one, and exchanges of OAuth. To one that nobody knows both say
    /// 401, each in its own words; of one that an app was granted only the effect is the same.
    pub strangers: usize,
    /// Calls that left together with others.
    pub together: u64,
    /// Ids that are other ones in the second world.
    pub renamed: usize,
    /// What differs, and what the crowd got that was not its own.
    pub differences: Vec<String>,
}

/// Both worlds, and the address.
#[derive(Debug)]
pub struct Twins {
    base: String,
    worlds: Arc<Worlds>,
    runtime: Runtime,
}

struct Worlds {
    direct: InProcess,
    desk: Desk,
    face: Face,
    stock: Option<Stock>,
    /// Whoever holds it is the only one who calls.
    turn: tokio::sync::Mutex<Turn>,
    judged: Mutex<Judged>,
}

impl std::fmt::Debug for Worlds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worlds").field("judged", &self.judged).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Turn {
    renaming: Renaming,
    /// Types and labels are numbered apart from records, with numbers that records have, too.
    definitions: Renaming,
    /// So are line items, of which a program makes ten thousand.
    line_items: Renaming,
    /// A fault is armed in the first world.
    armed: bool,
}

impl Twins {
    /// Starts both worlds. `crowded` puts 63 callers beside each call through the gateway.
    ///
    /// # Panics
    /// If they do not start.
    pub fn start(crowded: bool) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let worlds = Arc::new(runtime.block_on(Worlds::start(crowded)));
        let nearby = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime.block_on(TcpListener::bind(nearby)).expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let (shared, handle) = (Arc::clone(&worlds), runtime.handle().clone());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let worlds = Arc::clone(&shared);
                let service = service_fn(move |request| respond(Arc::clone(&worlds), request));
                handle.spawn(async move {
                    // A connection that a fault cuts ends so.
                    drop(
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await,
                    );
                });
            }
        });
        Self { base, worlds, runtime }
    }

    /// The address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What came of all calls so far.
    pub fn judged(&self) -> Judged {
        let renamed = self.runtime.block_on(async { self.worlds.turn.lock().await.renaming.differing() });
        let judged = self.worlds.judged.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Judged { renamed, together: self.worlds.face.gateway.saved().together, ..judged }
    }
}

impl Worlds {
    async fn start(crowded: bool) -> Self {
        let now = Millis(SystemClock::new().now().wall.0);
        let options = |tier: SimTier, latency_ms: u32, tokens: &[&str]| {
            let tokens = tokens.iter().map(|token| TokenSpec::new(*token, APP_ID_DEFAULT)).collect();
            let mut options =
                SimOptions { seed: SEED, tier, limit_increase: true, latency_ms, tokens, ..SimOptions::default() };
            // The app that HubSpot's own clients install.
            options.oauth_apps = vec![OauthAppSpec::new("client-1", "secret-1", APP_ID_DEFAULT + 1)];
            options.portal.index_lag = IndexLag::Off;
            // What appears a random while later would appear at two moments.
            options.portal.property_lag = false;
            options.portal.schema_lag = false;
            options.portal.late_properties = false;
            options
        };
        let direct = InProcess::start(&options(SimTier::Professional, 0, &[TOKEN]), now).expect("the simulator starts");
        let behind = options(SimTier::Unlimited, LATENCY_MS, &[desk::TOKEN, TOKEN]);
        let behind = InProcess::start(&behind, now).expect("the simulator starts");
        let store = SqliteStore::in_memory().expect("a store");
        let desk = Desk::beside(behind, SEED, Tier::Professional, store.stores()).await;
        // A crowd of 64 around every call is more than any plan allows in so short a time; pace is proven elsewhere.
        let plenty = Rate::in_ten_seconds(1_000_000);
        let limits = Limits {
            burst: plenty,
            search: plenty,
            association: plenty,
            daily: None,
            association_daily: None,
            ..Limits::of(Tier::Professional, AppKind::Private, 0)
        };
        desk.dispatch.install(desk.context.install, AppKind::Private, limits).await.expect("the limits are taken");
        let face = face_for(&desk, Coalesce::All, SEED, TOKEN);
        let (turn, judged) = (tokio::sync::Mutex::default(), Mutex::default());
        let mut worlds = Self { direct, desk, face, stock: None, turn, judged };
        worlds.both("POST", "/_control/seed", &json!({"owners": 3}).to_string()).await;
        if crowded {
            let seeded = json!({"contacts": 30, "companies": 20, "deals": 20, "associate": true});
            worlds.both("POST", "/_control/seed", &seeded.to_string()).await;
            worlds.stock = Some(worlds.furnish().await);
        }
        worlds
    }

    /// A control call in both worlds.
    async fn both(&self, method: &str, path: &str, body: &str) {
        self.desk.control(method, path, body).await;
        let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned()));
        self.direct.call(request.expect("a request")).await.expect("the simulator answers control calls");
    }

    /// Gives the crowd's records the value that it writes.
    async fn furnish(&self) -> Stock {
        let mut stock = Stock::default();
        for (object_type, ids) in
            [("contacts", &mut stock.contacts), ("companies", &mut stock.companies), ("deals", &mut stock.deals)]
        {
            let dump = self.desk.control("GET", &format!("/_control/dump/{object_type}"), "").await;
            let records: Vec<Value> = dump.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let text = |record: &Value, pointer: &str| record.pointer(pointer)?.as_str().map(str::to_owned);
            ids.extend(records.iter().filter_map(|record| text(record, "/id")));
            if object_type == "contacts" {
                stock.email = records.iter().find_map(|record| text(record, "/properties/email")).unwrap_or_default();
            }
            let property = settled_property(object_type);
            let input = |id: &String| json!({"id": id, "properties": {property: "crowd"}});
            let body = json!({"inputs": ids.iter().map(input).collect::<Vec<_>>()});
            let update = Wanted::new(&Method::POST, format!("/crm/v3/objects/{object_type}/batch/update"), &body);
            for simulator in [&self.direct, &self.desk.simulator] {
                let answer = simulator.call(Self::request_of(&update, "")).await.expect("the simulator answers");
                assert_eq!(answer.status(), 200, "the crowd's records are furnished");
            }
        }
        stock
    }

    fn request_of(wanted: &Wanted, host: &str) -> Request<Bytes> {
        let mut request = wanted.request();
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {TOKEN}").parse().expect("a header"));
        if let Ok(host) = host.parse() {
            request.headers_mut().insert(HOST, host);
        }
        request
    }

    /// One call of the program, in both worlds; the first one's answer.
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        let mut turn = self.turn.lock().await;
        let path = request.uri().path().to_owned();
        let there = translated(&request, turn.of(&path));
        let known = is_known(&request);
        let exchanges = request.uri().path().starts_with("/oauth/");
        let line = format!("{} {}", request.method(), request.uri());
        let told = format!("{line} {}", String::from_utf8_lossy(request.body()));
        let answer = self.direct.call(request).await;
        let status = answer.as_ref().map_or(0, |answer: &Response<Bytes>| answer.status().as_u16());
        if status == 429 && !turn.armed {
            // The gateway would have waited; the program tries again.
            self.note(|judged| judged.limited += 1);
            return answer;
        }
        let is_struck = turn.armed && matches!(status, 0 | 423 | 429 | 477 | 500..);
        if is_struck {
            self.note(|judged| judged.struck += 1);
            if matches!(answer, Err(Broken::AnswerLost)) {
                // It has happened here, so it happens there.
                self.face.respond(there).await;
            }
            return answer;
        }
        let answer = answer?;
        let seen = read(&answer);
        if !known || exchanges {
            self.stranger(&line, &seen, (there, exchanges), &mut turn).await;
        } else {
            let other = self.among_others(there).await;
            let mut page = Renaming::default();
            let same = if path.ends_with("/line_items/search") {
                let same = page.demand(&seen, &other, false);
                turn.line_items.absorb(page);
                same
            } else {
                turn.of(&path).demand(&seen, &other, line.contains("/batch/"))
            };
            self.note(|judged| {
                judged.compared += 1;
                if let Err(difference) = same {
                    judged.differ(format!("{told}\n  {difference}"));
                }
            });
        }
        Ok(answer)
    }

    /// A call that is not the configured credential's. What it does in the first world is done in the second, too.
    async fn stranger(&self, line: &str, seen: &Seen, there: (Request<Bytes>, bool), turn: &mut Turn) {
        let (mut there, exchanges) = there;
        self.note(|judged| judged.strangers += 1);
        if exchanges {
            // Grants are between an app and HubSpot; the second world needs none.
            return;
        }
        if seen.status != 401 {
            there.headers_mut().insert(AUTHORIZATION, format!("Bearer {TOKEN}").parse().expect("a header"));
        }
        let other = read(&self.face.respond(there).await);
        turn.renaming.learn(seen, &other);
        let both = (seen.status, other.status);
        if seen.status / 100 == 2 && other.status != seen.status || seen.status == 401 && other.status != 401 {
            self.note(|judged| judged.differ(format!("{line}: a stranger is answered {both:?}")));
        }
    }

    /// A call through the gateway, with the crowd if there is one.
    async fn among_others(&self, request: Request<Bytes>) -> Seen {
        let Some(stock) = &self.stock else { return read(&self.face.respond(request).await) };
        let wanted = Wanted {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        };
        let crowd = stock.around(&wanted);
        let (before, after) = crowd.split_at_checked(PLACE).unwrap_or((&crowd, &[]));
        let ask = |companion: &super::crowd::Companion| self.face.respond(Self::request_of(&companion.wanted, ""));
        let (early, own, late) = futures_util::join!(
            futures_util::future::join_all(before.iter().map(ask)),
            self.face.respond(request),
            futures_util::future::join_all(after.iter().map(ask)),
        );
        for (companion, answer) in crowd.iter().zip(early.into_iter().chain(late)) {
            let seen = read(&answer);
            if !companion.is_answered_by(&seen) {
                self.note(|judged| judged.differ(format!("beside {wanted:?}: {:?} got {seen:?}", companion.wanted)));
            }
        }
        read(&own)
    }

    async fn control(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        let mut turn = self.turn.lock().await;
        if request.uri().path().starts_with("/_control/faults") {
            turn.armed = request.method() == Method::POST;
        } else if request.method() != Method::GET {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            self.desk.control(request.method().as_str(), request.uri().path(), &turn.renaming.translated(&body)).await;
        }
        self.direct.call(request).await
    }

    fn note(&self, change: impl FnOnce(&mut Judged)) {
        change(&mut self.judged.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Judged {
    fn differ(&mut self, difference: String) {
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(difference);
        }
    }
}

async fn respond(
    worlds: Arc<Worlds>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    head.uri = target.parse::<Uri>()?;
    let request = Request::from_parts(head, body);
    let is_control = request.uri().path().starts_with("/_control/");
    let answer = if is_control { worlds.control(request).await } else { worlds.call(request).await };
    Ok(answer?.map(Full::new))
}

/// Whether a call shows the configured credential, or none because it needs none.
fn is_known(request: &Request<Bytes>) -> bool {
    request.headers().get(AUTHORIZATION).is_none_or(|shown| shown == &format!("Bearer {TOKEN}"))
}

/// The same request in the second world.
fn translated(request: &Request<Bytes>, renaming: &Renaming) -> Request<Bytes> {
    let mut there = Request::new(match std::str::from_utf8(request.body()) {
        Ok(text) => Bytes::from(same_types(text, &same_offset(request, renaming.translated(text)))),
        Err(_) => request.body().clone(),
    });
    *there.method_mut() = request.method().clone();
    *there.uri_mut() =
        renaming.translated(&request.uri().to_string()).parse().unwrap_or_else(|_| request.uri().clone());
    *there.headers_mut() = request.headers().clone();
    there
}

/// The cursor of a search is an offset, and the same in both worlds.
fn same_offset(request: &Request<Bytes>, body: String) -> String {
    let whole: Option<Value> = serde_json::from_slice(request.body()).ok();
    let Some(after) =
        whole.filter(|_| request.uri().path().ends_with("/search")).and_then(|body| body.get("after").cloned())
    else {
        return body;
    };
    let mut there: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(members) = there.as_object_mut() {
        members.insert("after".to_owned(), after);
    }
    there.to_string()
}

/// Association types keep their numbers, which records may have, too.
fn same_types(text: &str, body: &str) -> String {
    const NAME: &str = "\"associationTypeId\":";
    let mut parts = text.split(NAME).skip(1).map(|part| part.trim_start().split([',', '}']).next().unwrap_or_default());
    let mut pieces = body.split(NAME);
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.find([',', '}']).and_then(|at| piece.get(at..)).unwrap_or_default();
        whole.extend([NAME, parts.next().unwrap_or_default(), rest]);
    }
    whole
}

impl Turn {
    /// The names that a path is about.
    fn of(&mut self, path: &str) -> &mut Renaming {
        match path {
            _ if ["/schemas", "/labels", "/definitions"].iter().any(|part| path.contains(part)) => {
                &mut self.definitions
            }
            _ if path.contains("/line_items") => &mut self.line_items,
            _ => &mut self.renaming,
        }
    }
}
