//! One app's reader: entry after entry into the log of events, from where it stopped.
//!
//! An entry's events are stored together with the checkpoint behind it, or, where they are many, its last ones are:
//! after a crash an entry is read again, and its changes are recognised. So each is in the log once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use linchpin_core::ingress::journal::{NO_ACCESS_WAIT, failure_wait, may_have_missed, was_away};
use linchpin_core::time::{Mono, Wall};
use linchpin_hubspot::event::Change;
use linchpin_hubspot::event::journal::{self as file, NotAPage};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::journal::{Entry, Pointer, Read};
use linchpin_ports::event_log::{Accepted, NewEvent, Teller};
use linchpin_ports::journal::{Checkpoint, Gap, Journals};
use linchpin_ports::store::StoreError;
use tokio_util::sync::CancellationToken;

use super::book::{Book, State};
use super::files::{FileError, Files};
use super::token::AppToken;
use crate::clock::Clock;
use crate::dispatch::DispatchError;
use crate::echo::Echoes;
use crate::hub::{Hub, HubError};
use crate::ingress::{known, unread};
use crate::news::Bell;

/// Events that are stored at once: webhooks wait for the store meanwhile.
pub const EVENTS_AT_ONCE: usize = 1_000;
/// How often a file that cannot be read is tried, before it is passed over.
pub const FILE_ATTEMPTS: u32 = 5;
/// How often it is written down that nothing is new.
pub const IDLE_SAVED_EVERY: Duration = Duration::from_secs(60);
/// How often webhooks and journal are compared, at most.
pub const COMPARE_EVERY: Duration = Duration::from_secs(60);
/// Events of a log that are compared at once.
const COMPARED_AT_ONCE: u16 = 5_000;

/// What a reader works with.
pub(super) struct Reader {
    pub(super) app: AppId,
    pub(super) poll: Duration,
    pub(super) compare_after: Duration,
    pub(super) hub: Hub,
    pub(super) token: Arc<AppToken>,
    pub(super) files: Arc<dyn Files>,
    pub(super) store: Arc<dyn Journals>,
    pub(super) echoes: Arc<Echoes>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) book: Arc<Book>,
    pub(super) bell: Bell,
}

/// What is remembered between rounds.
#[derive(Default)]
pub(super) struct Between {
    /// The file that could not be read, and how often it was tried.
    bad_file: Option<(String, u32)>,
    compared_at: Option<Mono>,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    More,
    /// Nothing is new.
    Idle,
}

