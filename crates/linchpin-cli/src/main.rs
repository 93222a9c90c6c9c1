//! The binary `linchpin`.

fn main() {}
