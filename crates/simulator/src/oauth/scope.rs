//! The names of scopes, as HubSpot's list of scopes has them, as far as the simulator has calls for them or apps that
//! synchronise records ask for them.

/// The scope that every public app has.
pub(super) const BASIC: &str = "oauth";

/// Scopes that follow no pattern.
const PLAIN: [&str; 19] = [
    BASIC,
    "account-info.security.read",
    "automation",
    "crm.export",
    "crm.import",
    "crm.lists.read",
    "crm.lists.write",
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.snapshots.read",
    "developer.webhooks_journal.snapshots.write",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
    "e-commerce",
    "sales-email-read",
    "settings.users.read",
    "settings.users.teams.read",
    "settings.users.write",
    "tickets",
    "timeline",
];

/// Record types with scopes of the pattern `crm.objects.contacts.read`.
const TYPES: [&str; 13] = [
    "carts",
    "companies",
    "contacts",
    "custom",
    "deals",
    "goals",
    "invoices",
    "leads",
    "line_items",
    "orders",
    "products",
    "quotes",
    "subscriptions",
];

/// Says whether a scope exists.
pub(super) fn is_known(name: &str) -> bool {
    if PLAIN.contains(&name) {
        return true;
    }
    match name.split('.').collect::<Vec<_>>().as_slice() {
        ["crm", "objects", "owners" | "users", "read"] | ["crm", "objects", "users", "write"] => true,
        ["crm", "objects" | "schemas", kind, "read" | "write"]
        | ["crm", "objects", kind, "sensitive" | "highly_sensitive", "read" | "write", "v2"] => TYPES.contains(kind),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_by_their_whole_name() {
        let known = [
            "oauth",
            "crm.objects.contacts.read",
            "crm.schemas.custom.write",
            "crm.objects.deals.highly_sensitive.read.v2",
            "crm.objects.owners.read",
        ];
        let unknown = ["", "contacts", "crm.objects.contacts", "crm.objects.owners.write", "crm.objects.unicorns.read"];
        assert!(known.into_iter().all(is_known));
        assert!(!unknown.into_iter().any(is_known));
    }
}
