//! What the parts say when something goes wrong, put into one message with one thing to do.

use std::path::Path;

use linchpin_engine::sync::SyncError;
use linchpin_ports::source::SourceError;
use linchpin_ports::store::{Refusal, StoreError};

use crate::config::Config;
use crate::failure::{Code, Exit, Failure, chain};

/// A sync that stopped.
pub(super) fn of_sync(error: &SyncError, config: &Config) -> Failure {
    let flag = config.flag();
    match error {
        SyncError::Store(error) => of_store(error),
        SyncError::Stopped => Failure::of(
            error.code(),
            Exit::Failed,
            "stopped as asked; everything that was in flight is written down",
            format!("`linchpin sync{flag}` goes on where this stopped"),
        ),
    }
}

/// A source that cannot be read.
pub(super) fn of_source(error: &SourceError) -> Failure {
    let to_do = match error {
        SourceError::Open { .. } => "check the path below `sources:` in the configuration, and that this user may read it",
        SourceError::NoTable { .. } => "correct the table's name in the mapping",
        SourceError::Query { .. } => "run the query in the database's own tool and correct it in the mapping",
    };
    Failure::new(Code::Source, chain(error), to_do)
}

/// A store that cannot be opened.
pub(super) fn of_opening_store(error: &StoreError, path: &Path) -> Failure {
    of_store(error).with_detail(format!("the store is {}", path.display()))
}

/// A store that failed or refused.
pub(super) fn of_store(error: &StoreError) -> Failure {
    let (code, to_do) = match error {
        StoreError::Unavailable { .. } => {
            (Code::Store, "check the disk and the rights on the store's file, then run it again: what was acknowledged is safe")
        }
        StoreError::Corrupt { .. } => (
            Code::Store,
            "move the store's file away: the next plan finds the records in HubSpot again, and nothing is made twice",
        ),
        StoreError::Refused(refusal) => match refusal {
            Refusal::Owned => {
                (Code::StoreOwned, "wait for the other process, or give this one a store of its own with --set store=FILE")
            }
            Refusal::TooNew { .. } => (Code::StoreTooNew, "use the newer version of linchpin that wrote it"),
            Refusal::UnknownRun(_) | Refusal::WrongState { .. } => {
                (Code::UnknownRun, "make a new plan with `linchpin plan`")
            }
            Refusal::Stale { .. } => (Code::PlanStale, "make a new plan with `linchpin plan`: records have been written since"),
            Refusal::Foreign => (Code::Store, "name another file with `store:` in the configuration"),
            Refusal::NotClaimed(_) | Refusal::OutOfOrder(_) => (Code::Internal, "run it again; if it happens again, please report it"),
        },
    };
    Failure::new(code, chain(error), to_do)
}
