//! The webhooks journal, read into the same log that webhooks are written to.
//!
//! What webhooks lost is found here, and what both tell is in the log once: the key of a change does not depend on who
//! tells it. Each app has a reader of its own; all share a door to HubSpot that only they use, because their tokens and
//! their limits belong to apps and not to accounts.

mod book;
mod files;
mod reader;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::oauth::Client;
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::budget::BudgetRecords;
use linchpin_ports::credentials::Credentials;
use linchpin_ports::journal::Journals as Store;

use self::book::Book;
pub use self::book::{Report, State};
pub use self::files::{Allowed, FILE_BYTES_MAX, FILE_TIMEOUT, FileError, Files, HttpFiles};
use self::reader::Reader;
pub use self::reader::{COMPARE_EVERY, EVENTS_AT_ONCE, FILE_ATTEMPTS, IDLE_SAVED_EVERY};
use self::token::{AppToken, AppTokens};
pub use self::token::{RENEW_BEFORE, SCOPES};
use crate::clock::Clock;
use crate::dispatch::{Dispatch, InstallError, Parts, UtcDays};
use crate::echo::Echoes;
use crate::hub::Hub;
use crate::news::Bell;
use crate::tasks::Tasks;
use crate::upstream::Upstream;

/// Who calls, for logs.
const CALLER: &str = "journal";

/// An app whose journal is read.
pub struct App {
    /// The app.
    pub id: AppId,
    /// Its client id and secret.
    pub client: Client,
    /// How long after nothing was new it is asked again.
    pub poll: Duration,
    /// How long after a change came in the other one must have told it, too.
    pub compare_after: Duration,
}

/// What the readers work with.
pub struct JournalParts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Sends to HubSpot.
    pub upstream: Arc<dyn Upstream>,
    /// Gets files.
    pub files: Arc<dyn Files>,
    /// Where windows are remembered.
    pub records: Arc<dyn BudgetRecords>,
    /// Where events and checkpoints are kept.
    pub store: Arc<dyn Store>,
    /// Recognises echoes.
    pub echoes: Arc<Echoes>,
    /// The style of paths.
    pub version: ApiVersion,
    /// Rings whenever the journal has told something new.
    pub bell: Bell,
    /// The seed of the dice that spread retries.
    pub seed: u64,
}

/// The readers, for those who look.
#[derive(Default)]
pub struct Journals {
    books: Vec<Arc<Book>>,
}

impl Journals {
    /// Starts a reader for each app. They end when `tasks` shuts down.
    ///
    /// # Errors
    /// What an earlier process remembered of an app's calls cannot be read.
    pub async fn start(tasks: &Tasks, apps: Vec<App>, parts: JournalParts) -> Result<Self, InstallError> {
        let JournalParts { clock, upstream, files, records, store, echoes, version, bell, seed } = parts;
        let token = |app: &App| (app.id, Arc::new(AppToken::new(app.client.clone(), Arc::clone(&clock))));
        let tokens: BTreeMap<AppId, Arc<AppToken>> = apps.iter().map(token).collect();
        let credentials = Arc::new(AppTokens(tokens.clone())) as Arc<dyn Credentials>;
        let parts = Parts { clock: Arc::clone(&clock), upstream, credentials, records, days: Arc::new(UtcDays), seed };
        let dispatch = Dispatch::start(tasks, parts);
        let mut books = Vec::new();
        for App { id, poll, compare_after, .. } in apps {
            let Some(token) = tokens.get(&id).map(Arc::clone) else { continue };
            // Of no account: tokens and journal are counted for the app.
            let install = Install { portal: PortalId(0), app: id };
            dispatch.install(install, AppKind::Public, Limits::of(Tier::Free, AppKind::Public, 0)).await?;
            let book = Arc::new(Book::new(id));
            books.push(Arc::clone(&book));
            let hub = Hub::new(dispatch.clone(), install, version, Lane::Realtime, CALLER);
            let (files, store, clock) = (Arc::clone(&files), Arc::clone(&store), Arc::clone(&clock));
            let (echoes, bell) = (Arc::clone(&echoes), bell.clone());
            let reader = Reader { app: id, poll, compare_after, hub, token, files, store, echoes, clock, book, bell };
            tasks.spawn("journal", reader.run(tasks.stopping()));
        }
        Ok(Self { books })
    }

    /// What each has done since the start.
    pub fn reports(&self) -> Vec<Report> {
        self.books.iter().map(|book| book.report()).collect()
    }
}
