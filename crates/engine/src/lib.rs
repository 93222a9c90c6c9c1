//! Drives core against ports: tasks, timers and the only HTTP client.

pub mod upstream;
