//! The binary as other programs see it: exit codes, standard output, the simulator behind it on loopback.

mod command;
mod failures;
mod session;
