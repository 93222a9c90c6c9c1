//! A HubSpot that any client can call: HubSpot's own paths, with a key of ours or the configured token.
//!
//! Path, query, body and the caller's headers go along as they came; what belongs to the connection and to us does not.
//! A key of ours never leaves: the door puts HubSpot's token in its place.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use linchpin_core::gateway::access::{Access, Wanted};
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::clock::Clock;
use linchpin_engine::dispatch::{DayEnds, Dispatch, DispatchError};
use linchpin_engine::follow::Follower;
use linchpin_engine::gateway::guests::{GuestError, Guests, Shown};
use linchpin_engine::gateway::operations::Operations;
use linchpin_engine::gateway::{Asked, Gateway};
use linchpin_engine::journal::Journals;
use linchpin_engine::upstream::{Flow, Passage};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::Install;
use linchpin_hubspot::token::{TokenForm, token_form};
use linchpin_ports::credentials::CredentialKind;
use memchr::memmem;

use crate::admin::shapes::Problem;
use crate::admin::{self, Admin, Page, State};
use crate::callers::{CallerAccount, Callers, Known, hash};
use crate::dead_letters;
use crate::metrics;
use crate::operations::{self, Promised};
use crate::refusal::{self, Refusal};
use crate::telling::{self, Telling};
use crate::webhooks::{self, Webhooks};

/// The largest body of a request that has to be read before it may pass, in bytes: that of a caller whose objects or
/// properties are limited. HubSpot's largest batches stay far below.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest wait that a caller may ask for.
pub const DEADLINE_MAX: Duration = Duration::from_secs(600);

/// Chooses the lane of one call: `interactive`, `realtime`, `bulk` or `reporting`.
pub const LANE_HEADER: HeaderName = HeaderName::from_static("x-linchpin-lane");
/// How many milliseconds the caller waits: a call that cannot be made by then is refused at once.
pub const DEADLINE_HEADER: HeaderName = HeaderName::from_static("x-linchpin-deadline-ms");

