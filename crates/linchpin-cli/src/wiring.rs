//! Where the parts meet: from a configuration to sources, store, the door to HubSpot, and a sync.
//!
//! Most of that is the facade's business ([`linchpin`]); here it is told what the configuration says. Commands see a
//! [`Session`]; what goes wrong comes out as a [`Failure`] that says what to do.

pub(crate) mod admin;
mod door;
pub(crate) mod events;
mod face;
mod follow;
mod journal;
pub(crate) mod subscriptions;
mod telling;
mod trouble;
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use linchpin::{CsvOptions, Linchpin, Planned, RejectedRow, Run, RunId, Source, Sources, Sync, Watch};
use linchpin_mapping::{Catalog, PortalSnapshot};
use linchpin_sources::{Empty, Header};
use linchpin_store_sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;

pub(crate) use linchpin::Applied;
pub(crate) use linchpin_mapping::SyncFile;

use crate::config::{self, Config, EmptyField};
use crate::failure::Failure;
use crate::number::Share;
pub(crate) use door::Doors;
pub(crate) use face::open as open_face;

/// Runs that are looked through for one that is named.
const RECENT_RUNS: usize = 50;

/// The account and the store of a configuration, opened.
pub(crate) struct Account {
    client: Linchpin,
}

impl Account {
    /// Opens the store, the door to HubSpot, and asks whose token it is.
    pub(crate) async fn open(config: &Config, doors: &Doors) -> Result<Self, Failure> {
        let store = open_store(&config.store())?;
        Ok(Self { client: door::open(config, store.stores(), doors).await? })
    }

    /// The run that was interrupted while it was applied, if there is one.
    pub(crate) async fn unfinished(&self) -> Result<Option<Run>, Failure> {
        self.client.unfinished_run().await.map_err(trouble::of_reading_store)
    }

    /// The last runs, newest first.
    pub(crate) async fn recent(&self) -> Result<Vec<Run>, Failure> {
        self.client.recent_runs(RECENT_RUNS).await.map_err(trouble::of_reading_store)
    }

    /// The rows that a run could not sync.
    pub(crate) async fn rejected(&self, run: RunId, skip: usize, limit: usize) -> Result<Vec<RejectedRow>, Failure> {
        self.client.rejected(run, skip, limit).await.map_err(trouble::of_reading_store)
    }
}

/// A configuration whose mapping has been compiled against its sources and its account: ready to plan and apply.
pub(crate) struct Session<'a> {
    /// The account and the store.
    pub(crate) account: Account,
    config: &'a Config,
    sync: Sync,
}

impl<'a> Session<'a> {
    /// Opens everything that the configuration names; only metadata is read from HubSpot.
    pub(crate) async fn open(config: &'a Config, sample: Option<Share>, doors: &Doors) -> Result<Self, Failure> {
        config.demand_mapping()?;
        let sources = open_sources(config)?;
        // A source that cannot be read is told before HubSpot is asked.
        catalog(&config.sync, &sources).await?;
        let account = Account::open(config, doors).await?;
        let sync = account.client.sync_of(config.sync.clone(), sources).await;
        let sync = sync.map_err(|error| trouble::of_facade(error, config))?.sampled(sample.map(Share::fraction));
        Ok(Self { account, config, sync })
    }

    /// Looks at the account again and compiles anew: after a run, the properties that it made are there.
    pub(crate) async fn refresh(&mut self) -> Result<(), Failure> {
        self.sync.refresh().await.map_err(|error| trouble::of_facade(error, self.config))
    }

    /// Makes a plan and keeps it.
    pub(crate) async fn plan(&self, watch: &dyn Watch) -> Result<Planned, Failure> {
        self.sync.plan(watch).await.map_err(|error| trouble::of_facade(error, self.config))
    }

    /// Gives a run up. Nothing is taken back in HubSpot, and what was made there is found by the next plan.
    pub(crate) async fn abandon(&self, run: RunId, watch: &dyn Watch) -> Result<Run, Failure> {
        self.sync.abandon(run, watch).await.map_err(|error| trouble::of_facade(error, self.config))
    }

    /// Applies a plan, or goes on with one.
    pub(crate) async fn apply(
        &self,
        run: RunId,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> Result<Applied, Failure> {
        self.sync.apply(run, watch, stop).await.map_err(|error| trouble::of_facade(error, self.config))
    }
}

/// What the account has, for checking a mapping. The store, if there is one, tells how much of the limits is spent: one
/// that another process owns is not passed over, for beside that process a second window would be spent.
pub(crate) async fn survey_alone(config: &Config, doors: &Doors) -> Result<PortalSnapshot, Failure> {
    let path = config.store();
    let store = if path.exists() {
        SqliteStore::open(&path, linchpin_store_sqlite::Options::default())
            .map_err(|error| trouble::of_looking_into_store(error, &path))?
    } else {
        SqliteStore::in_memory().map_err(trouble::of_store)?
    };
    let client = door::open(config, store.stores(), doors).await?;
    client.survey(&config.sync).await.map_err(|error| trouble::of_facade(error, config))
}

fn open_store(path: &Path) -> Result<Arc<SqliteStore>, Failure> {
    SqliteStore::open(path, linchpin_store_sqlite::Options::default())
        .map_err(|error| trouble::of_opening_store(error, path))
}

/// Opens every source; those that the mapping does not use as well, so that a wrong path is found at once.
pub(crate) fn open_sources(config: &Config) -> Result<Sources, Failure> {
    config.sources().into_iter().try_fold(Sources::new(), |sources, (name, source)| add_source(sources, &name, &source))
}

/// Opens one source.
pub(crate) fn open_source(name: &str, source: &config::Source) -> Result<Arc<dyn Source>, Failure> {
    let opened = add_source(Sources::new(), name, source)?;
    let missing = || std::io::Error::other(name.to_owned());
    opened.get(name).cloned().ok_or_else(|| Failure::internal("a source that was opened is not there", &missing()))
}

fn add_source(sources: Sources, name: &str, source: &config::Source) -> Result<Sources, Failure> {
    let added = match source {
        config::Source::Sqlite(sqlite) => sources.sqlite(name, &sqlite.path),
        config::Source::Csv(csv) => {
            let options = CsvOptions {
                delimiter: csv.delimiter,
                header: if csv.header { Header::First } else { Header::None },
                empty: match csv.empty {
                    EmptyField::Null => Empty::Null,
                    EmptyField::Text => Empty::Text,
                },
            };
            sources.csv(name, &csv.path, options)
        }
    };
    added.map_err(trouble::of_source)
}

/// The tables of a source.
pub(crate) async fn tables(source: &dyn Source) -> Result<Vec<linchpin_ports::source::Table>, Failure> {
    source.tables().await.map_err(|error| trouble::of_source(error.into()))
}

/// Asks the sources what they have, as far as the mapping reads from them.
pub(crate) async fn catalog(file: &SyncFile, sources: &Sources) -> Result<Catalog, Failure> {
    sources.catalog(file).await.map_err(trouble::of_source)
}
