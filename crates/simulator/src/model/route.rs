//! From a path to what it asks for. The three ways to write a path differ in one table here and nowhere else.
//!
//! A path that nobody answers is a 404 page, a known one with another method a 405 page.

use http::Method;

use super::Portal;
use super::answer::{Outcome, Refusal};
use super::call::{Call, Version, segments};
use super::catalog::Kind;
use super::later;

/// The families of calls, each with the path segments that follow its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Objects,
    ObjectAssociations,
    Associations,
    LegacyAssociations,
    AssociationLabels,
    Properties,
    Pipelines,
    Owners,
    Schemas,
    Account,
    Lists,
    Limits,
    Users,
    Validations,
}

use Family as F;
use Version as V;

/// The path of each family before the rest; `{}` stands for the version, of which the listed ones exist.
const PREFIXES: &[(&[&str], &[Version], Family)] = &[
    (&["crm", "{}", "objects"], &[V::V3], F::Objects),
    (&["crm", "{}", "objects"], &[V::V4], F::ObjectAssociations),
    (&["crm", "objects", "{}"], &[V::V3, V::September2025, V::March2026, V::September2026], F::Objects),
    (&["crm", "{}", "associations"], &[V::V4], F::Associations),
    (&["crm", "{}", "associations"], &[V::V3], F::LegacyAssociations),
    (&["crm", "associations", "{}"], &[V::V4], F::AssociationLabels),
    (&["crm", "associations", "{}"], &[V::September2025, V::March2026, V::September2026], F::Associations),
    (&["crm", "{}", "properties"], &[V::V3], F::Properties),
    (&["crm", "properties", "{}"], &[V::March2026, V::September2026], F::Properties),
    (&["crm", "{}", "pipelines"], &[V::V3], F::Pipelines),
    (&["crm", "pipelines", "{}"], &[V::March2026, V::September2026], F::Pipelines),
    (&["crm", "{}", "owners"], &[V::V3], F::Owners),
    (&["crm", "owners", "{}"], &[V::March2026, V::September2026], F::Owners),
    (&["crm", "{}", "schemas"], &[V::V3], F::Schemas),
    (&["crm-object-schemas", "{}", "schemas"], &[V::V3, V::March2026, V::September2026], F::Schemas),
    (&["account-info", "{}"], &[V::V3, V::September2025, V::March2026, V::September2026], F::Account),
    (&["crm", "{}", "lists"], &[V::V3], F::Lists),
    (&["crm", "lists", "{}"], &[V::September2025, V::March2026, V::September2026], F::Lists),
    (&["crm", "{}", "limits"], &[V::V3], F::Limits),
    (&["crm", "limits", "{}"], &[V::September2025, V::March2026, V::September2026], F::Limits),
    (&["settings", "{}", "users"], &[V::V3], F::Users),
    (&["settings", "users", "{}"], &[V::V3, V::March2026, V::September2026], F::Users),
    (&["crm", "{}", "property-validations"], &[V::V3], F::Validations),
    (&["crm", "property-validations", "{}"], &[V::September2025, V::March2026, V::September2026], F::Validations),
];

