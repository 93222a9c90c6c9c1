//! A plan as people read it: a table of entries, what comes first, what to look at, what it costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use linchpin_core::sync::run::{EntryCounts, EntryPlan, Plan};

use crate::config::Guard;
use crate::number::{count, counted, minutes, percent};

/// Examples shown of each warning.
const EXAMPLES_SHOWN: usize = 3;

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

/// What the guard says: the first entry of which too large a share of the linked records would change.
pub(crate) fn guarded(plan: &Plan, guard: Guard) -> Option<String> {
    let allowed = guard.max_change_share.fraction();
    plan.entries.iter().find_map(|entry| {
        let counts = entry.counts;
        let linked = counts.updates + counts.unchanged + counts.gone;
        let share = ratio(counts.updates, linked)?;
        (share > allowed).then(|| {
            format!(
                "{} of {} linked {} would be updated: {}, more than the {} that `guard.max_change_share` allows",
                count(counts.updates),
                count(linked),
                entry.entry,
                percent(share),
                percent(allowed)
            )
        })
    })
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
}
