//! The door against servers that misbehave, over real sockets on ports that the system chooses.

use std::future::{Pending, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::Method;
use hyper_util::rt::TokioIo;
use linchpin_ports::credentials::CredentialKind;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const SECRET: &str = "pat-na1-very-secret";
/// Long enough for a loaded machine, for tests that must not time out.
const PATIENCE: Duration = Duration::from_secs(20);

fn token() -> Token {
    Token { secret: SecretString::from(SECRET), kind: CredentialKind::PrivateApp }
}

fn create() -> Call {
    Call::new(Method::POST, "/crm/v3/objects/contacts").with_query("a", "b c").with_json(&["x"])
}

fn options() -> HttpOptions {
    HttpOptions { connect_timeout: PATIENCE, answer_timeout: PATIENCE, body_bytes_max: 1_000, stream_timeout: PATIENCE }
}

fn upstream(base: &str, options: HttpOptions) -> HttpUpstream<HttpsConnector<HttpConnector>> {
    HttpUpstream::new(https_connector().expect("a connector"), base.parse().expect("a base URL"), options)
}

/// What a server does with each connection.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Answers the first request with these bytes and waits for the client to go.
    Say(&'static str),
    /// Answers every request with these bytes.
    SayEach(&'static str),
    /// Answers the first request, reads the second, closes.
    SayThenClose(&'static str),
    /// Waits for the first byte, then resets the connection without reading any.
    Reset,
    /// Reads a request, closes.
    Close,
    /// Reads a request, says nothing.
    Hang,
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: tokio::sync::mpsc::UnboundedReceiver<String>,
    _task: tokio::task::JoinSet<()>,
}

impl Server {
    async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (heard, requests) = tokio::sync::mpsc::unbounded_channel();
        let counter = Arc::clone(&connections);
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                open.spawn(serve(stream, behaviour, heard.clone()));
            }
        });
        Self { address, connections, requests, _task: task }
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, heard: tokio::sync::mpsc::UnboundedSender<String>) {
    match behaviour {
        Behaviour::Reset => {
            assert!(stream.peek(&mut [0]).await.expect("bytes") > 0);
            stream.set_zero_linger().expect("linger");
        }
        Behaviour::Say(bytes) => {
            hear(&mut stream, &heard).await;
            stream.write_all(bytes.as_bytes()).await.ok();
            pending::<()>().await;
        }
        Behaviour::SayEach(bytes) => loop {
            hear(&mut stream, &heard).await;
            stream.write_all(bytes.as_bytes()).await.expect("written");
        },
        Behaviour::SayThenClose(bytes) => {
            hear(&mut stream, &heard).await;
            stream.write_all(bytes.as_bytes()).await.expect("written");
            hear(&mut stream, &heard).await;
        }
        Behaviour::Close => hear(&mut stream, &heard).await,
        Behaviour::Hang => {
            hear(&mut stream, &heard).await;
            pending::<()>().await;
        }
    }
}

/// Reads one request to the end of the body that its head announces.
async fn hear(stream: &mut TcpStream, heard: &tokio::sync::mpsc::UnboundedSender<String>) {
    let mut text = String::new();
    while !is_whole(&text) {
        let mut buffer = [0; 4_096];
        let count = stream.read(&mut buffer).await.expect("read");
        if count == 0 {
            return;
        }
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("text"));
    }
    heard.send(text).ok();
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let announced = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= announced.unwrap_or(0)
}

fn lost(outcome: Outcome) -> Cause {
    match outcome {
        Outcome::Lost(cause) => cause,
        other @ (Outcome::Answered(_) | Outcome::NotSent(_)) => panic!("expected a lost answer, got {other:?}"),
    }
}

fn not_sent(outcome: Outcome) -> Cause {
    match outcome {
        Outcome::NotSent(cause) => cause,
        other @ (Outcome::Answered(_) | Outcome::Lost(_)) => panic!("expected nothing sent, got {other:?}"),
    }
}

