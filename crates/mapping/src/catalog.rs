//! What is known of the sources when a mapping is checked.

use std::collections::BTreeMap;

/// The sources of the configuration. What is not known is not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The sources by name; `None` if not even their names are known.
    pub sources: Option<BTreeMap<String, SourceTables>>,
}

/// What one source holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTables {
    /// Tables and views with their columns; `None` if the source was not read.
    pub tables: Option<BTreeMap<String, Vec<String>>>,
    /// The columns of queries, by the query's text; a query that is missing here is not checked.
    pub queries: BTreeMap<String, Vec<String>>,
}
