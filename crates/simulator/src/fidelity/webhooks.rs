//! Events that HubSpot sends, and its journal of them.

use super::{Fact, absent, guessed, known};

const GUIDE: &str = "HubSpot's webhooks guide, 2025-2026";
const CAPTURES: &str = "deliveries of 2022 to 2026 that receivers wrote down in public repositories";
const VALIDATION: &str = "HubSpot's guide on validating requests; vectors of HubSpot/hubspot-api-nodejs and -python";
const JOURNAL: &str = "HubSpot's webhooks journal guide and API reference, 2026";

pub(super) const FACTS: &[Fact] = &[
    known(
        "webhooks",
        "an array of events with eventId, subscriptionId, portalId, appId, occurredAt, subscriptionType, \
         attemptNumber, objectId, changeSource and sourceId",
        CAPTURES,
        "events_about_records_have_the_fields_of_recorded_deliveries",
    ),
    known(
        "webhooks",
        "changeFlag CREATED, or NEW where it is chosen (2017, fixtures and the test button)",
        CAPTURES,
        "the_flag_of_a_creation_is_new_where_it_is_asked_for",
    ),
    guessed(
        "webhooks",
        "changeFlag of a restoration is RESTORED, of a privacy deletion DELETED",
        "no delivery of either was found",
        "events_about_records_have_the_fields_of_recorded_deliveries",
    ),
    guessed(
        "webhooks",
        "changeSource: INTEGRATION and the app's number for calls, CRM_UI and userId for people (USER on associations), \
         CALCULATED without a sourceId for HubSpot itself",
        "CRM_UI and USER are recorded; the others follow the documented set of values",
        "what_hubspot_computes_is_told_as_calculated_and_without_a_source",
    ),
    known(
        "webhooks",
        "property changes tell name and value; a write that changes nothing tells nothing; a cleared value is empty",
        GUIDE,
        "a_property_change_tells_the_new_value_and_only_to_those_who_asked_for_it",
    ),
    guessed(
        "webhooks",
        "a creation also tells the values that were set, as property changes",
        "no source; what a receiver of both must be ready for",
        "a_property_change_tells_the_new_value_and_only_to_those_who_asked_for_it",
    ),
    known(
        "webhooks",
        "the value of a sensitive property is REDACTED; generic events say isSensitive",
        GUIDE,
        "the_value_of_a_sensitive_property_is_told_to_nobody",
    ),
    known(
        "webhooks",
        "an association is told from both sides and once for each type, without objectId and changeFlag",
        "HubSpot's webhooks guide and changelog; a delivery of August 2026",
        "an_association_is_told_from_both_sides_and_once_for_each_of_its_types",
    ),
    guessed(
        "webhooks",
        "isPrimaryAssociation is told of object types that have a primary type, and of no others",
        "the guide shows it for contacts and companies; the recorded one, of a line item, lacks it",
        "a_pair_without_a_primary_type_says_nothing_of_primaries",
    ),
    guessed(
        "webhooks",
        "archiving, restoring and merging tell of the records and not of their associations",
        "no source; a receiver that waits for association events finds none",
        "archiving_tells_of_the_record_and_not_of_its_associations",
    ),
    known(
        "webhooks",
        "a merge names primary, merged and new record; the merged one is also told as deleted, moved values are not told",
        "HubSpot's webhooks guide; amp-labs/connectors#3487",
        "a_merge_names_both_and_the_new_record_and_deletes_the_merged_one",
    ),
    known(
        "webhooks",
        "a privacy deletion also tells of a deletion",
        GUIDE,
        "a_privacy_deletion_also_tells_of_a_deletion",
    ),
    known(
        "webhooks",
        "generic object.* events say objectTypeId, and both types and the association type of an association",
        "HubSpot's changelog of generic subscriptions",
        "generic_events_say_the_type_and_know_custom_objects",
    ),
    known(
        "webhooks",
        "eventId is not unique: one happening has one number, whatever subscription tells of it",
        "HubSpot's webhooks guide; dubinc/dub#3799",
        "event_ids_are_not_unique_but_the_whole_key_is",
    ),
    known(
        "webhooks",
        "right after its event a record may read as missing (`read_gap_ms`; off without a word)",
        "a delivery of August 2026: the object read 404 half a second after the event",
        "a_new_record_reads_as_missing_for_a_while_where_that_is_asked_for",
    ),
    known(
        "webhooks",
        "at most 100 events in a POST, ten POSTs at a time for an app",
        GUIDE,
        "a_post_has_at_most_a_hundred_events_and_ten_are_under_way_at_a_time",
    ),
    guessed(
        "webhooks",
        "events leave 0.5 to 1.5 s after the change, those of one call together",
        "recorded delays of 0.55, 0.69 and 1.48 s",
        "a_delivery_waits_for_its_delay_and_what_one_call_did_travels_together",
    ),
    known(
        "webhooks",
        "connection failures, timeouts and every 4xx and 5xx are tried again, ten times within 24 hours, at random",
        GUIDE,
        "a_refused_delivery_comes_again_with_a_higher_attempt_number_ten_times_within_a_day",
    ),
    guessed(
        "webhooks",
        "gaps between retries grow with the square of the attempt; each event has its own",
        "the guide says only that retries are spread over 24 hours and randomised",
        "a_refused_delivery_comes_again_with_a_higher_attempt_number_ten_times_within_a_day",
    ),
    known(
        "webhooks",
        "a receiver may take ten seconds, and the header says so; five by choice",
        "a delivery of January 2026 has the header with 10000; the guide says five seconds",
        "a_receiver_that_is_silent_too_long_gets_it_again",
    ),
    known(
        "webhooks",
        "headers: User-Agent, X-HubSpot-Signature with version v1, X-HubSpot-Signature-v3 with its timestamp; either \
         alone by choice",
        "a delivery of January 2026; HubSpot does not say which products send which",
        "the_headers_are_those_of_recorded_deliveries",
    ),
    known(
        "webhooks",
        "v1 and v2 are SHA-256 in hex, v3 is an HMAC in base64 over the address with twelve escapes decoded",
        VALIDATION,
        "the_signatures_that_hubspot_publishes_are_ours",
    ),
    known(
        "webhooks",
        "a workflow's webhook action: any body, v2; no retry after a 4xx but 429, whose Retry-After is in milliseconds",
        "HubSpot's guide on workflow webhooks",
        "a_workflow_action_tries_again_after_a_429_and_a_5xx_and_after_no_other_4xx",
    ),
    guessed(
        "webhooks",
        "its retries: after a minute, then in doubling gaps up to eight hours, for three days",
        "documented for custom code actions, not for this one",
        "a_workflow_action_tries_again_after_a_429_and_a_5xx_and_after_no_other_4xx",
    ),
    known(
        "webhooks",
        "the test button: event 100, object 123, property message with sample-value, changeFlag NEW",
        "quoted in several public projects",
        "the_test_button_sends_its_sample",
    ),
    known(
        "webhooks",
        "nobody pushes a message when an app is removed; its events stop",
        GUIDE,
        "a_public_app_hears_of_the_portals_that_installed_it_and_of_no_other",
    ),
    known(
        "webhooks management",
        "a private app's token gets a 401; a developer key opens settings and subscriptions on /webhooks/v3, 2026-03 \
         and /app-webhooks",
        "a live probe of April 2026; HubSpot's API reference",
        "only_the_developer_key_opens_the_management_of_webhooks",
    ),
    guessed(
        "webhooks management",
        "a wrong developer key is a 401 of its own",
        "the text is quoted for older APIs",
        "only_the_developer_key_opens_the_management_of_webhooks",
    ),
    known(
        "webhooks management",
        "the target is https and more than five POSTs at a time are allowed; a target on localhost may be http, \
         which HubSpot refuses",
        "HubSpot's webhooks guide; a simulator that reaches no local receiver would be of no use",
        "settings_need_an_https_target_and_more_than_five_posts_at_a_time",
    ),
    known(
        "webhooks management",
        "a subscription is inactive unless it says otherwise; only `active` can change",
        GUIDE,
        "a_subscription_is_made_switched_and_deleted_and_only_its_switch_can_change",
    ),
    guessed(
        "webhooks management",
        "the same subscription twice is a 409; unknown ids in a batch are a 207",
        "no source for the bodies",
        "a_batch_switches_what_it_finds_and_names_what_it_does_not",
    ),
    known(
        "webhooks management",
        "48 types of events; hs_lastmodifieddate and num_unique_conversion_events cannot be subscribed to",
        "HubSpot's API reference and webhooks guide",
        "there_are_forty_eight_types_of_events",
    ),
    known(
        "webhooks management",
        "1,000 subscriptions for an app, and the documented refusal of one more",
        "HubSpot's API guidelines",
        "a_wrong_subscription_and_the_one_above_the_limit_are_refused",
    ),
    known(
        "webhooks management",
        "a project's webhooks-hsmeta.json says target and subscriptions (given to the simulator by its control API)",
        "templates of HubSpot/hubspot-project-components",
        "a_projects_file_says_target_and_subscriptions",
    ),
    absent("webhooks management", "settings that take effect up to five minutes later", "HubSpot's guide of 2025"),
    absent("webhooks management", "a developer's personal token instead of the key", "no source for its form"),
    absent("webhooks", "conversation.* and event.completed fire", "their records are not simulated"),
    absent("webhooks", "deleting an association label tells of the associations that lose it", "no source"),
    known(
        "journal",
        "files of events by offset: earliest, latest, next, batches, by offsets; 204 at the end; on the legacy and the \
         dated paths",
        JOURNAL,
        "files_are_found_by_offset_one_by_one_and_in_batches",
    ),
    known(
        "journal",
        "object, association and privacy events in the guide's shapes, without an eventId",
        JOURNAL,
        "the_journal_tells_what_happened_in_the_shape_of_the_guide",
    ),
    guessed(
        "journal",
        "what a subscription names is told once for an app; without properties all are told; a merge names its records",
        "no source",
        "only_the_properties_and_records_that_are_asked_for_are_told",
    ),
    guessed(
        "journal",
        "a file is published a second after its first event, or with 10,000 events or 5 MB",
        "the sizes are in HubSpot's changelog of July 2026; the moment is nowhere",
        "files_are_found_by_offset_one_by_one_and_in_batches",
    ),
    guessed(
        "journal",
        "a link works for ten minutes, then it is a 403",
        "the guide says that links are signed and expire",
        "a_link_expires_and_cannot_be_forged",
    ),
    known(
        "journal",
        "files are kept for three days",
        JOURNAL,
        "files_leave_after_three_days_and_the_reader_meets_a_gap",
    ),
    guessed(
        "journal",
        "an offset that is kept no more is a 404",
        "no source",
        "files_leave_after_three_days_and_the_reader_meets_a_gap",
    ),
    known(
        "journal",
        "an app's own token with the journal's scopes opens it, no other does",
        JOURNAL,
        "the_journal_opens_for_an_apps_own_token_with_the_right_scope_and_for_nobody_else",
    ),
    known(
        "journal",
        "100 calls a second, 50 for subscriptions, 10 for snapshots, outside every other limit",
        "HubSpot's documentation of September 2026",
        "an_app_may_read_its_journal_a_hundred_times_a_second_and_its_subscriptions_fifty_times",
    ),
    known(
        "journal",
        "a snapshot is ordered, its status asked, and its values come as an event",
        JOURNAL,
        "a_snapshot_comes_as_an_event_and_its_status_can_be_asked",
    ),
    known(
        "journal",
        "creating a subscription for the same thing again changes it",
        JOURNAL,
        "only_the_properties_and_records_that_are_asked_for_are_told",
    ),
    absent("journal", "filters of subscriptions", JOURNAL),
    absent("journal", "events of installations and of list memberships (both can be subscribed to)", JOURNAL),
];
