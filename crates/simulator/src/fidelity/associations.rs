//! What ties records together.

use super::{Fact, absent, guessed, known};

const GUIDE: &str = "HubSpot's guide to associations v4, 2026";
const LEGACY: &str = "HubSpot's legacy documentation of associations v3";
const SILENT: &str = "no source";

pub(super) const FACTS: &[Fact] = &[
    known(
        "associations",
        "a version 3 batch create is answered 200, 201 before August 2025: HubSpot's own clients still expect 201",
        "HubSpot/hubspot-api-python#448 and HubSpot/hubspot-api-php#506 (2025)",
        "a_batch_of_version_3_associations_is_answered_200",
    ),
    known(
        "associations",
        "a version 4 batch read is a 207 with one NO_ASSOCIATIONS_FOUND for each record that has none",
        "recorded answers in the tests of amp-labs/connectors, 2026-02",
        "a_batch_read_reports_records_without_associations_as_errors",
    ),
    known(
        "associations",
        "in a batch create a bad id is INVALID_IDENTIFIER, a record with itself a VALIDATION_ERROR; the rest is made",
        "recorded answers in the tests of amp-labs/connectors, 2026-03",
        "bad_pairs_of_a_batch_are_errors_of_their_own",
    ),
    guessed(
        "associations",
        "a batch read answers a bad id with the INVALID_IDENTIFIER of a batch create; a missing record has no associations",
        "no recording of such a read",
        "ids_of_a_batch_may_be_texts_or_numbers_and_bad_ones_have_errors_of_their_own",
    ),
    known(
        "associations",
        "a write to a record that does not exist has the subcategory FROM_OBJECT_NOT_FOUND or TO_OBJECT_NOT_FOUND",
        "TO_OBJECT_NOT_FOUND in the code of segmentio/action-destinations; the other by analogy",
        "ids_of_a_batch_may_be_texts_or_numbers_and_bad_ones_have_errors_of_their_own",
    ),
    known(
        "associations",
        "a batch read takes 1,000 ids; the setting `association_read_inputs_max` makes it 100",
        "HubSpot's changelog of 2025-02 (1,000) and airbytehq/airbyte#48834, which quotes it (100)",
        "a_batch_read_takes_a_thousand_ids_or_a_hundred_as_the_portal_is_told",
    ),
    known(
        "associations",
        "a labelled PUT replaces the labels of a pair; a primary label brings the unlabelled type along",
        GUIDE,
        "a_labelled_put_replaces_and_a_read_gives_numbers",
    ),
    known(
        "associations",
        "a new primary company takes the place of the old one",
        GUIDE,
        "a_new_primary_company_takes_the_place_of_the_old_one_and_removing_it_leaves_none",
    ),
    guessed(
        "associations",
        "when the primary label is removed, no other company moves up",
        SILENT,
        "a_new_primary_company_takes_the_place_of_the_old_one_and_removing_it_leaves_none",
    ),
    guessed(
        "associations",
        "the first company of a record is not its primary one unless asked for; the setting `first_company_is_primary`",
        "HubSpot's pages make it so; no source for the API, and the recorded answers to type 279 name no label",
        "the_first_company_becomes_primary_only_where_the_portal_says_so",
    ),
    known(
        "associations",
        "a pair has 50 labels; the next one is a 437",
        "notes on live runs, 2026-09 (the documentation says 10)",
        "a_pair_has_at_most_fifty_labels_and_the_next_one_is_a_437",
    ),
    known(
        "associations",
        "a label is a pair of types, and deleting either removes both, and takes them off all records",
        "notes on live runs, 2026-09",
        "a_label_is_a_pair_of_types_and_deleting_either_removes_both",
    ),
    known(
        "associations",
        "a label's name has no hyphen and does not begin with a digit",
        "HubSpot's guide to associations v4; the bodies of the refusals are guessed",
        "names_of_labels_are_checked_and_labels_of_a_pair_differ",
    ),
    known(
        "associations",
        "the schema of a standard object shows a new label minutes later; the setting `label_lag_ms`, 0 by default",
        "notes on live runs, 2026-09",
        "a_new_label_shows_late_on_the_schema_of_a_standard_object",
    ),
    known(
        "associations",
        "schemas tell `maxToObjectIds` and `maxFromObjectIds`, as 10,000 contacts and 1,000 of a deal",
        "a recorded schema in the tests of amp-labs/connectors, 2025-03; pairs beside the recorded ones are guessed",
        "a_schema_tells_the_limits_of_its_associations",
    ),
    known(
        "associations",
        "limits of types are set, changed, listed and purged; below the subscription's, a label's not above its pair's",
        "HubSpot's changelog of 2024-07 and its reference of the limits; texts of refusals are guessed",
        "limits_are_set_raised_and_taken_away_for_a_type",
    ),
    known(
        "associations",
        "the limit of a label is not above the limit of its pair, nor that of the pair below a label's",
        "HubSpot's changelog of 2024-07",
        "the_limit_of_a_label_is_not_above_the_limit_of_its_pair",
    ),
    guessed(
        "associations",
        "one association too many is a 400 VALIDATION_ERROR, in batches an error of a 207",
        "that limits are enforced is documented, the answer is not",
        "no_write_passes_a_limit",
    ),
    guessed(
        "associations",
        "a line item of one deal cannot be tied to another, a company has one parent",
        "HubSpot's documentation says to copy line items; the answer of the API is not known",
        "a_line_item_belongs_to_one_deal",
    ),
    guessed(
        "associations",
        "archiving a labelled or primary type in version 3 leaves the unlabelled one",
        "as in version 4; no recording of version 3",
        "a_version_3_write_answers_the_record_and_a_delete_takes_one_type",
    ),
    known(
        "associations",
        "version 3 reads below a record, and its PUT and DELETE, by name or number of the type",
        LEGACY,
        "a_version_3_write_answers_the_record_and_a_delete_takes_one_type",
    ),
    known(
        "associations",
        "a version 3 batch read shows 100 records and a page token with a link",
        "HubSpot/hubspot-api-python#135 (2022)",
        "version_3_paths_below_a_record_name_types_and_page_by_a_token",
    ),
    known(
        "associations",
        "a version 3 batch create answers both directions; `contact_to_company` is the primary type",
        "recorded answers in NangoHQ/integration-templates, 2026-03; HubSpot's table of types",
        "a_version_3_batch_create_answers_both_directions",
    ),
    known(
        "associations",
        "version 1: GET, PUT, delete and their batches; `offset` is the last id",
        "recorded answers in the tests of grouparoo/grouparoo, 2022-02",
        "version_1_associations_are_read_made_and_deleted",
    ),
    guessed(
        "associations",
        "a version 1 batch is all or nothing: one wrong association, or one too many for a limit, refuses every one",
        "no recording of a refused batch; its bare 204 could not tell which ones were made",
        "a_version_1_batch_with_one_wrong_association_does_nothing",
    ),
    known(
        "associations",
        "numbers of the standard types in both directions",
        "HubSpot's table of association types; back from quote to line item, lead to e-mail and the primary ones of \
         leads are inferred",
        "every_standard_type_has_its_number_between_the_types_of_its_name",
    ),
    guessed(
        "associations",
        "the report of high usage is acknowledged for users who exist, and not made",
        "HubSpot's reference tells the answer, nothing tells of other users",
        "the_report_of_high_usage_is_acknowledged_to_a_user_who_exists",
    ),
    guessed(
        "associations",
        "old ids of a merged record lead to the survivor's associations, which are told under its id",
        "documented for records, as is that the primary record's primary company stays (changelog of 2025-01)",
        "old_ids_of_a_merged_record_lead_to_the_associations_of_the_survivor",
    ),
    guessed(
        "associations",
        "with the setting `contact_creates_company` a contact finds the company of its e-mail domain, or makes one",
        "a capture in the tests of estuary/connectors, 2026; at once, and free mail domains left out, are guesses",
        "a_contact_finds_or_makes_the_company_of_its_domain_where_the_account_says_so",
    ),
    absent(
        "associations",
        "the right to edit associations, which version 2026-09 asks of users",
        "apps act for nobody",
    ),
    absent("associations", "other kinds of types than HubSpot's and the user's", "only their names are known"),
];
