//! F: credentials, scopes, OAuth.

use super::{HSCLI, NANGO, Observed, row};

pub(super) const ROWS: &[Observed] = &[
    row(
        "F1",
        "an expired token is told how long ago; the key of the time has a space",
        "quoted in a public repository, 2022",
        &["an_access_token_dies_after_thirty_minutes_and_says_how_long_ago"],
    ),
    row(
        "F2",
        "a text that is no token expired in 1970",
        "quoted in two public repositories, 2025",
        &["each_stranger_gets_the_recorded_401"],
    ),
    row(
        "F3",
        "no token is INVALID_AUTHENTICATION; the words of older services are not built",
        "live probes by Luigi08001/hscli, April 2026",
        &["each_stranger_gets_the_recorded_401", "strangers_are_answered_401_and_counted_nowhere"],
    ),
    row(
        "F4",
        "a missing scope is named in the errors or in the context of the answer, by service",
        "PostHog/posthog#53339 (2026), HubSpot/hubspot-api-nodejs#268 (2022), amp-labs/connectors",
        &["a_missing_scope_is_named_where_its_service_names_it", "a_missing_scope_is_a_403_that_names_it"],
    ),
    row(
        "F5",
        "any one of several scopes is enough",
        "a public repository, August 2026",
        &["one_of_several_scopes_is_enough"],
    ),
    row(
        "F6",
        "calls about an app answer 401 to the token of a private app",
        HSCLI,
        &["only_the_developer_key_opens_the_management_of_webhooks"],
    ),
    row(
        "F7",
        "a token answer has 1,800 seconds; a refresh returns the same refresh token",
        "NangoHQ/nango#7664 (2026); HubSpot's documentation",
        &[
            "a_refresh_returns_the_same_refresh_token_and_another_access_token",
            "each_generation_of_the_token_endpoint_answers_in_its_own_shape",
        ],
    ),
    row(
        "F8",
        "a bad refresh token is a 400 BAD_REFRESH_TOKEN with invalid_grant beside it in 2026",
        NANGO,
        &["each_wrong_parameter_has_its_own_status"],
    ),
    row(
        "F9",
        "every other wrong parameter has a status word of its own",
        "code of PostHog/posthog and NangoHQ/nango",
        &["each_wrong_parameter_has_its_own_status"],
    ),
    row(
        "F10",
        "a revoked token is told inactive; revoking a refresh token leaves access tokens alive",
        "usertour/usertour#490; NangoHQ/nango",
        &[
            "introspection_describes_living_tokens_of_the_own_app_only",
            "revoking_a_refresh_token_leaves_its_access_tokens_alive",
        ],
    ),
    row(
        "F11",
        "version 1 tells nine things of an access token",
        NANGO,
        &["version_1_tells_who_a_token_is_and_the_book_does_not_keep_it"],
    ),
    row(
        "F12",
        "the token endpoint has dated versions",
        "NangoHQ/nango; HubSpot's change log of 2026",
        &["each_generation_of_the_token_endpoint_answers_in_its_own_shape"],
    ),
];
