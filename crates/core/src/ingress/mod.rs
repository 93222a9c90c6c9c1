//! What HubSpot's events come to: which of them is the same one again, and what is true after all of them, in whatever
//! order they arrive.

pub mod journal;
pub mod keys;
pub mod latest;
pub mod subscriptions;
