//! The order in which entries are written: what is referred to comes first.

use linchpin_core::sync::desired::EntryName;

use super::Checker;
use crate::compiled::Entry;
use crate::problem::Problem;

impl Checker<'_> {
    /// Each entry after all it refers to; among those that are free to go, the first in the file. Entries on a cycle
    /// keep their places and are reported.
    pub(super) fn in_order(&mut self, mut waiting: Vec<Entry>) -> Vec<Entry> {
        let mut ordered: Vec<Entry> = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let free = waiting.iter().position(|entry| {
                entry
                    .after
                    .iter()
                    .all(|name| !waiting.iter().any(|other| other.name == *name && other.name != entry.name))
            });
            let Some(free) = free else {
                self.report_cycle(&waiting);
                ordered.append(&mut waiting);
                break;
            };
            ordered.push(waiting.remove(free));
        }
        ordered
    }

    fn report_cycle(&mut self, waiting: &[Entry]) {
        let path = cycle(waiting);
        let names: Vec<&str> = path.iter().map(|name| name.0.as_str()).collect();
        let Some(first) = names.first().copied() else { return };
        let place = self.file.entries.iter().find(|(name, _)| name.value == first).map(|(name, _)| name.clone());
        let Some(place) = place else { return };
        let message = format!("the entries wait for each other: {} -> {first}", names.join(" -> "));
        let help = "an association can be declared on either side: declare it on one side only";
        self.problems.push(Problem::error("LP1007", &place, message).help(help));
    }
}

/// Follows the first unmet reference of each entry until one comes again: all that wait have one.
fn cycle(waiting: &[Entry]) -> Vec<EntryName> {
    let mut path: Vec<EntryName> = Vec::new();
    let mut at = waiting.first();
    while let Some(entry) = at {
        if let Some(start) = path.iter().position(|name| *name == entry.name) {
            return path.split_off(start);
        }
        path.push(entry.name.clone());
        at = waiting.iter().find(|other| entry.after.contains(&other.name) && other.name != entry.name);
    }
    path
}
