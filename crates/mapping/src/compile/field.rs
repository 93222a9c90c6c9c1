//! The fields of an entry: origin, transforms, and whether the result fits the property.

use std::sync::Arc;

use jiff::tz::TimeZone;
use linchpin_core::sync::desired::EntryName;
use linchpin_core::sync::row::Cell;

use super::Checker;
use super::entry::{Draft, InAccount};
use crate::file::{
    At, DateArgs, DomainArgs, FieldDetails, MapArgs, MoneyArgs, OnInvalid, PhoneArgs, Scalar, SplitArgs,
    TRANSFORM_NAMES, TransformKind, TransformSpec,
};
use crate::map::{FieldProgram, Lookups, Origin};
use crate::portal::PropertyKind;
use crate::preflight::Check;
use crate::problem::{Problem, help_for_unknown};
use crate::transform::{FREE_MAIL, Step, Surroundings, minor_unit_digits};
use crate::value::Value;

impl Checker<'_> {
    /// Compiles the fields into the draft's program; answers with the governed properties, sorted by name.
    pub(super) fn fields(&mut self, draft: &mut Draft<'_>) -> Vec<(String, Option<PropertyKind>)> {
        let spec = draft.spec;
        let mut governed = Vec::with_capacity(spec.fields.0.len());
        for (name, field) in spec.fields.iter() {
            let details = &field.0.value;
            let check = self.property_check(draft, name);
            governed.push((name.value.clone(), check.kind));
            let Some(origin) = self.origin(draft, name, details) else { continue };
            let steps: Vec<Step> = details.transforms.iter().filter_map(|one| self.step(draft, one)).collect();
            if matches!(origin, Origin::RecordOf { .. }) && !steps.is_empty() {
                let message = "a record id is used as it is: `record_of` takes no transforms";
                self.problems.push(Problem::error("LP1008", &field.0, message));
            }
            self.steps_fit(name, details, check.kind);
            let on_invalid = details.on_invalid.clone();
            let program = FieldProgram { property: name.value.clone(), origin, steps, check, on_invalid };
            self.known_values_fit(details, &program);
            draft.program.fields.push(program);
        }
        governed.sort();
        governed
    }

    /// What the account says about a property; a property that cannot be written is reported.
    fn property_check(&mut self, draft: &Draft<'_>, name: &At<String>) -> Check {
        let object = draft.object_type.as_str();
        let email = object == "contacts" && name.value == "email";
        let to_be_made = draft.unique_property() == Some(name.as_str()) && draft.spec.identity.value.create.is_some();
        let mut check = Check { kind: None, options: None, email };
        match self.property(&draft.object_type, name.as_str()) {
            InAccount::NotRead => {}
            InAccount::Missing if to_be_made => check.kind = Some(PropertyKind::Text),
            // An identity's own check says how to have it made.
            InAccount::Missing if draft.unique_property() == Some(name.as_str()) => {}
            InAccount::Missing => {
                let all = self.portal.and_then(|portal| portal.properties.get(&draft.object_type));
                let known: Vec<&str> = all.into_iter().flat_map(|all| all.keys()).map(String::as_str).collect();
                let message = format!("{object} have no property `{}`", name.value);
                let help = crate::problem::did_you_mean(name.as_str(), known)
                    .unwrap_or_else(|| "create it in HubSpot first, or remove the field".to_owned());
                self.problems.push(Problem::error("LP1017", name, message).help(help));
            }
            InAccount::Found(property) => {
                if property.read_only {
                    let message = format!("HubSpot sets `{}` itself and refuses writes to it", name.value);
                    self.problems.push(Problem::error("LP1018", name, message).help("remove the field"));
                }
                check.kind = Some(property.kind);
                check.options = self.options(draft, name.as_str()).or_else(|| {
                    let listed = property.options.as_ref()?;
                    Some(listed.iter().map(|option| option.value.clone()).collect())
                });
            }
        }
        check
    }

    /// The values of properties whose options HubSpot keeps elsewhere: pipelines, stages, owners.
    fn options(&self, draft: &Draft<'_>, property: &str) -> Option<Arc<[String]>> {
        let portal = self.portal?;
        let (pipeline_property, stage_property) = match draft.object_type.as_str() {
            "deals" => ("pipeline", "dealstage"),
            _ => ("hs_pipeline", "hs_pipeline_stage"),
        };
        let all = portal.pipelines.get(&draft.object_type);
        if property == pipeline_property {
            return Some(all?.iter().map(|pipeline| pipeline.id.clone()).collect());
        }
        if property == stage_property {
            let chosen = draft.spec.fields.get(pipeline_property).and_then(|field| field.0.value.value.as_ref());
            let pipelines = all?.iter().filter(|one| chosen.is_none_or(|chosen| chosen.value.0 == one.id));
            return Some(pipelines.flat_map(|one| &one.stages).map(|stage| stage.id.clone()).collect());
        }
        let definition = portal.properties.get(&draft.object_type)?.get(property)?;
        if definition.owner {
            return Some(portal.owners.iter().filter(|one| !one.archived).map(|one| one.id.clone()).collect());
        }
        None
    }

    fn origin(&mut self, draft: &mut Draft<'_>, name: &At<String>, details: &FieldDetails) -> Option<Origin> {
        let given = [
            details.column.is_some(),
            !details.columns.is_empty(),
            details.expression.is_some(),
            details.value.is_some(),
            details.record_of.is_some(),
        ];
        if given.iter().filter(|one| **one).count() != 1 {
            let message = format!("`{}` takes its value from one place, here are {}", name.value, count(&given));
            let help = "give exactly one of `column`, `columns`, `expression`, `value` and `record_of`";
            self.problems.push(Problem::error("LP1008", name, message).help(help));
            return None;
        }
        if details.key.is_some() && details.record_of.is_none() {
            let message = "`key` belongs to `record_of`: it leads to the other entry's row";
            self.problems.push(Problem::error("LP1008", name, message));
        }
        if let Some(column) = &details.column {
            return Some(Origin::Column(self.slot(draft, column)));
        }
        if let Some(expression) = &details.expression {
            return self.computed(draft, expression).map(Origin::Computed);
        }
        if let Some(Scalar(text)) = details.value.as_ref().map(|constant| &constant.value) {
            return Some(Origin::Constant(Value::Text(text.clone())));
        }
        if let Some(to) = &details.record_of {
            return self.record_of(draft, name, to, details);
        }
        Some(Origin::Columns(details.columns.iter().map(|column| self.slot(draft, column)).collect()))
    }

    fn record_of(
        &mut self,
        draft: &mut Draft<'_>,
        name: &At<String>,
        to: &At<String>,
        details: &FieldDetails,
    ) -> Option<Origin> {
        let Some(key) = &details.key else {
            let message = format!("`{}` needs a `key`: the columns that hold the key of `{}`", name.value, to.value);
            self.problems.push(Problem::error("LP1008", to, message));
            return None;
        };
        self.other_end(draft, to, key)?;
        if to.value == draft.name.value {
            let message = format!("`{}` needs the record ids of its own records before they exist", draft.name.value);
            self.problems.push(Problem::error("LP1007", to, message).help("use an association instead"));
            return None;
        }
        let entry = EntryName(to.value.clone());
        if !draft.after.contains(&entry) {
            draft.after.push(entry.clone());
        }
        let key = key.0.iter().map(|column| self.slot(draft, column)).collect();
        Some(Origin::RecordOf { entry, key })
    }

    fn step(&mut self, draft: &mut Draft<'_>, spec: &At<TransformSpec>) -> Option<Step> {
        let kind = match &spec.value {
            TransformSpec::Known(kind) => kind,
            TransformSpec::Unknown(name) => {
                let message = format!("there is no transform `{name}`");
                let help = help_for_unknown(name, "transforms", &TRANSFORM_NAMES);
                self.problems.push(Problem::error("LP1009", spec, message).help(help));
                return None;
            }
        };
        Some(match kind {
            TransformKind::Trim => Step::Trim,
            TransformKind::Lower => Step::Lower,
            TransformKind::Upper => Step::Upper,
            TransformKind::TitleCase => Step::TitleCase,
            TransformKind::Phone(args) => self.phone(draft, args),
            TransformKind::Date(args) => Step::Date { zone: self.zone_of(args), format: args.format.clone() },
            TransformKind::Datetime(args) => Step::Datetime { zone: self.zone_of(args), format: args.format.clone() },
            TransformKind::Money(args) => self.money(draft, spec, args),
            TransformKind::Number(args) => {
                Step::Number { decimal_comma: args.decimal_comma, round_digits: args.round_digits }
            }
            TransformKind::Boolean => Step::Boolean,
            TransformKind::Map(args) => map_step(args),
            TransformKind::MultiValue(args) => {
                Step::MultiValue { separator: args.separator.clone().unwrap_or_else(|| ";".to_owned()) }
            }
            TransformKind::Default(value) => Step::Default(value.0.clone()),
            TransformKind::Concat(args) => {
                Step::Concat { separator: args.separator.clone().unwrap_or_else(|| " ".to_owned()) }
            }
            TransformKind::Split(args) => self.split(spec, args)?,
            TransformKind::Replace(args) if args.find.is_empty() => {
                self.problems.push(Problem::error("LP1010", spec, "`find` is empty: there is nothing to replace"));
                return None;
            }
            TransformKind::Replace(args) => Step::Replace { find: args.find.clone(), with: args.with.clone() },
            TransformKind::Truncate(args) => {
                Step::Truncate { max_characters: usize::try_from(args.max_characters).unwrap_or(usize::MAX) }
            }
            TransformKind::OwnerByEmail => Step::OwnerByEmail,
            TransformKind::Domain(args) => domain_step(args),
        })
    }

    fn phone(&mut self, draft: &mut Draft<'_>, args: &PhoneArgs) -> Step {
        let region = args.region.as_ref().and_then(|name| self.known_region(name)).or(self.region);
        let region_slot = args.region_column.as_ref().map(|column| self.slot(draft, column));
        Step::Phone { region, region_slot }
    }

    fn money(&mut self, draft: &mut Draft<'_>, spec: &At<TransformSpec>, args: &MoneyArgs) -> Step {
        let digits = args.currency.as_ref().and_then(|code| match minor_unit_digits(code.as_str()) {
            Ok(digits) => Some(digits),
            Err(invalid) => {
                self.problems.push(Problem::error("LP1010", code, invalid.reason));
                None
            }
        });
        if args.minor_units && args.currency.is_none() && args.currency_column.is_none() {
            let message = "minor units of which currency? give `currency` or `currency_column`";
            self.problems.push(Problem::error("LP1010", spec, message));
        }
        let currency_slot = args.currency_column.as_ref().map(|column| self.slot(draft, column));
        Step::Money { digits, currency_slot, minor_units: args.minor_units }
    }

    fn zone_of(&mut self, args: &DateArgs) -> TimeZone {
        let own = args.time_zone.as_ref().and_then(|name| self.known_zone(name));
        own.unwrap_or_else(|| self.zone.clone())
    }

    fn split(&mut self, spec: &At<TransformSpec>, args: &SplitArgs) -> Option<Step> {
        if args.separator.is_empty() || args.take == Some(0) {
            let message = "`split` needs a separator, and parts are counted from 1 (or from -1 at the end)";
            self.problems.push(Problem::error("LP1010", spec, message));
            return None;
        }
        Some(Step::Split { separator: args.separator.clone(), take: args.take })
    }

    /// What comes out of the last transform that settles it must be something that the property can hold.
    fn steps_fit(&mut self, name: &At<String>, details: &FieldDetails, kind: Option<PropertyKind>) {
        let Some(kind) = kind else { return };
        let settling = details.transforms.iter().rev().find_map(|one| match &one.value {
            TransformSpec::Known(known) => fits(known).map(|fits| (one, fits)),
            TransformSpec::Unknown(_) => None,
        });
        let Some((place, (what, kinds))) = settling else { return };
        if kind == PropertyKind::Other || kinds.contains(&kind) {
            return;
        }
        let message = format!("`{}` holds a {}, but this makes {what} of the value", name.value, kind.as_str());
        let help = match (kind, what) {
            (PropertyKind::Date, "a date and time") => "use the transform `date`",
            (PropertyKind::Enumeration | PropertyKind::MultiEnumeration, _) => "use the transform `map`",
            _ => "choose another property, or another transform",
        };
        self.problems.push(Problem::error("LP1019", place, message).help(help));
    }

    /// Values that are written in the file are tried now: constants, replacements, the results of `map`.
    fn known_values_fit(&mut self, details: &FieldDetails, program: &FieldProgram) {
        if let Some(constant) = &details.value {
            let lookups = self.portal.map(Lookups::of).unwrap_or_default();
            let no_cells: &[&Cell] = &[];
            let tried = program.value(&Surroundings { cells: no_cells, lookups: &lookups }, &mut Vec::new());
            let needs_account = program.steps.iter().any(|step| matches!(step, Step::OwnerByEmail));
            if let Err(invalid) = tried
                && (self.portal.is_some() || !needs_account)
            {
                self.problems.push(Problem::error("LP1020", constant, invalid.reason));
            }
        }
        if let OnInvalid::Use(Scalar(text)) = &details.on_invalid
            && let Err(invalid) = program.check.apply(Value::Text(text.clone()))
        {
            let place = At::<()>::nowhere(());
            let place = details.column.as_ref().map_or(place, |column| column.with(()));
            let reason = format!("the value to use instead: {}", invalid.reason);
            self.problems.push(Problem::error("LP1020", &place, reason));
        }
        let Some(last) = details.transforms.last() else { return };
        if let TransformSpec::Known(TransformKind::Map(args)) = &last.value {
            for value in args.values.iter().map(|(_, value)| value).chain(&args.otherwise) {
                if let Err(invalid) = program.check.apply(Value::Text(value.value.0.clone())) {
                    self.problems.push(Problem::error("LP1020", value, invalid.reason));
                }
            }
        }
        if let TransformSpec::Known(TransformKind::Default(Scalar(text))) = &last.value
            && let Err(invalid) = program.check.apply(Value::Text(text.clone()))
        {
            self.problems.push(Problem::error("LP1020", last, invalid.reason));
        }
    }
}

