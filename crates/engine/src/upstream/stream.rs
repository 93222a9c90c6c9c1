//! Bodies that flow past instead of being held, and the handle that carries them beside a call.
//!
//! A [`Call`](linchpin_hubspot::call::Call) is data; what is too large to be data waits in a [`Passage`], from which the
//! attempt takes it once. The attempt holds the reins of everything that flows because of it: when it ends, nothing of
//! it flows on, and it does not end before what flows has.
//!
//! Invariants: a body is sent at most once; of a body that flows, no more is held than its first part and what the
//! connections buffer; a flow that is cut ends with an error, never as if it were whole.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use linchpin_hubspot::answer::Answer;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::http::BoxError;

/// The largest body of a request that is held, in bytes. A larger one flows past, and is sent once.
pub const STREAM_BYTES: usize = 1024 * 1024;
/// The largest body of an answer that is held for a caller that can take it as a stream, in bytes. Larger than
/// [`STREAM_BYTES`], because links in answers can be led back only in what is held.
pub const ANSWER_STREAM_BYTES: usize = 4 * 1024 * 1024;
/// How long an attempt may last through which a body flows, from its first byte to its last. Well below
/// [`ATTEMPT_MAX`](linchpin_core::schedule::budget::ATTEMPT_MAX), after which its permit would come back.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(150);
/// How long what flows may go on when the process stops.
pub const STREAM_GRACE: Duration = Duration::from_secs(25);

/// A body as far as it was read.
#[derive(Debug)]
pub enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// It is larger than the limit.
    More(Flow),
}

/// Reads a body up to `limit` bytes.
///
/// # Errors
/// It ended early.
pub async fn gather<B>(mut body: B, limit: usize) -> Result<Gathered, BoxError>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (mut first, mut size) = (VecDeque::new(), 0);
    if u64::try_from(limit).is_ok_and(|limit| body.size_hint().lower() > limit) {
        return Ok(Gathered::More(Flow::new(first, body)));
    }
    while let Some(frame) = body.frame().await {
        // Trailers are nobody's here.
        let Ok(data) = frame.map_err(Into::into)?.into_data() else { continue };
        size += data.len();
        first.push_back(data);
        if size > limit {
            return Ok(Gathered::More(Flow::new(first, body)));
        }
    }
    Ok(Gathered::Whole(joined(first, size)))
}

fn joined(mut parts: VecDeque<Bytes>, size: usize) -> Bytes {
    if parts.len() < 2 {
        return parts.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(size);
    for part in &parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}

/// A body that flows past. It ends with an error if it is cut.
pub struct Flow {
    first: VecDeque<Bytes>,
    rest: UnsyncBoxBody<Bytes, BoxError>,
    reined: Option<Reined>,
}

/// The flow's end of its [`Reins`].
struct Reined {
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    broken: Arc<AtomicBool>,
    /// Dropped with the flow.
    _over: oneshot::Sender<Infallible>,
}

/// What holds a flow: dropped, they cut it.
pub(super) struct Reins {
    over: oneshot::Receiver<Infallible>,
    broken: Arc<AtomicBool>,
    _cut: DropGuard,
}

/// The attempt that a body belonged to ended before the body did.
#[derive(Debug, thiserror::Error)]
#[error("the exchange that this body belonged to is over")]
struct Cut;

impl Flow {
    /// A body that is made here, as it is asked for.
    pub fn of<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(VecDeque::new(), body)
    }

    fn new<B>(first: VecDeque<Bytes>, rest: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { first, rest: rest.map_err(Into::into).boxed_unsync(), reined: None }
    }

    pub(super) fn reined(self) -> (Self, Reins) {
        let (token, broken, (alive, over)) = (CancellationToken::new(), Arc::default(), oneshot::channel());
        let cut = Box::pin(token.clone().cancelled_owned());
        let reined = Reined { cut, broken: Arc::clone(&broken), _over: alive };
        (Self { reined: Some(reined), ..self }, Reins { over, broken, _cut: token.drop_guard() })
    }
}

impl Reins {
    /// Waits until the body has flowed past, or nobody wants it any more.
    pub(super) async fn over(&mut self) {
        // Nothing is ever said: the other end goes away with the flow.
        if let Ok(never) = (&mut self.over).await {
            match never {}
        }
    }

