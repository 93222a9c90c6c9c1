//! E: associations.

use super::{AMP, KALUP, NANGO, Observed, row};

pub(super) const ROWS: &[Observed] = &[
    row(
        "E1",
        "a batch read is a 207 when a record has no associations, one error for each; ids are text on one side and \
         numbers on the other",
        AMP,
        &["a_batch_read_reports_records_without_associations_as_errors"],
    ),
    row(
        "E2",
        "a pair has one entry for each type, inline as well",
        "amp-labs/connectors, estuary/connectors, airbytehq/airbyte",
        &[
            "a_create_brings_its_associations_and_a_read_lists_one_entry_per_type",
            "a_labelled_put_replaces_and_a_read_gives_numbers",
        ],
    ),
    row(
        "E3",
        "a batch create tells type ids, numbers and labels; a bad id is INVALID_IDENTIFIER, oneself has no subCategory",
        AMP,
        &["bad_pairs_of_a_batch_are_errors_of_their_own", "a_labelled_put_replaces_and_a_read_gives_numbers"],
    ),
    row(
        "E4",
        "a version 3 batch create tells both directions",
        NANGO,
        &["version_3_tells_both_directions_of_what_it_made"],
    ),
    row(
        "E5",
        "a PUT to a missing record is a 404 with TO_OBJECT_NOT_FOUND",
        "code of segmentio/action-destinations",
        &["a_put_to_a_missing_record_names_it"],
    ),
    row(
        "E6",
        "a new contact is tied to the company of its address, which is made if need be, where the account wants it so",
        "recorded by estuary/connectors, 2026; HubSpot's documentation",
        &["a_contact_finds_or_makes_the_company_of_its_domain_where_the_account_says_so"],
    ),
    row(
        "E7",
        "the associations of a schema tell how many each side may have",
        AMP,
        &["a_schema_tells_the_limits_of_its_associations"],
    ),
    row("E8", "the 51st label of a pair is a 437", KALUP, &["the_fifty_first_label_of_a_pair_is_a_437"]),
    row(
        "E9",
        "a label is a pair of types; deleting either takes both away; a schema shows a new one late",
        KALUP,
        &["a_label_is_two_types_and_goes_as_one", "a_new_label_shows_late_on_the_schema_of_a_standard_object"],
    ),
    row(
        "E10",
        "a batch read takes 1,000 records by the documentation, 100 by a change log of 2025; an option chooses",
        "HubSpot's documentation against airbytehq/airbyte#48834",
        &["a_batch_read_takes_a_thousand_ids_or_a_hundred_as_the_portal_is_told"],
    ),
    row(
        "E11",
        "version 1 lists associations with hasMore and offset, and writes them with a 204",
        "14 exchanges recorded by grouparoo/grouparoo",
        &[
            "version_1_associations_are_read_made_and_deleted",
            "answers_have_the_shape_of_those_recorded_in_2021_and_2022",
        ],
    ),
];
