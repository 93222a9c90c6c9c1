//! Where blocking work runs: on threads in production, inline under simulated time.
//!
//! A simulated clock knows nothing of threads and would race ahead of them, so whoever blocks takes this as an option.

/// Where the blocking work of a store or source runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Executor {
    /// On threads of its own; callers wait without blocking their runtime.
    #[default]
    Threads,
    /// On the caller's task, before its future is first pending: the same order every time.
    Inline,
}
