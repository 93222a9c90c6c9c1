//! A sync of a mapping file: check it, plan, look at the plan, apply exactly that plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use linchpin_core::sync::run::{Plan, Run, RunId};
use linchpin_engine::sync::{self, Applied, Context, Watch};
use linchpin_mapping::{Catalog, Compiled, PortalSnapshot, Problem, SourceTables, SyncFile};
use linchpin_ports::source::{Select, Source, SourceError, Table};
use linchpin_sources::{CsvOptions, CsvSource, SqliteSource};
use tokio_util::sync::CancellationToken;

use crate::client::Linchpin;
use crate::error::Error;

/// The systems of record that a mapping reads from, by the names that it uses.
#[derive(Clone, Default)]
pub struct Sources(sync::Sources);

impl Sources {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a SQLite database. It is only read.
    ///
    /// # Errors
    /// [`Error::Source`]: it cannot be opened.
    pub fn sqlite(self, name: &str, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let source = SqliteSource::open(name, path)?;
        Ok(self.with(name, Arc::new(source)))
    }

    /// Adds a CSV file, or a folder of them (each is a table). They are only read.
    ///
    /// # Errors
    /// [`Error::Source`]: it cannot be opened.
    pub fn csv(self, name: &str, path: impl Into<PathBuf>, options: CsvOptions) -> Result<Self, Error> {
        let source = CsvSource::open(name, path, options)?;
        Ok(self.with(name, Arc::new(source)))
    }

    /// Adds a source of one's own.
    #[must_use]
    pub fn with(mut self, name: &str, source: Arc<dyn Source>) -> Self {
        self.0.insert(name.to_owned(), source);
        self
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.0.get(name)
    }

    /// Asks the sources what they have, as far as a mapping reads from them.
    ///
    /// # Errors
    /// [`Error::Source`]: one cannot be described.
    pub async fn catalog(&self, file: &SyncFile) -> Result<Catalog, Error> {
        let mut known = BTreeMap::new();
        for (name, source) in &self.0 {
            let columns = |table: Table| (table.name, table.columns.into_iter().map(|column| column.name).collect());
            let tables = source.tables().await?.into_iter().map(columns).collect();
            let queries = query_columns(file, name, source.as_ref()).await?;
            known.insert(name.clone(), SourceTables { tables: Some(tables), queries });
        }
        Ok(Catalog { sources: Some(known) })
    }
}

async fn query_columns(
    file: &SyncFile,
    name: &str,
    source: &dyn Source,
) -> Result<BTreeMap<String, Vec<String>>, SourceError> {
    let entries = file.entries.iter().filter(|(_, entry)| entry.source.as_str() == name);
    let queries: BTreeSet<String> =
        entries.filter_map(|(_, entry)| entry.query.as_ref()).map(|query| query.value.clone()).collect();
    let mut known = BTreeMap::new();
    for query in queries {
        let columns = source.columns(&Select::Query(query.clone())).await?;
        known.insert(query, columns);
    }
    Ok(known)
}

/// A mapping that has been checked against its sources and its account: ready to plan and apply.
pub struct Sync {
    context: Context,
    file: SyncFile,
    sources: Sources,
    compiled: Compiled,
    portal: PortalSnapshot,
}

/// A plan that has been made and kept. It never changes; if the links move before it is applied, it is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its name: what [`Sync::apply`] takes.
    pub run: RunId,
    /// What it would do, and what that would cost.
    pub plan: Plan,
}

impl Planned {
    /// The plan of a run; none while it is being made.
    pub fn of(run: Run) -> Option<Self> {
        Some(Self { run: run.id, plan: run.plan? })
    }
}

impl Linchpin {
    /// Reads the `sync:` section of a configuration file's text, and checks it against its sources and the account.
    /// Only metadata is read from HubSpot; nothing is written.
    ///
    /// # Errors
    /// [`Error::Mapping`] with every problem and its place; a source or HubSpot that cannot be asked.
    pub async fn sync(&self, mapping: &str, sources: Sources) -> Result<Sync, Error> {
        let file = linchpin_mapping::parse(mapping).map_err(|problem| Error::Mapping(vec![problem]))?;
        self.sync_of(file, sources).await
    }

    /// The same for a mapping that has been read already.
    ///
    /// # Errors
    /// As [`Linchpin::sync`].
    pub async fn sync_of(&self, file: SyncFile, sources: Sources) -> Result<Sync, Error> {
        let context = self.context.clone();
        let (compiled, portal) = compile(&context, &file, &sources).await?;
        Ok(Sync { context, file, sources, compiled, portal })
    }

    /// What the account has, as far as a mapping needs it.
    ///
    /// # Errors
    /// HubSpot cannot be asked.
    pub async fn survey(&self, file: &SyncFile) -> Result<PortalSnapshot, Error> {
        Ok(sync::survey(&self.context.hub, file).await?)
    }
}

async fn compile(context: &Context, file: &SyncFile, sources: &Sources) -> Result<(Compiled, PortalSnapshot), Error> {
    let catalog = sources.catalog(file).await?;
    let portal = sync::survey(&context.hub, file).await?;
    let compiled = linchpin_mapping::compile(file, &catalog, Some(&portal)).map_err(Error::Mapping)?;
    Ok((compiled, portal))
}

impl Sync {
    /// What a person should look at, although the mapping can be used.
    pub fn warnings(&self) -> &[Problem] {
        &self.compiled.warnings
    }

    /// Plans only this share of the rows, chosen by their keys: above 0, at most 1; none for all.
    #[must_use]
    pub fn sampled(mut self, share: Option<f64>) -> Self {
        self.context.options.sample = share;
        self
    }

    /// Looks at the account again: after a run, the properties that it made are there.
    ///
    /// # Errors
    /// As [`Linchpin::sync`].
    pub async fn refresh(&mut self) -> Result<(), Error> {
        (self.compiled, self.portal) = compile(&self.context, &self.file, &self.sources).await?;
        Ok(())
    }

    /// Reads the rows, compares them with HubSpot, and keeps what would have to be done. Writes nothing to HubSpot.
    ///
    /// # Errors
    /// [`Error::Sync`].
    pub async fn plan(&self, watch: &dyn Watch) -> Result<Planned, Error> {
        let run: Run =
            Box::pin(sync::plan(&self.context, &self.compiled, &self.portal, &self.sources.0, watch)).await?;
        let id = run.id.to_string();
        Planned::of(run).ok_or(Error::Machine { what: "read the plan that was just made", source: id.into() })
    }

    /// Applies a plan, or goes on with one that was interrupted. Returns when every operation is done or rejected; the
    /// rejected ones are [`Linchpin::rejected`].
    ///
    /// # Errors
    /// [`Error::Sync`]. What was done is remembered: applying the same run again goes on where this one stopped, and
    /// makes nothing twice. After `stop` was cancelled it is `LP3042`, when what was on its way has been settled.
    pub async fn apply(&self, run: RunId, watch: &dyn Watch, stop: &CancellationToken) -> Result<Applied, Error> {
        Ok(Box::pin(sync::apply(&self.context, &self.compiled, run, watch, stop)).await?)
    }

    /// Gives a run up. Nothing is taken back in HubSpot, and what was made there is found by the next plan.
    ///
    /// # Errors
    /// [`Error::Sync`].
    pub async fn abandon(&self, run: RunId, watch: &dyn Watch) -> Result<Run, Error> {
        Ok(sync::abandon(&self.context, run, watch).await?)
    }
}
