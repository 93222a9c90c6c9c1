//! How true the simulator is to HubSpot, and what it guesses: limits, credentials, records, search, faults, time.
//!
//! A table, so that it can be printed and checked: every row that is built names the test that holds it. Evidence is
//! public: HubSpot's documentation, recorded answers in other projects' tests, quotations in issues.

use std::fmt::Write;

/// How a behaviour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As recorded or documented.
    Known,
    /// Built from an inference, or by choosing the stricter side of a silence.
    Guessed,
    /// Not built.
    Absent,
}

/// One behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The part of HubSpot.
    pub area: &'static str,
    /// What it does.
    pub behaviour: &'static str,
    /// How well it is known.
    pub status: Status,
    /// Why we think so.
    pub evidence: &'static str,
    /// The test that holds it; empty where nothing is built.
    pub test: &'static str,
}

const fn known(area: &'static str, behaviour: &'static str, evidence: &'static str, test: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Known, evidence, test }
}

const fn guessed(area: &'static str, behaviour: &'static str, evidence: &'static str, test: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Guessed, evidence, test }
}

const fn absent(area: &'static str, behaviour: &'static str, evidence: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Absent, evidence, test: "" }
}

const RECORDED: &str = "recorded answers in the tests of grouparoo/grouparoo, 2021-2022";
const GUIDELINES: &str = "HubSpot's usage guidelines, 2024-2026";

