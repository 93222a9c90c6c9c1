//! What a portal is told at birth: its identity and the choices where the sources contradict each other.
//!
//! Every setting has the stricter or the newer behaviour as its default; [`PortalSettings`] changes some of them later.

use serde::Deserialize;

use super::requirements::Requirement;

/// How long search trails behind writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexLag {
    /// Search sees every write at once.
    Off,
    /// Search sees a create or an update 2.5 to 6 seconds later, as in recordings of February 2022.
    Recorded,
}

/// The identity of a portal and the behaviours on which the sources disagree.
#[derive(Clone, Debug)]
pub struct PortalOptions {
    /// The account's number.
    pub portal_id: u64,
    /// Where the portal's own numbering starts (record, owner and type ids); the dice of a call are passed to the call.
    pub seed: u64,
    /// How long search trails behind writes.
    pub index_lag: IndexLag,
    /// Whether a new property stays invisible for 250 to 700 ms.
    pub property_lag: bool,
    /// Whether reads of a custom object's schema show its old state now and then, up to 70 seconds after a change.
    pub schema_lag: bool,
    /// Whether analytics properties are filled in 1 to 18 seconds after a contact or company is created.
    pub late_properties: bool,
    /// The account's IANA time zone, as account-info prints it.
    pub time_zone: String,
    /// The host in the `url` of a record.
    pub ui_domain: String,
    /// Whether `Portal::new` puts in the two contacts and the company of a fresh account.
    pub sample_records: bool,
    /// Whether a contact or company created without a lifecycle stage becomes a `lead` (an account setting).
    pub default_lifecycle_stage: bool,
    /// Whether batch upsert by e-mail may succeed in part (seen live) or not (as documented).
    pub upsert_by_email_partial: bool,
    /// Whether the results of a batch carry the `objectWriteTraceId` of their input.
    pub success_trace_ids: bool,
    /// Whether a batch create that is refused for a known e-mail names the record that has it (2021) or not (2025).
    pub batch_conflict_names_id: bool,
    /// Whether batch read reports unknown property names as an error beside its results, or ignores them as list does.
    pub batch_read_reports_unknown: bool,
    /// Inputs of one batch read of associations: 1,000 as documented for version 4, or 100 as announced for 2025.
    pub association_read_inputs_max: usize,
    /// Whether the first company of a contact, deal or ticket becomes its primary one without being asked to.
    pub first_company_is_primary: bool,
    /// How long the schema of a standard object does not show a new association label; up to five minutes, live.
    pub label_lag_ms: i64,
    /// Whether a contact's e-mail domain finds its company, or makes one (an account setting).
    pub contact_creates_company: bool,
    /// Whether deals move the lifecycle stage of their contacts and companies on (an account setting).
    pub lifecycle_follows_deals: bool,
    /// Whether a computed value moves the modified date: documented so, seen otherwise.
    pub calculated_moves_modified: bool,
}

/// Settings that the control API and a start file can change; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortalSettings {
    /// See [`PortalOptions::late_properties`].
    pub late_properties: Option<bool>,
    /// See [`PortalOptions::default_lifecycle_stage`].
    pub default_lifecycle_stage: Option<bool>,
    /// See [`PortalOptions::upsert_by_email_partial`].
    pub upsert_by_email_partial: Option<bool>,
    /// See [`PortalOptions::success_trace_ids`].
    pub success_trace_ids: Option<bool>,
    /// See [`PortalOptions::batch_conflict_names_id`].
    pub batch_conflict_names_id: Option<bool>,
    /// See [`PortalOptions::batch_read_reports_unknown`].
    pub batch_read_reports_unknown: Option<bool>,
    /// See [`PortalOptions::association_read_inputs_max`].
    pub association_read_inputs_max: Option<usize>,
    /// See [`PortalOptions::first_company_is_primary`].
    pub first_company_is_primary: Option<bool>,
    /// See [`PortalOptions::label_lag_ms`].
    pub label_lag_ms: Option<u32>,
    /// See [`PortalOptions::contact_creates_company`].
    pub contact_creates_company: Option<bool>,
    /// See [`PortalOptions::lifecycle_follows_deals`].
    pub lifecycle_follows_deals: Option<bool>,
    /// See [`PortalOptions::calculated_moves_modified`].
    pub calculated_moves_modified: Option<bool>,
    /// What version 2026-09 of the API requires of records; the whole list.
    pub required: Option<Vec<Requirement>>,
}

impl PortalSettings {
    /// Takes over what is set.
    pub(super) fn apply(&self, options: &mut PortalOptions) {
        let flags = [
            (self.late_properties, &mut options.late_properties),
            (self.default_lifecycle_stage, &mut options.default_lifecycle_stage),
            (self.upsert_by_email_partial, &mut options.upsert_by_email_partial),
            (self.success_trace_ids, &mut options.success_trace_ids),
            (self.batch_conflict_names_id, &mut options.batch_conflict_names_id),
            (self.batch_read_reports_unknown, &mut options.batch_read_reports_unknown),
            (self.first_company_is_primary, &mut options.first_company_is_primary),
            (self.contact_creates_company, &mut options.contact_creates_company),
            (self.lifecycle_follows_deals, &mut options.lifecycle_follows_deals),
            (self.calculated_moves_modified, &mut options.calculated_moves_modified),
        ];
        for (given, option) in flags {
            *option = given.unwrap_or(*option);
        }
        options.association_read_inputs_max =
            self.association_read_inputs_max.unwrap_or(options.association_read_inputs_max);
        options.label_lag_ms = self.label_lag_ms.map_or(options.label_lag_ms, i64::from);
    }
}

impl PortalOptions {
    /// A portal in the United States with every default.
    pub fn new(portal_id: u64) -> Self {
        Self {
            portal_id,
            seed: 0,
            index_lag: IndexLag::Recorded,
            property_lag: true,
            schema_lag: true,
            late_properties: true,
            time_zone: "US/Eastern".to_owned(),
            ui_domain: "app.hubspot.com".to_owned(),
            sample_records: false,
            default_lifecycle_stage: true,
            upsert_by_email_partial: true,
            success_trace_ids: false,
            batch_conflict_names_id: false,
            batch_read_reports_unknown: true,
            association_read_inputs_max: 1_000,
            first_company_is_primary: false,
            label_lag_ms: 0,
            contact_creates_company: false,
            lifecycle_follows_deals: false,
            calculated_moves_modified: false,
        }
    }
}
