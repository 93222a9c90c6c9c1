//! From a row to the record that HubSpot should hold.
//!
//! The hot path: everything that can be decided once is decided when the mapping is compiled. Columns are numbered
//! ("slots"); the position of each slot in the rows of a read is found once for each set of columns.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use linchpin_core::sync::desired::{
    Desired, DesiredAssociation, DesiredValue, EntryName, Mapped, Rejection, RowId, RowWarning, SourceKey,
};
use linchpin_core::sync::row::{Cell, Row};

use crate::compiled::Entry;
use crate::expression::Expression;
use crate::file::OnInvalid;
use crate::portal::PortalSnapshot;
use crate::preflight::Check;
use crate::transform::{Step, Surroundings};
use crate::value::{Invalid, Value};

/// What rows are looked up in: the account's owners. `Debug` shows no addresses.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Lookups {
    owners: BTreeMap<String, String>,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").field("owners", &self.owners.len()).finish()
    }
}

impl Lookups {
    /// The active owners of an account, by their e-mail addresses.
    pub fn of(portal: &PortalSnapshot) -> Self {
        Self::of_owners(
            portal
                .owners
                .iter()
                .filter(|owner| !owner.archived)
                .filter_map(|owner| owner.email.as_ref().map(|email| (email.clone(), owner.id.clone()))),
        )
    }

    /// Owners as pairs of e-mail address and owner id.
    pub fn of_owners(owners: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { owners: owners.into_iter().map(|(email, id)| (email.trim().to_lowercase(), id)).collect() }
    }

    /// The id of an owner; case does not matter.
    pub fn owner_by_email(&self, email: &str) -> Option<&str> {
        self.owners.get(&email.trim().to_lowercase()).map(String::as_str)
    }
}

/// The text of a key: its parts joined by `|`, with `\` and `|` inside a part escaped by `\`. `None` if a part is null
/// or empty, for such a row cannot be told from others.
pub fn source_key<'a>(parts: impl IntoIterator<Item = &'a Cell>) -> Option<SourceKey> {
    let mut key = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        let text = part.to_text().filter(|text| !text.trim().is_empty())?;
        if index > 0 {
            key.push('|');
        }
        if text.contains(['|', '\\']) {
            key.push_str(&text.replace('\\', "\\\\").replace('|', "\\|"));
        } else {
            key.push_str(&text);
        }
    }
    (!key.is_empty()).then_some(SourceKey(key))
}

/// All that is done to a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowProgram {
    /// The columns by slot.
    pub columns: Vec<String>,
    pub key: Vec<usize>,
    pub filter: Option<Computed>,
    pub fields: Vec<FieldProgram>,
    pub associations: Vec<LinkProgram>,
    /// The properties that must not be without a value: the unique one; or, of content, one of several.
    pub required: Required,
    pub layout: OnceLock<Layout>,
}

/// Which properties a record cannot be recognised without.
#[derive(Clone, Debug)]
pub(crate) enum Required {
    All(String),
    AnyOf(Vec<String>),
}

impl Default for Required {
    fn default() -> Self {
        Self::AnyOf(Vec::new())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub expression: Arc<dyn Expression>,
    pub slots: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldProgram {
    pub property: String,
    pub origin: Origin,
    pub steps: Vec<Step>,
    pub check: Check,
    pub on_invalid: OnInvalid,
}

#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Column(usize),
    Columns(Vec<usize>),
    Computed(Computed),
    Constant(Value),
    RecordOf { entry: EntryName, key: Vec<usize> },
}

#[derive(Clone, Debug)]
pub(crate) struct LinkProgram {
    pub kind: u16,
    pub to: EntryName,
    pub key: Vec<usize>,
}

/// Where the slots are in the rows of one read.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    columns: Arc<[String]>,
    positions: Vec<Option<usize>>,
}

impl Layout {
    fn of(wanted: &[String], columns: &Arc<[String]>) -> Self {
        let positions = wanted.iter().map(|name| columns.iter().position(|column| column == name)).collect();
        Self { columns: Arc::clone(columns), positions }
    }

