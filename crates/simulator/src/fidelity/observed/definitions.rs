//! H: properties, pipelines, schemas, lists, merges, the lifecycle.

use super::{AMP, GROUPAROO, HSCLI, KALUP, NANGO, Observed, row};

pub(super) const ROWS: &[Observed] = &[
    row(
        "H1",
        "a new property has a location and is visible after 250 to 700 ms; a known name is a 409",
        KALUP,
        &["a_new_property_is_visible_after_a_moment_and_its_name_is_taken_at_once"],
    ),
    row(
        "H2",
        "an update replaces the options whole; what is fixed at birth is ignored",
        KALUP,
        &["a_changed_property_takes_its_options_whole_and_keeps_what_is_fixed_at_birth"],
    ),
    row(
        "H3",
        "a property in use cannot be archived; a create under an archived name brings it back with its values",
        KALUP,
        &["a_property_that_its_schema_needs_cannot_be_archived", "an_archived_property_comes_back_with_its_values"],
    ),
    row("H4", "a batch of properties succeeds in part", AMP, &["a_batch_of_properties_succeeds_in_part"]),
    row(
        "H5",
        "stage ids over 100 characters are a 500, a deal's stage has a probability, writes echo the request",
        KALUP,
        &[
            "ids_are_taken_as_given_and_belong_to_one_pipeline",
            "the_stage_of_a_deal_needs_a_probability_from_nothing_to_one",
            "a_write_echoes_the_metadata_and_a_read_shows_what_is_kept",
        ],
    ),
    row(
        "H6",
        "a stage in use cannot be deleted",
        KALUP,
        &["a_stage_in_use_cannot_be_deleted", "deleting_answers_for_what_does_not_exist_and_stops_at_records_if_asked"],
    ),
    row("H7", "a schema with records cannot be archived", KALUP, &["a_custom_object_lives_under_all_its_names"]),
    row(
        "H8",
        "a schema goes by p, account and name, and by 2- and a number",
        GROUPAROO,
        &["a_custom_object_lives_under_all_its_names", "a_standard_schema_is_as_old_as_the_epoch"],
    ),
    row(
        "H9",
        "a search of lists has offset, hasMore, lists and total; a name is taken once",
        "amp-labs/connectors (2025); segmentio/action-destinations",
        &["a_search_of_lists_pages_by_offset_and_shows_extras_as_text", "a_name_belongs_to_one_list_at_a_time"],
    ),
    row(
        "H10",
        "the lifecycle stage does not go back: a 200 that leaves it",
        "code of segmentio/action-destinations; HubSpot's documentation",
        &["the_lifecycle_stage_only_moves_forward_unless_it_is_cleared_first"],
    ),
    row(
        "H11",
        "a new contact or company becomes a lead where the account wants it so",
        NANGO,
        &["a_created_contact_answers_with_its_derived_properties_and_a_location"],
    ),
    row(
        "H12",
        "a record that cannot be merged is named in a 400; version 1 is not served",
        "recorded by HubspotCommunity/hubspot-ruby",
        &["a_record_that_cannot_be_merged_is_named"],
    ),
    row(
        "H13",
        "a survivor lists the ids it stands for where it is asked to",
        "airbytehq/airbyte, fivetran/dbt_hubspot#168 (2025), HubSpot/hubspot-api-nodejs#6",
        &[
            "a_survivor_lists_every_id_it_stands_for_and_more_than_250_are_too_many",
            "merged_records_answer_under_the_survivor_and_are_passed_over_by_a_batch_update",
        ],
    ),
    row("H14", "a merge of nothing names the fields that were not set", HSCLI, &["each_refusal_has_its_recorded_body"]),
    row(
        "H15",
        "more than 250 merged identities are a 414",
        "HubSpot's documentation",
        &["a_survivor_lists_every_id_it_stands_for_and_more_than_250_are_too_many"],
    ),
];
