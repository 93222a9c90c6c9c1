//! What other programs are told of events, as they ask for it: `/linchpin/v1/events` and `/linchpin/v1/subscribers`.
//!
//! All of it opens to the admin key alone: an event holds values of records, of any type. What subscribers are sent by
//! themselves is [`linchpin_engine::subscribers`].

mod orders;
mod page;
mod query;
pub mod shapes;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, ALLOW, HeaderValue};
use linchpin_engine::news::News;
use linchpin_engine::retention::Forgotten;
use linchpin_engine::subscribers::{Status, Subscribers};
use linchpin_engine::tasks::Tasks;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::event_log::EventLog;
use linchpin_ports::store::StoreError;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::page::Wanted;
use self::query::Query;
use self::shapes::Trouble;
pub(crate) use self::stream::Live;
use crate::admin::shapes::Problem;
use crate::admin::{self, BASE};

/// Streams that may be open at once.
pub const STREAMS_MAX: usize = 64;
/// How often a stream without news says that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader may take for what it was sent, before its stream ends. It goes on with `Last-Event-ID`.
pub const SLOW_MAX: Duration = Duration::from_secs(60);
/// How long a stream sleeps at most when nothing wakes it.
const POLL: Duration = Duration::from_secs(5);
/// Dead deliveries that are listed.
const DEAD_LISTED: u16 = 100;

/// What the telling is built from.
pub struct TellingParts {
    /// What is told.
    pub log: Arc<dyn EventLog>,
    /// The account whose log is meant where nobody says.
    pub portal: PortalId,
    /// The apps that deliver; a single one is meant where nobody says.
    pub apps: Vec<AppId>,
    /// Changes when something new is in the log.
    pub news: News,
    /// Who is told without asking.
    pub subscribers: Subscribers,
    /// What is forgotten.
    pub forgotten: Forgotten,
    /// Where streams run.
    pub tasks: Tasks,
}

/// The telling.
pub struct Telling {
    parts: TellingParts,
    room: Arc<Semaphore>,
    over: CancellationToken,
}