    fn fits(&self, columns: &Arc<[String]>) -> bool {
        Arc::ptr_eq(&self.columns, columns) || self.columns == *columns
    }
}

impl RowProgram {
    /// The cells of the slots, or the columns that the row lacks.
    fn cells<'r>(&self, row: &'r Row) -> Result<Vec<&'r Cell>, Vec<&str>> {
        let first = self.layout.get_or_init(|| Layout::of(&self.columns, row.columns()));
        let other;
        let layout = if first.fits(row.columns()) {
            first
        } else {
            other = Layout::of(&self.columns, row.columns());
            &other
        };
        let cells: Vec<&Cell> = layout.positions.iter().filter_map(|at| at.and_then(|at| row.at(at))).collect();
        if cells.len() == self.columns.len() {
            return Ok(cells);
        }
        let missing = self.columns.iter().zip(&layout.positions).filter(|(_, at)| at.is_none());
        Err(missing.map(|(name, _)| name.as_str()).collect())
    }
}

impl Computed {
    fn evaluate(&self, cells: &[&Cell]) -> Result<Value, String> {
        let own: Vec<&Cell> = pick(cells, &self.slots).collect();
        self.expression.evaluate(&own)
    }
}

fn pick<'s, 'r>(cells: &'s [&'r Cell], slots: &'s [usize]) -> impl Iterator<Item = &'r Cell> + use<'s, 'r> {
    slots.iter().filter_map(|slot| cells.get(*slot).copied())
}

/// What became of the fields of a row.
#[derive(Default)]
struct Outcome {
    properties: BTreeMap<String, DesiredValue>,
    warnings: Vec<RowWarning>,
    rejections: Vec<Rejection>,
}

impl Outcome {
    fn reject(&mut self, property: Option<&str>, invalid: Invalid) {
        let property = property.map(str::to_owned);
        self.rejections.push(Rejection { code: invalid.code.to_owned(), property, reason: invalid.reason });
    }

    fn warn(&mut self, property: &str, code: &str, note: String) {
        self.warnings.push(RowWarning { code: code.to_owned(), property: Some(property.to_owned()), note });
    }
}

impl Entry {
    /// What the mapping makes of a row: the record that HubSpot should hold, or why there is none. Everything that
    /// HubSpot is known to refuse is found here, before a call is spent; all faults of a row are told at once.
    pub fn map_row(&self, row: &Row, lookups: &Lookups) -> Mapped {
        let program = &self.program;
        let cells = match program.cells(row) {
            Ok(cells) => cells,
            Err(missing) => {
                let reason = format!("the row has no column {}: check the table or query", missing.join(", "));
                return rejected(None, Invalid::new("LP1115", reason));
            }
        };
        let key = source_key(pick(&cells, &program.key));
        if let Some(filter) = &program.filter {
            match filter.evaluate(&cells) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Mapped::Skipped,
                Ok(other) => {
                    let reason = format!("`where` gives {}, which is neither true nor false", other.quoted());
                    return rejected(key, Invalid::new("LP1103", reason));
                }
                Err(error) => {
                    let reason = format!("`where` cannot be decided for this row: {error}");
                    return rejected(key, Invalid::new("LP1103", reason));
                }
            }
        }
        let Some(key) = key else {
            let reason = format!("the key ({}) is empty: every row needs one", self.key.join(", "));
            return rejected(None, Invalid::new("LP1101", reason));
        };
        let mut outcome = Outcome::default();
        let around = Surroundings { cells: &cells, lookups };
        for field in &program.fields {
            field.run(&around, &mut outcome);
        }
        program.require_identity(&mut outcome);
        if !outcome.rejections.is_empty() {
            return Mapped::Rejected(Some(key), outcome.rejections);
        }
        let desired = Desired {
            row: RowId { entry: self.name.clone(), key },
            properties: outcome.properties,
            associations: program.associations(&cells),
        };
        Mapped::Desired(Box::new(desired), outcome.warnings)
    }

    /// The key of a row of this entry; `None` if it is empty or the row lacks a key column.
    pub fn key_of(&self, row: &Row) -> Option<SourceKey> {
        let cells: Option<Vec<&Cell>> = self.key.iter().map(|column| row.get(column)).collect();
        source_key(cells?)
    }
}

