//! The gateway's answers beside HubSpot's own: every call of a program is made in two worlds, once directly to one
//! simulator and once through the gateway to another, and both answers must be the same.

pub mod compare;
mod crowd;
pub mod twins;
pub mod wanted;
mod words;
