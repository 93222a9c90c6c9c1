//! What a portal is told at birth: its identity and the choices where the sources contradict each other.
//!
//! Every setting has the stricter or the newer behaviour as its default; none of them changes after `Portal::new`.

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
}

impl PortalOptions {
    /// A portal in the United States with every default.
    pub fn new(portal_id: u64) -> Self {
        Self {
            portal_id,
            seed: 0,
            index_lag: IndexLag::Recorded,
            property_lag: true,
            late_properties: true,
            time_zone: "US/Eastern".to_owned(),
            ui_domain: "app.hubspot.com".to_owned(),
            sample_records: false,
            default_lifecycle_stage: true,
            upsert_by_email_partial: true,
            success_trace_ids: false,
            batch_conflict_names_id: false,
            batch_read_reports_unknown: true,
        }
    }
}
