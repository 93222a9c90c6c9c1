//! Knows what HubSpot is: calls as data, batch twins, limits, error envelopes.
//!
//! Pure: nothing here opens a socket, reads a clock or rolls dice.
//! Every fact about HubSpot names its source in the doc comment.
//!
//! A typed call is an [`endpoint::Endpoint`]: it makes a [`call::Call`] for an [`version::ApiVersion`] and reads the
//! [`answer::Answer`]. What a call costs and what a repeat would do comes from [`routes`], for ours and for any other.

pub mod account;
pub mod answer;
pub mod association_types;
pub mod associations;
pub mod batch;
pub mod call;
pub mod endpoint;
pub mod errors;
pub mod id;
pub mod limits;
pub mod object;
pub mod objects;
pub mod owners;
pub mod pipelines;
pub mod properties;
pub mod routes;
pub mod schemas;
pub mod search;
pub mod value;
pub mod version;
mod wire;

#[cfg(test)]
mod testing;
