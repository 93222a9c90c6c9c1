//! The contracts of the ports, as tests that every implementation runs.
