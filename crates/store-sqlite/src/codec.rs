//! How domain values become SQL values and back: integers with their range checked, blobs with a version byte.

use linchpin_core::sync::operation::{Action, OperationState};
use linchpin_core::sync::run::RunState;
use linchpin_hubspot::id::Install;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::{Fault, Place};

/// The version that leads every blob written by this program: JSON text follows.
pub(crate) const BLOB_VERSION: u8 = 1;

/// An install as it leads every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    pub(crate) portal: i64,
    pub(crate) app: i64,
}

impl Scope {
    pub(crate) fn of(install: Install) -> Result<Self, Fault> {
        Ok(Self { portal: integer(install.portal.0)?, app: integer(install.app.0)? })
    }
}

/// A number as an SQL integer.
pub(crate) fn integer(value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| Fault::TooLarge(value))
}

/// A count or limit as an SQL integer, saturating: no table holds more rows.
pub(crate) fn amount(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// An SQL integer as a narrower number.
pub(crate) fn narrow<T: TryFrom<i64>>(value: i64, place: impl FnOnce() -> Place) -> Result<T, Fault> {
    T::try_from(value).map_err(|_| Fault::Corrupt(place()))
}

/// A value as a versioned blob.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    let mut blob = vec![BLOB_VERSION];
    serde_json::to_writer(&mut blob, value)?;
    Ok(blob)
}

/// A versioned blob as a value.
pub(crate) fn decode<T: DeserializeOwned>(blob: &[u8], place: impl FnOnce() -> Place) -> Result<T, Fault> {
    match blob.split_first() {
        Some((&BLOB_VERSION, json)) => serde_json::from_slice(json).map_err(|_| Fault::Corrupt(place())),
        Some(_) | None => Err(Fault::Corrupt(place())),
    }
}

/// The number that stands for a run's state.
pub(crate) fn run_state_number(state: RunState) -> i64 {
    match state {
        RunState::Planning => 0,
        RunState::Planned => 1,
        RunState::Applying => 2,
        RunState::Finished => 3,
        RunState::Dropped => 4,
    }
}

/// The run state that a number stands for.
pub(crate) fn run_state(number: i64) -> Option<RunState> {
    Some(match number {
        0 => RunState::Planning,
        1 => RunState::Planned,
        2 => RunState::Applying,
        3 => RunState::Finished,
        4 => RunState::Dropped,
        _ => return None,
    })
}

/// The number that stands for an operation's state. The partial indexes of the schema name 0 and 1.
pub(crate) fn operation_state_number(state: OperationState) -> i64 {
    match state {
        OperationState::Waiting => 0,
        OperationState::Sent => 1,
        OperationState::Done => 2,
        OperationState::Rejected => 3,
    }
}

/// The operation state that a number stands for.
pub(crate) fn operation_state(number: i64) -> Option<OperationState> {
    Some(match number {
        0 => OperationState::Waiting,
        1 => OperationState::Sent,
        2 => OperationState::Done,
        3 => OperationState::Rejected,
        _ => return None,
    })
}

/// The verb of an action, as progress is counted by.
pub(crate) fn verb(action: &Action) -> &'static str {
    match action {
        Action::Upsert { .. } => "upsert",
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Associate { .. } => "associate",
        Action::Dissociate { .. } => "dissociate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { table: "run", column: "plan", key: "1".into() }
    }

    #[test]
    fn a_blob_comes_back_as_it_was() {
        let blob = encode(&vec!["a", "b"]).unwrap();
        assert_eq!(blob[0], BLOB_VERSION);
        assert_eq!(decode::<Vec<String>>(&blob, place).unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_blob_of_another_version_or_without_one_is_corrupt() {
        for blob in [&[][..], &[2, b'1'], &[BLOB_VERSION, b'{']] {
            assert!(matches!(decode::<u8>(blob, place), Err(Fault::Corrupt(found)) if found == place()), "{blob:?}");
        }
    }

    #[test]
    fn every_state_survives_its_number() {
        for state in [RunState::Planning, RunState::Planned, RunState::Applying, RunState::Finished, RunState::Dropped]
        {
            assert_eq!(run_state(run_state_number(state)), Some(state));
        }
        for state in [OperationState::Waiting, OperationState::Sent, OperationState::Done, OperationState::Rejected] {
            assert_eq!(operation_state(operation_state_number(state)), Some(state));
        }
        assert_eq!((run_state(9), operation_state(9)), (None, None));
    }
}
