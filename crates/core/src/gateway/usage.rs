//! What callers' calls cost, by caller and route: how many they made, how many left for HubSpot because of them, and why
//! some travel alone.
//!
//! A call that leaves for several is put down to whoever began it; the others cost nothing. So the numbers add up: over
//! all rows, `needed` is what was sent, and [`Row::saved`] what was not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use linchpin_hubspot::routes::Route;

use super::scopes;

/// Rows that are kept; whatever comes later is put down to [`OTHERS`].
pub const ROWS_MAX: usize = 10_000;
/// The caller or route of rows beyond [`ROWS_MAX`], and the type of a path that names none.
pub const OTHERS: &str = "(others)";
/// Longest name of an object type that is shown; the path of a call may hold anything.
const TYPE_CHARS_MAX: usize = 64;
/// Room for most names of routes.
const NAME_CHARS: usize = 48;
/// Scopes that are kept.
const SCOPES_MAX: usize = 1_000;

/// Whose calls of which kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Who asked.
    pub caller: String,
    /// What was asked: the operation, and the object type if there is one.
    pub route: String,
}

impl Kind {
    /// The kind of a caller's call.
    pub fn new(caller: &str, route: &Route) -> Self {
        Self { caller: caller.to_owned(), route: name(route) }
    }
}

/// The calls of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Calls that the caller made.
    pub calls: u64,
    /// Calls that left for HubSpot, or would have left, because of them.
    pub needed: u64,
    /// Calls that travelled in a batch which another call had begun.
    pub joined: u64,
    /// Reads that waited for the answer of an identical one.
    pub same: u64,
    /// Reads that were answered from what was known.
    pub kept: u64,
    /// Calls that were asked again after their batch; they are in `needed`, too.
    pub repeated: u64,
    /// Calls that have no answer of HubSpot.
    pub failed: u64,
    /// Calls that travelled alone, by the reason.
    pub alone: BTreeMap<&'static str, u64>,
}

impl Row {
    /// Calls that did not have to be made, or would not have.
    pub fn saved(&self) -> u64 {
        (self.joined + self.same + self.kept).saturating_sub(self.repeated)
    }

    /// Adds another row's numbers.
    pub fn add(&mut self, other: &Self) {
        let Self { calls, needed, joined, same, kept, repeated, failed, alone } = other;
        self.calls += calls;
        self.needed += needed;
        self.joined += joined;
        self.same += same;
        self.kept += kept;
        self.repeated += repeated;
        self.failed += failed;
        for (why, count) in alone {
            *self.alone.entry(why).or_default() += count;
        }
    }
}

/// The account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    rows: BTreeMap<Kind, Row>,
    scopes: BTreeSet<String>,
}

impl Usage {
    /// The row of a kind, to count in.
    pub fn row(&mut self, kind: &Kind) -> &mut Row {
        // Nearly every call has a row: it costs no copy of its name.
        if self.rows.contains_key(kind) {
            return self.rows.get_mut(kind).expect("invariant: it was there a line ago");
        }
        let full = self.rows.len() >= ROWS_MAX;
        let kind = if full { Kind { caller: OTHERS.to_owned(), route: OTHERS.to_owned() } } else { kind.clone() };
        self.rows.entry(kind).or_default()
    }

    /// A call was answered as asked for: whatever scope it needs is in use.
    pub fn handle_success(&mut self, route: &Route) {
        if let Some(scope) = scopes::needed(route).filter(|_| self.scopes.len() < SCOPES_MAX) {
            self.scopes.insert(scope);
        }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = (&Kind, &Row)> {
        self.rows.iter()
    }

    /// The scopes that calls have made use of.
    pub fn scopes(&self) -> &BTreeSet<String> {
        &self.scopes
    }
}

/// The name of a route: `object_read contacts`. It holds no id and no value.
fn name(route: &Route) -> String {
    let mut name = Snake(String::with_capacity(NAME_CHARS));
    write!(name, "{:?}", route.operation).expect("invariant: a string takes every write");
    let Snake(mut name) = name;
    if let Some(object_type) = &route.object_type {
        name.push(' ');
        name.push_str(shown(object_type.as_str()));
    }
    name
}

/// A type that could be one; a path may hold anything in its place.
fn shown(object_type: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if object_type.len() <= TYPE_CHARS_MAX && object_type.bytes().all(plain) { object_type } else { OTHERS }
}

/// Writes `ObjectRead` as `object_read`.
struct Snake(String);

impl fmt::Write for Snake {
    fn write_str(&mut self, name: &str) -> fmt::Result {
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !self.0.is_empty() {
                self.0.push('_');
            }
            self.0.push(letter.to_ascii_lowercase());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use linchpin_hubspot::routes::classify;

    use super::*;

    fn kind(path: &str) -> Kind {
        Kind::new("billing", &classify(&Method::GET, path))
    }

    #[test]
    fn a_route_is_named_without_ids_and_values() {
        for (path, route) in [
            ("/crm/v3/objects/contacts/901?properties=email", "object_read contacts"),
            ("/crm/v3/objects/0-1/ada@example.test?idProperty=email", "object_read contacts"),
            ("/crm/v3/objects/ada@example.test/901", "object_read (others)"),
            ("/crm/v3/owners", "owner_list"),
            ("/no/such/path", "other"),
        ] {
            assert_eq!(kind(path).route, route, "{path}");
        }
    }

    #[test]
    fn rows_beyond_the_limit_are_counted_together() {
        let mut usage = Usage::default();
        for number in 0..ROWS_MAX + 5 {
            usage.row(&kind(&format!("/crm/v3/objects/2-{number}/1"))).calls += 1;
        }
        assert_eq!(usage.rows().count(), ROWS_MAX + 1);
        let others = usage.rows().find(|(kind, _)| kind.caller == OTHERS).map(|(_, row)| row.calls);
        assert_eq!(others, Some(5));
        usage.row(&kind("/crm/v3/objects/2-7/1")).calls += 1;
        let known = usage.rows().find(|(kind, _)| kind.route.ends_with(" 2-7")).map(|(_, row)| row.calls);
        assert_eq!(known, Some(2));
    }

    #[test]
    fn what_was_asked_again_is_not_saved() {
        let row = Row { calls: 10, needed: 4, joined: 8, repeated: 2, ..Row::default() };
        assert_eq!(row.saved(), 6);
        let mut sum = row;
        sum.add(&Row { calls: 1, needed: 1, alone: [("id", 1)].into(), ..Row::default() });
        sum.add(&Row { alone: [("id", 2)].into(), ..Row::default() });
        assert_eq!((sum.calls, sum.needed, sum.alone.get("id")), (11, 5, Some(&3)));
    }
}
