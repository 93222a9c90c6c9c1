//! The account of a gateway's calls as people read it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use linchpin_server::admin::shapes::{Calls, Scopes, Usage};

use crate::number::{count, counted};

/// Lines above, below the titles, and below; none between the rows.
const STYLE: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// What the reasons mean, for people.
const REASONS: [(&str, &str); 7] = [
    ("no_batch", "HubSpot has no batch that does the same"),
    ("parameter", "it has a parameter that batches do not have (associations, history, idProperty)"),
    ("defaults", "it leaves the choice of properties to HubSpot: name them, and it can be packed"),
    ("id", "it names the record by something else than its number"),
    ("property", "it names a property that does not exist or is sensitive"),
    ("body", "its body is one that batches do not have"),
    ("setting", "`gateway.coalesce` leaves its kind out: `all` would pack it"),
];

/// The whole account as text.
pub(crate) fn render(usage: &Usage) -> String {
    if usage.rows.is_empty() {
        return "No calls so far.\n".to_owned();
    }
    let mut text = format!("{}\n", table(usage));
    push(&mut text, &summary(usage));
    let met: BTreeSet<&str> = usage.rows.iter().flat_map(|row| row.calls.alone.keys().map(String::as_str)).collect();
    if !met.is_empty() {
        push(&mut text, "\nA call travels alone because:");
    }
    for (reason, meaning) in REASONS.iter().filter(|(reason, _)| met.contains(reason)) {
        push(&mut text, &format!("  {reason:<10} {meaning}"));
    }
    if let Some(scopes) = &usage.scopes {
        push(&mut text, &least_privilege(scopes));
    }
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

fn table(usage: &Usage) -> Table {
    let mut rows: Vec<_> = usage.rows.iter().collect();
    rows.sort_by_key(|row| (Reverse(row.calls.calls), &row.caller, &row.route));
    let needed = if usage.shadow { "would need" } else { "needed" };
    let saved = if usage.shadow { "would save" } else { "saved" };
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(["caller", "route", "calls", needed, saved, "alone, why"]);
    for row in rows {
        let Calls { calls, needed, saved, .. } = row.calls;
        let alone: Vec<String> =
            row.calls.alone.iter().map(|(why, times)| format!("{why} {}", count(*times))).collect();
        let cells =
            [row.caller.clone(), row.route.clone(), count(calls), count(needed), count(saved), alone.join(", ")];
        table.add_row(cells);
    }
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn summary(usage: &Usage) -> String {
    let Calls { calls, needed, saved, .. } = usage.total;
    let calls = counted(calls, "call");
    if usage.shadow {
        return format!(
            "Shadow mode: {calls} went to HubSpot; {} would have been needed, {} saved.",
            count(needed),
            count(saved)
        );
    }
    format!("{calls} cost {} to HubSpot; {} saved.", counted(needed, "call"), count(saved))
}

fn least_privilege(scopes: &Scopes) -> String {
    if scopes.unused.is_empty() {
        return format!("\nAll {} were used.", counted(scopes.granted.len() as u64, "granted scope"));
    }
    format!(
        "\n{} of {} not used by any call so far: {}.\nLook before you take one away: not every call's scope is known.",
        count(scopes.unused.len() as u64),
        counted(scopes.granted.len() as u64, "granted scope"),
        scopes.unused.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linchpin_core::gateway::join::Alone;
    use linchpin_server::admin::shapes::UsageRow;

    use super::*;

    fn calls(calls: u64, needed: u64, alone: &[(&str, u64)]) -> Calls {
        let alone: BTreeMap<String, u64> = alone.iter().map(|(why, times)| ((*why).to_owned(), *times)).collect();
        Calls { calls, needed, saved: calls - needed, alone, ..Calls::default() }
    }

    fn row(route: &str, calls: Calls) -> UsageRow {
        UsageRow { caller: "billing".to_owned(), route: route.to_owned(), calls }
    }

    #[test]
    fn the_account_reads_as_a_table_with_its_reasons() {
        let usage = Usage {
            shadow: true,
            rows: vec![
                row("search contacts", calls(3, 3, &[("no_batch", 3)])),
                row("object_read contacts", calls(1_200, 30, &[("defaults", 4)])),
            ],
            total: calls(1_203, 33, &[]),
            scopes: Some(Scopes {
                granted: vec!["crm.objects.contacts.read".to_owned(), "tickets".to_owned()],
                used: vec!["crm.objects.contacts.read".to_owned()],
                unused: vec!["tickets".to_owned()],
            }),
        };
        insta::assert_snapshot!(render(&usage));
    }

    #[test]
    fn every_reason_is_explained() {
        for why in
            [Alone::NoBatch, Alone::Parameter, Alone::Defaults, Alone::Id, Alone::Property, Alone::Body, Alone::Setting]
        {
            assert!(REASONS.iter().any(|(reason, _)| *reason == why.name()), "{}", why.name());
        }
        assert_eq!(
            render(&Usage { shadow: false, rows: Vec::new(), total: Calls::default(), scopes: None }),
            "No calls so far.\n"
        );
    }
}
