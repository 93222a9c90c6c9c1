//! An open [`Linchpin`]: typed calls through the one door.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::schedule::lanes::Lane;
use linchpin_core::sync::run::{RejectedRow, Run, RunId, RunState};
use linchpin_engine::clock::Clock;
use linchpin_engine::dispatch::{DayEnds, Dispatch};
use linchpin_engine::hub::Hub;
use linchpin_engine::sync::{Account, Context};
use linchpin_engine::tasks::Tasks;
use linchpin_hubspot::endpoint::{Endpoint, Paged};
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_hubspot::objects::{self, CreateInput, Fields, Record};
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::store::Stores;

use crate::builder::{Builder, Settings};
use crate::door::Door;
use crate::error::Error;
use crate::pages::Pages;

/// HubSpot, through one door that keeps every limit of the account.
///
/// Cheap to clone; clones share the door, its budget and its store. Every call waits for its turn, is repeated where
/// that is safe, and is told apart from calls in other lanes. When the last clone is dropped the door closes by itself;
/// [`Linchpin::close`] waits for that, so that the next start need not wait for a whole window.
#[derive(Clone)]
pub struct Linchpin {
    pub(crate) hub: Hub,
    pub(crate) context: Context,
    account: Account,
    dispatch: Dispatch,
    days: Arc<dyn DayEnds>,
    tasks: Tasks,
    _closing: Option<Arc<Closing>>,
}

/// Asks the tasks to end when the last handle is gone.
struct Closing(Tasks);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.stopping().cancel();
    }
}

impl Linchpin {
    /// Settings to be made before [`Builder::open`].
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn open(settings: &Settings, stores: Stores, tasks: Option<Tasks>) -> Result<Self, Error> {
        let (tasks, closing) = if let Some(tasks) = tasks {
            (tasks, None)
        } else {
            let tasks = Tasks::new();
            (tasks.clone(), Some(Arc::new(Closing(tasks))))
        };
        let door = Door::open(settings, &stores, &tasks)?;
        let account = door.identify(settings).await?;
        tracing::info!(install = %account.install, "the account is known");
        let context = door.context(account.install, stores)?;
        let hub = context.hub.in_lane(Lane::Interactive);
        Ok(Self { hub, context, account, dispatch: door.dispatch(), days: door.days(), tasks, _closing: closing })
    }

    /// The account behind the credential.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The portal and the app.
    pub fn install(&self) -> Install {
        self.context.install
    }

    /// The door itself, for what is built on top of it.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// When the account's days end.
    pub fn days(&self) -> Arc<dyn DayEnds> {
        Arc::clone(&self.days)
    }

    /// The clock of the door.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.context.clock)
    }

    /// The same in another lane. A fresh one is interactive: it goes before bulk work, and waits for nobody.
    #[must_use]
    pub fn in_lane(&self, lane: Lane) -> Self {
        Self { hub: self.hub.in_lane(lane), ..self.clone() }
    }

    /// The same for a caller who waits no longer than this for each call ([`Error::Call`] with `LP3015` then).
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { hub: self.hub.within(deadline), ..self.clone() }
    }

    /// The same with paths in the style of another version.
    #[must_use]
    pub fn at_version(&self, version: ApiVersion) -> Self {
        Self { hub: self.hub.at_version(version), ..self.clone() }
    }

    /// Makes any typed call of [`crate::hubspot`].
    ///
    /// # Errors
    /// [`Error::Call`]: HubSpot refused (`LP3030`, `LP3031`), the call is larger than HubSpot takes (`LP3033`), or there
    /// is no answer. `LP3010` means that nobody knows whether a write has happened: find out before making it again.
    pub async fn send<E: Endpoint>(&self, endpoint: &E) -> Result<E::Output, Error> {
        Ok(self.hub.send(endpoint).await?)
    }

    /// All items of a paged call, one page after the other as they are asked for.
    pub fn pages<E: Paged>(&self, first: E) -> Pages<E> {
        Pages::new(self.clone(), first)
    }

    /// Makes one record. Not repeated when the answer is lost: see [`Linchpin::send`].
    ///
    /// # Errors
    /// As [`Linchpin::send`]; a record with that unique value exists already (409, with its id in
    /// [`Error::refusal`]).
    pub async fn create<N, V>(
        &self,
        object_type: &str,
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Record, Error>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let input = CreateInput::of(properties);
        self.send(&objects::Create { object_type: ObjectType::canonical(object_type), input }).await
    }

    /// Reads one record with these properties, HubSpot's defaults if there are none.
    ///
    /// # Errors
    /// As [`Linchpin::send`]; there is no such record (404).
    pub async fn read(&self, object_type: &str, id: RecordId, properties: &[&str]) -> Result<Record, Error> {
        let read = objects::Read {
            object_type: ObjectType::canonical(object_type),
            id: id.to_string(),
            id_property: None,
            fields: Fields::of(properties.iter().copied()),
        };
        self.send(&read).await
    }

    /// Changes one record; `""` clears a property.
    ///
    /// # Errors
    /// As [`Linchpin::send`].
    pub async fn update<N, V>(
        &self,
        object_type: &str,
        id: RecordId,
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Record, Error>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let update = objects::Update {
            object_type: ObjectType::canonical(object_type),
            id: id.to_string(),
            id_property: None,
            properties: texts(properties),
        };
        self.send(&update).await
    }

    /// Moves one record into the recycle bin.
    ///
    /// # Errors
    /// As [`Linchpin::send`].
    pub async fn archive(&self, object_type: &str, id: RecordId) -> Result<(), Error> {
        self.send(&objects::Archive { object_type: ObjectType::canonical(object_type), id }).await
    }

    /// All live records of a type with these properties, ascending by id; does not lag behind writes.
    pub fn list(&self, object_type: &str, properties: &[&str]) -> Pages<objects::List> {
        self.pages(objects::List {
            object_type: ObjectType::canonical(object_type),
            limit: linchpin_hubspot::limits::sizes::LIST_MAX,
            after: None,
            fields: Fields::of(properties.iter().copied()),
        })
    }

    /// The run that was interrupted while it was applied, if there is one.
    ///
    /// # Errors
    /// The store fails.
    pub async fn unfinished_run(&self) -> Result<Option<Run>, Error> {
        let open = self.context.stores.runs.open_run(self.install()).await?;
        Ok(open.filter(|run| run.state == RunState::Applying))
    }

    /// The last runs, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn recent_runs(&self, limit: usize) -> Result<Vec<Run>, Error> {
        Ok(self.context.stores.runs.recent(self.install(), limit).await?)
    }

    /// The rows that a run could not sync, in the order of the plan.
    ///
    /// # Errors
    /// The store fails.
    pub async fn rejected(&self, run: RunId, skip: usize, limit: usize) -> Result<Vec<RejectedRow>, Error> {
        Ok(self.context.stores.runs.rejected(self.install(), run, skip, limit).await?)
    }

    /// Closes the door for all clones: what has not left is refused, what is on its way is waited for, and the windows
    /// are remembered.
    ///
    /// # Errors
    /// [`Error::Machine`] if a task of ours broke off before.
    pub async fn close(self) -> Result<(), Error> {
        self.tasks
            .shutdown()
            .await
            .map_err(|error| Error::Machine { what: "close in good order", source: Box::new(error) })
    }
}

impl fmt::Debug for Linchpin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linchpin").field("account", &self.account).finish_non_exhaustive()
    }
}

fn texts<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}
