//! Stores that fail when told to: for tests of whoever uses them.
//!
//! A fault waits in a queue of its method, first in first out; a method without one works as the store behind it does.
//! Two kinds matter: the store refused before anything happened, and the store did it but the answer was lost.

mod subscribers;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::gateway::operation::{Event, Write, WriteId};
use linchpin_core::ingress::latest::RecordKey;
use linchpin_core::sync::desired::{EntryName, RowId, SourceKey};
use linchpin_core::sync::link::{AssociationLink, Link};
use linchpin_core::sync::run::{Plan, RejectedRow, Run, RunId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};
use linchpin_hubspot::signature::Scheme;

use crate::budget::{BudgetRecord, BudgetRecords};
use crate::dead_letters::{DeadLetters, Filter, Letter};
use crate::event_log::{Accepted, EventLog, LoggedEvent, NewEvent};
use crate::follow::{Follow, Outlook as ReadOutlook, Progress as LogProgress, Tracked, Update, Wanted};
use crate::journal::{Checkpoint, Compared, Journals};
use crate::links::Links;
use crate::mirror::{Mirror, MirrorRecord};
use crate::operations::{Accepted as Promised, Ending, Operations};
use crate::queue::{Claimed, Outlook, Queue, Settlement};
use crate::runs::{PlanChunk, Progress, Runs};
use crate::store::{StoreError, Stores};

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store fails before it does anything.
    Before,
    /// The store does it, and the answer is lost.
    After,
}

/// A method of a store, by port and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named after the method that it stands for")]
pub enum Method {
    RunsBegin,
    RunsExtend,
    RunsSeal,
    RunsStart,
    RunsFinish,
    RunsAbandon,
    RunsGet,
    RunsOpenRun,
    RunsRecent,
    RunsProgress,
    RunsRejected,
    QueueClaim,
    QueueSettle,
    QueueInDoubt,
    QueueOutlook,
    LinksGet,
    LinksRecords,
    LinksRows,
    LinksAssociations,
    LinksKeys,
    LinksCount,
    LinksRevision,
    MirrorPut,
    MirrorGet,
    MirrorHighest,
    MirrorCount,
    BudgetLoad,
    BudgetSave,
    EventsAccept,
    EventsRead,
    EventsLast,
    EventsForget,
    EventsBefore,
    EventsInstalls,
    EventsSigned,
    EventsStrongest,
    JournalsCheckpoint,
    JournalsTake,
    JournalsCompare,
    SubscribersRegister,
    SubscribersFeed,
    SubscribersSave,
    SubscribersBury,
    SubscribersDead,
    SubscribersExhume,
    OperationsAccept,
    OperationsSend,
    OperationsPutBack,
    OperationsSettle,
    OperationsDropGivenUp,
    OperationsGet,
    OperationsOpen,
    OperationsRecent,
    OperationsForget,
    FollowBegin,
    FollowPlace,
    FollowKnown,
    FollowAdvance,
    FollowClaim,
    FollowSettle,
    FollowOutlook,
    LettersList,
    LettersCount,
    LettersLetter,
    LettersEdit,
    LettersReplay,
    LettersDiscard,
    LettersDiscardOld,
}

/// The faults to come, shared by the wrapped stores and the test.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<BTreeMap<Method, VecDeque<Option<Fault>>>>>);

impl Script {
    /// Lets the next call of the method whose fate is not yet written go wrong.
    pub fn fail(&self, method: Method, fault: Fault) {
        self.with(|fates| fates.entry(method).or_default().push_back(Some(fault)));
    }

    /// Lets the next `calls` calls of the method whose fate is not yet written go well.
    pub fn pass(&self, method: Method, calls: usize) {
        self.with(|fates| fates.entry(method).or_default().extend(std::iter::repeat_n(None, calls)));
    }

    /// Whether every fate has come to pass: a test whose fault never happened has tested nothing.
    pub fn is_spent(&self) -> bool {
        self.with(|fates| fates.values().all(VecDeque::is_empty))
    }

