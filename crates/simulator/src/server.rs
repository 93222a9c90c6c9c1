//! The simulator over HTTP: HTTP/1.1 and HTTP/2, on a socket or on a pipe in memory; with TLS only on a socket.
//!
//! It only translates: every call goes through the [`InProcess`] handle. A lost answer and a reset end as a connection
//! (over HTTP/2, a stream) that is closed without a response.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    rt::{Read, Write},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::{Sleep, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock,
    control::{self, Payload},
    desk::{self, Broken, Done, InProcess},
    envelope,
    front::{self, Door, Opened},
    hub::Outcome,
    options::{SimOptions, StartError},
    saved::{SavedReport, SnapshotError},
    tls::Tls,
    wire::ApiAnswer,
};

/// The largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// The connections that may be open at once; more wait in the operating system's queue.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections that may wait to be taken, if the operating system allows as many.
const BACKLOG: u32 = 4_096;
/// The longest request head, in bytes: more than the address alone may have, so that the 414 can be given.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The streams of one HTTP/2 connection.
const STREAMS_MAX: u32 = 1_000;
/// How long open connections may take to end when the simulator stops.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// The pause after a failed accept, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The pieces of a slow body.
const DRIPS: usize = 10;
/// The buffer of a pipe in memory, in bytes.
const PIPE_BYTES: usize = 64 << 10;

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A simulator that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the real port if port 0 was asked for.
    pub addr: SocketAddr,
    /// The same simulator without the socket.
    pub desk: InProcess,
    /// The certificate that HTTPS clients are to trust, as PEM; `None` without [`SimOptions::tls`].
    pub authority_pem: Option<String>,
    closing: CancellationToken,
    server: TaskTracker,
}

impl Simulator {
    /// Listens on an address and serves until [`Running::stop`]. The clock starts at the machine's time; everything
    /// random comes from the seed.
    #[expect(clippy::unused_async, reason = "it has to be called within a runtime")]
    pub async fn start(options: &SimOptions, addr: SocketAddr) -> Result<Running, StartError> {
        let listener = listen(addr).map_err(|source| StartError::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| StartError::Listen { addr, source })?;
        let now = clock::wall();
        let tls = if options.tls { Some(Tls::make(now)?) } else { None };
        let authority_pem = tls.as_ref().map(|tls| tls.authority_pem.clone());
        let desk = InProcess::start(options, now)?;
        let closing = CancellationToken::new();
        let server = TaskTracker::new();
        server.spawn(accept(listener, tls, desk.clone(), closing.clone(), server.clone()));
        Ok(Running { addr, desk, authority_pem, closing, server })
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

impl Running {
    /// The address as a URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Writes the state into the file that was named at the start, and stops; if it cannot be written, that is told when
    /// everything is stopped.
    pub async fn save_and_stop(self) -> Result<SavedReport, SnapshotError> {
        self.close().await;
        let saved = self.desk.save().await;
        self.desk.stop().await;
        saved
    }

    /// Stops listening, lets open connections end for a moment, and stops the machine.
    pub async fn stop(self) {
        self.close().await;
        self.desk.stop().await;
    }

    async fn close(&self) {
        self.closing.cancel();
        self.server.close();
        self.server.wait().await;
    }
}

impl InProcess {
    /// Opens a connection in memory, for HTTP clients with a connector of their own. It works under a paused clock.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let desk = self.clone();
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let connection = serve(TokioIo::new(ours), desk);
            tokio::select! {
                () = connection => {}
                () = stop.cancelled() => {}
            }
        });
        theirs
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<Tls>,
    desk: InProcess,
    closing: CancellationToken,
    tasks: TaskTracker,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            biased;
            () = closing.cancelled() => break,
            accepted = next_connection(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = take(stream, tls.clone(), desk.clone(), graceful.watcher(), closing.clone());
        tasks.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    if timeout(STOP_WAIT, graceful.shutdown()).await.is_err() {
        tracing::debug!("connections were still open when the simulator stopped");
    }
}

/// Finds out what a connection speaks, and serves it until its end.
async fn take(stream: TcpStream, tls: Option<Tls>, desk: InProcess, watcher: Watcher, closing: CancellationToken) {
    let Some(tls) = tls else { return serve_watched(TokioIo::new(stream), desk, Door::Plain, watcher).await };
    let opened = tokio::select! {
        () = closing.cancelled() => return,
        opened = front::open(stream, &tls) => opened,
    };
    match opened {
        Ok(Opened::Plain(stream)) => serve_watched(TokioIo::new(stream), desk, Door::Proxy, watcher).await,
        Ok(Opened::Tls(stream)) => serve_watched(TokioIo::new(stream), desk, Door::Tls, watcher).await,
        Ok(Opened::Refused) => {}
        Err(error) => tracing::debug!(%error, "a connection ended before its first call"),
    }
}

async fn serve_watched<I>(io: I, desk: InProcess, door: Door, watcher: Watcher)
where
    I: Read + Write + Unpin + Send + 'static,
{
    let service = service_fn(move |request| respond(desk.clone(), door, request));
    log_end(watcher.watch(builder().serve_connection(io, service).into_owned()).await.err());
}

async fn next_connection(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set nodelay");
            }
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            None
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // No deadline for the next request: it would also end idle connections, and at once when a paused clock jumps.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    // The date is the simulated clock's, and the hub writes it.
    builder.http1().auto_date_header(false);
    builder.http2().auto_date_header(false);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).max_header_list_size(64 << 10);
    builder
}

