//! Seeded runs of the whole, and runs of the real binary under kill -9.

pub mod desk;