fn count(given: &[bool]) -> String {
    match given.iter().filter(|one| **one).count() {
        0 => "none".to_owned(),
        several => several.to_string(),
    }
}

fn map_step(args: &MapArgs) -> Step {
    let values = args.values.iter().map(|(from, to)| (from.value.clone(), to.value.0.clone())).collect();
    Step::Map { values, otherwise: args.otherwise.as_ref().map(|other| other.value.0.clone()) }
}

fn domain_step(args: &DomainArgs) -> Step {
    let free = args.skip_free_mail.then_some(FREE_MAIL).into_iter().flatten().map(str::to_owned);
    Step::Domain { skip: free.chain(args.skip.iter().map(|domain| domain.to_lowercase())).collect() }
}

/// What a transform makes, and the kinds of property that can hold it; `None` if it does not settle that.
fn fits(kind: &TransformKind) -> Option<(&'static str, &'static [PropertyKind])> {
    use PropertyKind::{Bool, Date, Datetime, Enumeration, MultiEnumeration, Number, Text};
    Some(match kind {
        TransformKind::Phone(_) => ("a phone number", &[Text]),
        TransformKind::Date(_) => ("a date", &[Date, Datetime, Text]),
        TransformKind::Datetime(_) => ("a date and time", &[Datetime, Text]),
        TransformKind::Money(_) => ("an amount", &[Number, Text]),
        TransformKind::Number(_) => ("a number", &[Number, Text, Enumeration, MultiEnumeration]),
        TransformKind::Boolean => ("a truth value", &[Bool, Text, Enumeration]),
        TransformKind::MultiValue(_) => ("a set of values", &[MultiEnumeration, Text]),
        TransformKind::OwnerByEmail => ("an owner", &[Enumeration, Text, Number]),
        TransformKind::Domain(_) => ("a domain", &[Text]),
        TransformKind::Map(_)
        | TransformKind::Default(_)
        | TransformKind::Concat(_)
        | TransformKind::Split(_)
        | TransformKind::Trim
        | TransformKind::Lower
        | TransformKind::Upper
        | TransformKind::TitleCase
        | TransformKind::Replace(_)
        | TransformKind::Truncate(_) => return None,
    })
}
