//! The mapping file, compiled: from the rows of a system of record to the records that HubSpot should hold.
//!
//! The way through the crate: [`parse`] reads the `sync:` section into a [`SyncFile`]; [`compile()`] checks it against
//! the source's [`Catalog`] and the account's [`PortalSnapshot`] and answers with a [`Compiled`] or with every
//! [`Problem`] at once, each with its line and column; [`Entry::map_row`] turns one row into what HubSpot should hold.
//!
//! Pure: no files, no network, no clock. The same mapping, snapshot and row always give the same answer.

mod catalog;
mod compile;
mod compiled;
mod country;
mod expression;
pub mod file;
mod map;
mod portal;
mod preflight;
mod problem;
mod propose;
pub mod transform;
mod value;

pub use catalog::{Catalog, SourceTables};
pub use compile::compile;
pub use compiled::{Compiled, Entry, Governed, KeyProperty, Select};
pub use file::{SyncFile, json_schema, parse, yaml_options};
pub use map::{Lookups, source_key};
pub use portal::{AssociationLabel, Choice, Owner, Pipeline, PortalSnapshot, Property, PropertyKind, Stage};
pub use problem::{Problem, Severity};
pub use propose::{ForeignKey, SourceTable, propose};
pub use transform::warm_up;
pub use value::{Invalid, Value};
