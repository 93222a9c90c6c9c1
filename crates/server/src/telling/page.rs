//! One page of events.

use linchpin_core::subscribers::event::Normal;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::Install;
use linchpin_ports::store::StoreError;

use super::query::{From, Query};
use super::shapes::EventPage;
use super::{Telling, unread};
use crate::admin;
use crate::admin::shapes::Problem;

/// Events of a page where nothing is said.
const LIMIT_DEFAULT: u16 = 100;
/// The most events of a page.
pub(super) const LIMIT_MAX: u16 = 500;
/// Events that are looked at for one page: a filter that lets few pass gives short pages.
const LOOKED_AT: u16 = 2_000;
/// A page takes no further event beyond this many bytes of HubSpot's own words.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Who asks for which events.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) install: Install,
    pub(super) query: Query,
    /// Where the reader stopped before; wins over the question.
    pub(super) resumed: Option<u64>,
}

/// Some events of a log, those that are wanted.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) events: Vec<Normal>,
    /// All up to here were looked at.
    pub(super) upto: u64,
    /// Events between the place and the first one that is still there.
    pub(super) missed: u64,
    /// Whether there is more beyond.
    pub(super) more: bool,
}

impl Telling {
    /// The place beyond which somebody reads; `newest` says whether it is the newest where nothing is said.
    pub(super) async fn begin(&self, wanted: &Wanted, newest: bool) -> Result<u64, StoreError> {
        let log = &self.parts.log;
        match (wanted.resumed, wanted.query.from) {
            (Some(place), _) | (None, Some(From::After(place))) => Ok(place),
            (None, Some(From::Since(moment))) => log.before(wanted.install, moment).await,
            (None, None) if newest => log.last(wanted.install).await,
            (None, None) => Ok(0),
        }
    }

    /// Events beyond a place.
    pub(super) async fn some(
        &self,
        wanted: &Wanted,
        after: u64,
        most: u16,
        looked_at: u16,
    ) -> Result<Found, StoreError> {
        let read = self.parts.log.read(wanted.install, after, looked_at).await?;
        let missed = read.first().map_or(0, |first| first.place.saturating_sub(after.saturating_add(1)));
        let mut some = Found { upto: after, missed, more: read.len() == usize::from(looked_at), ..Found::default() };
        let mut bytes = 0;
        for logged in &read {
            let stored = logged.stored();
            if wanted.query.filter.passes(&stored) {
                bytes += logged.event.raw.len();
                let full = some.events.len() >= usize::from(most) || bytes > PAGE_BYTES_MAX;
                if full && !some.events.is_empty() {
                    some.more = true;
                    break;
                }
                some.events.push(Normal::of(&stored));
            }
            some.upto = logged.place;
        }
        Ok(some)
    }

    /// A page as JSON.
    pub(super) async fn page(&self, head: &http::request::Parts) -> Result<Answer, Problem> {
        let wanted = self.wanted(head)?;
        let read = async {
            let after = self.begin(&wanted, false).await?;
            self.some(&wanted, after, wanted.query.limit.unwrap_or(LIMIT_DEFAULT), LOOKED_AT).await
        };
        let Found { events, upto, more, .. } = read.await.map_err(|error| unread(&error))?;
        let Install { portal, app } = wanted.install;
        let events = events.iter().map(value).collect();
        let page = EventPage { portal: portal.0, app: app.0, events, next: upto, more };
        Ok(admin::json(200, "application/json", &page))
    }
}

fn value(event: &Normal) -> serde_json::Value {
    serde_json::to_value(event).expect("invariant: events are plain data")
}
