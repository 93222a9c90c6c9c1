//! A: rate limits.

use super::{GROUPAROO, HSCLI, Observed, row, without};

pub(super) const ROWS: &[Observed] = &[
    row(
        "A1",
        "an answer to a call that is no search carries seven rate headers, whatever its status",
        "409 of 409 answers to an API key recorded by grouparoo/grouparoo, 2021-2022; 121 of 122 to a service key, 2026",
        &[
            "each_credential_gets_the_headers_that_were_recorded_for_it",
            "the_recorded_rate_limits_of_2022_replay_within_the_stated_tolerance",
        ],
    ),
    row(
        "A2",
        "for an OAuth app the daily pair is absent, the other five are there",
        "235 of 235 answers recorded by grouparoo/grouparoo, 2022; NangoHQ, March 2026",
        &[
            "each_credential_gets_the_headers_that_were_recorded_for_it",
            "an_oauth_token_has_its_own_limit_headers_and_scopes",
        ],
    ),
    row(
        "A3",
        "a search carries the daily pair alone, and nothing for an OAuth app",
        "711 searches recorded by grouparoo/grouparoo, 2022; NangoHQ, March 2026",
        &[
            "each_credential_gets_the_headers_that_were_recorded_for_it",
            "the_recorded_rate_limits_of_2022_replay_within_the_stated_tolerance",
        ],
    ),
    row(
        "A4",
        "Secondly is a tenth of Max and Secondly-Remaining a tenth of Remaining; neither refuses anything",
        "644 of 644 answers recorded by grouparoo/grouparoo; 190 and 19, 110 and 11 seen elsewhere",
        &["header_values_follow_the_counters", "the_ten_seconds_refuse_the_next_call_with_the_body_that_sdks_know"],
    ),
    row(
        "A5",
        "the ten seconds roll second by second: Remaining recovers in steps",
        GROUPAROO,
        &["the_two_models_part_where_a_second_turns", "recorded_remaining_values_follow_ten_whole_seconds"],
    ),
    row(
        "A6",
        "Remaining jumps up inside a burst, as from several counters; an option, off by default",
        GROUPAROO,
        &["remaining_jumps_inside_a_burst_only_where_several_counters_are_chosen"],
    ),
    row(
        "A7",
        "a search spends a unit of the day and none of the ten seconds; a refused call spends its unit too",
        "748 of 751 consecutive calls recorded by grouparoo/grouparoo",
        &[
            "every_call_of_a_private_app_costs_a_unit_of_the_day_refused_ones_too",
            "searches_of_all_apps_share_one_second_and_leave_the_ten_seconds_alone",
        ],
    ),
    row(
        "A8",
        "four searches per second and token in 2022; five per second and account since",
        "69 refusals among 711 recorded searches of grouparoo/grouparoo; HubSpot's usage guidelines of 2025 and 2026",
        &[
            "the_profile_of_2022_has_the_limits_of_the_recordings_whatever_the_plan",
            "searches_of_all_apps_share_one_second_and_leave_the_ten_seconds_alone",
        ],
    ),
    without(
        "A9",
        "any call may be refused by a limit per second, policy SECONDLY",
        "HGData/mk-node-hubspot#84 and #89 (2018)",
        "gone since about 2020; only searches have a limit per second today",
    ),
    row(
        "A10",
        "the 429 of the ten seconds has errorType, policyName and groupName and no category",
        "HubSpot/hubspot-api-python#117 (2022); a quotation of 2026",
        &["each_limit_has_its_recorded_body_in_the_recorded_key_order"],
    ),
    row(
        "A11",
        "the 429 of a search has category RATE_LIMITS and nothing else in 2022",
        "69 of 69 recorded by grouparoo/grouparoo",
        &["each_limit_has_its_recorded_body_in_the_recorded_key_order"],
    ),
    row(
        "A12",
        "and errorType RATE_LIMIT right behind its message in 2026",
        HSCLI,
        &["each_limit_has_its_recorded_body_in_the_recorded_key_order"],
    ),
    row(
        "A13",
        "HubSpot's Node client waits only for policyName TEN_SECONDLY_ROLLING or one exact message",
        "HubSpot/hubspot-api-nodejs, its decorator of retries",
        &["every_limit_that_passes_by_itself_is_known_to_hubspots_own_client"],
    ),
    row(
        "A14",
        "the 429 of the day has policyName DAILY",
        "HubSpot's documentation; no recording",
        &[
            "each_limit_has_its_recorded_body_in_the_recorded_key_order",
            "the_day_refuses_a_private_app_until_midnight_and_never_an_oauth_app",
        ],
    ),
    row(
        "A15",
        "no 429 says when to come back",
        "69 of 69 recorded by grouparoo/grouparoo; HubSpot's documentation",
        &["each_limit_has_its_recorded_body_in_the_recorded_key_order"],
    ),
    row(
        "A16",
        "a rate limit now and then answers 500 with category RATE_LIMITS; a fault on request",
        "a client's comment, undated; HubSpot/hubspot-php#192 (2019)",
        &["a_rate_limit_may_also_be_answered_500"],
    ),
    row(
        "A17",
        "100, 190 or 250 calls in ten seconds by plan, 110 for an OAuth app; the day ends at the portal's midnight",
        "HubSpot's usage guidelines, 2024-2026; 100, 110, 190 and 250,000 seen live",
        &[
            "each_plan_refuses_after_its_own_number_of_calls",
            "a_day_ends_at_midnight_of_the_zone_and_may_have_23_or_25_hours",
        ],
    ),
    row(
        "A18",
        "the usage of the day has a limit, a current use and an age, and lags",
        "HGData/mk-node-hubspot#66 (2017); live notes of scopiousdigital/kalup, October 2026",
        &["the_daily_use_is_a_copy_of_up_to_five_minutes"],
    ),
    row(
        "A19",
        "438 reads at full speed drew two 429, both on searches",
        HSCLI,
        &["reads_at_an_honest_pace_pass_where_searches_are_refused"],
    ),
    row(
        "A20",
        "a thousand calls eight at a time are mostly refused by the ten seconds",
        "notes in a public repository, September 2026: 311 of 371 companies failed",
        &["a_flood_of_calls_is_mostly_refused_by_the_ten_seconds"],
    ),
];
