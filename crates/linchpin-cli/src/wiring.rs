//! Where the parts meet: from a configuration to sources, store, the door to HubSpot, and a sync.
//!
//! The only module that knows the engine, the stores and the sources by their concrete types. Commands see a
//! [`Session`]; what goes wrong comes out as a [`Failure`] that says what to do.

mod acquaintance;
mod door;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use linchpin_core::sync::run::{RejectedRow, Run, RunId, RunState};
use linchpin_engine::sync::{self, Context, Sources, Watch};
use linchpin_hubspot::id::Install;
use linchpin_mapping::{Catalog, Compiled, PortalSnapshot, Problem, SourceTables};
use linchpin_ports::source::{Select, Source};
use linchpin_ports::store::Stores;
use linchpin_sources::{CsvOptions, CsvSource, Empty, Header, SqliteSource};
use linchpin_store_sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;

pub(crate) use linchpin_engine::sync::Applied;
pub(crate) use linchpin_mapping::SyncFile;

use crate::config::{self, Config, EmptyField};
use crate::failure::{Code, Failure};
use crate::number::{Share, counted};
use door::Door;
pub(crate) use door::Doors;

/// Runs that are looked through for one that is named.
const RECENT_RUNS: usize = 50;

/// The account and the store of a configuration, opened.
pub(crate) struct Account {
    context: Context,
}

impl Account {
    /// Opens the store, the door to HubSpot, and asks whose token it is.
    pub(crate) async fn open(config: &Config, sample: Option<Share>, doors: &Doors) -> Result<Self, Failure> {
        let store = open_store(&config.store())?;
        let stores = store.stores();
        Self::over(config, stores, sample, doors).await
    }

    async fn over(config: &Config, stores: Stores, sample: Option<Share>, doors: &Doors) -> Result<Self, Failure> {
        let token = config.token()?;
        let door = Door::open(config, token, &stores, doors)?;
        let account = door.identify(config).await?;
        tracing::info!(install = %account.install, "the account is known");
        let context = door.context(account.install, stores, sample.map(Share::fraction))?;
        Ok(Self { context })
    }

    fn install(&self) -> Install {
        self.context.install
    }

    /// The run that was interrupted while it was applied, if there is one.
    pub(crate) async fn unfinished(&self) -> Result<Option<Run>, Failure> {
        let open = self.context.stores.runs.open_run(self.install()).await;
        let open = open.map_err(trouble::of_store)?;
        Ok(open.filter(|run| run.state == RunState::Applying))
    }

    /// The last runs, newest first.
    pub(crate) async fn recent(&self) -> Result<Vec<Run>, Failure> {
        let runs = self.context.stores.runs.recent(self.install(), RECENT_RUNS).await;
        runs.map_err(trouble::of_store)
    }

    /// The rows that a run could not sync.
    pub(crate) async fn rejected(&self, run: RunId, skip: usize, limit: usize) -> Result<Vec<RejectedRow>, Failure> {
        let rows = self.context.stores.runs.rejected(self.install(), run, skip, limit).await;
        rows.map_err(trouble::of_store)
    }
}

/// A configuration whose mapping has been compiled against its sources and its account: ready to plan and apply.
pub(crate) struct Session<'a> {
    /// The account and the store.
    pub(crate) account: Account,
    config: &'a Config,
    compiled: Compiled,
    portal: PortalSnapshot,
    sources: Sources,
}

impl<'a> Session<'a> {
    /// Opens everything that the configuration names; only metadata is read from HubSpot.
    pub(crate) async fn open(config: &'a Config, sample: Option<Share>, doors: &Doors) -> Result<Self, Failure> {
        let sources = open_sources(config)?;
        let catalog = catalog(&config.sync, &sources).await?;
        let account = Account::open(config, sample, doors).await?;
        let portal = survey(&account, config).await?;
        let compiled = linchpin_mapping::compile(&config.sync, &catalog, Some(&portal))
            .map_err(|problems| mapping_problems(config, &problems))?;
        Ok(Self { account, config, compiled, portal, sources })
    }

    /// Looks at the account again and compiles anew: after a run, the properties that it made are there.
    pub(crate) async fn refresh(&mut self) -> Result<(), Failure> {
        let catalog = catalog(&self.config.sync, &self.sources).await?;
        self.portal = survey(&self.account, self.config).await?;
        self.compiled = linchpin_mapping::compile(&self.config.sync, &catalog, Some(&self.portal))
            .map_err(|problems| mapping_problems(self.config, &problems))?;
        Ok(())
    }

