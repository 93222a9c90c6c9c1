//! The socket: HTTP/1.1 and HTTP/2, bounded connections, and an end that lets open calls finish.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use linchpin_engine::upstream::{Gathered, Passage, STREAM_BYTES, gather};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::gateway::{Face, Outgoing, too_large, whole};
use crate::webhooks::Peer;
use crate::workers::Workers;

/// Connections that may be open at once; more wait in the operating system's queue.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections that may wait to be taken, if the operating system allows as many: programs that start with hundreds of
/// calls at once connect together, and one that finds no room tries again only after a second.
const BACKLOG: u32 = 4_096;
/// How long a client may take to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to send the body of a request, as far as it is held.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long open calls may take to end when the server stops.
pub const DRAIN: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes: lists of property names make long addresses.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Streams of one HTTP/2 connection.
const STREAMS_MAX: u32 = 1_000;
/// The pause after a failed accept, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A face that listens.
pub struct Listening {
    /// Where; the real port if port 0 was asked for.
    pub addr: SocketAddr,
    listener: TcpListener,
}

impl Listening {
    /// Takes the address.
    ///
    /// # Errors
    /// It is in use, or not this machine's.
    pub fn on(addr: SocketAddr) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A port whose last connections are still ending is free.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { addr: listener.local_addr()?, listener })
    }

    /// Serves until `stop`, on the threads of `workers`; then takes nothing new and waits for open calls, at most
    /// [`DRAIN`].
    pub async fn serve(self, face: Arc<Face>, workers: &Workers, stop: CancellationToken) {
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = next(&self.listener, &room) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (face, watcher) = (Arc::clone(&face), graceful.watcher());
            workers.spawn(async move {
                match TcpStream::from_std(stream) {
                    Ok(stream) => connected(face, stream, peer, watcher).await,
                    Err(error) => tracing::warn!(%error, "cannot take a connection"),
                }
                drop(permit);
            });
        }
        drop(self.listener);
        face.end_streams();
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("calls were still open when the server stopped");
        }
    }
}

/// Serves one connection.
async fn connected(face: Arc<Face>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        respond(Arc::clone(&face), request)
    });
    let connection = builder().serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = error.as_ref(), "a connection ended early");
    }
}

async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(std::net::TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    let accepted = listener.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
    match accepted {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set nodelay");
            }
            Some((stream, peer, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            None
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).max_header_list_size(64 << 10);
    builder
}

/// The body of a request did not come whole: its connection ends without an answer.
type Broken = Box<dyn std::error::Error + Send + Sync>;

async fn respond(face: Arc<Face>, request: Request<Incoming>) -> Result<Response<Outgoing>, Broken> {
    let (head, body) = request.into_parts();
    if let Some(refused) = face.refused(&head) {
        return Ok(whole(refused));
    }
    if body.is_end_stream() {
        return Ok(face.respond_past(head, Bytes::new(), Passage::default()).await);
    }
    let (body, passage) = match tokio::time::timeout(BODY_TIMEOUT, gather(body, STREAM_BYTES)).await?? {
        Gathered::Whole(body) => (body, Passage::default()),
        Gathered::More(flow) if face.reads_whole(&head) => {
            let limit = face.body_bytes_max(&head);
            if u64::try_from(limit).is_ok_and(|most| flow.size_hint().lower() > most) {
                return Ok(whole(too_large(&face, limit)));
            }
            let held = tokio::time::timeout(BODY_TIMEOUT, Limited::new(flow, limit).collect());
            match held.await? {
                Ok(body) => (body.to_bytes(), Passage::once(None)),
                Err(error) if error.is::<LengthLimitError>() => return Ok(whole(too_large(&face, limit))),
                Err(error) => return Err(error),
            }
        }
        Gathered::More(flow) => (Bytes::new(), Passage::once(Some(flow))),
    };
    Ok(face.respond_past(head, body, passage).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hundreds_of_connections_that_come_together_wait_for_their_turn() {
        let listening = Listening::on(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        // Nobody takes them yet.
        let mut waiting = Vec::new();
        for number in 0..400 {
            let connecting = tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(listening.addr)).await;
            waiting.push(connecting.unwrap_or_else(|_| panic!("no room for connection {number}")).unwrap());
        }
    }
}
