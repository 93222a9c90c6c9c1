//! Accounts, properties, pipelines and schemas.

use super::{Fact, absent, guessed, known};

const KALUP: &str = "live runs of Kalup, September and October 2026";
const SILENT: &str = "no source; the stricter reading";
const LIMITS: &str = "HubSpot's limits tracking guide";

pub(super) const FACTS: &[Fact] = &[
    known(
        "account",
        "the daily use of private apps is served from a copy of up to five minutes",
        "HubSpot's account documentation; the age by third parties",
        "the_daily_use_is_a_copy_of_up_to_five_minutes",
    ),
    known(
        "limits tracking",
        "records are counted by type, those of custom objects together",
        LIMITS,
        "records_are_counted_by_type",
    ),
    known(
        "limits tracking",
        "own and calculated properties are counted by type",
        LIMITS,
        "own_and_calculated_properties_are_counted_and_archived_ones_are_not",
    ),
    known(
        "limits tracking",
        "labels have one entry for each direction, 50 at most; pairs without a label have none; 20 custom types",
        KALUP,
        "types_pipelines_and_labels_are_counted",
    ),
    known(
        "limits tracking",
        "records at the limit of their associations, and those from 80 per cent of it on, are counted, ten named",
        LIMITS,
        "records_at_and_near_the_limit_of_their_associations_are_counted",
    ),
    guessed(
        "limits tracking",
        "15,000,000 records of a standard type, 1,500,000 of custom types, 10,000 custom and 200 calculated properties: \
         said, not enforced; 100 pipelines: both",
        "they differ by plan and contract",
        "no_record_of_a_small_account_is_near_the_limit_of_its_associations",
    ),
    known(
        "properties",
        "a new one is visible after 250 to 700 ms, its name is taken at once (409)",
        KALUP,
        "a_new_property_is_visible_after_a_moment_and_its_name_is_taken_at_once",
    ),
    known(
        "properties",
        "a PATCH passes over name, hasUniqueValue, dataSensitivity and referencedObjectType in silence",
        KALUP,
        "what_cannot_change_is_passed_over_in_silence",
    ),
    known(
        "properties",
        "creating an archived name restores it with its values, as a new definition with the old createdAt",
        KALUP,
        "a_restored_property_is_made_anew_but_keeps_its_first_date",
    ),
    known(
        "properties",
        "archiving what a formula uses is a 400 CANNOT_DELETE_PROPERTY_IN_USE that names each use",
        KALUP,
        "a_property_that_something_needs_is_not_archived",
    ),
    guessed(
        "properties",
        "what a schema requires, searches or displays is in use as well",
        SILENT,
        "a_property_that_something_needs_is_not_archived",
    ),
    known(
        "properties",
        "a read finds a property under its own sensitivity and archived flag alone",
        KALUP,
        "a_property_is_read_under_its_own_sensitivity_alone",
    ),
    guessed(
        "properties",
        "calculationFormula and field type calculation_equation need each other",
        SILENT,
        "a_formula_and_its_field_type_need_each_other",
    ),
    guessed(
        "properties",
        "a type takes 1,000 custom properties; the next is a 400",
        "the number is documented, the refusal is not",
        "an_account_adds_at_most_a_thousand_properties_to_a_type",
    ),
    known(
        "properties",
        "display hints are kept; a word that is none cannot be bound",
        "HubSpot's properties reference",
        "hints_are_kept_and_unknown_ones_refused",
    ),
    absent("properties", "the scope that creating a sensitive property needs", KALUP),
    absent("properties", "deletion for good 90 days after archiving", "HubSpot's knowledge base"),
    known(
        "groups",
        "a group with live properties is not archived: a 400 whose message is a body as text",
        KALUP,
        "a_group_with_live_properties_is_kept_and_says_so_in_a_nested_body",
    ),
    known(
        "pipelines",
        "writes echo the metadata that was sent, reads show what is kept, isClosed derived",
        KALUP,
        "a_write_echoes_the_metadata_and_a_read_shows_what_is_kept",
    ),
    known(
        "pipelines",
        "a deal stage needs a probability from 0 to 1; a ticket stage is OPEN or CLOSED; other metadata is dropped",
        KALUP,
        "the_stage_of_a_deal_needs_a_probability_from_nothing_to_one",
    ),
    known(
        "pipelines",
        "labels are unique whatever their case: of pipelines by type, of stages by pipeline",
        KALUP,
        "labels_are_unique_whatever_their_case",
    ),
    known(
        "pipelines",
        "ids are the caller's; taken ones are refused; a stage id of more than 100 characters is a 500",
        KALUP,
        "ids_are_taken_as_given_and_belong_to_one_pipeline",
    ),
    known(
        "pipelines",
        "a stage on a taken place goes right behind its holder and all are numbered anew",
        KALUP,
        "a_stage_on_a_taken_place_goes_behind_its_holder",
    ),
    known(
        "pipelines",
        "a pipeline keeps one stage, a ticket pipeline a closed one",
        KALUP,
        "a_pipeline_keeps_a_stage_and_a_ticket_pipeline_a_closed_one",
    ),
    known(
        "pipelines",
        "a stage in use stops its deletion; deleting any other stage is a 204, deleting an unknown pipeline a 404",
        KALUP,
        "deleting_answers_for_what_does_not_exist_and_stops_at_records_if_asked",
    ),
    guessed(
        "pipelines",
        "a pipeline in use stops its deletion only if the call asks for a check; a replacement always checks",
        "the flags are documented with the default false",
        "deleting_answers_for_what_does_not_exist_and_stops_at_records_if_asked",
    ),
    guessed(
        "pipelines",
        "reading an unknown pipeline is the plain 404 in JSON",
        "one live run saw an empty body",
        "deleting_answers_for_what_does_not_exist_and_stops_at_records_if_asked",
    ),
    known(
        "pipelines",
        "PUT replaces label, place and stages; PATCH leaves the stages but moves their updatedAt",
        KALUP,
        "put_replaces_the_stages_and_patch_leaves_them",
    ),
    known(
        "pipelines",
        "PATCH with `archived: false` restores a deleted pipeline; `/audit` tells what happened, the newest first",
        "HubSpot's pipelines reference",
        "a_deleted_pipeline_comes_back_by_a_patch_and_its_audit_tells",
    ),
    known(
        "pipelines",
        "the lifecycle of contacts and companies is a pipeline that can be read",
        "answers recorded in the tests of amp-labs/connectors, 2025",
        "the_lifecycle_of_contacts_is_a_pipeline_that_can_only_be_read",
    ),
    known(
        "pipelines",
        "a pipeline has at most 100 stages",
        "HubSpot's pipelines guide",
        "a_pipeline_has_at_most_a_hundred_stages",
    ),
    absent("pipelines", "restoring a deleted stage", "HubSpot's pipelines reference"),
    absent("pipelines", "stages of custom objects as values that records must have", "HubSpot's pipelines guide"),
    guessed(
        "schemas",
        "dated paths say `allowsSensitiveProperties`, version 3 does not",
        "HubSpot's SDK for 2026-03 demands the key, its clients for version 3 do not know it",
        "a_schema_of_a_dated_path_says_whether_it_allows_sensitive_properties",
    ),
    known(
        "schemas",
        "a create needs a name of letters, digits and underscores (50 at most) and a primary display property",
        KALUP,
        "a_schema_is_refused_without_a_good_name_and_a_property_to_show",
    ),
    known(
        "schemas",
        "the exact name of a live type answers 201 with that type; another case is a 409",
        KALUP,
        "a_name_in_use_answers_the_type_that_has_it_and_another_case_is_refused",
    ),
    known(
        "schemas",
        "archiving needs a type without records, purging an archived one; `archived=true` lists live ones too",
        KALUP,
        "a_schema_is_archived_without_records_and_purged_when_archived",
    ),
    known(
        "schemas",
        "creating the name of an archived type purges that one",
        KALUP,
        "the_name_of_an_archived_schema_makes_a_new_type",
    ),
    guessed(
        "schemas",
        "the 21st live type is a 400",
        "limits tracking of a developer test account said 20; the refusal is not recorded",
        "an_account_has_at_most_twenty_types",
    ),
    known(
        "schemas",
        "reads show the state before a PATCH now and then for up to 70 seconds; an option turns it off",
        KALUP,
        "reads_flip_between_old_and_new_for_a_while_after_a_change",
    ),
    known(
        "schemas",
        "a PATCH may bring back, for what it leaves out, what an older copy held",
        KALUP,
        "what_a_patch_leaves_out_may_come_back_as_it_was",
    ),
    known("schemas", "sensitive properties once allowed stay so", KALUP, "sensitive_properties_once_allowed_stay_so"),
    known(
        "schemas",
        "reads may leave definitions out, a PATCH answers without them, several are read in a batch",
        "HubSpot's schemas reference for 2026-03",
        "a_read_may_leave_parts_out_and_a_patch_always_does",
    ),
    guessed(
        "schemas",
        "names that no type has are left out of a batch read; an association that is not of the schema is a 400",
        SILENT,
        "an_association_of_a_schema_is_made_and_taken_away",
    ),
];
