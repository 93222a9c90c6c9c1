//! What other programs are told of events: the form of an event, who wants it, how a delivery is signed, and what
//! follows from how it went.

pub mod deliver;
pub mod event;
pub mod filter;
pub mod message;
pub mod sign;
