//! Drives core against ports: tasks, timers and the two HTTP clients: one for HubSpot, one for everything else.

pub mod clock;
pub mod dispatch;
pub mod echo;
pub mod follow;
pub mod gateway;
pub mod hub;
pub mod ingress;
pub mod journal;
pub mod news;
pub mod outbound;
pub mod retention;
pub mod subscribers;
pub mod sync;
pub mod tasks;
pub mod upstream;