/// What the hub does, row by row.
pub const FACTS: &[Fact] = &[
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
    absent("limits", "Remaining jumps up inside a burst, as from several counters", RECORDED),
    absent("limits", "a rate limit now and then answers 500 instead of 429", "one client's comment, undated"),
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
    known(
        "credentials",
        "no token: INVALID_AUTHENTICATION; no such token: EXPIRED_AUTHENTICATION since 1970",
        "live probes of 2025 and 2026",
        "each_stranger_gets_the_recorded_401",
    ),
    guessed(
        "credentials",
        "a revoked private app token answers like an expired one",
        "no recording",
        "a_revoked_token_is_dead_at_once",
    ),
    guessed(
        "credentials",
        "a 401 draws on no counter",
        "it belongs to no known app",
        "strangers_are_answered_401_and_counted_nowhere",
    ),
    known(
        "credentials",
        "a missing scope is a 403 MISSING_SCOPES with requiredGranularScopes",
        "PostHog/posthog#53339 (2026); the scopes of a call are those of the documentation",
        "a_missing_scope_is_a_403_that_names_it",
    ),
    known(
        "credentials",
        "schemas name the missing scope in the context of the answer; profile 2022 writes requiredScopes",
        "recorded answers of amp-labs/connectors; HubSpot/hubspot-api-nodejs#268 (2022)",
        "a_missing_scope_is_named_where_its_service_names_it",
    ),
    known(
        "credentials",
        "one of several scopes is enough: the sensitive ones, or `e-commerce` for products and line items",
        "a quotation in a public issue; HubSpot's list of scopes",
        "one_of_several_scopes_is_enough",
    ),
    guessed(
        "credentials",
        "schemas are written with `custom-object-write` or `crm.schemas.custom.write`",
        "by analogy with the recorded `custom-object-read`",
        "the_scope_follows_type_and_direction",
    ),
    known(
        "credentials",
        "POST /oauth/v2/private-apps/get/access-token-info names user, portal, app and scopes",
        "HubSpot's private app documentation, 2025",
        "token_info_tells_who_a_token_is_without_any_limit",
    ),
    known(
        "oauth",
        "the authorize page sends the person back with code and state, or with error, error_description and state",
        "HubSpot's OAuth documentation",
        "a_refusal_leads_back_with_an_error_and_the_state",
    ),
    known(
        "oauth",
        "the state goes back as it came",
        "HubSpot's OAuth documentation; RFC 6749, 4.1.2",
        "the_page_shows_what_is_asked_for_and_its_form_leads_back_with_code_and_state",
    ),
    known(
        "oauth",
        "a redirect address is https, or http on localhost, without an IP address, and registered to the letter",
        "HubSpot's OAuth documentation",
        "codes_are_sent_to_https_or_to_localhost_and_to_no_number",
    ),
    guessed(
        "oauth",
        "a wrong app, address or scope is a page of status 400 that leads nowhere",
        "the pages are seen, their status and exact text are not",
        "a_wrong_request_is_a_page_and_leads_nowhere",
    ),
    guessed(
        "oauth",
        "an optional scope is granted unless it is unticked on the page",
        "HubSpot grants it if the account has the product; the page stands for the account",
        "the_page_shows_what_is_asked_for_and_its_form_leads_back_with_code_and_state",
    ),
    guessed(
        "oauth",
        "every grant holds the scope `oauth`",
        "the sample answers of HubSpot's documentation",
        "the_page_shows_what_is_asked_for_and_its_form_leads_back_with_code_and_state",
    ),
    guessed(
        "oauth",
        "a code works once and for 60 seconds, and is spent by any attempt of its app",
        "documented as short lived, without a number; the stricter reading",
        "a_code_works_once_and_for_a_minute_and_for_its_own_app",
    ),
    guessed(
        "oauth",
        "PKCE with S256 for every app: a challenge wants its verifier, a verifier wants its challenge",
        "in the API specifications and used by HubSpot's MCP apps; undocumented for others",
        "a_code_with_a_challenge_wants_its_verifier",
    ),
    known(
        "oauth",
        "the token endpoints v1, v3, 2026-03 and 2026-09: four fields from v1, eight from the others",
        "HubSpot's OAuth documentation and API specifications, 2026",
        "each_generation_of_the_token_endpoint_answers_in_its_own_shape",
    ),
    known(
        "oauth",
        "a refresh returns the same refresh token; access tokens live 1,800 seconds",
        "NangoHQ/nango#7664 (2026) and HubSpot's documentation",
        "a_refresh_returns_the_same_refresh_token_and_another_access_token",
    ),
    known(
        "oauth",
        "an expired token is a 401 EXPIRED_AUTHENTICATION with its age and `expire time`",
        "quotations of 2022 and 2026 in public issues",
        "an_access_token_dies_after_thirty_minutes_and_says_how_long_ago",
    ),
    known(
        "oauth",
        "BAD_REFRESH_TOKEN and BAD_AUTH_CODE in `status`, next to the fields of RFC 6749, on v1 too",
        "HubSpot's change log of 2026; recorded answers",
        "each_wrong_parameter_has_its_own_status",
    ),
    guessed(
        "oauth",
        "BAD_GRANT_TYPE, BAD_CLIENT_ID, BAD_CLIENT_SECRET, BAD_REDIRECT_URI, BAD_CODE_VERIFIER, BAD_SCOPES: their texts, and that all are 400",
        "the codes are read by public clients of HubSpot; the texts are ours",
        "each_wrong_parameter_has_its_own_status",
    ),
    guessed(
        "oauth",
        "the token endpoint reads a form body alone: the address counts for nothing, JSON is a 415 page, more than 64 kB a 413 page",
        "documented as form parameters in the body; the refusals are not",
        "parameters_count_in_a_form_body_alone",
    ),
    known(
        "oauth",
        "revoking a refresh token leaves its access tokens alive",
        "usertour/usertour#490 and NangoHQ/nango",
        "revoking_a_refresh_token_leaves_its_access_tokens_alive",
    ),
    guessed(
        "oauth",
        "POST token/revoke answers 204, for an unknown token too, and kills an access token alone",
        "RFC 7009; v1 is documented with 204",
        "only_the_app_itself_revokes_its_tokens",
    ),
    known(
        "oauth",
        "introspection of a revoked, expired or unknown token is a 200 `active: false`; token, access_token and refresh_token name the parameter",
        "usertour/usertour#490; the specification and the documentation's samples",
        "introspection_describes_living_tokens_of_the_own_app_only",
    ),
    guessed(
        "oauth",
        "another app's token is `active: false`",
        "no source; the stricter reading",
        "introspection_describes_living_tokens_of_the_own_app_only",
    ),
    known(
        "oauth",
        "GET /oauth/v1/access-tokens has nine fields",
        "recorded by NangoHQ/nango (2026)",
        "version_1_tells_who_a_token_is_and_the_book_does_not_keep_it",
    ),
    guessed(
        "oauth",
        "version 1 answers 404 `resource not found` for an unknown or dead token",
        "no recording",
        "version_1_tells_who_a_token_is_and_the_book_does_not_keep_it",
    ),
    guessed(
        "oauth",
        "client_credentials wants a scope; its token opens no portal",
        "documented for app-level APIs, none of which is built",
        "client_credentials_give_a_token_of_the_app_that_opens_no_portal",
    ),
    known(
        "oauth",
        "DELETE /appinstalls/{version}/external-install removes the app, 204",
        "HubSpot's change log of 2026",
        "an_uninstalled_app_loses_every_token_of_the_portal",
    ),
    guessed(
        "oauth",
        "an uninstalled app's access tokens die at once",
        "no source; the stricter reading",
        "an_uninstalled_app_loses_every_token_of_the_portal",
    ),
    absent("oauth", "a limit of the token endpoints", "none is documented with a number"),
    absent(
        "oauth",
        "the end of version 1 on 2027-02-16",
        "announced in HubSpot's change log; it answers whatever the clock says",
    ),
    absent(
        "oauth",
        "signed_access_token in answers; client_assertion in place of a secret",
        "in the API specifications, without a description",
    ),
    absent("oauth", "accounts in Europe are sent on to app-eu1", "HubSpot's OAuth documentation"),
    known(
        "account",
        "the daily use of private apps is served from a copy of up to five minutes",
        "HubSpot's account documentation; the age by third parties",
        "the_daily_use_is_a_copy_of_up_to_five_minutes",
    ),
    guessed(
        "objects",
        "`after` of a list is the id of the next record, itself included",
        "in recordings the token is the last record's id or the next one's; whether it is included is not said",
        "a_list_ascends_and_hands_out_the_next_id",
    ),
    guessed(
        "objects",
        "an e-mail address with a character beyond ASCII is INVALID_EMAIL, in either part",
        "no recording; the stricter reading",
        "too_long_a_value_and_an_address_beyond_ascii_have_codes_of_their_own",
    ),
    guessed(
        "objects",
        "a value of more than 65,536 characters is PROPERTY_VALUE_TOO_LONG",
        "the length is documented, the code is not",
        "too_long_a_value_and_an_address_beyond_ascii_have_codes_of_their_own",
    ),
    guessed(
        "objects",
        "a create that takes the unique value of another record is a 400 CONFLICTING_UNIQUE_VALUE",
        "no recording for custom unique properties on create",
        "a_unique_property_finds_records_and_refuses_a_second_owner",
    ),
    guessed(
        "objects",
        "archiving a record removes its associations",
        "no source says what reads show",
        "archiving_a_record_removes_its_associations",
    ),
    guessed(
        "objects",
        "a body that is not declared as JSON is a 415 page of the servlet container",
        "no recording; other wrong calls get such pages",
        "a_body_that_is_not_declared_as_json_is_a_415_page",
    ),
    guessed(
        "batches",
        "upsert by e-mail succeeds in part where its inputs have trace ids",
        "documented as all or nothing, seen live in part; an option chooses",
        "an_upsert_by_email_succeeds_in_part_unless_the_portal_is_told_otherwise",
    ),
    guessed(
        "batches",
        "a read with unknown property names is a 207 that reports them",
        "sources contradict each other; an option chooses",
        "an_unknown_property_is_an_error_beside_the_results_of_a_batch_read",
    ),
    guessed(
        "batches",
        "results come in any order, but those of association writes in the order of their inputs",
        "a changed order is recorded for objects; nothing is said of associations",
        "only_writes_of_associations_answer_in_the_order_of_their_inputs",
    ),
    known(
        "associations",
        "a version 3 batch create is answered 200, 201 before August 2025: HubSpot's own clients still expect 201",
        "HubSpot/hubspot-api-python#448 and HubSpot/hubspot-api-php#506 (2025)",
        "a_batch_of_version_3_associations_is_answered_200",
    ),
    guessed(
        "schemas",
        "dated paths say `allowsSensitiveProperties`, version 3 does not",
        "HubSpot's SDK for 2026-03 demands the key, its clients for version 3 do not know it",
        "a_schema_of_a_dated_path_says_whether_it_allows_sensitive_properties",
    ),
    guessed(
        "search",
        "records without a value come last in a sort of either direction",
        "no source",
        "records_without_a_value_come_last_in_both_directions",
    ),
    guessed("search", "`hs_object_id` sorts as a number", "its type is number", "record_ids_sort_as_numbers"),
    guessed(
        "search",
        "asking past the 10,000th record is the generic 400",
        "the limit is documented, its body is not",
        "pages_are_offsets_and_end_at_ten_thousand",
    ),
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
];

