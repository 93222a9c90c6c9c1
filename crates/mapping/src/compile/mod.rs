//! Checks a mapping and turns it into what runs.
//!
//! Every problem is collected; an entry is built to the end even if something in it is wrong, so that one run of the
//! check tells all there is to tell.

mod entry;
mod field;
mod identity;
mod link;
mod order;

use std::collections::BTreeMap;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use linchpin_core::sync::desired::Identity;

use crate::catalog::Catalog;
use crate::compiled::{Compiled, Entry};
use crate::file::{At, SyncFile};
use crate::portal::PortalSnapshot;
use crate::problem::{Problem, Severity};
use crate::transform::Region;

/// What the parts of a check share.
struct Checker<'a> {
    file: &'a SyncFile,
    catalog: &'a Catalog,
    portal: Option<&'a PortalSnapshot>,
    zone: TimeZone,
    region: Option<Region>,
    problems: Vec<Problem>,
}

/// Checks a mapping against what is known of the sources and of the account, and compiles it.
///
/// # Errors
/// All problems, errors and warnings, in the order of the file. A mapping that has warnings only is compiled and
/// carries them.
pub fn compile(file: &SyncFile, catalog: &Catalog, portal: Option<&PortalSnapshot>) -> Result<Compiled, Vec<Problem>> {
    let mut checker = Checker { file, catalog, portal, zone: TimeZone::UTC, region: None, problems: Vec::new() };
    checker.settings();
    let entries: Vec<Entry> = file.entries.iter().map(|(name, spec)| checker.entry(name, spec)).collect();
    checker.no_identity_twice(&entries);
    let entries = checker.in_order(entries);
    let mut problems = checker.problems;
    problems.sort_by(|a, b| (a.line, a.column, a.code, &a.message).cmp(&(b.line, b.column, b.code, &b.message)));
    problems.dedup();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    Ok(Compiled { entries, fingerprint: fingerprint(file), warnings: problems })
}

/// The hash of the file's content, maps sorted, layout left out.
fn fingerprint(file: &SyncFile) -> u64 {
    let canonical = serde_json::to_vec(file).expect("invariant: the file's types have text keys only");
    xxhash_rust::xxh3::xxh3_64(&canonical)
}

impl Checker<'_> {
    fn settings(&mut self) {
        if let Some(name) = &self.file.phone_region {
            self.region = self.known_region(name);
        }
        if let Some(name) = &self.file.time_zone
            && let Some(zone) = self.known_zone(name)
        {
            self.zone = zone;
        }
    }

    fn known_region(&mut self, name: &At<String>) -> Option<Region> {
        let region = Region::named(name.as_str());
        if region.is_none() {
            let message = format!("`{}` is no country with a telephone plan", name.value);
            let help = "give an ISO code (`DE`) or an English name (`Germany`)";
            self.problems.push(Problem::error("LP1010", name, message).help(help));
        }
        region
    }

    /// Zones come from the database that is compiled in, so that a mapping means the same on every machine.
    fn known_zone(&mut self, name: &At<String>) -> Option<TimeZone> {
        let zone = TimeZoneDatabase::bundled().get(name.as_str());
        if zone.is_err() {
            let message = format!("`{}` is no time zone", name.value);
            let help = "give a name of the time zone database: `Europe/Berlin`, `America/New_York`, `UTC`";
            self.problems.push(Problem::error("LP1010", name, message).help(help));
        }
        zone.ok()
    }

    /// Two entries that recognise their records in the same way would write over each other.
    fn no_identity_twice(&mut self, entries: &[Entry]) {
        let mut claimed: BTreeMap<(String, String), String> = BTreeMap::new();
        for ((name, spec), entry) in self.file.entries.iter().zip(entries) {
            let what = match &entry.identity {
                Identity::Unique { property } => property.clone(),
                Identity::Content { properties } => properties.join(", "),
            };
            let claim = (entry.object_type.to_string(), what);
            if let Some(first) = claimed.get(&claim) {
                let message = format!(
                    "`{}` and `{first}` both recognise {} by {}: they would write over each other",
                    name.value, claim.0, claim.1
                );
                let help = "give each its own unique property, or make one entry of the two with a query";
                self.problems.push(Problem::error("LP1016", &spec.identity, message).help(help));
            } else {
                claimed.insert(claim, name.value.clone());
            }
        }
    }
}
