//! One entry: where its rows come from, what they become.

use linchpin_core::sync::desired::{EntryName, Identity};
use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::object::STANDARD_OBJECTS;

use super::Checker;
use crate::compiled::{Entry, Governed, Select};
use crate::expression::{self, Compiled};
use crate::file::{At, EntrySpec};
use crate::map::{Computed, Required, RowProgram};
use crate::portal::Property;
use crate::problem::{Problem, help_for_unknown};

/// An entry while it is built.
pub(super) struct Draft<'a> {
    pub name: &'a At<String>,
    pub spec: &'a EntrySpec,
    pub object_type: ObjectType,
    /// The columns of its rows, if they are known.
    pub available: Option<Vec<String>>,
    pub program: RowProgram,
    pub after: Vec<EntryName>,
}

impl Draft<'_> {
    /// The slot of a column.
    pub(super) fn slot(&mut self, column: &str) -> usize {
        if let Some(known) = self.program.columns.iter().position(|name| name == column) {
            return known;
        }
        self.program.columns.push(column.to_owned());
        self.program.columns.len() - 1
    }

    /// The unique property, if the entry names one.
    pub(super) fn unique_property(&self) -> Option<&str> {
        self.spec.identity.value.unique.as_ref().map(At::as_str)
    }
}

impl<'a> Checker<'a> {
    pub(super) fn entry(&mut self, name: &'a At<String>, spec: &'a EntrySpec) -> Entry {
        let mut draft = Draft {
            name,
            spec,
            object_type: self.object_type(&spec.object),
            available: self.available_columns(spec),
            program: RowProgram::default(),
            after: Vec::new(),
        };
        draft.program.key = spec.key.0.iter().map(|column| self.slot(&mut draft, column)).collect();
        if spec.key.0.is_empty() {
            self.problems.push(Problem::error("LP1005", name, format!("`{}` has no key column", name.value)));
        }
        if let Some(filter) = &spec.filter {
            draft.program.filter = self.computed(&mut draft, filter);
        }
        if spec.fields.0.is_empty() {
            let message = format!("`{}` maps no field", name.value);
            self.problems.push(Problem::error("LP1008", name, message));
        }
        let properties = self.fields(&mut draft);
        let (identity, key_property_to_create) = self.identity(&draft);
        draft.program.required = match &identity {
            Identity::Unique { property } => Required::All(property.clone()),
            Identity::Content { properties } => Required::AnyOf(properties.clone()),
        };
        let associations = self.associations(&mut draft);
        Entry {
            name: EntryName(name.value.clone()),
            source: spec.source.value.clone(),
            select: self.select(&draft),
            key: spec.key.0.iter().map(|column| column.value.clone()).collect(),
            object_type: draft.object_type,
            identity,
            key_property_to_create,
            associations,
            properties: properties.into_iter().map(|(name, kind)| Governed { name, kind }).collect(),
            after: draft.after,
            gone: spec.gone,
            program: draft.program,
        }
    }

    fn select(&mut self, draft: &Draft<'_>) -> Select {
        match (&draft.spec.table, &draft.spec.query) {
            (Some(table), None) => Select::Table(table.value.clone()),
            (None, Some(query)) => Select::Query(query.value.clone()),
            (Some(both), Some(_)) => {
                let message = "an entry reads a `table` or a `query`, not both";
                self.problems.push(Problem::error("LP1005", both, message));
                Select::Table(both.value.clone())
            }
            (None, None) => {
                let message = format!("`{}` does not say what to read", draft.name.value);
                let help = "add `table:` with a table or view, or `query:`";
                self.problems.push(Problem::error("LP1005", draft.name, message).help(help));
                Select::Table(String::new())
            }
        }
    }

    /// The canonical plural of an object type.
    fn object_type(&mut self, object: &At<String>) -> ObjectType {
        let object_type = ObjectType::canonical(object.as_str());
        let in_account = self.portal.is_some_and(|portal| portal.properties.contains_key(&object_type));
        if object_type.standard().is_none() && !object_type.is_custom() && !in_account {
            let known: Vec<&str> = STANDARD_OBJECTS.iter().map(|one| one.plural).collect();
            let help = help_for_unknown(object.as_str(), "object types", &known);
            let message = format!("`{}` is no HubSpot object type", object.value);
            self.problems.push(Problem::error("LP1023", object, message).help(help));
        }
        object_type
    }