/// The protocol that the caller spoke with the proxy in front of us.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// How a link begins in HubSpot's answers.
static LINK: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(r#""link":""#));
/// What belongs to one connection, to a proxy in front of us, or to us.
static NOT_PASSED_ON: [HeaderName; 22] = [
    header::ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::FORWARDED,
    HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    FORWARDED_PROTO,
    HeaderName::from_static("x-real-ip"),
    LANE_HEADER,
    DEADLINE_HEADER,
];
/// Where servers look for another method than the one that was looked at here: not passed on for callers with limits.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
/// How long a day is whose end nobody knows.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What of an answer belongs to the connection with HubSpot, or to HubSpot's own address.
static NOT_PASSED_BACK: [HeaderName; 9] = [
    header::ALT_SVC,
    CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the face is built from.
pub struct Face {
    /// Where calls go.
    pub gateway: Arc<Gateway>,
    /// Writes that are promised; none if nothing is: preferences and keys then go to HubSpot like any header.
    pub operations: Option<Operations>,
    /// The door, for its figures.
    pub dispatch: Dispatch,
    /// The account.
    pub install: Install,
    /// Who may call.
    pub callers: Callers,
    /// The way of tokens that nobody configured; none if they are refused.
    pub guests: Option<Guests>,
    /// When the account's days end, and with them the callers' quotas.
    pub days: Arc<dyn DayEnds>,
    /// HubSpot's address, as it stands in links of its answers.
    pub upstream: String,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Who may look at what it does.
    pub admin: Admin,
    /// What it refused.
    pub refusals: Refusals,
    /// Where HubSpot delivers, if it does.
    pub webhooks: Option<Webhooks>,
    /// The journals that are read.
    pub journal: Journals,
    /// Who follows what it delivers, if anybody does.
    pub follow: Option<Follower>,
    /// How other programs are told of what HubSpot delivers.
    pub telling: Option<Arc<Telling>>,
}

/// What Linchpin itself refused, by reasons that the code names.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, u64>>);

impl Refusals {
    fn count(&self, reason: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Face {
    /// Answers one request, whatever it holds. All is held, and nothing flows past.
    pub async fn respond(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        self.answer_to(&head, body, None).await
    }

    /// Answers one request of which, or of whose answer, something may flow past.
    pub(crate) async fn respond_past(&self, head: Head, body: Bytes, passage: Passage) -> Response<Outgoing> {
        if let Some(told) = self.told(&head) {
            return told;
        }
        let passage = Arc::new(passage);
        let response = self.answer_to(&head, body, Some(Arc::clone(&passage))).await;
        match passage.take_down() {
            Some(flow) => response.map(|_| Either::Right(flow)),
            None => whole(response),
        }
    }

    async fn answer_to(&self, head: &Head, body: Bytes, passage: Option<Arc<Passage>>) -> Response<Bytes> {
        if let Some((webhooks, place)) = self.delivered_to(head.uri.path()) {
            return Box::pin(webhooks.take(place, Request::from_parts(head.clone(), body))).await;
        }
        // Calls on their way to HubSpot are many: what is rare lies in a box, so that their future is small to move.
        let answer = match head.uri.path() {
            "/healthz" => page("text/plain", Bytes::from_static(b"ok\n")),
            "/readyz" => Box::pin(self.ready()).await,
            "/metrics" => {
                page("text/plain; version=0.0.4", metrics::page(Box::pin(self.state()).await.as_ref()).into())
            }
            path if operations::named(path).is_some() => Box::pin(self.operation(head)).await,
            path if dead_letters::is_path(path) => Box::pin(self.dead_letters(head, body)).await,
            path if telling::is_path(path) => Box::pin(self.tell_of_events(head)).await,
            path if Admin::is_path(path) => match self.admin.admit(&head.method, path, &head.headers) {
                Ok(Page::Operations) => Box::pin(self.listed()).await,
                Ok(page) => self.admin.answer(page, Box::pin(self.state()).await.as_ref()),
                Err(problem) => admin::problem(&problem),
            },
            path if path == "/" || webhooks::is_path(path) => {
                Refusal::new(404, format!("nothing of Linchpin is at {path}"))
                    .never()
                    .answer(&self.gateway.correlation())
            }
            _ => self.pass(head, body, passage).await,
        };
        to_response(answer)
    }

    /// What is told of events and subscribers, to whoever has the admin key.
    async fn tell_of_events(&self, head: &Head) -> Answer {
        if let Err(problem) = self.admin.authorize(&head.headers) {
            return admin::problem(&problem);
        }
        match &self.telling {
            Some(telling) => telling.answer(head).await,
            None => admin::problem(&Problem::new(404, "LP5203", "no events are kept here".to_owned())),
        }
    }

    /// A stream of events, if one is asked for.
    fn told(&self, head: &Head) -> Option<Response<Outgoing>> {
        let telling = self.telling.as_ref().filter(|_| telling::is_path(head.uri.path()))?;
        self.admin.authorize(&head.headers).ok()?;
        Some(match telling.stream(head)? {
            Ok(live) => telling.flow(live).map(Either::Right),
            Err(refusal) => whole(to_response(refusal)),
        })
    }

    /// Ends what would never end by itself: the server stops.
    pub(crate) fn end_streams(&self) {
        if let Some(telling) = &self.telling {
            telling.end();
        }
    }

    /// The refusal of a request whose body need not be read: nobody is known to have sent it.
    pub(crate) fn refused(&self, head: &Head) -> Option<Response<Bytes>> {
        let path = head.uri.path();
        if operations::named(path).is_some() {
            return self.operation_refused(head).map(|problem| to_response(admin::problem(&problem)));
        }
        if dead_letters::is_path(path) {
            return self.dead_letters_refused(head).map(|problem| to_response(admin::problem(&problem)));
        }
        if telling::is_path(path) {
            let problem = self.admin.authorize(&head.headers).err();
            return problem.map(|problem| to_response(admin::problem(&problem)));
        }
        if Admin::is_path(path) {
            let problem = self.admin.admit(&head.method, path, &head.headers).err();
            return problem.map(|problem| to_response(admin::problem(&problem)));
        }
        // What HubSpot delivers shows no key: its signature is over the body.
        let open = is_own(path) || self.delivered_to(path).is_some();
        let refusal = if open { None } else { self.who(&head.headers).err() };
        refusal.map(|refusal| {
            self.refusals.count(refusal.reason());
            to_response(refusal.answer(&self.gateway.correlation()))
        })
    }

    fn delivered_to(&self, path: &str) -> Option<(&Webhooks, webhooks::Place)> {
        Some((self.webhooks.as_ref()?, webhooks::place(path)?))
    }

    /// The largest body of a request that is read whole, in bytes.
    pub(crate) fn body_bytes_max(&self, head: &Head) -> usize {
        self.delivered_to(head.uri.path()).map_or(BODY_BYTES_MAX, |_| webhooks::BODY_BYTES_MAX)
    }

    /// Whether the whole body of a request must be known before it may go anywhere.
    pub(crate) fn reads_whole(&self, head: &Head) -> bool {
        let path = head.uri.path();
        let looks_into = |who: Who<'_>| looks_into(&who.known.caller.access);
        let promised = operations::is_wished(&head.headers);
        let own = is_own(path) || webhooks::is_path(path);
        own || promised || Admin::is_path(path) || self.who(&head.headers).is_ok_and(looks_into)
    }

    /// What it looks like now; none when the door is closed.
    async fn state(&self) -> Option<State> {
        let letters = match &self.operations {
            Some(operations) => operations.letter_count().await,
            None => Ok(0),
        };
        let dead_letters = letters.inspect_err(|error| {
            tracing::warn!(error = error as &dyn std::error::Error, "dead letters cannot be counted");
        });
        Some(State {
            install: self.install,
            snapshot: self.dispatch.snapshot().await?,
            saved: self.gateway.saved(),
            usage: self.gateway.usage(),
            shadow: self.gateway.is_shadow(),
            callers: self.callers(),
            refused: self.refusals.all(),
            webhooks: self.webhooks.as_ref().map(|webhooks| webhooks.ingress().counts()).unwrap_or_default(),
            echoes: self.webhooks.as_ref().map(|webhooks| webhooks.ingress().echoes()).unwrap_or_default(),
            journals: self.journal.reports(),
            follow: self.follow.as_ref().map(Follower::counts).unwrap_or_default(),
            operations: self.operations.as_ref().map(Operations::counts).unwrap_or_default(),
            dead_letters: dead_letters.ok(),
            telling: match &self.telling {
                Some(telling) => telling.figures().await,
                None => telling::Figures::default(),
            },
            now: self.clock.now().mono,
        })
    }

    async fn ready(&self) -> Answer {
        match self.dispatch.snapshot().await {
            Some(_) => page("text/plain", Bytes::from_static(b"ready\n")),
            None => Refusal::new(503, "the door to HubSpot is closed".to_owned()).answer(&self.gateway.correlation()),
        }
    }

    /// What each caller has done, for the admin API.
    pub fn callers(&self) -> Vec<CallerAccount> {
        self.callers.accounts(self.clock.now().wall)
    }

    async fn pass(&self, head: &Head, body: Bytes, passage: Option<Arc<Passage>>) -> Answer {
        let who = match self.who(&head.headers) {
            Ok(who) => who,
            Err(refusal) => return self.refuse(refusal),
        };
        let known = who.known;
        known.account().handle_asked();
        let asked = match self.asked(head, body, known) {
            Ok(asked) => Asked { passage, ..asked },
            Err(refusal) => {
                known.account().handle_refused();
                return self.refuse(refusal);
            }
        };
        let is_guest = who.guest.is_some();
        let promised = if operations::is_wished(&head.headers) {
            Box::pin(self.promise(head, known, is_guest, asked)).await
        } else {
            Promised::No(asked)
        };
        let asked = match promised {
            Promised::No(asked) => asked,
            Promised::Ours(answer) => return answer,
            Promised::HubSpots(answer) => return self.polished(head, answer, !is_guest),
        };
        let joined = Arc::clone(&asked.joined);
        let answer = match self.answer(who.guest, asked).await {
            Ok(answer) => {
                known.account().handle_answer(answer.status, joined.load(Ordering::Relaxed));
                answer
            }
            Err(error) => self.unanswered(known, error),
        };
        self.polished(head, answer, !is_guest)
    }

    /// An answer as its caller gets it.
    pub(crate) fn polished(&self, head: &http::request::Parts, mut answer: Answer, leads_back: bool) -> Answer {
        refusal::advise(&mut answer);
        if leads_back {
            self.lead_back(head, &mut answer);
        }
        if answer.headers.keys().any(|name| NOT_PASSED_BACK.contains(name)) {
            for name in &NOT_PASSED_BACK {
                answer.headers.remove(name);
            }
        }
        answer
    }

    async fn answer(&self, guest: Option<(&Guests, Shown)>, asked: Asked) -> Result<Answer, GuestError> {
        let answered = match guest {
            Some((guests, shown)) => Box::pin(guests.answer(shown, asked)).await,
            None => self.gateway.answer(asked).await.map_err(GuestError::Dispatch),
        };
        match answered {
            // HubSpot's own word about a token is an answer like any other.
            Err(GuestError::Dispatch(DispatchError::DeadToken(Some(answer)))) => Ok(*answer),
            answered => answered,
        }
    }

    /// Counts a call without an answer.
    pub(crate) fn count(&self, reason: &'static str) {
        self.refusals.count(reason);
    }

    /// Answers with a refusal of our own, and counts it.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Answer {
        self.refusals.count(refusal.reason());
        refusal.answer(&self.gateway.correlation())
    }

    fn unanswered(&self, known: &Known, error: GuestError) -> Answer {
        let correlation = self.gateway.correlation();
        match error {
            GuestError::Full => {
                known.account().handle_refused();
                self.refuse(refusal::crowded(&error.to_string()))
            }
            GuestError::Dispatch(error) => {
                known.account().handle_unanswered();
                tracing::info!(code = error.code(), %error, "a call has no answer of HubSpot");
                self.refusals.count(refusal::reason(&error));
                refusal::of(&error, self.clock.now().wall, &correlation)
            }
        }
    }

    fn asked(&self, head: &Head, body: Bytes, known: &Known) -> Result<Asked, Refusal> {
        let caller = &known.caller;
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        if !target.starts_with('/') || head.method == Method::CONNECT {
            return Err(
                Refusal::new(400, "a path of HubSpot's API is expected, beginning with a slash".to_owned()).never()
            );
        }
        let (lane, deadline) = (lane(&head.headers)?.unwrap_or(caller.lane), deadline(&head.headers)?);
        let wanted = Wanted { portal: self.install.portal, method: &head.method, target, body: &body };
        caller.access.allows(&wanted).map_err(|denied| refusal::denied(&denied))?;
        let now = self.clock.now().wall;
        let day_end = |now| self.days.day_ends(self.install.portal, now).unwrap_or(now + DAY);
        known.account().take(now, day_end).map_err(|spent| refusal::spent(&spent, now))?;
        let passed_on = head.headers.iter().filter(|(name, _)| !NOT_PASSED_ON.contains(name));
        let mut headers = HeaderMap::with_capacity(head.headers.len());
        headers.extend(passed_on.map(|(name, value)| (name.clone(), value.clone())));
        // A header that the connection's own names is the connection's, too.
        for named in head.headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()) {
            named.split(',').for_each(|name| drop(headers.remove(name.trim())));
        }
        if !caller.access.is_unlimited() {
            for name in METHOD_OVERRIDES {
                headers.remove(name);
            }
        }
        Ok(Asked {
            install: self.install,
            lane,
            deadline,
            caller: known.label.clone(),
            method: head.method.clone(),
            target: target.to_owned(),
            headers,
            body,
            joined: Arc::default(),
            passage: None,
        })
    }

    /// Who calls. What has the form of a HubSpot token and is nobody's is a guest's; anything else may be a mistyped key,
    /// and leaves this machine for nowhere.
    fn who(&self, headers: &HeaderMap) -> Result<Who<'_>, Refusal> {
        let shown = shown(headers);
        if let Some(known) = shown.and_then(|secret| self.callers.find(secret)) {
            return Ok(Who { known, guest: None });
        }
        let guest = shown.and_then(|secret| Some((self.guests.as_ref()?, guest(secret)?)));
        if guest.is_some() {
            return Ok(Who { known: self.callers.unknown(), guest });
        }
        let message = "Linchpin does not know this credential: send the key of a caller below `gateway.callers`, or the \
                       configured HubSpot token, as `Authorization: Bearer ...`";
        Err(Refusal::new(401, message.to_owned()).with("category", "INVALID_AUTHENTICATION").never())
    }

    /// Absolute links of HubSpot lead back to the gateway: a client that followed them would leave it, and show its key
    /// to HubSpot.
    fn lead_back(&self, head: &Head, answer: &mut Answer) {
        if !answer.headers.contains_key(LOCATION) && LINK.find(&answer.body).is_none() {
            return;
        }
        let authority = head.uri.authority().map(http::uri::Authority::as_str);
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let forwarded = head.headers.get(FORWARDED_PROTO).and_then(|scheme| scheme.to_str().ok());
        let scheme = forwarded.filter(|scheme| *scheme == "https").unwrap_or("http");
        let Some(own) = authority.or(host).map(|host| format!("{scheme}://{host}")) else { return };
        let located = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let path = located.and_then(|location| location.strip_prefix(&self.upstream).or(Some(location)));
        let moved = path.filter(|path| path.starts_with('/')).map(|path| format!("{own}{path}"));
        if let Some(value) = moved.and_then(|moved| HeaderValue::from_str(&moved).ok()) {
            answer.headers.insert(LOCATION, value);
        }
        let (from, to) = (format!(r#""link":"{}/"#, self.upstream), format!(r#""link":"{own}/"#));
        if let Some(body) = replaced(&answer.body, from.as_bytes(), to.as_bytes()) {
            answer.body = body;
        }
    }
}

/// The credential that is shown.
pub(crate) fn shown(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.split_once(' '));
    shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret.trim())
}

/// All of a request but its body.
type Head = http::request::Parts;

/// The body of an answer: held, or flowing past.
pub(crate) type Outgoing = Either<Full<Bytes>, Flow>;

/// An answer that is held.
pub(crate) fn whole(response: Response<Bytes>) -> Response<Outgoing> {
    response.map(|body| Either::Left(Full::new(body)))
}

/// Whether a path is answered here.
fn is_own(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/")
}

/// Whether a caller's limits are about what bodies say.
fn looks_into(access: &Access) -> bool {
    access.objects.is_some() || !access.properties.is_empty()
}

/// Who makes a call.
struct Who<'a> {
    known: &'a Known,
    /// Only of a token that nobody configured.
    guest: Option<(&'a Guests, Shown)>,
}

fn guest(secret: &str) -> Option<Shown> {
    let kind = match token_form(secret)? {
        TokenForm::PrivateApp => CredentialKind::PrivateApp,
        TokenForm::OAuth => CredentialKind::OAuth,
    };
    Some(Shown { hash: hash(secret), secret: secret.into(), kind })
}

/// The body with every occurrence replaced; none if there is none.
fn replaced(body: &Bytes, from: &[u8], to: &[u8]) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let (from, to) = (std::str::from_utf8(from).ok()?, std::str::from_utf8(to).ok()?);
    text.contains(from).then(|| Bytes::from(text.replace(from, to)))
}

