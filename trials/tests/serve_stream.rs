//! Large bodies through the real gateway: byte for byte, once, and without being held.
#![expect(clippy::disallowed_methods, reason = "a stub is a server of its own, on a thread of its own")]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use linchpin_trials::binary;
use linchpin_trials::workplace::Workplace;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

const LIMIT: Duration = Duration::from_secs(60);
const WIDE: &str = "pat-test-key-of-wide";
/// May touch contacts alone: what it sends has to be read first.
const NARROW: &str = "pat-test-key-of-narrow";
const LARGE: usize = 40 * 1024 * 1024;
/// What the gateway's memory may grow by at its highest while [`LARGE`] passes.
const GROWTH_KB_MAX: u64 = 30 * 1024;
const PART: usize = 64 * 1024;

fn byte(at: usize) -> u8 {
    u8::try_from(at % 251).expect("below 251")
}

/// Bytes that tell their place.
struct Pattern {
    at: usize,
    end: usize,
    /// Whether it says beforehand how long it is.
    sized: bool,
    /// Told how far it came.
    log: Option<Arc<Log>>,
}

impl Body for Pattern {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (from, to) = (self.at, self.end.min(self.at + PART));
        self.at = to;
        Poll::Ready((from < to).then(|| Ok(Frame::data((from..to).map(byte).collect()))))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            SizeHint::with_exact(u64::try_from(self.end - self.at).expect("small"))
        } else {
            SizeHint::new()
        }
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        if let Some(log) = &self.log {
            log.push(Met::Said { bytes: self.at });
        }
    }
}

/// What the stub met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// A request's body, in order, whole or not.
    Heard { bytes: usize, whole: bool },
    /// An answer's body, as far as somebody took it.
    Said { bytes: usize },
}

#[derive(Default)]
struct Log(Mutex<Vec<Met>>);

impl Log {
    fn all(&self) -> MutexGuard<'_, Vec<Met>> {
        self.0.lock().expect("nobody panics with it")
    }

    fn push(&self, met: Met) {
        self.all().push(met);
    }

    fn take(&self) -> Vec<Met> {
        std::mem::take(&mut *self.all())
    }

    /// The one thing that it meets next.
    fn next(&self) -> Met {
        assert!(binary::until(LIMIT, || !self.all().is_empty()), "nothing came");
        let met = self.take();
        assert_eq!(met.len(), 1, "{met:?}");
        met.first().copied().expect("there is one")
    }
}

async fn hear(mut body: Incoming) -> Met {
    let mut bytes = 0;
    loop {
        let whole = match body.frame().await {
            Some(Ok(frame)) => {
                let data = frame.into_data().expect("data");
                assert!(data.iter().enumerate().all(|(at, found)| *found == byte(bytes + at)), "from {bytes}");
                bytes += data.len();
                continue;
            }
            Some(Err(_)) => false,
            None => true,
        };
        return Met::Heard { bytes, whole };
    }
}

async fn answer(
    log: Arc<Log>,
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, &'static str> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let json = |text: &'static str| Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync());
    if path.ends_with("/access-token-info") {
        return Ok(json(r#"{"userId":1,"hubId":7,"appId":1,"scopes":[]}"#));
    }
    if path.starts_with("/account-info/") {
        return Ok(json(r#"{"portalId":7,"accountType":"STANDARD","timeZone":"UTC","utcOffsetMilliseconds":0}"#));
    }
    if head.method == Method::GET {
        let pattern = Pattern { at: 0, end: LARGE, sized: path.ends_with("/sized"), log: Some(log) };
        return Ok(Response::new(pattern.boxed_unsync()));
    }
    let met = hear(body).await;
    log.push(met);
    if path.ends_with("/lost") { Err("it says nothing") } else { Ok(json(r#"{"id":"1"}"#)) }
}

/// A HubSpot that takes and gives large bodies. It ends with the trial.
fn stub() -> (String, Arc<Log>) {
    let log = Arc::<Log>::default();
    let (shared, (tell, told)) = (Arc::clone(&log), std::sync::mpsc::channel());
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a port");
            tell.send(listener.local_addr().expect("it listens")).expect("the starter waits");
            loop {
                let (stream, _) = listener.accept().await.expect("connections can be taken");
                let log = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&log), request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    // Who closes a connection is what the trials are about.
                    connection.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
    });
    (format!("http://{}", told.recv().expect("the stub listens")), log)
}

struct Scene {
    log: Arc<Log>,
    process: binary::Running,
    base: String,
    _place: Workplace,
}

impl Scene {
    fn start() -> Self {
        let (hubspot, log) = stub();
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: pat-test-stream, base_url: '{hubspot}', tier: professional}}\n\
             gateway:\n  listen: '127.0.0.1:0'\n  callers:\n    wide: {{key: {WIDE}}}\n    \
             narrow: {{key: {NARROW}, objects: [contacts]}}\n"
        ));
        let (process, base) = place.serve(&[]);
        let scene = Self { log, process, base, _place: place };
        // Whatever the first call makes it load is loaded.
        assert_eq!(scene.send(WIDE, "/files/v3/files", 10, true).0, StatusCode::OK);
        scene.log.take();
        scene
    }

    fn call(&self, key: &str, method: Method, path: &str, body: Pattern) -> (StatusCode, Bytes) {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {key}")).body(body).expect("a request");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let exchange = async {
                let response = client.request(request).await.expect("an answer");
                let status = response.status();
                (status, response.into_body().collect().await.expect("a whole answer").to_bytes())
            };
            tokio::time::timeout(LIMIT, exchange).await.expect("in time")
        })
    }

    fn send(&self, key: &str, path: &str, bytes: usize, sized: bool) -> (StatusCode, Bytes) {
        self.call(key, Method::POST, path, Pattern { at: 0, end: bytes, sized, log: None })
    }

    /// Opens a connection and begins a call, by hand.
    fn begin(&self, key: &str, head: &str) -> TcpStream {
        let address = self.base.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a socket takes options");
        let head = format!("{head} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        stream
    }

    /// By how much the memory was higher at its highest, while `work` was done or ever before, than it was when that
    /// began.
    fn growth_kb(&self, work: impl FnOnce()) -> u64 {
        let (before, _) = self.process.memory_kb();
        work();
        let (_, highest) = self.process.memory_kb();
        highest.saturating_sub(before)
    }
}

