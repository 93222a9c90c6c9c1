//! HubSpot as the rest of the engine sees it: typed calls through the one door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use linchpin_core::schedule::lanes::Lane;
use linchpin_hubspot::endpoint::{ApiError, Endpoint};
use linchpin_hubspot::errors::HubSpotError;
use linchpin_hubspot::id::Install;
use linchpin_hubspot::limits::sizes::OverLimit;
use linchpin_hubspot::version::ApiVersion;

use crate::dispatch::{CallRequest, Dispatch, DispatchError, Origin};

/// Typed calls for one install in one lane. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Hub {
    dispatch: Dispatch,
    install: Install,
    version: ApiVersion,
    lane: Lane,
    origin: Origin,
    deadline: Option<Duration>,
    calls: Arc<AtomicU64>,
}

/// Why a typed call brought no value.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// HubSpot refused.
    #[error(transparent)]
    Refused(Box<HubSpotError>),
    /// The answer says success but cannot be read. A write has happened all the same.
    #[error(transparent)]
    Unreadable(ApiError),
    /// No answer.
    #[error(transparent)]
    NoAnswer(DispatchError),
    /// HubSpot would refuse the call for its size: it was not sent.
    #[error(transparent)]
    TooLarge(#[from] OverLimit),
}

impl HubError {
    /// The code of the page that explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) if error.status == 403 => "LP3031",
            Self::Refused(_) => "LP3030",
            Self::Unreadable(_) => "LP3032",
            Self::NoAnswer(error) => error.code(),
            Self::TooLarge(_) => "LP3033",
        }
    }
}

impl Hub {
    /// Calls for `install`, in `lane`, on behalf of `caller`.
    pub fn new(dispatch: Dispatch, install: Install, version: ApiVersion, lane: Lane, caller: &str) -> Self {
        let origin = Origin { caller: caller.to_owned(), ..Origin::default() };
        Self { dispatch, install, version, lane, origin, deadline: None, calls: Arc::new(AtomicU64::new(0)) }
    }

    /// The same door for another install (when the portal has made itself known).
    #[must_use]
    pub fn for_install(&self, install: Install) -> Self {
        Self { install, ..self.clone() }
    }

    /// The same door for one run: every call carries its name.
    #[must_use]
    pub fn for_run(&self, run: &str) -> Self {
        let origin = Origin { run: Some(run.to_owned()), ..self.origin.clone() };
        Self { origin, ..self.clone() }
    }

    /// The same door in another lane.
    #[must_use]
    pub fn in_lane(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// The same door with paths in the style of another version.
    #[must_use]
    pub fn at_version(&self, version: ApiVersion) -> Self {
        Self { version, ..self.clone() }
    }

    /// The same door for a caller who waits no longer than this for each call.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// How many calls have been asked for through this value and its clones.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes one call and reads its answer. One that HubSpot would refuse for its size is not made.
    ///
    /// # Errors
    /// See [`HubError`].
    pub async fn send<E: Endpoint>(&self, endpoint: &E) -> Result<E::Output, HubError> {
        endpoint.check()?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = endpoint.call(self.version);
        let (install, lane, deadline) = (self.install, self.lane, self.deadline);
        let request =
            CallRequest { install, lane, call, deadline, origin: self.origin.clone(), passage: None, drives: false };
        let answer = self.dispatch.call(request).await.map_err(HubError::NoAnswer)?;
        endpoint.decode(&answer).map_err(|error| match error {
            ApiError::Api(refused) => HubError::Refused(refused),
            unreadable @ ApiError::Decode { .. } => HubError::Unreadable(unreadable),
        })
    }
}
