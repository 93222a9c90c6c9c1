//! What the gateway decides about other people's calls: which of them may share a batch, how the batch is put
//! together, and what each caller gets of its answer.
//!
//! Three functions, in the order in which a call meets them: [`join`](join::join) reads one call and says whether it may
//! travel with others; [`compose`](compose::compose) makes one batch of several; [`cut`](cut::cut) gives each its share
//! of the answer.
//!
//! Invariant: a caller gets what HubSpot would have answered to its call alone, or its call is asked alone. Whatever is
//! not known to be equal travels alone.

pub mod access;
pub mod account;
pub mod compose;
pub mod cut;
pub mod join;

#[cfg(test)]
mod tests;
