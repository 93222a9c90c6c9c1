//! HubSpot as the rest of the engine sees it: typed calls through the one door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use linchpin_core::schedule::lanes::Lane;
use linchpin_hubspot::endpoint::{ApiError, Endpoint};
use linchpin_hubspot::errors::HubSpotError;
use linchpin_hubspot::id::Install;
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
}

impl HubError {
    /// The code of the page that explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) if error.status == 403 => "LP3031",
            Self::Refused(_) => "LP3030",
            Self::Unreadable(_) => "LP3032",
            Self::NoAnswer(error) => error.code(),
        }
    }
}

impl Hub {
    /// Calls for `install`, in `lane`, on behalf of `caller`.
    pub fn new(dispatch: Dispatch, install: Install, version: ApiVersion, lane: Lane, caller: &str) -> Self {
        let origin = Origin { caller: caller.to_owned(), ..Origin::default() };
        Self { dispatch, install, version, lane, origin, calls: Arc::new(AtomicU64::new(0)) }
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

    /// How many calls have been asked for through this value and its clones.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes one call and reads its answer.
    ///
    /// # Errors
    /// See [`HubError`].
    pub async fn send<E: Endpoint>(&self, endpoint: &E) -> Result<E::Output, HubError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = endpoint.call(self.version);
        let request =
            CallRequest { install: self.install, lane: self.lane, call, deadline: None, origin: self.origin.clone() };
        let answer = self.dispatch.call(request).await.map_err(HubError::NoAnswer)?;
        endpoint.decode(&answer).map_err(|error| match error {
            ApiError::Api(refused) => HubError::Refused(refused),
            unreadable @ ApiError::Decode { .. } => HubError::Unreadable(unreadable),
        })
    }
}
