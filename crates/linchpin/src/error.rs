//! How the facade fails: one error with a code that has a page.

use linchpin_engine::hub::HubError;
use linchpin_engine::sync::{SyncError, store_code};
use linchpin_engine::upstream::BaseUrlError;
use linchpin_mapping::Problem;
use linchpin_ports::source::SourceError;
use linchpin_ports::store::StoreError;

/// Why something did not work. [`Error::code`] names a page of `docs/errors`, which says what to do.
///
/// `Display` may quote what a mapping or a row holds; it never shows a token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The base URL cannot be used.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// The builder was given no token and no credentials.
    #[error("no token: give the builder a token or credentials")]
    NoToken,
    /// A share of calls that is left to others is not between 0 and 0.9.
    #[error("a share of {0} cannot be left to others: it must be between 0 and 0.9")]
    Reserve(f64),
    /// This machine does not give what is needed.
    #[error("cannot {what}")]
    Machine {
        /// What was tried.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store failed or refused; what it acknowledged is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call brought no value.
    #[error(transparent)]
    Call(#[from] HubError),
    /// A sync stopped.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A source cannot be opened or described.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mapping cannot be used.
    #[error("the mapping has {} problems, the first at line {}: {}", .0.len(), .0.first().map_or(0, |first| first.line), .0.first().map_or("", |first| first.message.as_str()))]
    Mapping(Vec<Problem>),
    /// The door to HubSpot is closed.
    #[error("the door to HubSpot is closed")]
    Closed,
}

impl Error {
    /// The code of the page that explains it (`LP3013`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::BaseUrl(_) | Self::Reserve(_) => "LP0014",
            Self::NoToken => "LP0004",
            Self::Machine { .. } => "LP0012",
            Self::Store(error) => store_code(error),
            Self::Call(error) => error.code(),
            Self::Sync(error) => error.code(),
            Self::Source(_) => "LP0006",
            Self::Mapping(_) => "LP0007",
            Self::Closed => "LP3016",
        }
    }

    /// What HubSpot said, if it was HubSpot that refused.
    pub fn refusal(&self) -> Option<&linchpin_hubspot::errors::HubSpotError> {
        match self {
            Self::Call(HubError::Refused(error))
            | Self::Sync(SyncError::Hub { source: HubError::Refused(error), .. }) => Some(error),
            _ => None,
        }
    }
}