    /// The columns of the entry's rows, as far as the catalog knows them; unknown sources and tables are reported.
    fn available_columns(&mut self, spec: &EntrySpec) -> Option<Vec<String>> {
        let sources = self.catalog.sources.as_ref()?;
        let Some(source) = sources.get(spec.source.as_str()) else {
            let known: Vec<&str> = sources.keys().map(String::as_str).collect();
            let message = format!("there is no source `{}`", spec.source.value);
            let help = help_for_unknown(spec.source.as_str(), "sources", &known);
            self.problems.push(Problem::error("LP1002", &spec.source, message).help(help));
            return None;
        };
        if let Some(query) = &spec.query {
            return source.queries.get(query.as_str()).cloned();
        }
        let (Some(table), Some(tables)) = (&spec.table, &source.tables) else { return None };
        let columns = tables.get(table.as_str());
        if columns.is_none() {
            let known: Vec<&str> = tables.keys().map(String::as_str).collect();
            let message = format!("the source `{}` has no table or view `{}`", spec.source.value, table.value);
            let help = help_for_unknown(table.as_str(), "tables", &known);
            self.problems.push(Problem::error("LP1003", table, message).help(help));
        }
        columns.cloned()
    }

    /// The slot of a column; an unknown one is reported.
    pub(super) fn slot(&mut self, draft: &mut Draft<'_>, column: &At<String>) -> usize {
        self.column_exists(draft, column, column.as_str());
        draft.slot(column.as_str())
    }

    fn column_exists<T>(&mut self, draft: &Draft<'_>, place: &At<T>, column: &str) {
        let Some(available) = &draft.available else { return };
        if available.iter().any(|known| known == column) {
            return;
        }
        let known: Vec<&str> = available.iter().map(String::as_str).collect();
        let message = format!("`{}` reads no column `{column}`", draft.name.value);
        let help = help_for_unknown(column, "columns", &known);
        self.problems.push(Problem::error("LP1004", place, message).help(help));
    }

    /// Compiles an expression; the problem points into it.
    pub(super) fn computed(&mut self, draft: &mut Draft<'_>, source: &At<String>) -> Option<Computed> {
        match expression::compile(source.as_str()) {
            Ok(Compiled { expression, places }) => {
                for (column, (line, at)) in expression.columns().iter().zip(places) {
                    self.column_exists(draft, &inside(source, line, at), column);
                }
                let slots = expression.columns().iter().map(|column| draft.slot(column)).collect();
                Some(Computed { expression, slots })
            }
            Err(error) => {
                let place = inside(source, error.line, error.column);
                let message = format!("the expression does not compile: {}", error.message);
                let help = "expressions are CEL over `row`: row.Total > 100.0 && row.Country == \"Brazil\"";
                self.problems.push(Problem::error("LP1011", &place, message).help(help));
                None
            }
        }
    }

    /// The account's definition of a property.
    pub(super) fn property(&self, object_type: &ObjectType, name: &str) -> InAccount<'a> {
        let Some(all) = self.portal.and_then(|portal| portal.properties.get(object_type)) else {
            return InAccount::NotRead;
        };
        all.get(name).map_or(InAccount::Missing, InAccount::Found)
    }
}

/// What the account says about a property.
#[derive(Clone, Copy)]
pub(super) enum InAccount<'a> {
    /// Nothing: the account, or this object type, was not read.
    NotRead,
    /// It has no such property.
    Missing,
    /// This is it.
    Found(&'a Property),
}

/// A place inside a text of the file. Only a text on one line stands there as it is; of others the start is given.
fn inside(source: &At<String>, line: u64, column: u64) -> At<()> {
    let mut place = source.with(());
    let characters = u64::try_from(source.value.chars().count()).unwrap_or(0);
    let quotes = source.width.saturating_sub(characters);
    if line == 1 && quotes <= 2 && !source.value.contains('\n') {
        place.column += (column.max(1) - 1) + u64::from(quotes == 2);
    }
    place
}
