//! Following the log: how far it is in the mirror, what is known of records, and which must be read.

use async_trait::async_trait;
use linchpin_core::follow::known::Known;
use linchpin_core::follow::want::Want;
use linchpin_core::ingress::latest::RecordKey;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};

use crate::mirror::MirrorRecord;
use crate::store::StoreError;

/// What is known of a record, and how often that has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// Ascends with every update; zero if nothing is known.
    pub version: u64,
    /// What is known.
    pub known: Known,
}

/// What is to be done to the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reflect {
    /// Nothing.
    Nothing,
    /// Stores values as [`crate::mirror::Mirror::put`] does.
    Put(MirrorRecord),
    /// Marks a record as archived, and forgets its body; one that is not held stays so.
    Archive,
    /// Removes all values of a record and its body, and marks it as archived; one that is not held stays so.
    Erase,
}

/// One record's news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The record.
    pub key: RecordKey,
    /// The version that this was made from.
    pub from: u64,
    /// What is known from now on.
    pub known: Known,
    /// What is to be done to the mirror.
    pub reflect: Reflect,
    /// When it is to be read, if it is; a wish that is there is replaced, or removed.
    pub want: Option<Want>,
}

/// How far a log is in the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The app whose log it is.
    pub log: AppId,
    /// The place that it was at.
    pub from: u64,
    /// The place that it is at from now on.
    pub upto: u64,
}

/// Records of one type that are to be read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Their type.
    pub object_type: ObjectType,
    /// The records and their wishes, those due first in front.
    pub records: Vec<(RecordId, Want)>,
}

/// What is left to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Records that are wanted, claimed or not.
    pub waiting: u64,
    /// When the next is due of those that are not claimed.
    pub next_due: Option<Wall>,
}

/// Following the logs of an account into the mirror of an install. One process follows at a time.
#[async_trait]
pub trait Follow: Send + Sync {
    /// Gives claimed wishes back: to be called before anything is claimed by a new process. Says its number: one for the
    /// first, and ascending; it is durable before it is told.
    async fn begin(&self, install: Install) -> Result<u64, StoreError>;

    /// The place up to which the log of an app is in the mirror; zero at first.
    async fn place(&self, install: Install, log: AppId) -> Result<u64, StoreError>;

    /// What is known of records, in the order of the keys.
    async fn known(&self, install: Install, records: &[RecordKey]) -> Result<Vec<Tracked>, StoreError>;

    /// Moves the place of a log, and stores what its events came to: all of it or nothing. Refused if the log is not at
    /// the place that it is said to be at, or a record is not at the version that its update was made from. A wish that
    /// is claimed stays claimed.
    async fn advance(&self, install: Install, progress: Progress, updates: Vec<Update>) -> Result<(), StoreError>;

    /// Claims wishes once one is due: of the type of the one that is due longest, all that are due by `soon` and may be
    /// read by `now`, those due first, up to `limit`. None if none is due by `now`. Nothing that is claimed is claimed again
    /// before it is settled, or [`Follow::begin`] is called.
    async fn claim(&self, install: Install, now: Wall, soon: Wall, limit: u16) -> Result<Option<Wanted>, StoreError>;

    /// Stores what reads came to: all of it or nothing. Refused like [`Follow::advance`]. Wishes that are left are free to
    /// be claimed.
    async fn settle(&self, install: Install, updates: Vec<Update>) -> Result<(), StoreError>;

    /// What is left to be read.
    async fn outlook(&self, install: Install) -> Result<Outlook, StoreError>;
}
