//! A value on its way from a column to a property, and why one cannot go on.

use linchpin_core::sync::row::Cell;

/// A value between two steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Several values, of several columns or of a split.
    List(Vec<Self>),
}

impl Value {
    /// The value of a cell.
    pub fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Bool(value) => Self::Bool(*value),
            Cell::Int(value) => Self::Int(*value),
            Cell::Real(value) => Self::Real(*value),
            Cell::Text(value) => Self::Text(value.clone()),
        }
    }

    /// Null, an empty text, or a list of such.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(parts) => parts.iter().all(Self::is_empty),
            Self::Bool(_) | Self::Int(_) | Self::Real(_) => false,
        }
    }

    /// The text of a single value; `None` for null and for lists.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Null | Self::List(_) => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Real(value) => Some(value.to_string()),
            Self::Text(value) => Some(value),
        }
    }

    /// The value as an operator may see it quoted in a reason: cut to a readable length.
    pub fn quoted(&self) -> String {
        const SHOWN: usize = 80;
        let text = match self {
            Self::List(parts) => format!("{} values", parts.len()),
            other => other.clone().into_text().unwrap_or_default(),
        };
        let mut shown: String = text.chars().take(SHOWN).collect();
        if text.chars().count() > SHOWN {
            shown.push('…');
        }
        format!("\"{shown}\"")
    }
}

/// Why a value is not valid: for the operator, who may see the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// A stable code to look up.
    pub code: &'static str,
    /// What is wrong and what to do, in one sentence.
    pub reason: String,
}

impl Invalid {
    /// With a reason.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}
