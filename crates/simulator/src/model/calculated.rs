//! Properties that a portal defines by a formula: kept in step with the records, some time after a change.
//!
//! Source: HubSpot's guide to properties; notes of 2026 on a live account (70 to 130 seconds after a change, and for
//! every record after the property is made).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Portal;
use super::answer::{Outcome, Refusal};
use super::call::Call;
use super::catalog::Kind;
use super::events::Event;
use super::formula::{Form, Formula, Term};
use super::links::End;
use super::property::{PropId, Property, ValueType};
use super::record::{ChangeSource, Snapshot};
use super::time;
use super::value;
use crate::wire::Millis;

/// Shortest delay of a calculated value and the width of its range, in milliseconds.
const LATE_MS: (i64, u64) = (70_000, 60_001);

/// The formulas of a portal, by object type.
pub(super) type Formulas = BTreeMap<Kind, BTreeMap<PropId, Formula>>;

impl Portal {
    /// Refuses a calculation property whose formula is missing, wrong, or about what does not exist.
    pub(super) fn check_formula(&self, kind: Kind, property: &Property) -> Outcome<()> {
        let is_calculation = property.field_type == "calculation_equation";
        let Some(text) = property.calculation_formula.as_deref() else {
            return if is_calculation { Err(Refusal::unset_fields(&["calculationFormula"])) } else { Ok(()) };
        };
        if !is_calculation {
            return Err(Refusal::invalid("calculationFormula needs the fieldType calculation_equation"));
        }
        let wrong = |why: &str| Refusal::invalid(format!("Calculation formula is not valid: {why}"));
        let formula = Formula::parse(text).map_err(|why| wrong(&why))?;
        let table = &self.catalog.get(kind).properties;
        match formula.properties().find(|name| table.find(name).is_none()) {
            Some(name) => Err(wrong(&format!("there is no property {name}"))),
            None => Ok(()),
        }
    }

    /// Begins to calculate a new property for every record.
    pub(super) fn start_calculating(&mut self, kind: Kind, place: PropId, call: &mut Call<'_>) {
        if !self.learn_formula(kind, place) {
            return;
        }
        let ids: Vec<u64> = self.catalog.get(kind).records.live.keys().copied().collect();
        for id in ids {
            self.calculate_later(End { kind, id }, call);
        }
    }

    /// Notes the formula of a property, if it has one.
    pub(super) fn learn_formula(&mut self, kind: Kind, place: PropId) -> bool {
        let property = self.catalog.get(kind).properties.get(place);
        let formula = property.and_then(|property| Formula::parse(property.calculation_formula.as_deref()?).ok());
        let Some(formula) = formula else { return false };
        self.formulas.entry(kind).or_default().insert(place, formula);
        true
    }

    /// Whether records of a type have values to calculate.
    pub(super) fn calculates(&self, kind: Kind) -> bool {
        self.formulas.contains_key(&kind)
    }

    /// Calculates a record's values now, or 70 to 130 seconds later.
    pub(super) fn calculate_later(&mut self, end: End, call: &mut Call<'_>) {
        if !self.calculates(end.kind) {
            return;
        }
        if !self.options.late_properties {
            self.calculated(end, None, call.now);
            return;
        }
        let index_lag = self.draw_index_lag(call);
        let late = LATE_MS.0 + i64::try_from(call.roll(LATE_MS.1)).unwrap_or(0);
        self.schedule(Millis(call.now.0.saturating_add(late)), Event::Calculated { end, index_lag });
    }

    /// Calculates a record's values after one of them was computed by HubSpot.
    pub(super) fn calculate_after(&mut self, end: End, index_lag: Option<i64>, at: Millis) {
        if self.options.late_properties {
            // No dice are at hand between two calls: the middle of the range.
            let middle = LATE_MS.0 + i64::try_from(LATE_MS.1 / 2).unwrap_or(0);
            self.schedule(Millis(at.0.saturating_add(middle)), Event::Calculated { end, index_lag });
        } else {
            self.calculated(end, index_lag, at);
        }
    }

    /// Brings the calculated values of a record up to date.
    pub(super) fn calculated(&mut self, end: End, index_lag: Option<i64>, at: Millis) {
        let Some(record) = self.catalog.get(end.kind).records.live.get(&end.id) else { return };
        let state = Arc::clone(&record.state);
        let table = &self.catalog.get(end.kind).properties;
        let mut values = Vec::new();
        for (place, formula) in self.formulas.get(&end.kind).into_iter().flatten() {
            if !table.get(*place).is_some_and(|property| property.is_live(at)) {
                continue;
            }
            let result = formula.evaluate(&|name, form| self.term_of(end, &state, name, form));
            let printed = result.and_then(print).unwrap_or_default();
            if !printed.is_empty() || state.get(*place).is_some() {
                values.push((*place, printed));
            }
        }
        self.write_computed(end, &values, index_lag, at);
    }

    fn term_of(&self, end: End, state: &Snapshot, name: &str, form: Form) -> Option<Term> {
        let table = &self.catalog.get(end.kind).properties;
        let place = table.find(name)?;
        let text = state.shown(end.id, place).filter(|text| !text.is_empty())?;
        match (form, table.get(place)?.value_type) {
            (Form::Text, _) => Some(Term::Text(text.into_owned())),
            (Form::Flag, _) => Some(Term::Flag(text == "true")),
            (Form::Number, ValueType::Date | ValueType::DateTime) => {
                // Milliseconds since the epoch are far below what a double counts exactly.
                time::parse(&text)?.0.to_string().parse().ok().map(Term::Number)
            }
            (Form::Number, ValueType::Number) => text.parse().ok().map(Term::Number),
            (Form::Number, _) => None,
        }
    }

    /// Stores computed values; they are no write of anybody, and do not move the modified date unless told to.
    ///
    /// Says whether anything is different now.
    pub(super) fn write_computed(
        &mut self,
        end: End,
        values: &[(PropId, String)],
        index_lag: Option<i64>,
        at: Millis,
    ) -> bool {
        let moves = self.options.calculated_moves_modified;
        let Some(record) = self.catalog.get(end.kind).records.live.get(&end.id) else { return false };
        let mut state = (*record.state).clone();
        let mut changed = false;
        for (place, value) in values {
            changed |= state.set(*place, value);
        }
        if !changed {
            return false;
        }
        if moves {
            state.updated = at;
        }
        self.replace_state(end.kind, end.id, state, ChangeSource::Calculated, at);
        self.index_computed(end, index_lag, at);
        true
    }

    /// Lets search see what was computed.
    pub(super) fn index_computed(&mut self, end: End, index_lag: Option<i64>, at: Millis) {
        let (kind, id) = (end.kind, end.id);
        let records = &mut self.catalog.get_mut(kind).records;
        let Some(state) = records.live.get(&id).map(|record| Arc::clone(&record.state)) else { return };
        match index_lag {
            Some(lag) => self.schedule(Millis(at.0.saturating_add(lag)), Event::Indexed { kind, id, state }),
            None => {
                records.index.insert(id, state);
            }
        }
    }
}

/// A result as HubSpot prints calculated ones: every digit of a double.
fn print(term: Term) -> Option<String> {
    match term {
        Term::Number(number) => value::exact_double(&number.to_string()),
        Term::Text(text) => Some(text),
        Term::Flag(flag) => Some(flag.to_string()),
    }
}
