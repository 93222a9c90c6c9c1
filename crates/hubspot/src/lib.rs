//! Knows what HubSpot is: calls as data, batch twins, limits, error envelopes.
//!
//! Pure: nothing here opens a socket, reads a clock or rolls dice.
//! Every fact about HubSpot names its source in the doc comment.

pub mod answer;
pub mod call;
pub mod id;