/// What HubSpot says when it is asked for an entry.
enum Asked {
    /// Here it is.
    Entry(Pointer),
    /// Nothing is new.
    Nothing,
    /// It knows no such offset, or no such journal.
    Unknown,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The app has no access.
    #[error("the app has no access to its journal: {0}")]
    NoAccess(String),
    /// The journal cannot be asked.
    #[error("the journal cannot be asked")]
    Hub(#[source] HubError),
    /// A file did not come, or is none.
    #[error("a file of the journal cannot be had")]
    File(#[source] FileError),
    /// A file is none.
    #[error("a file of the journal cannot be read")]
    Page(#[source] NotAPage),
    /// The store failed.
    #[error("the store does not take the journal's events")]
    Store(#[from] StoreError),
}

impl Trouble {
    fn code(&self) -> &'static str {
        match self {
            Self::NoAccess(_) => "LP6201",
            Self::Hub(error) => error.code(),
            Self::File(_) | Self::Page(_) => "LP6203",
            Self::Store(_) => "LP6005",
        }
    }

    /// Whether the file will be the same next time.
    fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            Self::Page(_) | Self::File(FileError::TooLarge | FileError::Address | FileError::Refused(404 | 410))
        )
    }
}

impl Reader {
    /// Reads until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let (mut between, mut failures) = (Between::default(), 0);
        loop {
            let round = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                round = self.round(&mut between) => round,
            };
            let wait = match round {
                Ok(step) => {
                    failures = 0;
                    self.well(step);
                    if step == Step::Idle { self.poll } else { Duration::ZERO }
                }
                Err(trouble) => {
                    failures += 1;
                    self.tell(&trouble);
                    if matches!(trouble, Trouble::NoAccess(_)) { NO_ACCESS_WAIT } else { failure_wait(failures) }
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Reads one entry, if there is one.
    pub(super) async fn round(&self, between: &mut Between) -> Result<Step, Trouble> {
        let now = self.clock.now().wall;
        let checkpoint = self.store.checkpoint(self.app).await?.unwrap_or_else(|| Checkpoint::begin(now));
        {
            let mut report = self.book.lock();
            report.read_until = checkpoint.read_until.max(report.read_until);
            report.last_gap = checkpoint.gap;
        }
        let asked = match &checkpoint.offset {
            _ if was_away(checkpoint.asked_at, now) => Asked::Unknown,
            Some(offset) => self.ask(Entry::After(offset.clone())).await?,
            None => self.ask(Entry::Earliest).await?,
        };
        let (checkpoint, asked) = match asked {
            // The offset is not known any more, or there is no journal at all: the oldest entry tells which.
            Asked::Unknown => match self.ask(Entry::Earliest).await? {
                Asked::Unknown => return Err(Trouble::NoAccess("HubSpot knows no journal of it".to_owned())),
                found => (self.begin_again(checkpoint, now).await?, found),
            },
            found => (checkpoint, found),
        };
        let step = match asked {
            Asked::Entry(pointer) => self.take(checkpoint, &pointer, between).await?,
            Asked::Nothing | Asked::Unknown => self.idle(checkpoint, now).await?,
        };
        self.compare(between).await?;
        Ok(step)
    }

    async fn ask(&self, entry: Entry) -> Result<Asked, Trouble> {
        let read = Read { entry, portal: None };
        // A token may have ended early: a second one is asked for.
        for _ in 0..2 {
            self.token.ensure(&self.hub).await.map_err(of_token)?;
            match self.hub.send(&read).await {
                Ok(pointer) => return Ok(pointer.map_or(Asked::Nothing, Asked::Entry)),
                Err(HubError::NoAnswer(DispatchError::DeadToken(_))) => self.token.forget(),
                Err(HubError::Refused(refused)) if matches!(refused.status, 400 | 404 | 410) => {
                    return Ok(Asked::Unknown);
                }
                Err(HubError::Refused(refused)) if refused.status == 403 => {
                    self.token.forget();
                    return Err(Trouble::NoAccess(
                        "the scope developer.webhooks_journal.read is missing (status 403)".to_owned(),
                    ));
                }
                Err(error) => return Err(Trouble::Hub(error)),
            }
        }
        Err(Trouble::NoAccess("its token is refused (status 401)".to_owned()))
    }

    /// The checkpoint before the oldest entry that is kept.
    async fn begin_again(&self, checkpoint: Checkpoint, now: Wall) -> Result<Checkpoint, Trouble> {
        let app = self.app.0;
        if !may_have_missed(checkpoint.read_until, now) {
            tracing::info!(app, "the journal's offset is not known any more: all that is kept is read again");
            return Ok(Checkpoint { offset: None, ..checkpoint });
        }
        let gap = Gap { from: checkpoint.read_until.unwrap_or(checkpoint.began_at), until: now };
        // Written down before anything is read, so that it is told once.
        let checkpoint = Checkpoint { offset: None, asked_at: Some(now), gap: Some(gap), ..checkpoint };
        self.store.take(self.app, Vec::new(), checkpoint.clone(), now).await?;
        self.missed(gap);
        tracing::error!(
            app,
            code = "LP6202",
            from_ms = gap.from.0,
            until_ms = gap.until.0,
            "the journal was not read for longer than HubSpot keeps it: what only it told in that time is missed; \
             compare the records of that time with HubSpot"
        );
        Ok(checkpoint)
    }

    fn missed(&self, gap: Gap) {
        let mut report = self.book.lock();
        report.gaps += 1;
        report.last_gap = Some(gap);
    }

    /// Stores what an entry's file tells.
    async fn take(&self, before: Checkpoint, pointer: &Pointer, between: &mut Between) -> Result<Step, Trouble> {
        let after = Checkpoint { offset: Some(pointer.current_offset.clone()), ..before.clone() };
        let (events, published) = match self.read(pointer).await {
            Ok(read) => read,
            Err(trouble) if trouble.is_of_the_file() => return self.bad(after, trouble, between).await,
            Err(trouble) => return Err(trouble),
        };
        between.bad_file = None;
        let (mut events, now) = (events, self.clock.now().wall);
        while events.len() > EVENTS_AT_ONCE {
            let rest = events.split_off(EVENTS_AT_ONCE);
            self.took(self.store.take(self.app, events, before.clone(), now).await?);
            events = rest;
        }
        let after = Checkpoint { read_until: published.max(after.read_until), asked_at: Some(now), ..after };
        let read_until = after.read_until;
        self.took(self.store.take(self.app, events, after, now).await?);
        let mut report = self.book.lock();
        report.files += 1;
        report.read_until = read_until.max(report.read_until);
        Ok(Step::More)
    }

    fn took(&self, accepted: Accepted) {
        self.book.took(accepted);
        if accepted.new > 0 {
            self.bell.ring();
        }
    }

    /// What a file tells, and when it was published.
    async fn read(&self, pointer: &Pointer) -> Result<(Vec<NewEvent>, Option<Wall>), Trouble> {
        let body = self.files.fetch(&pointer.url).await.map_err(Trouble::File)?;
        let page = file::read(self.app, &body).map_err(Trouble::Page)?;
        let (events, strange) = new_events((self.app, self.echoes.as_ref()), &page, &body, self.clock.now().wall);
        if strange > 0 {
            self.book.lock().not_understood += strange;
            tracing::warn!(
                app = self.app.0,
                entries = strange,
                "entries of the journal are kept without being understood"
            );
        }
        Ok((events, page.published_at_ms.map(Wall)))
    }

    /// Counts a file that cannot be read, and passes over it in the end: one is not to hold up all that follow.
    async fn bad(&self, after: Checkpoint, trouble: Trouble, between: &mut Between) -> Result<Step, Trouble> {
        let offset = after.offset.clone().unwrap_or_default();
        let attempts =
            between.bad_file.as_ref().filter(|(bad, _)| *bad == offset).map_or(1, |(_, attempts)| attempts + 1);
        between.bad_file = Some((offset, attempts));
        if attempts < FILE_ATTEMPTS {
            return Err(trouble);
        }
        let now = self.clock.now().wall;
        let gap = Gap { from: after.read_until.unwrap_or(after.began_at), until: now };
        self.store.take(self.app, Vec::new(), Checkpoint { gap: Some(gap), asked_at: Some(now), ..after }, now).await?;
        between.bad_file = None;
        self.missed(gap);
        self.book.lock().skipped += 1;
        tracing::error!(
            app = self.app.0,
            code = trouble.code(),
            error = &trouble as &dyn std::error::Error,
            "a file of the journal is passed over: what only it told is missed"
        );
        Ok(Step::More)
    }

    /// Nothing is new: everything that was published before `asked` has been read.
    async fn idle(&self, checkpoint: Checkpoint, asked: Wall) -> Result<Step, Trouble> {
        self.book.lock().read_until = Some(asked);
        if checkpoint.asked_at.is_none_or(|last| asked - last >= IDLE_SAVED_EVERY) {
            let checkpoint = Checkpoint { read_until: Some(asked), asked_at: Some(asked), ..checkpoint };
            self.store.take(self.app, Vec::new(), checkpoint, asked).await?;
        }
        Ok(Step::Idle)
    }

    /// Counts what only one of the two has told, once the other has had its time.
    async fn compare(&self, between: &mut Between) -> Result<(), Trouble> {
        let now = self.clock.now().mono;
        let every = COMPARE_EVERY.min(self.compare_after);
        if between.compared_at.is_some_and(|at| now - at < every) {
            return Ok(());
        }
        between.compared_at = Some(now);
        let read_until = self.book.lock().read_until;
        let (Some(checkpoint), Some(read_until)) = (self.store.checkpoint(self.app).await?, read_until) else {
            return Ok(());
        };
        let until =
            Wall(read_until.0.saturating_sub(i64::try_from(self.compare_after.as_millis()).unwrap_or(i64::MAX)));
        loop {
            let compared = self.store.compare(self.app, checkpoint.began_at, until, COMPARED_AT_ONCE).await?;
            self.book.compared(&compared);
            if !compared.more {
                return Ok(());
            }
        }
    }

    fn well(&self, step: Step) {
        let state = if step == Step::Idle { State::CaughtUp } else { State::Reading };
        let was = self.book.report().state;
        if self.book.is(state, None) && matches!(was, State::Failing | State::NoAccess | State::Starting) {
            tracing::info!(app = self.app.0, "the journal is read");
        }
    }

    /// Says what is wrong, once.
    fn tell(&self, trouble: &Trouble) {
        let (app, code, error) = (self.app.0, trouble.code(), trouble as &dyn std::error::Error);
        if let Trouble::NoAccess(_) = trouble {
            if self.book.is(State::NoAccess, Some(code)) {
                tracing::error!(app, code, error, "the journal is not read, webhooks alone go on: see the code's page");
            }
        } else if self.book.is(State::Failing, Some(code)) {
            tracing::warn!(app, code, error, "the journal is asked again soon");
        }
    }
}

/// A token that HubSpot refuses to give needs a person.
fn of_token(error: HubError) -> Trouble {
    match error {
        HubError::Refused(refused) => Trouble::NoAccess(format!(
            "HubSpot gives no token for its client id, secret and scope (status {})",
            refused.status
        )),
        HubError::NoAnswer(DispatchError::DeadToken(_)) => {
            Trouble::NoAccess("HubSpot gives no token for its client id and secret (status 401)".to_owned())
        }
        error => Trouble::Hub(error),
    }
}

/// The events of a file for the log, and how many entries were not understood.
fn new_events((app, echoes): (AppId, &Echoes), page: &file::Page<'_>, body: &Bytes, now: Wall) -> (Vec<NewEvent>, u64) {
    let (mut events, mut strange) = (Vec::with_capacity(page.entries.len()), 0);
    for entry in &page.entries {
        let Ok(told) = &entry.events else {
            strange += 1;
            let nobody = Install { portal: PortalId(0), app };
            events.push(unread(nobody, Teller::Journal, "", body.slice_ref(entry.raw), now));
            continue;
        };
        events.extend(told.iter().map(|event| {
            // As a webhook would have told it, so that the log is read in one way; what webhooks never tell stays as
            // it came.
            let raw = match event.change {
                Change::Other { .. } => body.slice_ref(entry.raw),
                _ => Bytes::from(event.element()),
            };
            known(event, Teller::Journal, raw, echoes.judge(event, now))
        }));
    }
    (events, strange)
}
