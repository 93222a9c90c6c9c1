//! Bodies that flow through the one door, with a server of a few lines behind it.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use linchpin_core::schedule::Snapshot;
use linchpin_core::schedule::coalesce::{Join, JoinKey};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::time::Wall;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::routes;
use linchpin_ports::budget::{BudgetRecord, BudgetRecords};
use linchpin_ports::credentials::StaticCredentials;
use linchpin_ports::store::StoreError;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::clock::TokioClock;
use crate::dispatch::{CallRequest, Dispatch, DispatchError, Parts, Shared, UtcDays};
use crate::tasks::Tasks;
use crate::upstream::{CauseKind, HttpOptions, HttpUpstream, https_connector};

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };
/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
const SENT: usize = 3 * 1024 * 1024;
const GIVEN: usize = 12 * 1024 * 1024;

/// The sizes of bodies that came, and whether each was whole.
type Heard = Arc<Mutex<Vec<(usize, bool)>>>;

/// Reads a request, and does what its query says.
async fn serve(heard: Heard, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, &'static str> {
    let (head, mut body) = request.into_parts();
    let mut size = 0;
    let whole = loop {
        match body.frame().await {
            Some(Ok(frame)) => size += frame.into_data().map_or(0, |data| data.len()),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    heard.lock().unwrap().push((size, whole));
    let given = |size| Response::new(Full::new(Bytes::from(vec![b'x'; size])));
    match head.uri.query().unwrap_or_default() {
        "lose" => Err("it says nothing"),
        "give" => Ok(given(GIVEN)),
        status => {
            let mut response = given(2);
            *response.status_mut() = status.parse::<StatusCode>().unwrap_or_default();
            Ok(response)
        }
    }
}

struct Forgetful;

#[async_trait]
impl BudgetRecords for Forgetful {
    async fn load(&self, _install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        Ok(None)
    }

    async fn save(&self, _install: Install, _record: BudgetRecord) -> Result<(), StoreError> {
        Ok(())
    }
}

struct House {
    dispatch: Dispatch,
    heard: Heard,
    _tasks: Tasks,
    _server: JoinSet<()>,
}

impl House {
    async fn open(stream_timeout: Duration) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (heard, mut server) = (Heard::default(), JoinSet::new());
        let log = Arc::clone(&heard);
        server.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                let service = service_fn(move |request| serve(Arc::clone(&log), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                open.spawn(async move { drop(connection.await) });
            }
        });
        let options = HttpOptions { answer_timeout: PATIENCE, stream_timeout, ..HttpOptions::default() };
        let tasks = Tasks::new();
        let parts = Parts {
            clock: Arc::new(TokioClock::new(Wall(1_800_000_000_000))),
            upstream: Arc::new(HttpUpstream::new(https_connector().unwrap(), base, options)),
            credentials: Arc::new(StaticCredentials::private_app("pat".into())),
            records: Arc::new(Forgetful),
            days: Arc::new(UtcDays),
            seed: 5,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        let limits = Limits::of(Tier::Professional, AppKind::Private, 0);
        dispatch.install(INSTALL, AppKind::Private, limits).await.unwrap();
        Self { dispatch, heard, _tasks: tasks, _server: server }
    }

    fn heard(&self) -> Vec<(usize, bool)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    /// What the door looks like once nothing is on its way.
    async fn settled(&self) -> Snapshot {
        let settled = async {
            loop {
                let snapshot = self.dispatch.snapshot().await.unwrap();
                if snapshot.in_flight == 0 {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("it never ends")
    }
}

fn request(method: Method, target: &str, passage: &Arc<Passage>) -> CallRequest {
    let route = routes::classify(&method, target);
    let call = Call::verbatim(method, target.to_owned(), HeaderMap::new(), None, route);
    let deadline = Some(PATIENCE);
    let passage = Some(Arc::clone(passage));
    CallRequest { deadline, passage, ..CallRequest::new(INSTALL, Lane::Interactive, call) }
}

async fn large() -> Arc<Passage> {
    let body = Full::new(Bytes::from(vec![b'x'; SENT]));
    let Gathered::More(flow) = gather(body, STREAM_BYTES).await.unwrap() else { panic!("it is large") };
    Arc::new(Passage::once(Some(flow)))
}

fn used(snapshot: &Snapshot) -> u32 {
    snapshot.windows.iter().map(|window| window.used).sum()
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_held_and_a_larger_one_flows_whole() {
    let parts = |sizes: [usize; 2]| {
        let frames = sizes.map(|size| Ok::<_, io::Error>(Frame::data(Bytes::from(vec![b'x'; size]))));
        StreamBody::new(stream::iter(frames))
    };
    assert!(matches!(gather(parts([3, 2]), 5).await.unwrap(), Gathered::Whole(body) if body == "xxxxx"));
    for (body, first) in [(parts([3, 3]), 6), (parts([6, 3]), 6)] {
        let Gathered::More(flow) = gather(body, 5).await.unwrap() else { panic!("it is larger") };
        assert_eq!(flow.size_hint().lower(), first, "what is held counts");
        assert!(flow.collect().await.unwrap().to_bytes().len() >= 6);
    }
}

#[tokio::test]
async fn a_body_that_flows_is_sent_once_whatever_comes_of_it() {
    let house = House::open(PATIENCE).await;
    let (files, thing, search) = ("/files/v3/files", "/cms/v3/things/1", "/crm/v3/objects/contacts/search");
    for (method, path, query, expected) in [
        (Method::POST, files, "201", Ok(201)),
        (Method::POST, files, "400", Ok(400)),
        (Method::POST, search, "503", Ok(503)),
        (Method::POST, files, "503", Err("LP3010")),
        (Method::PUT, thing, "503", Err("LP3010")),
        (Method::POST, files, "lose", Err("LP3010")),
        (Method::PUT, thing, "lose", Err("LP3010")),
        (Method::POST, search, "lose", Err("LP3011")),
    ] {
        let call = house.dispatch.call(request(method, &format!("{path}?{query}"), &large().await));
        let told = call.await.map(|answer| answer.status).map_err(|error| error.code());
        assert_eq!(told, expected, "{path}?{query}");
        assert_eq!(house.heard(), [(SENT, true)], "{path}?{query}");
    }
    let again = large().await;
    house.dispatch.call(request(Method::POST, files, &again)).await.unwrap();
    let error = house.dispatch.call(request(Method::POST, files, &again)).await.unwrap_err();
    assert!(matches!(&error, DispatchError::Unreachable(cause) if cause.kind == CauseKind::Build), "{error}");
    assert_eq!(house.heard().len(), 1, "a body that was sent is not sent again as none");
}

#[tokio::test]
async fn a_large_answer_flows_and_its_permit_counts_until_it_has() {
    let house = House::open(PATIENCE).await;
    let passage = Arc::<Passage>::default();
    let answer = house.dispatch.call(request(Method::GET, "/files/1?give", &passage)).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let flow = passage.take_down().expect("it flows");
    assert_eq!(house.dispatch.snapshot().await.unwrap().in_flight, 1);
    assert_eq!(flow.collect().await.unwrap().to_bytes().len(), GIVEN);
    let settled = house.settled().await;
    assert_eq!((used(&settled), settled.totals.sent), (1, 1));
    let answer = house.dispatch.call(request(Method::GET, "/files/1?200", &passage)).await.unwrap();
    assert!(answer.body == "xx" && passage.take_down().is_none(), "a small one is held");
}

#[tokio::test]
async fn who_leaves_an_answer_ends_the_exchange_and_its_permit_counts_on() {
    let house = House::open(PATIENCE).await;
    let passage = Arc::<Passage>::default();
    house.dispatch.call(request(Method::GET, "/files/1?give", &passage)).await.unwrap();
    drop(passage.take_down());
    let settled = house.settled().await;
    assert_eq!((used(&settled), settled.totals.sent), (1, 1));
    assert!(settled.breakers.is_empty(), "HubSpot did nothing wrong");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_unknown_outcome_and_no_fault_of_hubspot() {
    let house = House::open(PATIENCE).await;
    let frames = [Ok(Frame::data(Bytes::from(vec![b'x'; SENT]))), Err(io::Error::other("the caller has left"))];
    let Gathered::More(flow) = gather(StreamBody::new(stream::iter(frames)), STREAM_BYTES).await.unwrap() else {
        panic!("it is large")
    };
    let passage = Arc::new(Passage::once(Some(flow)));
    let error = house.dispatch.call(request(Method::POST, "/files/v3/files", &passage)).await.unwrap_err();
    let DispatchError::Unknown(unresolved) = &error else { panic!("{error}") };
    assert_eq!(unresolved.cause.as_ref().map(|cause| cause.kind), Some(CauseKind::Abandoned));
    let settled = house.settled().await;
    assert!(used(&settled) == 1 && settled.breakers.is_empty(), "{settled:?}");
    let heard = tokio::time::timeout(PATIENCE, async {
        while house.heard.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        house.heard()
    });
    assert!(matches!(heard.await.unwrap()[..], [(_, false)]), "it must not look whole");
}

#[tokio::test]
async fn what_flows_too_long_is_cut_with_an_error() {
    let house = House::open(Duration::from_millis(100)).await;
    let passage = Arc::<Passage>::default();
    house.dispatch.call(request(Method::GET, "/files/1?give", &passage)).await.unwrap();
    let flow = passage.take_down().expect("it flows");
    house.settled().await;
    assert!(flow.collect().await.is_err());

    let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, io::Error>>());
    let passage = Arc::new(Passage::once(Some(Flow::new(VecDeque::new(), silent))));
    let error = house.dispatch.call(request(Method::POST, "/files/v3/files", &passage)).await.unwrap_err();
    let DispatchError::Unknown(unresolved) = &error else { panic!("{error}") };
    assert_eq!(unresolved.cause.as_ref().map(|cause| cause.kind), Some(CauseKind::Abandoned), "the caller was slow");
}

#[tokio::test]
async fn an_answer_that_flows_serves_one_and_the_others_ask_again() {
    let house = House::open(PATIENCE).await;
    let join = || Join { key: JoinKey("the same".to_owned()), record: None, writes: false };
    let ask = async |passage: &Arc<Passage>| {
        house.dispatch.call_same(request(Method::GET, "/files/1?give", passage), join()).await.unwrap()
    };
    let passages = [(); 3].map(|()| Arc::<Passage>::default());
    let first = ask(&passages[0]).await;
    assert!(matches!(first, Shared::Alone(_)), "{first:?}");
    // The first is still on its way, since nobody has read its body: the others gather.
    let others = tokio::join!(ask(&passages[1]), ask(&passages[2]));
    assert!(matches!(others, (Shared::Alone(_), Shared::Apart)), "{others:?}");
    let flowing = passages.map(|passage| passage.take_down().is_some());
    assert_eq!(flowing, [true, true, false]);
}
