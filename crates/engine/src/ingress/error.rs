//! Why a delivery is not acknowledged.

use linchpin_hubspot::signature::NotVerified;
use linchpin_ports::store::StoreError;

/// Why a delivery is not acknowledged. Nothing of it is lost: HubSpot delivers again what it is not told to be in.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// The app is not in the configuration.
    #[error("no such app is configured below `webhooks.apps`")]
    UnknownApp,
    /// It is not HubSpot's, as far as anyone can tell.
    #[error("the delivery is not believed: {0}")]
    NotVerified(NotVerified),
    /// The store failed.
    #[error("the delivery cannot be stored")]
    Store(#[source] StoreError),
    /// The store did not answer in time. It may still write: a delivery that comes again is recognised.
    #[error("the delivery was not stored in time")]
    Slow,
}

impl NotAccepted {
    /// The code of its page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownApp => "LP6001",
            Self::NotVerified(NotVerified::Downgraded) => "LP6003",
            Self::NotVerified(NotVerified::Stale | NotVerified::Future) => "LP6004",
            Self::NotVerified(_) => "LP6002",
            Self::Store(_) | Self::Slow => "LP6005",
        }
    }
}
