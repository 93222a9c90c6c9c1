//! Observed behaviours that no other table holds.

use super::{Fact, RECORDED, known};

pub(super) const FACTS: &[Fact] = &[
    known(
        "search",
        "a search finds by what its index holds and shows what the records hold now",
        "108 of 108 recorded searches within eight seconds of a write show it, twelve beside a filter that no longer fits",
        "a_search_finds_by_old_values_and_shows_the_new_ones",
    ),
    known(
        "headers",
        "every answer of the API has Strict-Transport-Security and Access-Control-Allow-Credentials, and Vary if it has \
         a body",
        RECORDED,
        "every_answer_of_the_api_has_its_standing_headers",
    ),
    known(
        "objects",
        "an update that writes the e-mail of a contact tells its domain too",
        RECORDED,
        "answers_have_the_shape_of_those_recorded_in_2021_and_2022",
    ),
    known(
        "recordings",
        "status, header set, keys and types are those of 852 recorded exchanges, but for fields that newer \
         recordings have",
        RECORDED,
        "answers_have_the_shape_of_those_recorded_in_2021_and_2022",
    ),
    known(
        "recordings",
        "status, keys and types are those of 30 answers of 2025 and 2026",
        "answers kept in the tests of amp-labs/connectors",
        "answers_have_the_shape_of_those_kept_in_2025_and_2026",
    ),
    known(
        "recordings",
        "status, keys and types are those of 31 refusals quoted in public, and messages those of a live probe",
        "issues and logs, 2019-2026; Luigi08001/hscli (2026)",
        "refusals_have_the_shape_of_those_quoted_in_public",
    ),
    known(
        "recordings",
        "keys, types, words and headers are those of 6 webhook deliveries that receivers wrote down, but for nine named \
         differences",
        "deliveries of 2019 to 2026 in public repositories, one on HubSpot's page about request validation",
        "deliveries_have_the_shape_of_those_that_receivers_wrote_down",
    ),
    known(
        "batches",
        "a batch answers and writes what single calls do, but for its envelope and for seven named differences",
        "HubSpot's documentation describes the two as one; the differences are those observed",
        "two_thousand_sequences_of_single_calls_and_of_batches_end_in_the_same_state",
    ),
];
