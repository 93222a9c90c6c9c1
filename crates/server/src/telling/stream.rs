//! Events as they come: server-sent events.
//!
//! A stream is a place in the log and one task. It reads a page, hands it over, and reads on when the page is taken, so
//! a slow reader costs one page of memory and nothing else. Each event carries its place as `id`, and so does each
//! heartbeat: whoever comes back with `Last-Event-ID` misses nothing that is still in the log.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use hyper::body::{Body, Frame};
use linchpin_engine::upstream::Flow;
use linchpin_ports::store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::page::{Found, Wanted};
use super::{HEARTBEAT, POLL, SLOW_MAX, STREAMS_MAX, Telling};
use crate::admin::shapes::Problem;

/// Events that are read and handed over at a time.
const PAGE: u16 = 100;
/// What a reader waits before it comes back, in milliseconds.
const RETRY_MS: u32 = 2_000;

/// A stream that has been let in.
pub(crate) struct Live {
    wanted: Wanted,
    room: OwnedSemaphorePermit,
}

/// What a stream's task hands over.
struct Pages(mpsc::Receiver<Bytes>);

impl Body for Pages {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|page| page.map(|page| Ok(Frame::data(page))))
    }
}

impl Telling {
    pub(super) fn open(&self, wanted: Wanted) -> Result<Live, Problem> {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => Ok(Live { wanted, room }),
            Err(_) => Err(Problem::new(503, "LP5402", format!("{STREAMS_MAX} streams are open"))),
        }
    }

    /// The answer whose body is the stream.
    pub(crate) fn flow(self: &Arc<Self>, live: Live) -> Response<Flow> {
        let (pages, body) = mpsc::channel(1);
        let telling = Arc::clone(self);
        let stop = self.parts.tasks.stopping();
        self.parts.tasks.spawn("stream of events", async move {
            let Live { wanted, room } = live;
            tokio::select! {
                () = stop.cancelled() => {}
                () = telling.over.cancelled() => {}
                () = pages.closed() => {}
                told = telling.tell(&wanted, &pages) => {
                    if let Err(error) = told {
                        tracing::warn!(%error, "a stream of events ends: the store fails");
                    }
                }
            }
            drop(room);
        });
        let mut response = Response::new(Flow::of(Pages(body)));
        *response.headers_mut() = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            // nginx would gather what is to flow.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ]);
        response
    }

    /// Tells until the reader is too slow.
    async fn tell(&self, wanted: &Wanted, pages: &mpsc::Sender<Bytes>) -> Result<(), StoreError> {
        let mut news = self.parts.news.clone();
        let mut place = self.begin(wanted, true).await?;
        let mut resumed = place > 0 && (wanted.resumed.is_some() || wanted.query.from.is_some());
        // At once, so that the reader knows that it is heard.
        let mut text = format!("retry: {RETRY_MS}\n{}", alive(place));
        let mut quiet = tokio::time::interval(HEARTBEAT);
        quiet.reset();
        loop {
            if !text.is_empty() {
                let handed = timeout(SLOW_MAX, pages.send(Bytes::from(std::mem::take(&mut text)))).await;
                if !matches!(handed, Ok(Ok(()))) {
                    return Ok(());
                }
                quiet.reset();
            }
            news.note();
            let found = self.some(wanted, place, PAGE, PAGE).await?;
            if found.upto == place {
                tokio::select! {
                    _ = quiet.tick() => text = alive(place),
                    () = news.wait(POLL) => {}
                }
                continue;
            }
            text = written(&found, resumed);
            (place, resumed) = (found.upto, true);
        }
    }
}

/// A sign of life, which moves the reader's place past what it did not want.
fn alive(place: u64) -> String {
    format!(": alive\nid: {place}\n\n")
}

fn written(found: &Found, resumed: bool) -> String {
    let mut text = String::new();
    let mut push = |id: u64, event: &str, data: &str| {
        // JSON holds line breaks only where any white space may stand.
        let data = data.replace(['\n', '\r'], " ");
        write!(text, "{event}id: {id}\ndata: {data}\n\n").expect("invariant: writing to a String does not fail");
    };
    if found.missed > 0 && resumed {
        let before = found.events.first().map_or(found.upto, |first| first.id.saturating_sub(1));
        push(before, "event: missed\n", &format!("{{\"missed\":{}}}", found.missed));
    }
    for event in &found.events {
        push(event.id, "", &serde_json::to_string(event).expect("invariant: events are plain data"));
    }
    text
}