fn lane(headers: &HeaderMap) -> Result<Option<Lane>, Refusal> {
    let Some(value) = headers.get(LANE_HEADER) else { return Ok(None) };
    match value.as_bytes() {
        b"interactive" => Ok(Some(Lane::Interactive)),
        b"realtime" => Ok(Some(Lane::Realtime)),
        b"bulk" => Ok(Some(Lane::Bulk)),
        b"reporting" => Ok(Some(Lane::Reporting)),
        _ => Err(wrong(&LANE_HEADER, "interactive, realtime, bulk or reporting")),
    }
}

fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(DEADLINE_HEADER) else { return Ok(None) };
    let millis = value.to_str().ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
    match millis.filter(|wait| *wait <= DEADLINE_MAX) {
        Some(wait) => Ok(Some(wait)),
        None => Err(wrong(&DEADLINE_HEADER, &format!("milliseconds up to {}", DEADLINE_MAX.as_millis()))),
    }
}

fn wrong(header: &HeaderName, expected: &str) -> Refusal {
    Refusal::new(400, format!("{header}: expected {expected}")).with("category", "VALIDATION_ERROR").never()
}

fn to_response(answer: Answer) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = answer.headers;
    response
}

fn page(kind: &'static str, body: Bytes) -> Answer {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
    Answer { status: 200, headers, body }
}

/// A request whose body is too large.
pub(crate) fn too_large(face: &Face, limit: usize) -> Response<Bytes> {
    let message = format!("the body has more than {limit} bytes, and has to be read before it may pass");
    let refusal = Refusal::new(413, message).never();
    face.refusals.count(refusal.reason());
    to_response(refusal.answer(&face.gateway.correlation()))
}
