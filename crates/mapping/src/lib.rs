//! The mapping file, compiled: fields, transforms, expressions, checks. Pure, with the heavier libraries.