/// What the telling looks like at one moment, for metrics.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Every feed.
    pub feeds: Vec<Status>,
    /// Streams that are open.
    pub streams: u64,
    /// Events that were forgotten since the start.
    pub forgotten: u64,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    Events,
    Subscribers,
    Dead(&'a str),
    Enable(&'a str),
    Resume(&'a str),
    Replay(&'a str),
}

fn place(path: &str) -> Option<Place<'_>> {
    let rest = path.strip_prefix(BASE)?;
    match rest {
        "/events" => return Some(Place::Events),
        "/subscribers" => return Some(Place::Subscribers),
        _ => {}
    }
    let (name, order) = rest.strip_prefix("/subscribers/")?.split_once('/')?;
    match order {
        _ if name.is_empty() => None,
        "dead" => Some(Place::Dead(name)),
        "enable" => Some(Place::Enable(name)),
        "resume" => Some(Place::Resume(name)),
        "replay" => Some(Place::Replay(name)),
        _ => None,
    }
}

/// Whether a path belongs here.
pub(crate) fn is_path(path: &str) -> bool {
    place(path).is_some()
}

/// Whether a request asks for a stream: for events, unless it wants JSON.
fn wants_stream(head: &http::request::Parts) -> bool {
    let accepts = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    place(head.uri.path()) == Some(Place::Events)
        && (accepts.contains("text/event-stream") || !accepts.contains("json"))
}

impl Telling {
    /// The telling.
    pub fn new(parts: TellingParts) -> Self {
        Self { parts, room: Arc::new(Semaphore::new(STREAMS_MAX)), over: CancellationToken::new() }
    }

    /// Ends every stream: the server stops.
    pub(crate) fn end(&self) {
        self.over.cancel();
    }

    /// What it looks like now. Where the store fails there are no feeds to be seen.
    pub(crate) async fn figures(&self) -> Figures {
        let feeds = self.parts.subscribers.statuses().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the feeds of subscribers are not read");
            Vec::new()
        });
        let streams = STREAMS_MAX.saturating_sub(self.room.available_permits()) as u64;
        Figures { feeds, streams, forgotten: self.parts.forgotten.count() }
    }

    /// A stream, if one is asked for; the refusal of one as an answer.
    pub(crate) fn stream(&self, head: &http::request::Parts) -> Option<Result<Live, Answer>> {
        if !wants_stream(head) || head.method != Method::GET {
            return None;
        }
        Some(self.wanted(head).and_then(|wanted| self.open(wanted)).map_err(|problem| admin::problem(&problem)))
    }

    /// Answers whatever is no stream.
    pub(crate) async fn answer(&self, head: &http::request::Parts) -> Answer {
        let Some(place) = place(head.uri.path()) else {
            return admin::problem(&Problem::new(
                404,
                "LP5203",
                format!("nothing of Linchpin is at {}", head.uri.path()),
            ));
        };
        let allowed = match place {
            Place::Events | Place::Subscribers | Place::Dead(_) => Method::GET,
            Place::Enable(_) | Place::Resume(_) | Place::Replay(_) => Method::POST,
        };
        if head.method != allowed {
            return wrong_method(&allowed);
        }
        let answered = match place {
            Place::Events => self.page(head).await,
            Place::Subscribers => self.listed().await,
            Place::Dead(name) => self.dead(name).await,
            Place::Enable(name) => self.enable(name).await,
            Place::Resume(name) => self.resume(name, head).await,
            Place::Replay(name) => self.replay(name).await,
        };
        answered.unwrap_or_else(|problem| admin::problem(&problem))
    }

    /// The log that a query means.
    fn install(&self, query: &Query) -> Result<Install, Problem> {
        let portal = query.portal.unwrap_or(self.parts.portal);
        let app = match (query.app, self.parts.apps.as_slice()) {
            (Some(app), _) => app,
            (None, [only]) => *only,
            (None, []) => AppId(0),
            (None, several) => {
                let apps: Vec<String> = several.iter().map(|app| app.0.to_string()).collect();
                return Err(malformed(&format!("say whose events: app is one of {}", apps.join(", "))));
            }
        };
        Ok(Install { portal, app })
    }

    fn wanted(&self, head: &http::request::Parts) -> Result<Wanted, Problem> {
        let query = Query::read(head.uri.query().unwrap_or_default()).map_err(|why| malformed(&why))?;
        let resumed = query::last_event_id(&head.headers).map_err(|why| malformed(&why))?;
        let install = self.install(&query)?;
        Ok(Wanted { install, query, resumed })
    }
}

fn wrong_method(allowed: &Method) -> Answer {
    let detail = format!("this path takes {allowed} alone");
    let mut answer = admin::problem(&Problem::new(405, "LP5405", detail));
    if let Ok(value) = HeaderValue::from_str(allowed.as_str()) {
        answer.headers.insert(ALLOW, value);
    }
    answer
}

fn malformed(why: &str) -> Problem {
    Problem::new(400, "LP5401", why.to_owned())
}

fn unread(error: &StoreError) -> Problem {
    tracing::warn!(%error, "the log of events is not read");
    Problem::new(503, "LP5403", "the store fails".to_owned())
}

fn unknown(name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    Problem::new(404, "LP5404", format!("there is no subscriber {shown:?} in the configuration"))
}

/// How it stands with the delivery whose turn it is, unless all is well.
fn trouble(status: &Status) -> Option<Trouble> {
    let trouble = &status.feed.state.trouble;
    (trouble.attempts > 0).then(|| Trouble {
        attempts: trouble.attempts,
        status: trouble.status,
        since_ms: trouble.since.map(|since| since.0),
        next_ms: trouble.next.map(|next| next.0),
    })
}

/// The words that title and advice of a code are made from.
pub(crate) fn words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "LP5401" => ("Not a question about events", "docs/events.md says which parameters there are"),
        "LP5402" => ("Too many streams", "close one, or read pages: send `Accept: application/json`"),
        "LP5403" => ("The log cannot be read", "ask again; if it stays so, look at the disk of the store"),
        "LP5404" => ("No such subscriber", "GET /linchpin/v1/subscribers lists those that there are"),
        "LP5405" => ("Wrong method", "GET reads, POST orders: GET /linchpin/v1/openapi.json lists every path"),
        _ => return None,
    })
}
