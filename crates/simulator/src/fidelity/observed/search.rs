//! C: search.

use super::{AMP, DOCUMENTED, GROUPAROO, Observed, row, without};

pub(super) const ROWS: &[Observed] = &[
    row(
        "C1",
        "a search finds a new record after seconds: 0 of 52 until two, 13 of 13 from six on",
        GROUPAROO,
        &[
            "the_lag_follows_the_recorded_table",
            "search_sees_a_new_record_after_seconds_and_an_archived_one_never_again",
        ],
    ),
    row(
        "C2",
        "an archived record is gone from searches at once: 34 of 34",
        GROUPAROO,
        &["search_sees_a_new_record_after_seconds_and_an_archived_one_never_again"],
    ),
    row(
        "C3",
        "the token of a search is a plain offset without a link, that of a list an id with one; a search has a total",
        "NangoHQ, amp-labs/connectors, grouparoo/grouparoo",
        &["pages_are_offsets_and_end_at_ten_thousand", "a_list_ascends_and_hands_out_the_next_id"],
    ),
    row(
        "C4",
        "the last page has no paging",
        "NangoHQ, amp-labs/connectors, grouparoo/grouparoo",
        &["pages_are_offsets_and_end_at_ten_thousand", "a_list_ascends_and_hands_out_the_next_id"],
    ),
    row(
        "C5",
        "paging past the 10,000th record is a 400; its exact body was never quoted",
        "HubSpot/hubspot-api-nodejs#132, airbytehq/airbyte#10700",
        &["pages_are_offsets_and_end_at_ten_thousand"],
    ),
    row(
        "C6",
        "five groups of filters; six each and 18 in all by the documentation of 2025, more by a change log of 2024",
        DOCUMENTED,
        &["searches_that_are_too_large_or_not_understood_are_refused"],
    ),
    row(
        "C7",
        "3,000 characters of query and 200 records a page",
        "HubSpot's documentation; used by amp-labs/connectors and estuary/connectors",
        &["pages_are_offsets_and_end_at_ten_thousand"],
    ),
    row(
        "C8",
        "filters without a group, an empty `after`, no sorts, empty groups and a limit in quotes are accepted",
        "HubSpot/hubspot-api-nodejs#491; amp-labs/connectors",
        &["a_search_forgives_what_live_ones_forgive"],
    ),
    row(
        "C9",
        "a misspelt `filterGroup` is ignored: everything is found",
        "HubSpot/hubspot-api-nodejs#344 (2023)",
        &["every_operator_finds_what_it_should"],
    ),
    row(
        "C10",
        "IN wants `values`, BETWEEN a `highValue`; that IN wants lower case is not enforced",
        "HubSpot/hubspot-api-nodejs#128, appsmithorg/appsmith#39865, HubSpot's documentation",
        &["operators_want_their_own_keys", "searches_that_are_too_large_or_not_understood_are_refused"],
    ),
    row(
        "C11",
        "without a sort the oldest record comes first; the disorder near the present moment is not built",
        "estuary/connectors, in long use",
        &["without_a_sort_the_oldest_comes_first"],
    ),
    without(
        "C12",
        "a page may be short or empty although more follow",
        "hand-made tests of airbytehq/airbyte#80745",
        "a hypothesis that nobody recorded",
    ),
    row(
        "C13",
        "sorted by hs_object_id, records stand in the order of numbers; another client says of letters",
        "estuary/connectors against airbytehq/airbyte (2026)",
        &["record_ids_sort_as_numbers"],
    ),
    row(
        "C14",
        "many records may share one millisecond of modification",
        "estuary/connectors: more than 10,000 after an import",
        &["a_batch_leaves_one_millisecond_on_all_its_records"],
    ),
    row(
        "C15",
        "the modified date is `lastmodifieddate` on contacts and `hs_lastmodifieddate` on every other type",
        "every client; NangoHQ and grouparoo/grouparoo",
        &["contacts_have_a_name_of_their_own_for_the_modified_date_and_id_and_dates_come_unasked"],
    ),
    without(
        "C16",
        "a search from the epoch on can be a 500",
        "a comment of estuary/connectors",
        "said of some portals without a rule; a fault rule answers 500 where a test wants it",
    ),
    row(
        "C17",
        "the type in a path may be written in capitals, singular, plural or as its id",
        "grouparoo/grouparoo (2022); scopiousdigital/kalup (2026)",
        &["a_type_goes_by_all_its_names_in_any_case", "a_custom_object_lives_under_all_its_names"],
    ),
    row("C18", "an unknown type is a 400 without a category", AMP, &["each_refusal_has_its_recorded_body"]),
    row(
        "C19",
        "an upsert by a second address of a contact finds that contact",
        "rudderlabs/rudder-transformer, its live specification of 2026",
        &["an_upsert_by_a_second_address_finds_the_same_contact"],
    ),
];
