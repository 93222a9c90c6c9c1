//! How often a portal may be called, and what its answers say of it.

use super::{Fact, GUIDELINES, RECORDED, guessed, known};

pub(super) const FACTS: &[Fact] = &[
    known(
        "limits",
        "100, 190 or 250 calls per ten seconds for each private app; 110 for each OAuth app",
        GUIDELINES,
        "each_plan_refuses_after_its_own_number_of_calls",
    ),
    known(
        "limits",
        "association batches and labels have ten seconds of their own: 100, 150 or 200",
        "HubSpot's associations guide; the API specifications exempt these calls from the ten seconds",
        "each_plan_refuses_after_its_own_number_of_calls",
    ),
    guessed(
        "limits",
        "the association bucket is shared by all apps of the account",
        "no source; the stricter reading",
        "each_plan_refuses_after_its_own_number_of_calls",
    ),
    known(
        "limits",
        "five searches per second for the whole account, outside the ten seconds",
        "usage guidelines; Remaining stands still across recorded searches",
        "searches_of_all_apps_share_one_second_and_leave_the_ten_seconds_alone",
    ),
    known(
        "limits",
        "`seconds`: the window sums whole seconds, the current one and the nine before",
        "316 of 409 recorded Remaining values match to the unit; a second more or less matches fewer than 200",
        "recorded_remaining_values_follow_ten_whole_seconds",
    ),
    guessed(
        "limits",
        "`exact`: a call is forgotten ten seconds after it was counted",
        "the policy's name; the stricter model, therefore the default",
        "both_models_agree_with_a_count_over_the_whole_history",
    ),
    known(
        "limits",
        "every call costs a unit of the day, whether 200, 400, 404 or 429",
        "the recorded daily counter fell by one in 748 of 751 consecutive calls",
        "every_call_of_a_private_app_costs_a_unit_of_the_day_refused_ones_too",
    ),
    guessed(
        "limits",
        "an association batch also costs a unit of the account's day",
        "the API specifications exempt it from the ten seconds only",
        "every_call_of_a_private_app_costs_a_unit_of_the_day_refused_ones_too",
    ),
    known(
        "limits",
        "the day ends at midnight of the account's time zone and may have 23 or 25 hours",
        GUIDELINES,
        "a_day_ends_at_midnight_of_the_zone_and_may_have_23_or_25_hours",
    ),
    known(
        "limits",
        "OAuth apps have no daily limit",
        GUIDELINES,
        "the_day_refuses_a_private_app_until_midnight_and_never_an_oauth_app",
    ),
    guessed(
        "limits",
        "a refused call does not fill the window that refused it; `count_rejected` chooses the opposite",
        "no source",
        "a_refused_call_fills_the_window_only_where_the_stricter_reading_is_chosen",
    ),
    guessed(
        "limits",
        "a call is counted at a random moment inside its latency",
        "nothing tells when; the range is what a client must be ready for",
        "a_call_is_counted_inside_its_latency_and_answered_at_its_end",
    ),
    known(
        "limits",
        "profile 2022: 100 calls per ten seconds, 250,000 a day, four searches per second and token, the 429 of then",
        RECORDED,
        "the_profile_of_2022_has_the_limits_of_the_recordings_whatever_the_plan",
    ),
    known(
        "limits",
        "profile 2022 replayed: header sets and limits equal in 1,355 of 1,355 calls, Remaining equal in 447 and within \
         two in 533 of 644, 429 in 63 of 69 searches and 17 more, where recorded times are whole seconds",
        RECORDED,
        "the_recorded_rate_limits_of_2022_replay_within_the_stated_tolerance",
    ),
    known(
        "limits",
        "`remaining_counters` above one lets Remaining jump inside a burst, as from several counters; off by default",
        RECORDED,
        "remaining_jumps_inside_a_burst_only_where_several_counters_are_chosen",
    ),
    guessed(
        "faults",
        "a rate limit now and then answers 500 instead of 429: a fault with `as_500`",
        "one client's comment, undated",
        "a_rate_limit_may_also_be_answered_500",
    ),
    known(
        "headers",
        "seven rate headers for a private app, five for OAuth; on searches the daily pair or none",
        "1,355 recorded answers of 2021-2022; the same sets seen in 2026",
        "each_credential_gets_the_headers_that_were_recorded_for_it",
    ),
    known(
        "headers",
        "Secondly is a tenth of Max, Secondly-Remaining a tenth of Remaining",
        "644 of 644 recorded answers",
        "header_values_follow_the_counters",
    ),
    guessed(
        "headers",
        "association batches carry the headers of a search",
        "both are exempt from the ten seconds",
        "each_credential_gets_the_headers_that_were_recorded_for_it",
    ),
    known(
        "429",
        "ten seconds: errorType, policyName TEN_SECONDLY_ROLLING and groupName, no category, no Retry-After",
        "HubSpot/hubspot-api-python#117 (2022) and a quotation of 2026",
        "each_limit_has_its_recorded_body_in_the_recorded_key_order",
    ),
    guessed(
        "429",
        "search: errorType behind the message, nothing behind the correlation id",
        "a live probe of April 2026, cut in the report",
        "each_limit_has_its_recorded_body_in_the_recorded_key_order",
    ),
    known(
        "429",
        "day: policyName DAILY",
        "documented example; its requestId was announced as removed in 2020",
        "each_limit_has_its_recorded_body_in_the_recorded_key_order",
    ),
];
