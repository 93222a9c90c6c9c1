//! What the end of one attempt means: accept, try again, give up, wait for another day, ask a human.

use linchpin_hubspot::answer::Answer;

/// How one attempt on the wire ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// HubSpot answered, with any status.
    Answered(Answer),
    /// Nothing left this machine: HubSpot cannot have seen the call.
    NotSent(Cause),
    /// The call left, or may have left, and no whole answer came back: nobody knows what HubSpot did.
    Lost(Cause),
}

/// Why there is no answer. Holds no secret and no personal value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Cause {
    /// The step that failed.
    pub kind: CauseKind,
    /// What the system said about it, for a human.
    pub detail: String,
}

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CauseKind {
    /// The call could not be put together (URL or header that is none).
    #[error("the request could not be built")]
    Build,
    /// No connection: name, route, refusal, TLS.
    #[error("no connection")]
    Connect,
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before the answer was whole.
    #[error("the connection ended early")]
    Closed,
    /// The answer was larger than the limit for bodies, or could not be decompressed.
    #[error("the answer could not be read")]
    Body,
    /// The attempt was abandoned from our side (shutdown, a panic).
    #[error("the attempt was abandoned")]
    Abandoned,
}