async fn serve<I>(io: I, desk: InProcess)
where
    I: Read + Write + Unpin + Send + 'static,
{
    let service = service_fn(move |request| respond(desk.clone(), Door::Plain, request));
    log_end(builder().serve_connection(io, service).await.err());
}

/// A connection that ends badly is nothing to wake anybody for: lost answers and resets end so on purpose.
fn log_end(error: Option<Box<dyn std::error::Error + Send + Sync>>) {
    if let Some(error) = error {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(desk: InProcess, door: Door, request: Request<Incoming>) -> Result<Response<Reply>, Broken> {
    let (mut head, body) = request.into_parts();
    if !door.admits(&mut head) {
        return Ok(response(envelope::html(403, front::REFUSAL), Reply::whole));
    }
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(response(envelope::html(413, "Request Entity Too Large"), Reply::whole));
        }
        // The client left in the middle of its request: nobody waits for an answer.
        Err(_) => return Err(Broken::Reset),
    };
    match desk.send(desk::to_wire(Request::from_parts(head, body))).await? {
        Done::Call(Outcome::Slowly { answer, over_ms }) => Ok(response(answer, |body| Reply::drip(body, over_ms))),
        Done::Call(Outcome::AnswerLost) => Err(Broken::AnswerLost),
        Done::Call(Outcome::Reset) => Err(Broken::Reset),
        Done::Call(Outcome::Answered(answer)) | Done::Control(Payload::Whole(answer)) => {
            Ok(response(answer, Reply::whole))
        }
        Done::Control(Payload::Lines(chunks)) => {
            let head =
                ApiAnswer { status: 200, headers: HeaderMap::from_iter([control::lines_type()]), body: Bytes::new() };
            Ok(response(head, |_| Reply::Lines(chunks)))
        }
    }
}

fn response(answer: ApiAnswer, body: impl FnOnce(Bytes) -> Reply) -> Response<Reply> {
    let mut response = Response::new(body(answer.body));
    *response.status_mut() = desk::status(answer.status);
    *response.headers_mut() = answer.headers;
    response
}

/// The body of an answer on the wire.
enum Reply {
    Whole(Bytes),
    Lines(Box<dyn Iterator<Item = Bytes> + Send>),
    Drip { rest: Bytes, piece: usize, pause: Duration, timer: Pin<Box<Sleep>> },
}

impl Reply {
    fn whole(body: Bytes) -> Self {
        Self::Whole(body)
    }

    fn drip(rest: Bytes, over_ms: u64) -> Self {
        let piece = rest.len().div_ceil(DRIPS).max(1);
        let pieces = rest.len().div_ceil(piece).max(1);
        let pause = Duration::from_millis(over_ms / pieces as u64);
        Self::Drip { piece, rest, pause, timer: Box::pin(sleep(pause)) }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.get_mut() {
            Self::Whole(body) => std::mem::take(body),
            Self::Lines(chunks) => chunks.next().unwrap_or_default(),
            Self::Drip { rest, .. } if rest.is_empty() => Bytes::new(),
            Self::Drip { rest, piece, pause, timer } => {
                ready!(timer.as_mut().poll(cx));
                *timer = Box::pin(sleep(*pause));
                rest.split_to((*piece).min(rest.remaining()))
            }
        };
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) | Self::Drip { rest: body, .. } => body.is_empty(),
            Self::Lines(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) | Self::Drip { rest: body, .. } => SizeHint::with_exact(body.len() as u64),
            Self::Lines(_) => SizeHint::default(),
        }
    }
}
