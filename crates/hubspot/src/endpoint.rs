//! What a typed call is: a [`Call`] to send and a way to read its answer.
//!
//! Reading is tolerant where HubSpot is inconsistent: 200, 201 and 207 are one thing (look at `errors`), ids may be text
//! or numbers, an absent field may be null or missing, unknown fields are ignored.

use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::call::Call;
use crate::errors::HubSpotError;
use crate::limits::sizes::OverLimit;
use crate::version::ApiVersion;
use crate::wire::{Page, PageBody};

/// A call of HubSpot's API with the type of its answer.
pub trait Endpoint {
    /// What a 2xx answer means.
    type Output;

    /// The call in the path style of `version`. Cost, effect and family come from [`crate::routes`].
    fn call(&self, version: ApiVersion) -> Call;

    /// Reads a whole answer of any status.
    ///
    /// # Errors
    ///
    /// [`ApiError::Api`] for every status outside 2xx, [`ApiError::Decode`] for a 2xx whose body is not what it must
    /// be. A decode error of a write does not say that the write did not happen.
    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError>;

    /// Compares the call with HubSpot's limits ([`crate::limits::sizes`]), so that one that would only be refused is
    /// not sent.
    ///
    /// # Errors
    ///
    /// The first limit that is passed.
    fn check(&self) -> Result<(), OverLimit> {
        Ok(())
    }
}

/// Implements [`Endpoint`] for a call that is one expression and whose answer is read by one reader:
/// `endpoint!(Read => Schema, one("a schema"), |this, version| …, check: …)`. The check may be left out.
macro_rules! endpoint {
    ($name:ty => $output:ty, $read:expr, |$this:tt, $version:tt| $call:expr $(, check: $check:expr)?) => {
        impl $crate::endpoint::Endpoint for $name {
            type Output = $output;

            fn call(&self, $version: $crate::version::ApiVersion) -> $crate::call::Call {
                let $this = self;
                $call
            }

            fn decode(&self, answer: &$crate::answer::Answer) -> Result<$output, $crate::endpoint::ApiError> {
                ($read)(answer)
            }

            $(fn check(&self) -> Result<(), $crate::limits::sizes::OverLimit> {
                let $this = self;
                $check
            })?
        }
    };
}
pub(crate) use endpoint;

/// A call whose answer is one page of many.
pub trait Paged: Endpoint + Sized {
    /// What a page holds many of.
    type Item;

    /// What stands on a page, and the call for the next one; none after the last.
    fn turn(&self, page: Self::Output) -> (Vec<Self::Item>, Option<Self>);
}

/// [`Paged`] for a call with a field `after` whose answer is a [`Page`].
macro_rules! paged {
    ($name:ty, $item:ty) => {
        impl $crate::endpoint::Paged for $name {
            type Item = $item;

            fn turn(&self, page: $crate::wire::Page<$item>) -> (Vec<$item>, Option<Self>) {
                let next = page.after.map(|after| Self { after: Some(after), ..self.clone() });
                (page.items, next)
            }
        }
    };
}
pub(crate) use paged;

/// Why an answer holds no output.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// HubSpot, or something in front of it, refused.
    #[error(transparent)]
    Api(#[from] Box<HubSpotError>),
    /// The answer says success but cannot be read. Carries a position instead of the text, which may be personal.
    #[error("HubSpot answered {status} to {what} with a body that cannot be read (line {line}, column {column})")]
    Decode {
        /// What was being read.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// Line in the body, from 1; 0 when the body was complete but not the right shape.
        line: usize,
        /// Column in that line.
        column: usize,
    },
}

impl ApiError {
    /// What HubSpot said, if it was HubSpot that refused.
    pub fn api(&self) -> Option<&HubSpotError> {
        match self {
            Self::Api(error) => Some(error),
            Self::Decode { .. } => None,
        }
    }
}

/// Reads a body that is the output.
pub(crate) fn one<T: DeserializeOwned>(what: &'static str) -> impl Fn(&Answer) -> Result<T, ApiError> {
    move |answer| body(answer, what)
}

/// Reads `results` of an answer that has no pages.
pub(crate) fn items<T: DeserializeOwned>(what: &'static str) -> impl Fn(&Answer) -> Result<Vec<T>, ApiError> {
    move |answer| body::<PageBody<T>>(answer, what).map(|page| page.results)
}

/// Reads one page.
pub(crate) fn page<T: DeserializeOwned>(what: &'static str) -> impl Fn(&Answer) -> Result<Page<T>, ApiError> {
    move |answer| body::<PageBody<T>>(answer, what).map(PageBody::into_page)
}

/// Reads a body that one version sends and another does not.
pub(crate) fn maybe<T: DeserializeOwned + Default>(what: &'static str) -> impl Fn(&Answer) -> Result<T, ApiError> {
    move |answer| body_or_default(answer, what)
}

/// Refuses everything but 2xx; what else the answer says does not matter.
pub(crate) fn success(answer: &Answer) -> Result<(), ApiError> {
    if answer.is_success() { Ok(()) } else { Err(ApiError::Api(Box::new(HubSpotError::from_answer(answer)))) }
}

/// Reads the body of a 2xx answer.
pub(crate) fn body<T: DeserializeOwned>(answer: &Answer, what: &'static str) -> Result<T, ApiError> {
    success(answer)?;
    serde_json::from_slice(&answer.body).map_err(|error| ApiError::Decode {
        what,
        status: answer.status,
        line: error.line(),
        column: error.column(),
    })
}

/// Reads the body of a 2xx answer that may as well have none (204 in one version, 200 with a body in another).
pub(crate) fn body_or_default<T: DeserializeOwned + Default>(
    answer: &Answer,
    what: &'static str,
) -> Result<T, ApiError> {
    success(answer)?;
    if answer.body.iter().all(u8::is_ascii_whitespace) { Ok(T::default()) } else { body(answer, what) }
}
