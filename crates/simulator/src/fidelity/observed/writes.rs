//! B: create, update, batches.

use super::{AMP, HSCLI, KALUP, NANGO, Observed, row, without};

pub(super) const ROWS: &[Observed] = &[
    row(
        "B1",
        "a contact whose address is known is refused 409 CONFLICT, and the message ends with the id that has it",
        "HubSpot/hubspot-api-nodejs#545 (2024), stape-io/hubspot-tag#7 (2023) and four more, 2021-2026",
        &["each_refusal_has_its_recorded_body"],
    ),
    without(
        "B2",
        "the version 1 create of a known contact is a 409 with identityProfile and error CONTACT_EXISTS",
        "recorded by HubspotCommunity/hubspot-ruby (2019); PipedreamHQ/pipedream#11236 (2024)",
        "version 1 is read only here",
    ),
    row(
        "B3",
        "a batch create without trace ids is all or nothing; its 409 names the first known contact in 2021, none in 2025",
        "HubSpot/hubspot-api-python#51 (2021); amp-labs/connectors (2025)",
        &[
            "without_trace_ids_a_batch_is_all_or_nothing_and_with_them_it_succeeds_in_part",
            "a_refused_batch_names_the_known_record_only_as_in_2021",
        ],
    ),
    row(
        "B4",
        "with trace ids it is a 207: good inputs in results, bad ones in errors that name trace and existing id",
        "amp-labs/connectors (2025); HubSpot's documentation of 2026",
        &["without_trace_ids_a_batch_is_all_or_nothing_and_with_them_it_succeeds_in_part"],
    ),
    row(
        "B5",
        "bad values are a 400 whose message holds a JSON list, beside a list of errors",
        AMP,
        &["a_batch_with_bad_values_reports_them_all_in_one_refusal", "every_bad_value_is_reported_in_both_lists"],
    ),
    row(
        "B6",
        "a batch update writes what it finds and lists the missing ids in one error",
        AMP,
        &["a_batch_update_writes_what_it_finds_and_names_what_it_does_not"],
    ),
    row(
        "B7",
        "one id twice in a batch refuses it whole, with the id in the context",
        "amp-labs/connectors (2025); rudderlabs/rudder-transformer",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "B8",
        "more than 100 inputs are a 400",
        "bodies quoted in two public repositories, 2024",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "B9",
        "a batch read with histories takes 50 inputs and has a message of its own",
        "PipedreamHQ/pipedream#8462 (2023) and four more, until 2026",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "B10",
        "a batch read of unknown ids is a 207 with one error that lists them",
        "HubSpot/hubspot-api-php#619 (2026); code of segmentio/action-destinations and estuary/connectors",
        &["a_batch_read_names_the_ids_it_does_not_find"],
    ),
    row(
        "B11",
        "a batch read that names an unknown property may be a 207 with a VALIDATION_ERROR",
        "code of segmentio/action-destinations",
        &["an_unknown_property_is_an_error_beside_the_results_of_a_batch_read"],
    ),
    row(
        "B12",
        "the results of a batch come in another order than its inputs",
        "14 of 16 batch creates recorded by grouparoo/grouparoo; rudderlabs/rudder-transformer (2024)",
        &["a_batch_create_answers_every_input_in_some_order"],
    ),
    row(
        "B13",
        "create, batch create and schema create are 201, update and search 200, archive an empty 204",
        "recorded by grouparoo/grouparoo and HubspotCommunity/hubspot-ruby",
        &["each_verb_has_its_status"],
    ),
    row(
        "B14",
        "a version 3 batch of associations is 201 until August 2025 and 200 since",
        "HubSpot/hubspot-api-php#506 and HubSpot/hubspot-api-python#448",
        &["a_batch_of_version_3_associations_is_answered_200"],
    ),
    row(
        "B15",
        "archiving an id that never was is an empty 204",
        NANGO,
        &["archiving_an_id_that_never_existed_is_a_204"],
    ),
    row(
        "B16",
        "a write that changes nothing is a 200 and does not move the modified date",
        "NangoHQ (2026), amp-labs/connectors (2025), rudderlabs/rudder-transformer (2024)",
        &["a_write_that_changes_nothing_does_not_move_the_modified_date"],
    ),
    row(
        "B17",
        "what HubSpot computes later does not move the modified date, though its documentation says any change does",
        "estuary/connectors, a commit of November 2025",
        &[
            "what_hubspot_fills_in_later_comes_within_eighteen_seconds_and_does_not_move_the_modified_date",
            "a_computed_change_moves_the_modified_date_only_where_the_portal_is_told_so",
        ],
    ),
    row(
        "B18",
        "a batch without inputs, or with a misspelt key, is complete and empty",
        "HubSpot/hubspot-api-nodejs#26 (2020); rudderlabs/rudder-transformer (2026)",
        &["a_batch_without_inputs_is_complete_and_empty"],
    ),
    row(
        "B19",
        "a batch update by an address in `id` without idProperty is no error and writes nothing",
        "HubSpot/hubspot-api-nodejs#548 (2024)",
        &["a_batch_update_writes_what_it_finds_and_names_what_it_does_not"],
    ),
    row(
        "B20",
        "a batch update or upsert by a property that is not unique is a 400 that names it, hs_object_id too",
        "segmentio/action-destinations#3957 (2026)",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "B21",
        "an upsert that fails in part is a 207; its results say whether each record is new",
        "HubSpot/hubspot-api-ruby#403 (2025)",
        &[
            "an_upsert_by_email_succeeds_in_part_unless_the_portal_is_told_otherwise",
            "an_upsert_says_what_it_made_and_finds_it_again",
        ],
    ),
    row(
        "B22",
        "an update without properties is a 400",
        "live probes by Luigi08001/hscli, April 2026; segmentio/action-destinations",
        &["each_refusal_has_its_recorded_body"],
    ),
    row(
        "B23",
        "an empty create is refused for types with required properties, and accepted for contacts and companies",
        "live probes by Luigi08001/hscli, April 2026; HubspotCommunity/hubspot-ruby",
        &["types_with_required_properties_refuse_an_empty_create_and_contacts_do_not"],
    ),
    row(
        "B24",
        "a deal of a name and an amount is created, with neither stage nor pipeline, though documented as required",
        NANGO,
        &["a_deal_needs_neither_stage_nor_pipeline_and_is_given_none"],
    ),
    row(
        "B25",
        "two companies with one domain can be created",
        "NangoHQ (2026); grouparoo/grouparoo (2022)",
        &["two_companies_may_have_one_domain"],
    ),
    row(
        "B26",
        "an unknown property is PROPERTY_DOESNT_EXIST; version 1 lists it in validationResults, which is not served",
        "amp-labs/connectors, hull/hull-connectors, rudderlabs/rudder-transformer",
        &["every_bad_value_is_reported_in_both_lists"],
    ),
    row(
        "B27",
        "a value that is no option, or a stage that is in no pipeline, is INVALID_OPTION with the allowed ones listed",
        "bodies quoted in two public repositories, 2023 and 2026; a top-level `error` of one copied body is left out",
        &["values_of_deals_are_checked_by_their_type", "every_bad_value_is_reported_in_both_lists"],
    ),
    row(
        "B28",
        "bad addresses, numbers and dates have codes of their own; a date must be midnight and is told when it is not",
        "hubspot-ruby (2019), grouparoo (2022), HubSpot/hubspot-api-php#74 (2021)",
        &[
            "dates_must_be_midnight_and_say_when_they_are_not",
            "values_of_deals_are_checked_by_their_type",
            "every_bad_value_is_reported_in_both_lists",
        ],
    ),
    row(
        "B29",
        "a body that cannot be read is a 400 with line and column, or with the fields that were not set, and no category",
        "HubSpot/hubspot-api-python#71 (2021), HubSpot/hubspot-api-nodejs#226 and #128 (2022), hscli (2026)",
        &["unknown_paths_and_methods_are_pages_of_the_servlet_container", "each_refusal_has_its_recorded_body"],
    ),
    row(
        "B30",
        "a parameter of the wrong type, in path or query, is a 400 that names it",
        HSCLI,
        &["a_parameter_of_the_wrong_type_is_named"],
    ),
    row(
        "B31",
        "null leaves a value as it is, the empty text clears it",
        "estuary/connectors (2026); NangoHQ",
        &["null_leaves_a_value_and_the_empty_text_clears_it"],
    ),
    row(
        "B32",
        "numbers come back as text, and text as it was: 47 as \"47\", \"5000.00\" as \"5000.00\"",
        "estuary/connectors and NangoHQ, 2026",
        &["numbers_and_truth_values_come_back_as_the_text_they_were", "numbers_and_truth_values_become_their_text"],
    ),
    row(
        "B33",
        "a create answers with many computed properties, an update with the written ones and a few more",
        "NangoHQ (2026); a smaller set in grouparoo/grouparoo (2022)",
        &[
            "a_created_contact_answers_with_its_derived_properties_and_a_location",
            "an_update_answers_with_what_was_written_and_a_few_more",
        ],
    ),
    row(
        "B34",
        "an entry of a batch update has id and creation date (contacts of 2022 had not)",
        "grouparoo/grouparoo (2022); amp-labs/connectors (2025)",
        &["the_entry_of_a_batch_update_tells_when_the_record_was_made"],
    ),
    row(
        "B35",
        "calculated numbers print every digit of their binary fraction",
        NANGO,
        &["line_items_and_deals_get_their_computed_amounts", "a_probability_shows_every_digit_of_its_double"],
    ),
    row(
        "B36",
        "flags are the words true and false, some calculated ones the digits 0 and 1",
        NANGO,
        &["most_flags_are_words_and_a_few_are_digits"],
    ),
    row(
        "B37",
        "from version 2026-09 on, writes of records are held to what their properties require",
        KALUP,
        &[
            "another_propertys_value_makes_one_required_in_version_2026_09",
            "a_value_that_breaks_a_rule_is_refused_with_the_documented_body",
        ],
    ),
    row(
        "B38",
        "no error has a requestId since 2020",
        "HubSpot's change log of October 2019; grouparoo/grouparoo (2022)",
        &["each_refusal_has_its_recorded_body", "a_correlation_id_stands_in_header_and_body_and_is_of_version_7"],
    ),
];
