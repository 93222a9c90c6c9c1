//! From events and reads to what the mirror holds of a record.
//!
//! Deciders: [`known::Known`] is everything that is remembered of one record beside its values, [`want`] says when a
//! record is read, and when a read that does not find it is believed. Whatever order events and reads come in, and
//! however often, the mirror ends in the same place: a state is what events told (a join), less what the last read
//! covers (a projection).

pub mod known;
pub mod want;
