//! What we ask of the world: traits with contracts, and the conformance suite that proves them.