    fn take(&self, method: Method) -> Option<Fault> {
        self.with(|fates| fates.get_mut(&method).and_then(VecDeque::pop_front)).flatten()
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Method, VecDeque<Option<Fault>>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Wraps stores; their calls go wrong as the script says.
pub fn wrap(stores: Stores) -> (Stores, Script) {
    let script = Script::default();
    let faulty = Arc::new(Faulty { inner: stores, script: script.clone() });
    let stores = Stores {
        runs: Arc::<Faulty>::clone(&faulty),
        queue: Arc::<Faulty>::clone(&faulty),
        links: Arc::<Faulty>::clone(&faulty),
        mirror: Arc::<Faulty>::clone(&faulty),
        budget: Arc::<Faulty>::clone(&faulty),
        events: Arc::<Faulty>::clone(&faulty),
        journals: Arc::<Faulty>::clone(&faulty),
        operations: Arc::<Faulty>::clone(&faulty),
        follow: Arc::<Faulty>::clone(&faulty),
        dead_letters: Arc::<Faulty>::clone(&faulty),
        subscribers: faulty,
    };
    (stores, script)
}

struct Faulty {
    inner: Stores,
    script: Script,
}

/// The cause of a scripted failure.
#[derive(Debug, thiserror::Error)]
enum Scripted {
    #[error("the test refused the call")]
    Before,
    #[error("the test lost the answer")]
    After,
}

impl Faulty {
    async fn through<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fails = |cause| StoreError::Unavailable { intent: "obey its test", source: Box::new(cause) };
        match self.script.take(method) {
            None => call.await,
            Some(Fault::Before) => Err(fails(Scripted::Before)),
            Some(Fault::After) => {
                // A refusal stays one: nothing was written, so there is no effect to lose the answer of.
                call.await?;
                Err(fails(Scripted::After))
            }
        }
    }
}

#[async_trait]
impl Runs for Faulty {
    async fn begin(&self, install: Install, run: RunId, mapping: u64, now: Wall) -> Result<(), StoreError> {
        self.through(Method::RunsBegin, self.inner.runs.begin(install, run, mapping, now)).await
    }

    async fn extend(&self, install: Install, run: RunId, chunk: PlanChunk) -> Result<(), StoreError> {
        self.through(Method::RunsExtend, self.inner.runs.extend(install, run, chunk)).await
    }

    async fn seal(&self, install: Install, run: RunId, plan: Plan) -> Result<Run, StoreError> {
        self.through(Method::RunsSeal, self.inner.runs.seal(install, run, plan)).await
    }

    async fn start(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.through(Method::RunsStart, self.inner.runs.start(install, run)).await
    }

    async fn finish(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.through(Method::RunsFinish, self.inner.runs.finish(install, run)).await
    }

    async fn abandon(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.through(Method::RunsAbandon, self.inner.runs.abandon(install, run)).await
    }

    async fn get(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.through(Method::RunsGet, self.inner.runs.get(install, run)).await
    }

    async fn open_run(&self, install: Install) -> Result<Option<Run>, StoreError> {
        self.through(Method::RunsOpenRun, self.inner.runs.open_run(install)).await
    }

    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Run>, StoreError> {
        self.through(Method::RunsRecent, self.inner.runs.recent(install, limit)).await
    }

    async fn progress(&self, install: Install, run: RunId) -> Result<Progress, StoreError> {
        self.through(Method::RunsProgress, self.inner.runs.progress(install, run)).await
    }

    async fn rejected(
        &self,
        install: Install,
        run: RunId,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<RejectedRow>, StoreError> {
        self.through(Method::RunsRejected, self.inner.runs.rejected(install, run, skip, limit)).await
    }
}

#[async_trait]
impl Queue for Faulty {
    async fn claim(
        &self,
        install: Install,
        run: RunId,
        limit: u16,
        now: Wall,
    ) -> Result<Option<Vec<Claimed>>, StoreError> {
        self.through(Method::QueueClaim, self.inner.queue.claim(install, run, limit, now)).await
    }

    async fn settle(&self, install: Install, settlement: Settlement, now: Wall) -> Result<(), StoreError> {
        self.through(Method::QueueSettle, self.inner.queue.settle(install, settlement, now)).await
    }

    async fn in_doubt(&self, install: Install, run: RunId) -> Result<Vec<Claimed>, StoreError> {
        self.through(Method::QueueInDoubt, self.inner.queue.in_doubt(install, run)).await
    }

