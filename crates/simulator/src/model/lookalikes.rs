//! Companies that HubSpot finds or makes for a contact by the domain of its e-mail address, where the account says so.
//!
//! Source: a capture in the tests of estuary/connectors of 2026 (record source `COMPANIES`, label `CRM_SETTING`).

use super::Portal;
use super::call::Call;
use super::catalog::{COMPANIES, CONTACTS, Kind};
use super::links::End;
use super::record::Snapshot;
use super::write::{Changes, Edges};

/// Domains at which everybody can have an address; they stand for no company.
const FREE_DOMAINS: &[&str] = &[
    "aol.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "web.de",
    "yahoo.com",
];
/// The type that makes a company the primary one of a contact.
const PRIMARY: u32 = 1;

impl Portal {
    /// Ties a new contact to the company of its domain, which is made when there is none.
    pub(super) fn find_company(&mut self, kind: Kind, id: u64, call: &mut Call<'_>) {
        if kind != CONTACTS || !self.options.contact_creates_company {
            return;
        }
        let contact = End { kind, id };
        if self.links.of(contact, COMPANIES, 0).next().is_some() {
            return;
        }
        let Some(domain) = self.domain_of(id).filter(|domain| !FREE_DOMAINS.contains(&domain.as_str())) else { return };
        let companies = self.catalog.get(COMPANIES);
        let Some(place) = companies.properties.find("domain") else { return };
        // Domains have no index: only accounts that chose this pay for the walk.
        let known = companies.records.live.iter().find(|(_, record)| record.state.get(place) == Some(&domain));
        let company = if let Some((company, _)) = known {
            *company
        } else {
            let changes: Changes = vec![(place, domain)];
            let company = self.create(COMPANIES, &changes, &Edges::new(), call);
            self.mark_as_found(company);
            self.index_later(COMPANIES, company, call);
            company
        };
        self.links.connect(contact, End { kind: COMPANIES, id: company }, &[PRIMARY]);
    }

    fn domain_of(&self, contact: u64) -> Option<String> {
        let contacts = self.catalog.get(CONTACTS);
        let place = contacts.properties.find("email")?;
        let state = &contacts.records.live.get(&contact)?.state;
        state.get(place)?.split_once('@').map(|(_, domain)| domain.to_owned())
    }

    /// Says on a company that nobody but the account's setting made it.
    fn mark_as_found(&mut self, company: u64) {
        let table = &self.catalog.get(COMPANIES).properties;
        let places = ["hs_object_source", "hs_object_source_label", "hs_object_source_id"].map(|name| table.find(name));
        let Some(record) = self.catalog.get_mut(COMPANIES).records.live.get_mut(&company) else { return };
        let mut state: Snapshot = (*record.state).clone();
        for (place, value) in places.into_iter().zip(["COMPANIES", "CRM_SETTING", ""]) {
            if let Some(place) = place {
                state.set(place, value);
            }
        }
        record.state = std::sync::Arc::new(state);
    }
}