    /// Makes a plan and keeps it.
    pub(crate) async fn plan(&self, watch: &dyn Watch) -> Result<Run, Failure> {
        let plan = sync::plan(&self.account.context, &self.compiled, &self.portal, &self.sources, watch);
        Box::pin(plan).await.map_err(|error| trouble::of_sync(&error, self.config))
    }

    /// Gives a run up. Nothing is taken back in HubSpot, and what was made there is found by the next plan.
    pub(crate) async fn abandon(&self, run: RunId, watch: &dyn Watch) -> Result<Run, Failure> {
        let abandoned = sync::abandon(&self.account.context, run, watch).await;
        abandoned.map_err(|error| trouble::of_sync(&error, self.config))
    }

    /// Applies a plan, or goes on with one.
    pub(crate) async fn apply(
        &self,
        run: RunId,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> Result<Applied, Failure> {
        let apply = sync::apply(&self.account.context, &self.compiled, run, watch, stop);
        Box::pin(apply).await.map_err(|error| trouble::of_sync(&error, self.config))
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
    let account = Account::over(config, store.stores(), None, doors).await?;
    survey(&account, config).await
}

async fn survey(account: &Account, config: &Config) -> Result<PortalSnapshot, Failure> {
    sync::survey(&account.context.hub, &config.sync).await.map_err(|error| trouble::of_sync(&error, config))
}

fn open_store(path: &Path) -> Result<Arc<SqliteStore>, Failure> {
    SqliteStore::open(path, linchpin_store_sqlite::Options::default())
        .map_err(|error| trouble::of_opening_store(error, path))
}

/// Opens every source; those that the mapping does not use as well, so that a wrong path is found at once.
pub(crate) fn open_sources(config: &Config) -> Result<Sources, Failure> {
    config.sources().into_iter().map(|(name, source)| Ok((name.clone(), open_source(&name, &source)?))).collect()
}

/// Opens one source.
pub(crate) fn open_source(name: &str, source: &config::Source) -> Result<Arc<dyn Source>, Failure> {
    let opened: Result<Arc<dyn Source>, _> = match source {
        config::Source::Sqlite(sqlite) => SqliteSource::open(name, &sqlite.path).map(|source| Arc::new(source) as _),
        config::Source::Csv(csv) => {
            let options = CsvOptions {
                delimiter: csv.delimiter,
                header: if csv.header { Header::First } else { Header::None },
                empty: match csv.empty {
                    EmptyField::Null => Empty::Null,
                    EmptyField::Text => Empty::Text,
                },
            };
            CsvSource::open(name, &csv.path, options).map(|source| Arc::new(source) as _)
        }
    };
    opened.map_err(|error| trouble::of_source(&error))
}

/// The tables of a source.
pub(crate) async fn tables(source: &dyn Source) -> Result<Vec<linchpin_ports::source::Table>, Failure> {
    source.tables().await.map_err(|error| trouble::of_source(&error))
}

/// Asks the sources what they have, as far as the mapping reads from them.
pub(crate) async fn catalog(file: &SyncFile, sources: &Sources) -> Result<Catalog, Failure> {
    let mut known = BTreeMap::new();
    for (name, source) in sources {
        let tables = tables(source.as_ref()).await?;
        let columns = |table: linchpin_ports::source::Table| {
            (table.name, table.columns.into_iter().map(|column| column.name).collect())
        };
        let tables = tables.into_iter().map(columns).collect();
        let queries = query_columns(file, name, source.as_ref()).await?;
        known.insert(name.clone(), SourceTables { tables: Some(tables), queries });
    }
    Ok(Catalog { sources: Some(known) })
}

async fn query_columns(
    file: &SyncFile,
    name: &str,
    source: &dyn Source,
) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let entries = file.entries.iter().filter(|(_, entry)| entry.source.as_str() == name);
    let queries: BTreeSet<String> =
        entries.filter_map(|(_, entry)| entry.query.as_ref()).map(|query| query.value.clone()).collect();
    let mut known = BTreeMap::new();
    for query in queries {
        let columns =
            source.columns(&Select::Query(query.clone())).await.map_err(|error| trouble::of_source(&error))?;
        known.insert(query, columns);
    }
    Ok(known)
}

/// The failure for a mapping that cannot be used: every problem with its place.
fn mapping_problems(config: &Config, problems: &[Problem]) -> Failure {
    let name = config.path.display().to_string();
    let failure = Failure::new(
        Code::MappingProblems,
        format!("the mapping in {name} has {}", counted(problems.len() as u64, "problem")),
        format!("correct the places shown; `linchpin check{}` shows them again", config.flag()),
    );
    problems.iter().fold(failure, |failure, problem| failure.with_detail(problem.render(&name, &config.text)))
}
