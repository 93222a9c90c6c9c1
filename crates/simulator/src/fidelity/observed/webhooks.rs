//! G: webhooks.

use super::{DOCUMENTED, Observed, row, without};

const CAPTURES: &str = "deliveries of 2022, 2025 and 2026 that receivers wrote down in public repositories";

pub(super) const ROWS: &[Observed] = &[
    row(
        "G1",
        "a delivery is a list of events with ids, a time in milliseconds, a type, an attempt from 0 and a source",
        CAPTURES,
        &[
            "events_about_records_have_the_fields_of_recorded_deliveries",
            "deliveries_have_the_shape_of_those_that_receivers_wrote_down",
        ],
    ),
    row(
        "G2",
        "changeFlag is CREATED or DELETED; NEW in 2017, in fixtures and from the test button",
        CAPTURES,
        &[
            "the_flag_of_a_creation_is_new_where_it_is_asked_for",
            "events_about_records_have_the_fields_of_recorded_deliveries",
        ],
    ),
    row(
        "G3",
        "changeSource says who changed: INTEGRATION, CRM_UI, USER, CALCULATED and more, an open set",
        CAPTURES,
        &[
            "what_hubspot_computes_is_told_as_calculated_and_without_a_source",
            "events_about_records_have_the_fields_of_recorded_deliveries",
        ],
    ),
    row(
        "G4",
        "an association event has two ids and neither objectId nor changeFlag, and may lack isPrimaryAssociation",
        "a delivery of August 2026; the guide shows isPrimaryAssociation",
        &[
            "an_association_is_told_from_both_sides_and_once_for_each_of_its_types",
            "a_pair_without_a_primary_type_says_nothing_of_primaries",
        ],
    ),
    row(
        "G5",
        "an association sends an event for each side",
        DOCUMENTED,
        &["an_association_is_told_from_both_sides_and_once_for_each_of_its_types"],
    ),
    row(
        "G6",
        "right after its event a record may still read as missing",
        "a delivery of August 2026: 404 half a second after the event",
        &["a_new_record_reads_as_missing_for_a_while_where_that_is_asked_for"],
    ),
    row(
        "G7",
        "a delivery has signatures of versions 1 and 3, the time of its signature and a timeout of 10,000 ms",
        "deliveries of 2024 and January 2026; the guide says five seconds",
        &["the_headers_are_those_of_recorded_deliveries", "a_receiver_that_is_silent_too_long_gets_it_again"],
    ),
    row(
        "G8",
        "signature 3 is the base64 HMAC of method, address, body and time; 1 and 2 are hashes",
        "vectors of HubSpot/hubspot-api-nodejs and HubSpot/hubspot-api-python, and of the documentation",
        &["the_signatures_that_hubspot_publishes_are_ours"],
    ),
    without(
        "G9",
        "deliveries of 2019 had the first signature alone",
        "a delivery of 2019",
        "gone by 2024: later deliveries carry both signatures",
    ),
    row(
        "G10",
        "100 events a delivery, ten deliveries at once, ten retries over a day, after a 4xx too",
        DOCUMENTED,
        &[
            "a_post_has_at_most_a_hundred_events_and_ten_are_under_way_at_a_time",
            "a_refused_delivery_comes_again_with_a_higher_attempt_number_ten_times_within_a_day",
        ],
    ),
    row(
        "G11",
        "a merge is an event of its own beside the deletion of the merged record; moved values are not told",
        "amp-labs/connectors#3487 (2026); HubSpot's documentation",
        &["a_merge_names_both_and_the_new_record_and_deletes_the_merged_one"],
    ),
    row(
        "G12",
        "an event id is not unique, an order not promised",
        DOCUMENTED,
        &["event_ids_are_not_unique_but_the_whole_key_is"],
    ),
    row(
        "G13",
        "the test button sends event 100, object 123 and sample-value",
        "quoted in several public repositories",
        &["the_test_button_sends_its_sample"],
    ),
    row(
        "G14",
        "nothing is sent when an app is removed",
        DOCUMENTED,
        &["a_public_app_hears_of_the_portals_that_installed_it_and_of_no_other"],
    ),
];