#[tokio::test]
async fn a_call_goes_out_once_with_its_token_and_comes_back_whole() {
    let mut server =
        Server::start(Behaviour::Say("HTTP/1.1 201 Created\r\nlocation: /x\r\ncontent-length: 2\r\n\r\n{}")).await;
    let outcome =
        upstream(&format!("{}/hub", server.base()), options()).attempt(&token(), &create(), &Passages::default()).await;
    let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.status, &answer.body[..]), (201, &b"{}"[..]));
    assert_eq!(answer.headers["location"], "/x");
    let request = server.requests.recv().await.expect("a request").to_lowercase();
    assert!(request.starts_with("post /hub/crm/v3/objects/contacts?a=b%20c http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: bearer {SECRET}\r\n")), "{request}");
    assert!(request.contains(&format!("user-agent: linchpin/{}\r\n", env!("CARGO_PKG_VERSION"))), "{request}");
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    assert!(!request.contains("accept-encoding"), "{request}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_form_goes_out_as_one_and_without_the_token() {
    let mut server = Server::start(Behaviour::Say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let call = Call::new(Method::POST, "/oauth/2026-03/token").with_form(&[("grant_type", "refresh_token")]);
    let outcome = upstream(&server.base(), options()).attempt(&token(), &call, &Passages::default()).await;
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    let request = server.requests.recv().await.expect("a request").to_lowercase();
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(!request.contains("authorization"), "{request}");
}

#[test]
fn the_door_is_an_upstream_that_shows_no_token() {
    let door: Arc<dyn Upstream> = Arc::new(upstream(BASE_URL, HttpOptions::default()));
    drop(door);
    let shown = format!("{:?} {:?}", upstream(BASE_URL, HttpOptions::default()), token());
    assert!(shown.contains("api.hubapi.com") && !shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let server =
        Server::start(Behaviour::Say("HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")).await;
    let outcome = upstream(&server.base(), options()).attempt(&token(), &create(), &Passages::default()).await;
    assert!(matches!(outcome, Outcome::Answered(Answer { status: 307, .. })), "{outcome:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_not_sent_and_names_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let outcome =
        upstream(&format!("http://{address}"), options()).attempt(&token(), &create(), &Passages::default()).await;
    let cause = not_sent(outcome);
    assert_eq!(cause.kind, CauseKind::Connect);
    assert!(cause.detail.contains(&address.to_string()) && cause.detail.contains("check"), "{}", cause.detail);
    assert!(cause.detail.contains("refused"), "{}", cause.detail);
    assert!(!format!("{cause} {cause:?}").contains(SECRET));
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let server = Server::start(Behaviour::Reset).await;
    let base = server.base().replace("http:", "https:");
    assert_eq!(
        not_sent(upstream(&base, options()).attempt(&token(), &create(), &Passages::default()).await).kind,
        CauseKind::Connect
    );
}

/// A connector that never connects.
#[derive(Clone)]
struct Never;

impl Service<Uri> for Never {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _target: Uri) -> Self::Future {
        pending()
    }
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_not_sent() {
    let options = HttpOptions { connect_timeout: Duration::from_millis(20), ..options() };
    let upstream = HttpUpstream::new(Never, "https://hub.test".parse().expect("a base URL"), options);
    let cause = not_sent(upstream.attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!(cause.kind, CauseKind::Connect);
    assert!(cause.detail.contains("hub.test") && cause.detail.contains("0.02 s"), "{}", cause.detail);
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_not_sent_and_not_shown() {
    let token = Token { secret: SecretString::from("very\nsecret"), kind: CredentialKind::PrivateApp };
    let cause =
        not_sent(upstream("https://hub.test", options()).attempt(&token, &create(), &Passages::default()).await);
    assert_eq!(cause.kind, CauseKind::Build);
    assert!(!cause.detail.contains("secret"), "{}", cause.detail);
}

#[tokio::test]
async fn a_reset_before_reading_is_lost_and_not_tried_again() {
    let server = Server::start(Behaviour::Reset).await;
    let cause = lost(upstream(&server.base(), options()).attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!((cause.kind, server.connections()), (CauseKind::Closed, 1));
}

#[tokio::test]
async fn a_close_without_an_answer_is_lost_and_not_tried_again() {
    let mut server = Server::start(Behaviour::Close).await;
    let cause = lost(upstream(&server.base(), options()).attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!((cause.kind, server.connections()), (CauseKind::Closed, 1));
    assert!(server.requests.try_recv().is_ok() && server.requests.try_recv().is_err());
}

#[tokio::test]
async fn a_kept_connection_that_closes_under_a_request_is_lost_and_not_tried_again() {
    let mut server = Server::start(Behaviour::SayThenClose("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let upstream = upstream(&server.base(), options());
    assert!(matches!(upstream.attempt(&token(), &create(), &Passages::default()).await, Outcome::Answered(_)));
    lost(upstream.attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!(server.connections(), 1);
    assert!((0..2).all(|_| server.requests.try_recv().is_ok()) && server.requests.try_recv().is_err());
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_lost() {
    let server = Server::start(Behaviour::Hang).await;
    let options = HttpOptions { answer_timeout: Duration::from_millis(200), ..options() };
    let cause = lost(upstream(&server.base(), options).attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!(cause.kind, CauseKind::Timeout);
    assert!(cause.detail.contains("0.2 s"), "{}", cause.detail);
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_lost_in_time() {
    let server = Server::start(Behaviour::Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")).await;
    let options = HttpOptions { answer_timeout: Duration::from_millis(200), ..options() };
    assert_eq!(
        lost(upstream(&server.base(), options).attempt(&token(), &create(), &Passages::default()).await).kind,
        CauseKind::Timeout
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_lost_before_it_is_read_whole() {
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        FF\r\n111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111";
    let server = Server::start(Behaviour::Say(endless)).await;
    let options = HttpOptions { body_bytes_max: 64, ..options() };
    let cause = lost(upstream(&server.base(), options).attempt(&token(), &create(), &Passages::default()).await);
    assert_eq!(cause.kind, CauseKind::Body);
    assert!(cause.detail.contains("64 bytes"), "{}", cause.detail);
}

#[tokio::test]
async fn a_compressed_answer_is_lost_rather_than_misread() {
    let said = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}";
    let server = Server::start(Behaviour::Say(said)).await;
    assert_eq!(
        lost(upstream(&server.base(), options()).attempt(&token(), &create(), &Passages::default()).await).kind,
        CauseKind::Body
    );
}

#[test]
fn each_runtime_keeps_connections_of_its_own() {
    let home = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = home.block_on(Server::start(Behaviour::SayEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")));
    let upstream = upstream(&server.base(), options());
    let runtimes: [_; 2] =
        std::array::from_fn(|_| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));
    for _round in 0..3 {
        for runtime in &runtimes {
            runtime.block_on(async {
                let outcome = upstream.attempt(&token(), &create(), &Passages::default()).await;
                assert!(matches!(&outcome, Outcome::Answered(answer) if answer.status == 200), "{outcome:?}");
                // The connection goes back into the pool.
                tokio::time::sleep(Duration::from_millis(20)).await;
            });
        }
    }
    assert_eq!(server.connections(), 2);
}
