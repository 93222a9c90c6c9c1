//! What the gateway decides about other people's calls: which of them may share a batch, how the batch is put
//! together, and what each caller gets of its answer.
//!
//! Three functions, in the order in which a call meets them: [`join`](join::join) reads one call and says whether it may
//! travel with others; [`compose`](compose::compose) makes one batch of several; [`cut`](cut::cut) gives each its share
//! of the answer. Before all of them a read may be answered by the mirror: [`mirrored`] says which, and
//! [`written`](written::Written) keeps it from showing what was before a write. [`usage`](usage::Usage) counts what it costs, and [`shadow`](shadow::Shadow) what it would have cost.
//!
//! Invariant: a caller gets what HubSpot would have answered to its call alone, or its call is asked alone. Whatever is
//! not known to be equal travels alone.

pub mod access;
pub mod account;
pub mod cache;
pub mod compose;
pub mod cut;
pub mod dead;
pub mod flight;
pub mod join;
pub mod mirrored;
pub mod operation;
pub mod resolve;
pub mod scopes;
pub mod shadow;
pub mod usage;
pub mod witness;
pub mod written;

#[cfg(test)]
mod tests;
