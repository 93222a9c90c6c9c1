//! Knows what HubSpot is: calls as data, batch twins, limits, error envelopes.
//!
//! Pure: nothing here opens a socket, reads a clock or rolls dice.
//! Every fact about HubSpot names its source in the doc comment.
//!
//! A typed call is an [`endpoint::Endpoint`]: it makes a [`call::Call`] for an [`version::ApiVersion`] and reads the
//! [`answer::Answer`]. What a call costs and what a repeat would do comes from [`routes`], for ours and for any other.
//! What HubSpot would refuse for its size is found before it is sent, by [`endpoint::Endpoint::check`].
//!
//! ```
//! use linchpin_hubspot::endpoint::Endpoint;
//! use linchpin_hubspot::id::ObjectType;
//! use linchpin_hubspot::objects::{Fields, List};
//! use linchpin_hubspot::version::ApiVersion;
//!
//! let list = List {
//!     object_type: ObjectType::new("contacts"),
//!     limit: 100,
//!     after: None,
//!     fields: Fields::of(["email"]),
//! };
//! assert_eq!(list.call(ApiVersion::V3).target(), "/crm/v3/objects/contacts?limit=100&properties=email");
//! assert_eq!(list.call(ApiVersion::V2026_09).path, "/crm/objects/2026-09/contacts");
//! ```

pub mod account;
pub mod answer;
pub mod association_types;
pub mod associations;
pub mod batch;
pub mod call;
pub mod endpoint;
pub mod errors;
pub mod event;
pub mod fingerprint;
pub mod id;
pub mod journal;
pub mod limits;
pub mod limits_tracking;
pub mod lists;
pub mod oauth;
pub mod object;
pub mod objects;
pub mod owners;
pub mod pipelines;
pub mod properties;
pub mod routes;
pub mod schemas;
pub mod search;
pub mod signature;
pub mod token;
pub mod users;
pub mod value;
pub mod version;
pub mod webhooks;
mod wire;

#[cfg(test)]
mod testing;
