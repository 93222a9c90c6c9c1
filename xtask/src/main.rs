//! Keeps house.

fn main() {}
