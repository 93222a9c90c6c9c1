//! D: what reads look like.

use super::{HSCLI, NANGO, Observed, row, without};

pub(super) const ROWS: &[Observed] = &[
    row(
        "D1",
        "instants have three digits of a second, or none when they are zero",
        "NangoHQ, estuary/connectors, amp-labs/connectors",
        &["the_fraction_is_left_out_when_the_milliseconds_are_zero", "instants_have_three_digits_or_none"],
    ),
    row(
        "D2",
        "an asked property without a value is null, a cleared one is empty, though documented as absent",
        "NangoHQ, estuary/connectors (2026), airbytehq/airbyte",
        &["null_leaves_a_value_and_the_empty_text_clears_it", "a_list_ascends_and_hands_out_the_next_id"],
    ),
    row(
        "D3",
        "unknown names among the asked properties are left out",
        NANGO,
        &["a_list_ascends_and_hands_out_the_next_id"],
    ),
    row(
        "D4",
        "id, creation and modification come unasked; custom objects say hs_createdate",
        "NangoHQ; grouparoo/grouparoo",
        &["contacts_have_a_name_of_their_own_for_the_modified_date_and_id_and_dates_come_unasked"],
    ),
    row(
        "D5",
        "a record has a `url`, since about 2025",
        "NangoHQ (2026), amp-labs/connectors (2025); absent in grouparoo/grouparoo (2022)",
        &["a_created_contact_answers_with_its_derived_properties_and_a_location"],
    ),
    row(
        "D6",
        "a list ascends by id; its token is a number and its link repeats the query; another token is a 400",
        "13 of 13 lists of NangoHQ; amp-labs/connectors",
        &["a_list_ascends_and_hands_out_the_next_id", "a_cursor_that_is_no_number_is_refused"],
    ),
    row(
        "D7",
        "a day given for an instant comes back as its midnight",
        "NangoHQ; estuary/connectors",
        &["dates_must_be_midnight_and_say_when_they_are_not"],
    ),
    row(
        "D8",
        "default pipelines, their stages and standard schemas are as old as the epoch",
        "NangoHQ; grouparoo/grouparoo",
        &["a_standard_schema_is_as_old_as_the_epoch", "a_stage_in_use_cannot_be_deleted"],
    ),
    row(
        "D9",
        "an empty list is its empty results and nothing else",
        NANGO,
        &["an_empty_list_is_nothing_but_its_results"],
    ),
    row("D10", "id 0 is a 404 with words of its own", HSCLI, &["each_refusal_has_its_recorded_body"]),
    row(
        "D11",
        "nobody found by idProperty is a 404 without a category",
        "segmentio/action-destinations; live probes by Luigi08001/hscli",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "D12",
        "a path that does not exist is a page of the servlet container; the other page, of the front door, is not built",
        "151 cases of Luigi08001/hscli, 2026",
        &["unknown_paths_and_methods_are_pages_of_the_servlet_container"],
    ),
    row(
        "D13",
        "a wrong method is such a page too",
        HSCLI,
        &["unknown_paths_and_methods_are_pages_of_the_servlet_container"],
    ),
    row(
        "D14",
        "too long an address is a 414 of the edge; the reports name 8, 16 and 32 kB",
        "airbytehq/airbyte#33976 (2024), dlt-hub/dlt#311 (2023), PostHog/posthog#31617 (2025)",
        &["a_long_address_is_a_414_of_the_edge"],
    ),
    row(
        "D15",
        "a list with histories has at most 50 records a page",
        "estuary/connectors; HubSpot's documentation",
        &["a_list_with_histories_has_pages_of_fifty"],
    ),
    row(
        "D16",
        "a history lists the newest first, each with value, time and source",
        "recorded by estuary/connectors, 2026; airbytehq/airbyte",
        &["a_history_lists_the_newest_version_first", "a_version_says_when_and_by_what_it_was_written"],
    ),
    row(
        "D17",
        "analytics and rollup properties are filled in 1 to 18 seconds later",
        "times in histories recorded by estuary/connectors, 2026",
        &[
            "what_hubspot_fills_in_later_comes_within_eighteen_seconds_and_does_not_move_the_modified_date",
            "computed_values_come_one_to_eighteen_seconds_later_as_calculated_changes",
        ],
    ),
    without(
        "D18",
        "a version 1 contact has values with versions, epoch milliseconds, vids and identities",
        "grouparoo/grouparoo, HubspotCommunity/hubspot-ruby, hull/hull-connectors",
        "old paths serve companies, deals and engagements in that form, and no contacts",
    ),
    row(
        "D19",
        "an owner has ten fields; its id is text, its user id a number",
        "NangoHQ (2026); airbytehq/airbyte",
        &[
            "an_owner_has_its_recorded_fields_and_archived_ones_are_asked_for",
            "owners_are_found_by_address_and_used_by_id",
        ],
    ),
    row(
        "D20",
        "archived owners are listed only when asked for",
        "airbytehq/airbyte; HubSpot's documentation",
        &["an_owner_has_its_recorded_fields_and_archived_ones_are_asked_for"],
    ),
    row(
        "D21",
        "a property says who made it, unless HubSpot did; its place is -1 and it says how it may be modified",
        "NangoHQ, estuary/connectors, scopiousdigital/kalup",
        &["a_property_says_who_made_it_unless_hubspot_did"],
    ),
    without(
        "D22",
        "the property list of contacts or companies has 390 to 515 kB",
        "NangoHQ; estuary/connectors",
        "the simulator has the default properties that integrations use, not all several hundred",
    ),
    row(
        "D23",
        "the account tells its number, time zone, offset and data centre",
        "NangoHQ, amp-labs/connectors",
        &["the_account_tells_its_zone_and_where_its_data_is"],
    ),
    row(
        "D24",
        "the correlation id stands in header and body and is a UUID of version 7 by 2026",
        "163 of 163 errors of grouparoo/grouparoo; NangoHQ; Luigi08001/hscli",
        &["a_correlation_id_stands_in_header_and_body_and_is_of_version_7", "each_refusal_has_its_recorded_body"],
    ),
    row(
        "D25",
        "a fresh account holds two sample contacts and their company; here an option",
        "estuary/connectors (2026); NangoHQ",
        &["a_fresh_account_may_hold_two_people_and_their_company"],
    ),
    without(
        "D26",
        "the keys of an error stand in another order in the services of CMS and marketing",
        HSCLI,
        "those services are not served",
    ),
];