    async fn outlook(&self, install: Install, run: RunId) -> Result<Outlook, StoreError> {
        self.through(Method::QueueOutlook, self.inner.queue.outlook(install, run)).await
    }
}

#[async_trait]
impl Links for Faulty {
    async fn get(
        &self,
        install: Install,
        entry: &EntryName,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError> {
        self.through(Method::LinksGet, self.inner.links.get(install, entry, keys)).await
    }

    async fn records(&self, install: Install, rows: &[RowId]) -> Result<Vec<Option<RecordId>>, StoreError> {
        self.through(Method::LinksRecords, self.inner.links.records(install, rows)).await
    }

    async fn rows(
        &self,
        install: Install,
        object_type: &ObjectType,
        records: &[RecordId],
    ) -> Result<Vec<Option<RowId>>, StoreError> {
        self.through(Method::LinksRows, self.inner.links.rows(install, object_type, records)).await
    }

    async fn associations(
        &self,
        install: Install,
        entry: &EntryName,
        keys: &[SourceKey],
    ) -> Result<Vec<Vec<AssociationLink>>, StoreError> {
        self.through(Method::LinksAssociations, self.inner.links.associations(install, entry, keys)).await
    }

    async fn keys(
        &self,
        install: Install,
        entry: &EntryName,
        after: Option<&SourceKey>,
        limit: usize,
    ) -> Result<Vec<SourceKey>, StoreError> {
        self.through(Method::LinksKeys, self.inner.links.keys(install, entry, after, limit)).await
    }

    async fn count(&self, install: Install, entry: &EntryName) -> Result<u64, StoreError> {
        self.through(Method::LinksCount, self.inner.links.count(install, entry)).await
    }

    async fn revision(&self, install: Install) -> Result<u64, StoreError> {
        self.through(Method::LinksRevision, self.inner.links.revision(install)).await
    }
}

#[async_trait]
impl Mirror for Faulty {
    async fn put(&self, install: Install, records: Vec<MirrorRecord>) -> Result<(), StoreError> {
        self.through(Method::MirrorPut, self.inner.mirror.put(install, records)).await
    }

    async fn get(
        &self,
        install: Install,
        object_type: &ObjectType,
        ids: &[RecordId],
    ) -> Result<Vec<Option<MirrorRecord>>, StoreError> {
        self.through(Method::MirrorGet, self.inner.mirror.get(install, object_type, ids)).await
    }

    async fn highest(&self, install: Install, object_type: &ObjectType) -> Result<RecordId, StoreError> {
        self.through(Method::MirrorHighest, self.inner.mirror.highest(install, object_type)).await
    }

    async fn count(&self, install: Install, object_type: &ObjectType) -> Result<u64, StoreError> {
        self.through(Method::MirrorCount, self.inner.mirror.count(install, object_type)).await
    }
}

#[async_trait]
impl BudgetRecords for Faulty {
    async fn load(&self, install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        self.through(Method::BudgetLoad, self.inner.budget.load(install)).await
    }

    async fn save(&self, install: Install, record: BudgetRecord) -> Result<(), StoreError> {
        self.through(Method::BudgetSave, self.inner.budget.save(install, record)).await
    }
}

#[async_trait]
impl EventLog for Faulty {
    async fn accept(&self, events: Vec<NewEvent>, now: Wall) -> Result<Accepted, StoreError> {
        self.through(Method::EventsAccept, self.inner.events.accept(events, now)).await
    }

    async fn read(&self, install: Install, after: u64, limit: u16) -> Result<Vec<LoggedEvent>, StoreError> {
        self.through(Method::EventsRead, self.inner.events.read(install, after, limit)).await
    }

    async fn last(&self, install: Install) -> Result<u64, StoreError> {
        self.through(Method::EventsLast, self.inner.events.last(install)).await
    }

    async fn forget(&self, install: Install, before: Wall, limit: u16) -> Result<u64, StoreError> {
        self.through(Method::EventsForget, self.inner.events.forget(install, before, limit)).await
    }

    async fn before(&self, install: Install, moment: Wall) -> Result<u64, StoreError> {
        self.through(Method::EventsBefore, self.inner.events.before(install, moment)).await
    }

    async fn installs(&self, after: Option<Install>, limit: u16) -> Result<Vec<Install>, StoreError> {
        self.through(Method::EventsInstalls, self.inner.events.installs(after, limit)).await
    }

    async fn signed(&self, app: AppId, scheme: Scheme) -> Result<Scheme, StoreError> {
        self.through(Method::EventsSigned, self.inner.events.signed(app, scheme)).await
    }

    async fn strongest(&self, app: AppId) -> Result<Option<Scheme>, StoreError> {
        self.through(Method::EventsStrongest, self.inner.events.strongest(app)).await
    }
}

#[async_trait]
impl Journals for Faulty {
    async fn checkpoint(&self, app: AppId) -> Result<Option<Checkpoint>, StoreError> {
        self.through(Method::JournalsCheckpoint, self.inner.journals.checkpoint(app)).await
    }

    async fn take(
        &self,
        app: AppId,
        events: Vec<NewEvent>,
        checkpoint: Checkpoint,
        now: Wall,
    ) -> Result<Accepted, StoreError> {
        self.through(Method::JournalsTake, self.inner.journals.take(app, events, checkpoint, now)).await
    }

