//! The paths from before version 3, and what connectors that read a whole account rely on.

use super::{Fact, absent, guessed, known};

const LEGACY_DOCS: &str = "HubSpot's legacy documentation";
const CASSETTES: &str =
    "recorded answers of 2014 to 2019 in the tests of HubspotCommunity/hubspot-ruby; HubSpot's legacy documentation";

pub(super) const FACTS: &[Fact] = &[
    known(
        "legacy paths",
        "definitions are a bare array at `/properties/v1` and `/properties/v2/{type}/properties`, \
         `/companies/v2/properties` and `/deals/v1/properties`; the type in the singular or the plural",
        "airbyte-source-hubspot 5.7.0 and tap-hubspot 4.5.0 read them; typed by salto-io and hull connectors",
        "legacy_properties_are_a_bare_array_of_every_definition",
    ),
    guessed(
        "legacy paths",
        "forms have definitions there and are no object type elsewhere",
        "airbyte-source-hubspot 5.7.0 builds the schema of forms from them; which ones there are is in no document",
        "forms_have_properties_but_no_records",
    ),
    known(
        "legacy paths",
        "pipelines at `/crm-pipelines/v1/pipelines/{type}` and `/deals/v1/pipelines`, with instants as epoch \
         milliseconds",
        CASSETTES,
        "legacy_pipelines_count_time_in_milliseconds",
    ),
    known(
        "legacy paths",
        "companies and deals are paged by the last id of a page; `has-more` for companies, `hasMore` for deals; \
         without `properties` there are none",
        CASSETTES,
        "companies_and_deals_are_paged_by_the_last_id",
    ),
    known(
        "legacy paths",
        "a value has its timestamp, source and versions, newest first; instants and dates are epoch milliseconds",
        CASSETTES,
        "a_legacy_value_carries_its_versions_and_instants_are_milliseconds",
    ),
    guessed(
        "legacy paths",
        "a page size above the most is taken for the most; values that were set by an app have the source `INTEGRATION`",
        "airbyte-source-hubspot 5.7.0 counts on it for engagements; the source is that of version 3",
        "companies_and_deals_are_paged_by_the_last_id",
    ),
    known(
        "legacy paths",
        "deals show their associations with `includeAssociations=true`",
        CASSETTES,
        "deals_say_what_they_are_associated_with_when_they_are_asked",
    ),
    known(
        "legacy paths",
        "notes, tasks, meetings, calls and emails are one list of engagements, each with its associations and metadata",
        CASSETTES,
        "engagements_of_five_types_are_one_list",
    ),
    known(
        "legacy paths",
        "`recent/modified` reaches back thirty days or 10,000 records, latest first, at most 100 a page, with the total",
        LEGACY_DOCS,
        "recently_changed_engagements_come_latest_first_with_their_total",
    ),
    known(
        "legacy paths",
        "`modified/after` takes epoch milliseconds or the cursor of an earlier answer, at most 1,000 a page",
        "HubSpot's legacy documentation; tap-hubspot 4.5.0 and estuary's connector page with it",
        "a_cursor_of_engagements_goes_on_where_it_ended",
    ),
    guessed(
        "legacy paths",
        "`modified/after` answers in the order of changes and without the lag of an index, and the cursor of the last \
         page goes on with later changes",
        "tap-hubspot 4.5.0 keeps that cursor as its bookmark; estuary's connector does not rely on the order",
        "a_cursor_of_engagements_goes_on_where_it_ended",
    ),
    guessed(
        "legacy paths",
        "marketing mail at `/email/public/v1` is an empty list",
        "an account without campaigns, by HubSpot's legacy documentation",
        "marketing_mail_of_the_legacy_paths_is_truthfully_empty",
    ),
    absent(
        "legacy paths",
        "writing through them but for notes, tasks, meetings, calls, emails and associations; contacts at `/contacts/v1`, \
         marketing emails with statistics, form submissions",
        LEGACY_DOCS,
    ),
    known(
        "records",
        "a list takes no notice of `offset`: a client that pages by it reads the first page for ever",
        "airbytehq/airbyte issue 61352 and pull request 61502",
        "a_list_takes_no_notice_of_an_offset",
    ),
    known(
        "records",
        "records are listed at `/crm/v4/objects/{type}` as at version 3",
        "tap-hubspot 4.5.0 reads tickets there",
        "version_4_lists_records_as_version_3_does",
    ),
    guessed(
        "records",
        "quotes, leads, communications, postal mail, feedback submissions, goal targets and deal splits are object types \
         with a working subset of their properties; the type id of deal splits",
        "HubSpot's documentation of each object; airbyte-source-hubspot 5.7.0 and meltano-tap-hubspot 0.10.1 ask for all",
        "every_further_type_has_properties_and_records",
    ),
];