    /// Whether the body is still on its way.
    pub(super) fn is_open(&mut self) -> bool {
        matches!(self.over.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    /// Whether the body ended early on the side that it comes from.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.reined.as_mut().is_some_and(|reined| reined.cut.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Some(Err(Cut.into())));
        }
        if let Some(part) = self.first.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let polled = Pin::new(&mut self.rest).poll_frame(context);
        if let (Poll::Ready(Some(Err(_))), Some(reined)) = (&polled, &self.reined) {
            reined.broken.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held: u64 = self.first.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX)).sum();
        let (rest, mut whole) = (self.rest.size_hint(), SizeHint::new());
        whole.set_lower(held.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            whole.set_upper(held.saturating_add(upper));
        }
        whole
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}

/// The body of a request that flows past.
#[derive(Debug, Default)]
enum Up {
    /// There is none: the call holds its body.
    #[default]
    Held,
    /// It has not left.
    Waits(Flow),
    /// It was taken, and cannot be sent again.
    Taken,
}

/// Carries beside a call what flows past: the body of the request if it is large, and that of the answer if it turns
/// out to be. The default is for a call that holds its body; it may be repeated, and its answer may flow.
#[derive(Debug, Default)]
pub struct Passage {
    once: bool,
    up: Mutex<Up>,
    down: Mutex<Option<Flow>>,
    begun: Mutex<Option<oneshot::Sender<Begun>>>,
}

/// What the caller of a call with a passage is told before the attempt has ended.
#[derive(Debug)]
pub(crate) enum Begun {
    /// The head of an answer whose body lies in the passage.
    Here(Answer),
    /// The answer flows to another that asked the same: ask again.
    Apart,
}

impl Passage {
    /// For a call with a large body, which is sent once: `body` if it flows, none if the call holds it after all.
    pub fn once(body: Option<Flow>) -> Self {
        Self { once: true, up: Mutex::new(body.map_or(Up::Held, Up::Waits)), ..Self::default() }
    }

    /// Whether there may be no second attempt.
    pub fn is_once(&self) -> bool {
        self.once
    }

    /// The body of the answer, if it flows. Whoever drops it ends the exchange with HubSpot.
    pub fn take_down(&self) -> Option<Flow> {
        lock(&self.down).take()
    }

    /// Hears when an answer begins to flow.
    pub(crate) fn watch(&self) -> oneshot::Receiver<Begun> {
        let (tell, told) = oneshot::channel();
        *lock(&self.begun) = Some(tell);
        told
    }

    /// Whether somebody heard it.
    fn tell(&self, begun: Begun) -> bool {
        lock(&self.begun).take().is_some_and(|tell| tell.send(begun).is_ok())
    }
}

/// The body was sent before.
#[derive(Debug)]
pub(super) struct Spent;

/// The passages of the callers whom one attempt serves; none if one of them takes no stream.
#[derive(Debug, Default)]
pub struct Passages {
    callers: Vec<Arc<Passage>>,
    stop: Option<CancellationToken>,
}

impl Passages {
    /// These callers', until `stop` and a while longer.
    pub(crate) fn of(callers: Vec<Arc<Passage>>, stop: CancellationToken) -> Self {
        let stop = (!callers.is_empty()).then_some(stop);
        Self { callers, stop }
    }

    /// Whether a large answer may flow.
    pub(super) fn take_streams(&self) -> bool {
        !self.callers.is_empty()
    }

    /// Whether the request's body flows.
    pub(super) fn has_body(&self) -> bool {
        self.callers.iter().any(|caller| !matches!(*lock(&caller.up), Up::Held))
    }

    /// The body of the request, if it flows.
    pub(super) fn take_up(&self) -> Result<Option<Flow>, Spent> {
        let Some(caller) = self.callers.first() else { return Ok(None) };
        let mut up = lock(&caller.up);
        match std::mem::take(&mut *up) {
            Up::Held => Ok(None),
            Up::Waits(flow) => {
                *up = Up::Taken;
                Ok(Some(flow))
            }
            Up::Taken => {
                *up = Up::Taken;
                Err(Spent)
            }
        }
    }

    /// Hands an answer over: it flows to the first caller, and the others ask again.
    pub(super) fn begin(&self, answer: &Answer, flow: Flow) {
        let Some((first, others)) = self.callers.split_first() else { return };
        for other in others {
            other.tell(Begun::Apart);
        }
        *lock(&first.down) = Some(flow);
        if !first.tell(Begun::Here(answer.clone())) {
            // Its caller has left.
            drop(first.take_down());
        }
    }

    /// Waits until the process has been stopping for [`STREAM_GRACE`].
    pub(super) async fn stopped(&self) {
        match &self.stop {
            Some(stop) => {
                stop.cancelled().await;
                tokio::time::sleep(STREAM_GRACE).await;
            }
            None => std::future::pending().await,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