fn recognise<'a>(segments: &'a [&'a str]) -> Option<(Family, Version, &'a [&'a str])> {
    PREFIXES.iter().find_map(|(prefix, versions, family)| {
        let (head, rest) = segments.split_at_checked(prefix.len())?;
        let mut version = None;
        for (pattern, segment) in prefix.iter().zip(head) {
            if *pattern == "{}" {
                version = Version::parse(segment);
            } else if pattern != segment {
                return None;
            }
        }
        let version = version.filter(|version| versions.contains(version))?;
        Some((*family, version, rest))
    })
}

impl Portal {
    /// Finds the handler of a call.
    pub(super) fn dispatch(&mut self, call: &mut Call<'_>) -> Outcome {
        let decoded = segments(&call.request.path);
        let segments: Vec<&str> = decoded.iter().map(|segment| &**segment).collect();
        if let ["crm-associations", "v1", "associations", rest @ ..] = segments.as_slice() {
            return self.dispatch_first_links(rest, call);
        }
        let Some((family, version, rest)) = recognise(&segments) else {
            return self.dispatch_legacy(&segments, call).unwrap_or_else(|| later::answer(&segments, call));
        };
        call.version = version;
        self.enforces_requirements = version == Version::September2026;
        match family {
            Family::Objects => self.dispatch_objects(rest, call),
            Family::ObjectAssociations => match rest {
                [name, id, "associations", tail @ ..] => self.dispatch_record_links(name, id, tail, call),
                [name] if call.method() == Method::GET => self.list(self.kind_named(name)?, call),
                _ => Err(Refusal::no_such_path()),
            },
            Family::Associations => self.dispatch_pair(rest, call),
            Family::LegacyAssociations => self.dispatch_legacy_pair(rest, call),
            Family::AssociationLabels => self.dispatch_labels(rest, call),
            Family::Owners => self.dispatch_owners(rest, call),
            Family::Account => self.dispatch_account(rest, call),
            Family::Properties => self.dispatch_properties(rest, call),
            Family::Pipelines => self.dispatch_pipelines(rest, call),
            Family::Validations => self.dispatch_validations(rest, call),
            Family::Schemas => self.dispatch_schemas(rest, call),
            Family::Lists => self.dispatch_lists(rest, call),
            Family::Limits => self.dispatch_limits(rest, call),
            Family::Users => self.dispatch_users(rest, call),
        }
    }

    /// The type that a path names.
    pub(super) fn kind_named(&self, name: &str) -> Outcome<Kind> {
        self.catalog.find(name).ok_or_else(|| Refusal::bare(400, format!("Unable to infer object type from: {name}")))
    }

    fn dispatch_objects(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        let Some((name, tail)) = rest.split_first() else { return Err(Refusal::no_such_path()) };
        match (tail, &method) {
            ([], &Method::GET) => self.list(self.kind_named(name)?, call),
            ([], &Method::POST) => self.create_one(self.kind_named(name)?, call),
            (["search"], &Method::POST) => self.search(self.kind_named(name)?, call),
            ([id, "associations", tail @ ..], _) if call.version.is_dated() => {
                self.dispatch_record_links(name, id, tail, call)
            }
            ([id, "associations", tail @ ..], _) => self.dispatch_legacy_record_links(name, id, tail, call),
            (["merge"], &Method::POST) => self.merge(self.kind_named(name)?, call),
            (["gdpr-delete"], &Method::POST) => self.gdpr_delete(self.kind_named(name)?, call),
            (["batch", verb], &Method::POST) => self.dispatch_batch(name, verb, call),
            ([id], &Method::GET) => self.read_one(self.kind_named(name)?, id, call),
            ([id], &Method::PATCH) => self.update_one(self.kind_named(name)?, id, call),
            ([id], &Method::DELETE) => self.archive_one(self.kind_named(name)?, id, call),
            ([] | [_] | ["batch", "read" | "create" | "update" | "upsert" | "archive"], _) => {
                Err(Refusal::wrong_method())
            }
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn dispatch_batch(&mut self, name: &str, verb: &str, call: &mut Call<'_>) -> Outcome {
        match verb {
            "read" => self.batch_read(self.kind_named(name)?, call),
            "create" => self.batch_create(self.kind_named(name)?, call),
            "update" => self.batch_update(self.kind_named(name)?, call),
            "upsert" => self.batch_upsert(self.kind_named(name)?, call),
            "archive" => self.batch_archive(self.kind_named(name)?, call),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn dispatch_owners(&self, rest: &[&str], call: &Call<'_>) -> Outcome {
        match (rest, call.method()) {
            ([], &Method::GET) => self.list_owners(call),
            ([id], &Method::GET) => self.read_owner(id, &call.query),
            ([] | [_], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn dispatch_account(&self, rest: &[&str], call: &Call<'_>) -> Outcome {
        match (rest, call.method()) {
            (["details"], &Method::GET) => Ok(self.account_details(call)),
            (["activity", "audit-logs" | "login" | "security"], &Method::GET) => Ok(later::no_results()),
            (["details"] | ["activity", "audit-logs" | "login" | "security"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }
}
