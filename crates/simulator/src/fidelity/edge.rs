//! What stands in front of the API, and faults on request.

use super::{Fact, guessed, known};

pub(super) const FACTS: &[Fact] = &[
    guessed(
        "edge",
        "an address of more than 16,000 bytes is a 414 in HTML",
        "reports name about 8, 16 and 32 kB",
        "a_long_address_is_a_414_of_the_edge",
    ),
    known(
        "faults",
        "502 to 526 are HTML of the edge without rate headers; 500 is JSON",
        "HubSpot/hubspot-php#341 and live probes",
        "the_edge_answers_in_html_and_the_api_in_json",
    ),
    guessed(
        "faults",
        "423 and 477 have the plain envelope; 477 has Retry-After",
        "documented without a body",
        "the_edge_answers_in_html_and_the_api_in_json",
    ),
    known(
        "faults",
        "an answer may be lost although the call was executed",
        "documented for 524; the nature of networks",
        "a_lost_answer_closes_the_socket_without_a_byte",
    ),
    guessed(
        "faults",
        "a write whose connection was cut may be done seconds later; it was let in and counted before",
        "the nature of queues behind an edge; how long is not documented",
        "a_lost_write_may_be_done_long_after_its_connection_was_cut",
    ),
    known(
        "page",
        "what a person changes has the source CRM_UI and userId:N in history and record source",
        "HubSpot's documentation of change sources; recorded webhooks of 2019 to 2025",
        "a_persons_edit_is_refused_by_the_same_rules_and_says_who_made_it",
    ),
    known(
        "legacy",
        "notes and tasks are written by /engagements/v1/engagements, answered 200 with the whole engagement",
        "HubSpot's legacy documentation, and what @hubspot/mcp-server 0.4.0 sends",
        "a_note_or_task_is_made_and_changed_by_the_legacy_path_and_is_a_record_of_its_type",
    ),
    guessed(
        "legacy",
        "meetings, calls and emails are written there as well, by the metadata that the list shows",
        "HubSpot's legacy documentation; no recording",
        "engagements_of_all_five_types_are_made_by_the_legacy_path",
    ),
    guessed(
        "legacy",
        "an update of an engagement adds associations and removes none; fields that no property holds are left out",
        "undocumented; the MCP server sends empty lists with every update",
        "a_note_or_task_is_made_and_changed_by_the_legacy_path_and_is_a_record_of_its_type",
    ),
    guessed(
        "legacy",
        "engagements of all types count their ids together",
        "the legacy path names one by its id alone",
        "no_two_engagements_of_any_type_share_an_id",
    ),
];
