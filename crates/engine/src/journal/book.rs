//! What a journal's reader has done since the start, for those who look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linchpin_core::time::Wall;
use linchpin_hubspot::id::AppId;
use linchpin_ports::event_log::Accepted;
use linchpin_ports::journal::{Compared, Gap};

/// How a reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It has not read anything yet.
    #[default]
    Starting,
    /// There is more to read.
    Reading,
    /// Everything has been read.
    CaughtUp,
    /// Something is wrong that passes by itself; it tries again soon.
    Failing,
    /// The app has no access: a person has to act. Webhooks alone go on.
    NoAccess,
}

impl State {
    /// Its name, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Reading => "reading",
            Self::CaughtUp => "caught_up",
            Self::Failing => "failing",
            Self::NoAccess => "no_access",
        }
    }
}

/// What one app's reader has done since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The app.
    pub app: AppId,
    /// How it is.
    pub state: State,
    /// The code of what is wrong, if something is.
    pub code: Option<&'static str>,
    /// Everything that HubSpot published before this moment has been read.
    pub read_until: Option<Wall>,
    /// Files that were read.
    pub files: u64,
    /// Files that were passed over because they cannot be read.
    pub skipped: u64,
    /// Events, by what became of them.
    pub events: Accepted,
    /// Entries that were kept without being understood.
    pub not_understood: u64,
    /// Changes that one of the two has told alone, or both.
    pub compared: Compared,
    /// How often entries may have been missed.
    pub gaps: u64,
    /// The last time, also before the start.
    pub last_gap: Option<Gap>,
}

/// The report of a running reader.
pub(super) struct Book(Mutex<Report>);

impl Book {
    pub(super) fn new(app: AppId) -> Self {
        Self(Mutex::new(Report {
            app,
            state: State::default(),
            code: None,
            read_until: None,
            files: 0,
            skipped: 0,
            events: Accepted::default(),
            not_understood: 0,
            compared: Compared::default(),
            gaps: 0,
            last_gap: None,
        }))
    }

    /// As it is now.
    pub(super) fn report(&self) -> Report {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how the reader is; says whether that is new.
    pub(super) fn is(&self, state: State, code: Option<&'static str>) -> bool {
        let mut report = self.lock();
        let new = (report.state, report.code) != (state, code);
        (report.state, report.code) = (state, code);
        new
    }

    pub(super) fn took(&self, accepted: Accepted) {
        let events = &mut self.lock().events;
        events.new += accepted.new;
        events.repeated += accepted.repeated;
        events.known += accepted.known;
    }

    pub(super) fn compared(&self, more: &Compared) {
        let compared = &mut self.lock().compared;
        add(&mut compared.by_journal_alone, &more.by_journal_alone);
        add(&mut compared.by_webhooks_alone, &more.by_webhooks_alone);
        compared.by_both += more.by_both;
    }
}

fn add(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (kind, count) in more {
        *all.entry(kind.clone()).or_default() += count;
    }
}