#[test]
fn a_large_body_arrives_byte_for_byte_and_is_not_held() {
    let scene = Scene::start();
    for sized in [true, false] {
        let growth = scene.growth_kb(|| {
            assert_eq!(scene.send(WIDE, "/files/v3/files", LARGE, sized), (StatusCode::OK, r#"{"id":"1"}"#.into()));
        });
        assert_eq!(scene.log.next(), Met::Heard { bytes: LARGE, whole: true });
        assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    }
}

#[test]
fn a_large_answer_arrives_byte_for_byte_and_is_not_held() {
    let scene = Scene::start();
    for path in ["/files/v3/files/1/sized", "/files/v3/files/1/unsized"] {
        let mut body = Bytes::new();
        let growth = scene.growth_kb(|| {
            let none = Pattern { at: 0, end: 0, sized: true, log: None };
            let (status, whole) = scene.call(WIDE, Method::GET, path, none);
            assert_eq!(status, StatusCode::OK);
            body = whole;
        });
        assert!(body.len() == LARGE && body.iter().enumerate().all(|(at, found)| *found == byte(at)));
        assert_eq!(scene.log.next(), Met::Said { bytes: LARGE });
        assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    }
}

#[test]
fn a_large_write_without_an_answer_is_unknown_and_never_sent_again() {
    let scene = Scene::start();
    // A small update is tried again, since that does no harm; a large one is not.
    let (status, told) = scene.call(
        WIDE,
        Method::PUT,
        "/cms/v3/things/lost",
        Pattern { at: 0, end: 2 * 1024 * 1024, sized: true, log: None },
    );
    assert_eq!(status, StatusCode::FAILED_DEPENDENCY, "{told:?}");
    assert_eq!(scene.log.next(), Met::Heard { bytes: 2 * 1024 * 1024, whole: true });
}

#[test]
fn who_leaves_in_the_middle_ends_the_exchange_with_hubspot() {
    let scene = Scene::start();
    let mut sender = scene.begin(WIDE, "POST /files/v3/files");
    sender.write_all(format!("content-length: {LARGE}\r\n\r\n").as_bytes()).expect("it reads");
    let half: Vec<u8> = (0..LARGE / 2).map(byte).collect();
    sender.write_all(&half).expect("it reads");
    drop(sender);
    let met = scene.log.next();
    assert!(matches!(met, Met::Heard { bytes, whole: false } if bytes <= LARGE / 2), "{met:?}");

    let mut reader = scene.begin(WIDE, "GET /files/v3/files/1/unsized");
    reader.write_all(b"\r\n").expect("it reads");
    let mut first = vec![0; 5 * 1024 * 1024];
    reader.read_exact(&mut first).expect("the beginning of the answer");
    drop(reader);
    let met = scene.log.next();
    assert!(matches!(met, Met::Said { bytes } if bytes < LARGE), "{met:?}");
}

#[test]
fn what_has_to_be_read_first_is_held_up_to_a_limit() {
    let scene = Scene::start();
    let mut sender = scene.begin(NARROW, "POST /crm/v3/objects/contacts");
    sender.write_all(b"content-length: 17000000\r\n\r\n").expect("it reads");
    let mut told = [0; 12];
    sender.read_exact(&mut told).expect("an answer");
    assert_eq!(&told, b"HTTP/1.1 413");
    let (status, _) = scene.send(NARROW, "/crm/v3/objects/contacts", 2 * 1024 * 1024, true);
    assert_eq!(status, StatusCode::FORBIDDEN, "it was read, and is no JSON");
    assert_eq!(scene.log.take(), [], "nothing has left");
}