    async fn compare(&self, app: AppId, since: Wall, until: Wall, limit: u16) -> Result<Compared, StoreError> {
        self.through(Method::JournalsCompare, self.inner.journals.compare(app, since, until, limit)).await
    }
}

#[async_trait]
impl Operations for Faulty {
    async fn accept(&self, install: Install, write: Write) -> Result<Promised, StoreError> {
        self.through(Method::OperationsAccept, self.inner.operations.accept(install, write)).await
    }

    async fn send(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        self.through(Method::OperationsSend, self.inner.operations.send(install, id)).await
    }

    async fn put_back(
        &self,
        install: Install,
        id: &WriteId,
        due: Wall,
        event: Option<Event>,
    ) -> Result<(), StoreError> {
        self.through(Method::OperationsPutBack, self.inner.operations.put_back(install, id, due, event)).await
    }

    async fn settle(&self, install: Install, id: &WriteId, ending: Ending, now: Wall) -> Result<(), StoreError> {
        self.through(Method::OperationsSettle, self.inner.operations.settle(install, id, ending, now)).await
    }

    async fn drop_given_up(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        self.through(Method::OperationsDropGivenUp, self.inner.operations.drop_given_up(install, id)).await
    }

    async fn get(&self, install: Install, id: &WriteId) -> Result<Option<Write>, StoreError> {
        self.through(Method::OperationsGet, self.inner.operations.get(install, id)).await
    }

    async fn open(&self, install: Install) -> Result<Vec<(u64, Write)>, StoreError> {
        self.through(Method::OperationsOpen, self.inner.operations.open(install)).await
    }

    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Write>, StoreError> {
        self.through(Method::OperationsRecent, self.inner.operations.recent(install, limit)).await
    }

    async fn forget(&self, install: Install, until: Wall, limit: usize) -> Result<usize, StoreError> {
        self.through(Method::OperationsForget, self.inner.operations.forget(install, until, limit)).await
    }
}

#[async_trait]
impl Follow for Faulty {
    async fn begin(&self, install: Install) -> Result<u64, StoreError> {
        self.through(Method::FollowBegin, self.inner.follow.begin(install)).await
    }

    async fn place(&self, install: Install, log: AppId) -> Result<u64, StoreError> {
        self.through(Method::FollowPlace, self.inner.follow.place(install, log)).await
    }

    async fn known(&self, install: Install, records: &[RecordKey]) -> Result<Vec<Tracked>, StoreError> {
        self.through(Method::FollowKnown, self.inner.follow.known(install, records)).await
    }

    async fn advance(&self, install: Install, progress: LogProgress, updates: Vec<Update>) -> Result<(), StoreError> {
        self.through(Method::FollowAdvance, self.inner.follow.advance(install, progress, updates)).await
    }

    async fn claim(&self, install: Install, now: Wall, soon: Wall, limit: u16) -> Result<Option<Wanted>, StoreError> {
        self.through(Method::FollowClaim, self.inner.follow.claim(install, now, soon, limit)).await
    }

    async fn settle(&self, install: Install, updates: Vec<Update>) -> Result<(), StoreError> {
        self.through(Method::FollowSettle, self.inner.follow.settle(install, updates)).await
    }

    async fn outlook(&self, install: Install) -> Result<ReadOutlook, StoreError> {
        self.through(Method::FollowOutlook, self.inner.follow.outlook(install)).await
    }
}

#[async_trait]
impl DeadLetters for Faulty {
    async fn list(
        &self,
        install: Install,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Write)>, StoreError> {
        self.through(Method::LettersList, self.inner.dead_letters.list(install, filter, before, limit)).await
    }

    async fn count(&self, install: Install) -> Result<u64, StoreError> {
        self.through(Method::LettersCount, self.inner.dead_letters.count(install)).await
    }

    async fn letter(&self, install: Install, id: &WriteId) -> Result<Option<Letter>, StoreError> {
        self.through(Method::LettersLetter, self.inner.dead_letters.letter(install, id)).await
    }

    async fn edit(&self, install: Install, id: &WriteId, body: Bytes, now: Wall) -> Result<(), StoreError> {
        self.through(Method::LettersEdit, self.inner.dead_letters.edit(install, id, body, now)).await
    }

    async fn replay(&self, install: Install, id: &WriteId, now: Wall) -> Result<u64, StoreError> {
        self.through(Method::LettersReplay, self.inner.dead_letters.replay(install, id, now)).await
    }

    async fn discard(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        self.through(Method::LettersDiscard, self.inner.dead_letters.discard(install, id)).await
    }

    async fn discard_old(&self, install: Install, until: Wall, keep: usize, limit: usize) -> Result<usize, StoreError> {
        self.through(Method::LettersDiscardOld, self.inner.dead_letters.discard_old(install, until, keep, limit)).await
    }
}