fn rejected(key: Option<SourceKey>, invalid: Invalid) -> Mapped {
    let rejection = Rejection { code: invalid.code.to_owned(), property: None, reason: invalid.reason };
    Mapped::Rejected(key, vec![rejection])
}

impl RowProgram {
    fn require_identity(&self, outcome: &mut Outcome) {
        let has = |outcome: &Outcome, property: &str| {
            outcome.properties.get(property).is_some_and(|value| *value != DesiredValue::Clear)
        };
        let (missing, names) = match &self.required {
            Required::All(property) => (!has(outcome, property), property.clone()),
            Required::AnyOf(properties) => {
                (!properties.iter().any(|property| has(outcome, property)), properties.join(", "))
            }
        };
        let told = outcome.rejections.iter().any(|rejection| rejection.property.as_deref() == Some(names.as_str()));
        if !missing || told {
            return;
        }
        let why = outcome.warnings.iter().find(|warning| warning.property.as_deref() == Some(names.as_str()));
        let why = why.map_or_else(String::new, |warning| format!(" ({})", warning.note));
        let reason = format!("the record would have no identity: {names} has no value{why}");
        let property = (!names.contains(", ")).then_some(names.as_str());
        outcome.reject(property, Invalid::new("LP1102", reason));
    }

    fn associations(&self, cells: &[&Cell]) -> Vec<DesiredAssociation> {
        let mut associations = Vec::with_capacity(self.associations.len());
        for link in &self.associations {
            if let Some(key) = source_key(pick(cells, &link.key)) {
                associations.push(DesiredAssociation { kind: link.kind, to: RowId { entry: link.to.clone(), key } });
            }
        }
        associations
    }
}

impl FieldProgram {
    fn run(&self, around: &Surroundings<'_>, outcome: &mut Outcome) {
        if let Origin::RecordOf { entry, key } = &self.origin {
            let value = source_key(pick(around.cells, key))
                .map_or(DesiredValue::Clear, |key| DesiredValue::RecordOf(RowId { entry: entry.clone(), key }));
            outcome.properties.insert(self.property.clone(), value);
            return;
        }
        let mut notes = Vec::new();
        match self.value(around, &mut notes) {
            Ok(value) => {
                for (code, note) in notes {
                    outcome.warn(&self.property, code, note);
                }
                let value = value.map_or(DesiredValue::Clear, DesiredValue::Text);
                outcome.properties.insert(self.property.clone(), value);
            }
            Err(invalid) => match &self.on_invalid {
                OnInvalid::Reject => outcome.reject(Some(&self.property), invalid),
                OnInvalid::Omit => {
                    outcome.warn(&self.property, invalid.code, format!("left as it is: {}", invalid.reason));
                }
                OnInvalid::Use(instead) => {
                    outcome.warn(&self.property, invalid.code, format!("\"{}\" used: {}", instead.0, invalid.reason));
                    outcome.properties.insert(self.property.clone(), DesiredValue::Text(instead.0.clone()));
                }
            },
        }
    }

    /// The value as it is sent; `None` clears.
    pub(crate) fn value(
        &self,
        around: &Surroundings<'_>,
        notes: &mut Vec<(&'static str, String)>,
    ) -> Result<Option<String>, Invalid> {
        let mut value = match &self.origin {
            Origin::Column(slot) => around.cells.get(*slot).map_or(Value::Null, |cell| Value::of(cell)),
            Origin::Columns(slots) => Value::List(pick(around.cells, slots).map(Value::of).collect()),
            Origin::Computed(computed) => computed
                .evaluate(around.cells)
                .map_err(|error| Invalid::new("LP1104", format!("the expression failed on this row: {error}")))?,
            Origin::Constant(value) => value.clone(),
            Origin::RecordOf { .. } => Value::Null,
        };
        for step in &self.steps {
            value = step.apply(value, around, notes)?;
        }
        self.check.apply(value)
    }
}
