//! Why a call has no answer.

use std::fmt;
use std::time::Duration;

use linchpin_core::schedule::{End, Refused};
use linchpin_core::time::Wall;
use linchpin_core::verdict::{Cause, Why};
use linchpin_hubspot::answer::Answer;

/// Why a call has no answer. A refusal by HubSpot is an answer, and not here.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// HubSpot may have done it, and a repeat may do it twice: find out before anything else.
    #[error("nobody knows whether HubSpot did it: {0}")]
    Unknown(Box<Unresolved>),
    /// HubSpot could not be reached, or gave no whole answer, as often as was tried. Nothing was done that a repeat
    /// would double.
    #[error("HubSpot cannot be reached")]
    Unreachable(#[source] Cause),
    /// The credential is refused or missing: only a person can help.
    #[error("HubSpot does not accept the credential")]
    DeadToken(Option<Box<Answer>>),
    /// The account's calls of the day are used up.
    #[error("the account's calls of the day are used up")]
    DayExhausted {
        /// When the day ends, as far as is known.
        until: Wall,
    },
    /// HubSpot asks to be left alone for long: the account is being moved.
    #[error("HubSpot asks to wait: the account is being moved")]
    Migrating {
        /// Until when.
        until: Wall,
    },
    /// The caller's deadline passed, or its turn would come after it.
    #[error("the deadline passes before the call can be made")]
    Deadline {
        /// How long the call would have waited, if it was refused at once.
        wait: Option<Duration>,
    },
    /// The door is closing. The call has not been made, or may be made again without harm.
    #[error("shutting down")]
    Shutdown,
    /// Too many calls wait already.
    #[error("too many calls wait already ({limit})")]
    Overloaded {
        /// How many may wait.
        limit: usize,
    },
    /// The install was never registered.
    #[error("the install is not known")]
    UnknownInstall,
    /// The caller wants nothing but what is held, and it is not.
    #[error("nothing that is held is new enough, and the call allows nothing else (only-if-cached)")]
    NotHeld,
}

/// A call that may or may not have happened.
#[derive(Debug)]
pub struct Unresolved {
    /// HubSpot's last answer, if there was one (5xx).
    pub answer: Option<Answer>,
    /// Why there is no answer, if there is none.
    pub cause: Option<Cause>,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.answer, &self.cause) {
            (Some(answer), _) => write!(f, "it failed with status {}", answer.status),
            (None, Some(cause)) => cause.fmt(f),
            (None, None) => f.write_str("the answer was lost"),
        }
    }
}

impl DispatchError {
    /// The code of the page that explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "LP3010",
            Self::Unreachable(_) => "LP3011",
            Self::DeadToken(_) => "LP3012",
            Self::DayExhausted { .. } => "LP3013",
            Self::Migrating { .. } => "LP3014",
            Self::Deadline { .. } => "LP3015",
            Self::Shutdown => "LP3016",
            Self::Overloaded { .. } => "LP3017",
            Self::UnknownInstall => "LP3018",
            Self::NotHeld => "LP5104",
        }
    }
}

impl From<Refused> for DispatchError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::QueueFull { limit } => Self::Overloaded { limit },
            Refused::Deadline { wait } => Self::Deadline { wait: Some(wait) },
            Refused::DayExhausted { until } => Self::DayExhausted { until },
            Refused::UnknownInstall => Self::UnknownInstall,
            Refused::Shutdown => Self::Shutdown,
        }
    }
}

/// What a caller is told about an end.
pub(super) fn told(end: End) -> Result<Answer, DispatchError> {
    Err(match end {
        End::Answered(answer) => return Ok(answer),
        End::Unknown { answer, cause } => DispatchError::Unknown(Box::new(Unresolved { answer, cause })),
        End::Unreachable(cause) => DispatchError::Unreachable(cause),
        End::DeadToken(answer) => DispatchError::DeadToken(answer.map(Box::new)),
        End::Parked { until, why: Why::Migrating } => DispatchError::Migrating { until },
        End::Parked { until, .. } => DispatchError::DayExhausted { until },
        End::Deadline => DispatchError::Deadline { wait: None },
        // A caller that left is not there to be told; anybody else sees a closed door.
        End::Cancelled | End::Shutdown => DispatchError::Shutdown,
    })
}
