//! A plan as people read it: a table of entries, what comes first, what to look at, what it costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use linchpin_core::sync::run::{EntryCounts, EntryPlan, Plan};

use crate::config::Guard;
use crate::number::{count, counted, minutes, percent};

/// Examples shown of each warning.
const EXAMPLES_SHOWN: usize = 3;

/// The guard lets fewer dissociations pass whatever their share: in small tables a few are many.
const DISSOCIATIONS_MIN: u64 = 20;

/// Lines above, below the titles, and below; none between the entries.
const STYLE: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// The whole plan as text.
pub(crate) fn render(plan: &Plan) -> String {
    let mut text = table(&plan.entries);
    text.push('\n');
    if !plan.properties_to_create.is_empty() {
        push(&mut text, &format!("First makes the unique properties {}.", plan.properties_to_create.join(", ")));
    }
    for warning in &plan.warnings {
        let property = warning.property.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
        let examples: Vec<&str> = warning.examples.iter().take(EXAMPLES_SHOWN).map(String::as_str).collect();
        let examples = if examples.is_empty() { String::new() } else { format!(" (rows {})", examples.join(", ")) };
        push(
            &mut text,
            &format!(
                "! {}{property}, {}: {}{examples} [{}]",
                warning.entry,
                counted(warning.rows, "row"),
                warning.note,
                warning.code
            ),
        );
    }
    push(&mut text, &cost(plan));
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

/// A column: its title, what it shows, whether it is left out when it is zero everywhere.
type Column = (&'static str, fn(&EntryCounts) -> u64, bool);

const COLUMNS: [Column; 9] = [
    ("rows", |counts| counts.rows, false),
    ("create", |counts| counts.creates, false),
    ("update", |counts| counts.updates, false),
    ("unchanged", |counts| counts.unchanged, false),
    ("associate", |counts| counts.associations, false),
    ("dissociate", |counts| counts.dissociations, true),
    ("skipped", |counts| counts.skipped, true),
    ("rejected", |counts| counts.rejected, false),
    ("gone", |counts| counts.gone, true),
];

fn table(entries: &[EntryPlan]) -> String {
    let columns: Vec<&Column> = COLUMNS
        .iter()
        .filter(|(_, value, optional)| !optional || entries.iter().any(|entry| value(&entry.counts) > 0))
        .collect();
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(["entry", "object"].into_iter().chain(columns.iter().map(|(title, ..)| *title)));
    for entry in entries {
        let numbers = columns.iter().map(|(_, value, _)| count(value(&entry.counts)));
        table.add_row([entry.entry.to_string(), entry.object.clone()].into_iter().chain(numbers));
    }
    for at in 2..columns.len() + 2 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn cost(plan: &Plan) -> String {
    let cost = &plan.cost;
    let reads = format!("Making the plan took {}.", counted(cost.read_calls, "read call"));
    if plan.is_empty() {
        return format!("Nothing to do: HubSpot is in step. {reads}");
    }
    let mut by_verb: BTreeMap<&str, u64> = BTreeMap::new();
    for (what, calls) in &cost.writes {
        *by_verb.entry(what.split(' ').next().unwrap_or(what)).or_default() += calls;
    }
    let by_verb: Vec<String> = by_verb.iter().map(|(verb, calls)| format!("{verb} {}", count(*calls))).collect();
    let by_verb = if by_verb.is_empty() { String::new() } else { format!(" ({})", by_verb.join(", ")) };
    format!(
        "Costs {}{by_verb}, {} at the account's limit. Writing one record at a time would take {}. {reads}",
        counted(cost.write_calls, "write call"),
        minutes(cost.minutes),
        counted(cost.one_by_one, "call"),
    )
}

/// What the guard says: the first thing in the plan that looks like a mistake.
pub(crate) fn guarded(plan: &Plan, guard: Guard) -> Option<String> {
    let allowed = guard.max_change_share.fraction();
    plan.entries.iter().find_map(|entry| {
        // Keys come first: where they have changed, whatever else is counted follows from it.
        changed_keys(entry, allowed).or_else(|| updates(entry, allowed)).or_else(|| dissociations(entry, allowed))
    })
}

/// Too large a share of the linked records would change.
fn updates(entry: &EntryPlan, allowed: f64) -> Option<String> {
    let counts = entry.counts;
    let share = ratio(counts.updates, linked(counts))?;
    (share > allowed).then(|| {
        format!(
            "{} of {} linked {} would be updated: {}, {}",
            count(counts.updates),
            count(linked(counts)),
            entry.entry,
            percent(share),
            too_much(allowed)
        )
    })
}

/// Many rows are gone and others have come: most likely the same ones under other keys, to be made a second time.
fn changed_keys(entry: &EntryPlan, allowed: f64) -> Option<String> {
    let counts = entry.counts;
    let share = ratio(counts.gone, linked(counts))?;
    (counts.creates > 0 && share > allowed).then(|| {
        format!(
            "the rows of {} of {} linked {} are gone from the source ({}, {}) while {} would be created: the keys in \
             the source have probably changed, and records would be made a second time",
            count(counts.gone),
            count(linked(counts)),
            entry.entry,
            percent(share),
            too_much(allowed),
            count(counts.creates)
        )
    })
}

/// Associations would be removed from too many rows.
fn dissociations(entry: &EntryPlan, allowed: f64) -> Option<String> {
    let counts = entry.counts;
    // A row may lose more than one: more than all of them is all of them.
    let share = ratio(counts.dissociations, counts.rows)?.min(1.0);
    (counts.dissociations >= DISSOCIATIONS_MIN && share > allowed).then(|| {
        format!(
            "{} associations of {} {} rows would be removed: {}, {}",
            count(counts.dissociations),
            count(counts.rows),
            entry.entry,
            percent(share),
            too_much(allowed)
        )
    })
}

/// Records that are linked to a row of the entry, or were to one that is gone.
fn linked(counts: EntryCounts) -> u64 {
    counts.updates + counts.unchanged + counts.gone
}

fn too_much(allowed: f64) -> String {
    format!("more than the {} that `guard.max_change_share` allows", percent(allowed))
}

/// A part of a whole; `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
pub(crate) mod tests {
    use linchpin_core::sync::desired::EntryName;
    use linchpin_core::sync::run::{Cost, PlanWarning};

    use super::*;

    fn entry(name: &str, counts: EntryCounts) -> EntryPlan {
        EntryPlan { entry: EntryName(name.to_owned()), object: "contacts".to_owned(), counts }
    }

    fn guard(share: f64) -> Guard {
        serde_json::from_value(serde_json::json!({"max_change_share": share})).unwrap()
    }

    #[test]
    fn a_plan_shows_what_it_does_what_to_look_at_and_what_it_costs() {
        let plan = Plan {
            entries: vec![
                entry("companies", EntryCounts { rows: 1_200, creates: 1_200, ..EntryCounts::default() }),
                entry(
                    "users",
                    EntryCounts {
                        rows: 20,
                        creates: 11,
                        updates: 2,
                        unchanged: 4,
                        rejected: 3,
                        associations: 13,
                        ..EntryCounts::default()
                    },
                ),
            ],
            properties_to_create: vec!["companies.account_id".to_owned()],
            warnings: vec![PlanWarning {
                code: "LP1203".to_owned(),
                entry: EntryName("users".to_owned()),
                property: Some("phone".to_owned()),
                note: "no valid phone number; left out".to_owned(),
                rows: 4,
                examples: vec!["3".to_owned(), "9".to_owned(), "12".to_owned(), "18".to_owned()],
            }],
            cost: Cost {
                writes: [("upsert companies".to_owned(), 12), ("upsert contacts".to_owned(), 1)].into(),
                write_calls: 13,
                read_calls: 1,
                minutes: 0.5,
                one_by_one: 1_226,
            },
        };
        insta::assert_snapshot!(render(&plan));
    }

    #[test]
    fn an_empty_plan_says_that_there_is_nothing_to_do() {
        let plan = Plan {
            entries: vec![entry("users", EntryCounts { rows: 2, unchanged: 2, ..EntryCounts::default() })],
            ..Plan::default()
        };
        assert!(render(&plan).contains("Nothing to do"), "{}", render(&plan));
    }

    #[test]
    fn the_guard_looks_at_each_entry_and_only_at_linked_records() {
        let counts =
            |updates, unchanged, creates| EntryCounts { updates, unchanged, creates, ..EntryCounts::default() };
        let plan = |entries| Plan { entries, ..Plan::default() };
        let calm = plan(vec![entry("a", counts(1, 9, 500)), entry("b", counts(0, 0, 10))]);
        assert_eq!(guarded(&calm, guard(0.1)), None);
        let rough = plan(vec![entry("a", counts(1, 9, 0)), entry("b", counts(6, 4, 0))]);
        let said = guarded(&rough, guard(0.5)).unwrap();
        assert!(said.contains("6 of 10 linked b") && said.contains("60%"), "{said}");
        assert_eq!(guarded(&rough, guard(1.0)), None);
    }

    #[test]
    fn the_guard_sees_associations_that_are_taken_away_except_a_few() {
        let plan = |rows, dissociations| {
            let counts = EntryCounts { rows, unchanged: rows, dissociations, ..EntryCounts::default() };
            Plan { entries: vec![entry("users", counts)], ..Plan::default() }
        };
        assert_eq!(guarded(&plan(20, 19), guard(0.5)), None, "a small table");
        assert_eq!(guarded(&plan(100, 50), guard(0.5)), None);
        let said = guarded(&plan(100, 51), guard(0.5)).unwrap();
        assert!(said.contains("51 associations of 100 users rows") && said.contains("51%"), "{said}");
        assert!(guarded(&plan(20, 20), guard(0.5)).is_some());
        assert_eq!(guarded(&plan(100, 250), guard(1.0)), None, "1 lets everything pass");
    }

    #[test]
    fn the_guard_sees_keys_that_have_changed() {
        let plan = |creates, unchanged, gone| {
            let counts = EntryCounts { creates, unchanged, gone, ..EntryCounts::default() };
            Plan { entries: vec![entry("users", counts)], ..Plan::default() }
        };
        let said = guarded(&plan(8, 2, 8), guard(0.5)).unwrap();
        assert!(said.contains("8 of 10 linked users are gone") && said.contains("keys"), "{said}");
        assert_eq!(guarded(&plan(0, 2, 8), guard(0.5)), None, "nothing would be made a second time");
        assert_eq!(guarded(&plan(8, 5, 5), guard(0.5)), None, "not more than is allowed");
        assert_eq!(guarded(&plan(500, 0, 0), guard(0.5)), None, "a first sync");
        assert_eq!(guarded(&plan(8, 2, 8), guard(1.0)), None);
    }
}
