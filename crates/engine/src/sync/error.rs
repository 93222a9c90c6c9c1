//! What stops a sync as a whole. What stops one row is a rejection, not an error.

use linchpin_ports::source::SourceError;
use linchpin_ports::store::StoreError;

use crate::hub::HubError;

/// Why a plan could not be made or a run could not go on. A run that stopped can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// HubSpot could not be asked, or refused in a way that concerns every row.
    #[error("cannot {step}")]
    Hub {
        /// The step that failed.
        step: String,
        /// The cause.
        #[source]
        source: HubError,
    },
    /// The mapping names an object type that the account does not have.
    #[error("HubSpot knows no object type {object:?}")]
    UnknownObject {
        /// The name, as it went into the path.
        object: String,
    },
    /// The system of record could not be read.
    #[error("cannot read the rows of {entry}")]
    Source {
        /// The mapping entry.
        entry: String,
        /// The cause.
        #[source]
        source: SourceError,
    },
    /// The mapping names a source that the caller does not have.
    #[error("the entry {entry} reads from the source {source_name:?}, which is not configured")]
    NoSource {
        /// The mapping entry.
        entry: String,
        /// The source's name.
        source_name: String,
    },
    /// The store failed; what it acknowledged is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// HubSpot answered a comparison read only in part: a plan made from it would be wrong.
    #[error("HubSpot could not compare all rows of {entry}: {reason}")]
    Partial {
        /// The mapping entry.
        entry: String,
        /// HubSpot's words.
        reason: String,
    },
    /// HubSpot refused to create a key property.
    #[error("HubSpot refused to create a key property of {object}: {reason}")]
    KeyPropertyRefused {
        /// The object type.
        object: String,
        /// HubSpot's words.
        reason: String,
    },
    /// A key property did not become visible in time.
    #[error("the property {property} was created but HubSpot does not show it after {waited_s} s; run sync again")]
    PropertyInvisible {
        /// `object.property`.
        property: String,
        /// How long we waited.
        waited_s: u64,
    },
    /// The run was made with another mapping.
    #[error("run {run} was planned with another mapping")]
    OtherMapping {
        /// The run.
        run: String,
    },
    /// Somebody asked to stop. What was in flight has been settled.
    #[error("stopped on request; run sync again to go on")]
    Stopped,
}

impl SyncError {
    /// The code of the page that explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Hub { source, .. } => source.code(),
            Self::UnknownObject { .. } => "LP3045",
            Self::Source { .. } => "LP2001",
            Self::NoSource { .. } => "LP2002",
            Self::Store(error) => store_code(error),
            Self::PropertyInvisible { .. } => "LP3040",
            Self::KeyPropertyRefused { .. } => "LP3043",
            Self::Partial { .. } => "LP3044",
            Self::OtherMapping { .. } => "LP3041",
            Self::Stopped => "LP3042",
        }
    }
}

/// The code of the page that explains a store's failure.
pub fn store_code(error: &StoreError) -> &'static str {
    use linchpin_ports::store::Refusal;
    match error {
        StoreError::Unavailable { .. } => "LP4001",
        StoreError::Corrupt { .. } => "LP4002",
        StoreError::Refused(refusal) => match refusal {
            Refusal::Owned => "LP4003",
            Refusal::Foreign => "LP4008",
            Refusal::TooNew { .. } => "LP4004",
            Refusal::Stale { .. } => "LP4005",
            Refusal::UnknownRun(_) => "LP4006",
            Refusal::WrongState { .. }
            | Refusal::NotClaimed(_)
            | Refusal::OutOfOrder(_)
            | Refusal::WriteState(_)
            | Refusal::Moved(_) => "LP4007",
        },
    }
}
