//! Drives core against ports: tasks, timers and the only HTTP client.

pub mod clock;
pub mod dispatch;
pub mod gateway;
pub mod hub;
pub mod ingress;
pub mod sync;
pub mod tasks;
pub mod upstream;