/// What stands above the table.
const INTRODUCTION: &str = "\
# How true the simulator is

What `linchpin sim` does, how well it is known that HubSpot does the same, and the test that holds it.
The evidence is public: HubSpot's documentation, answers recorded in other projects' tests, quotations in issues.
A behaviour is `known` if it is documented or recorded, `guessed` if it was inferred or the stricter side of a silence \
was chosen, `absent` if it is not built.
[The simulator's guide](../guides/simulator.md) says how to use it.

This page is made from `crates/simulator/src/fidelity.rs` by `cargo xtask generate`.

| Area | Behaviour | Status | Evidence | Test |
|---|---|---|---|---|
";

/// The page `docs/simulator/fidelity.md`.
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for fact in FACTS {
        let status = match fact.status {
            Status::Known => "known",
            Status::Guessed => "guessed",
            Status::Absent => "absent",
        };
        let test = if fact.test.is_empty() { String::new() } else { format!("`{}`", fact.test) };
        let row = writeln!(text, "| {} | {} | {status} | {} | {test} |", fact.area, fact.behaviour, fact.evidence);
        row.expect("invariant: writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn sources(folder: &Path) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                text.push_str(&sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        text
    }

    #[test]
    fn every_built_behaviour_names_a_test_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let code = sources(&root.join("src")) + &sources(&root.join("tests"));
        for fact in FACTS {
            let built = fact.status != Status::Absent;
            assert_eq!(built, !fact.test.is_empty(), "{}", fact.behaviour);
            assert!(!built || code.contains(&format!("fn {}(", fact.test)), "no test {}", fact.test);
        }
    }

    #[test]
    fn the_table_prints_one_row_for_each_fact() {
        assert_eq!(markdown().lines().count(), INTRODUCTION.lines().count() + FACTS.len());
    }
}
