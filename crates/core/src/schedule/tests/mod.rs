//! The scheduler against a server that counts naively, on a desk: one loop over a heap of events, no runtime.

mod callers;
mod counters;
mod desk;
mod gathering;
mod guests;
mod promises;
mod restarts;
