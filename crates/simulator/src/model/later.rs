//! Families that come later: their list calls answer truthfully that there is nothing, in the shape that HubSpot gives
//! an account without such things. Every other path of theirs is an unknown one.
//!
//! Source: HubSpot's API reference of each family; the two refusals are from a live probe of April 2026.

use http::Method;
use serde_json::{Value, json};

use super::answer::{Outcome, Refusal, Reply};
use super::call::Call;
use super::time;

/// How a family writes that it has nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    /// `{"results": []}`
    Results,
    /// `{"total": 0, "results": []}`
    Total,
    /// An empty list under a name of its own.
    Under(&'static str),
    /// `[]`
    Bare,
    /// As a finished action: `{"status": "COMPLETE", "results": [], ...}`
    Action,
    /// Only apps with a developer key may ask: a private app's token is no credential here.
    DeveloperOnly,
}

use Nothing as N;

/// Paths with `{}` for a version of the second column and `*` for a caller's value.
type Row = (&'static [&'static str], &'static [&'static str], Nothing);

const V3: &[&str] = &["v3"];
const V4: &[&str] = &["v4"];
const DATED: &[&str] = &["2025-09", "2026-03", "2026-09"];
const RECENT: &[&str] = &["2026-03", "2026-09"];
const BETA: &[&str] = &["2026-09-beta"];

const ROWS: &[Row] = &[
    (&["automation", "{}", "flows"], V4, N::Results),
    (&["automation", "{}", "flows"], BETA, N::Results),
    (&["automation", "{}", "flows", "email-campaigns"], V4, N::Results),
    (&["automation", "{}", "workflows"], V3, N::Under("workflows")),
    (&["automation", "{}", "actions", "*"], V4, N::DeveloperOnly),
    (&["automation", "actions", "{}", "*"], DATED, N::DeveloperOnly),
    (&["integrators", "timeline", "{}", "*", "event-templates"], V3, N::DeveloperOnly),
    (&["crm", "{}", "extensions", "calling", "*", "settings"], V3, N::DeveloperOnly),
    (&["crm", "{}", "imports"], V3, N::Results),
    (&["crm", "imports", "{}"], DATED, N::Results),
    (&["marketing", "{}", "forms"], V3, N::Results),
    (&["marketing", "forms", "{}"], BETA, N::Results),
    (&["forms", "{}", "forms"], &["v2"], N::Bare),
    (&["marketing", "{}", "marketing-events"], V3, N::Results),
    (&["marketing", "marketing-events", "{}"], &["v3", "2025-09", "2026-03", "2026-09"], N::Results),
    (&["marketing", "{}", "emails"], V3, N::Total),
    (&["marketing", "emails", "{}"], RECENT, N::Total),
    (&["marketing", "{}", "campaigns"], V3, N::Total),
    (&["marketing", "campaigns", "{}"], RECENT, N::Total),
    (&["marketing", "{}", "transactional", "smtp-tokens"], V3, N::Results),
    (&["marketing", "transactional", "{}", "smtp-tokens"], RECENT, N::Results),
    (&["communication-preferences", "{}", "definitions"], V3, N::Under("subscriptionDefinitions")),
    (&["communication-preferences", "{}", "definitions"], &["v4", "2026-03", "2026-09"], N::Action),
    (&["conversations", "{}", "conversations", "inboxes"], V3, N::Total),
    (&["conversations", "{}", "conversations", "channels"], V3, N::Total),
    (&["conversations", "{}", "conversations", "channel-accounts"], V3, N::Total),
    (&["conversations", "{}", "conversations", "threads"], V3, N::Results),
    (&["conversations", "custom-channels", "{}"], &["v3", "2026-03", "2026-09"], N::Total),
    (&["events", "{}", "event-definitions"], &["v3", "2026-03"], N::Total),
    (&["events", "{}", "events", "event-types"], V3, N::Under("eventTypes")),
    (&["events", "event-occurrences", "{}", "event-types"], RECENT, N::Under("eventTypes")),
    (&["files", "{}", "files", "search"], &["v3", "2026-03", "2026-09"], N::Results),
    (&["files", "{}", "folders", "search"], &["v3", "2026-03", "2026-09"], N::Results),
    (&["cms", "{}", "blogs", "posts"], V3, N::Total),
    (&["cms", "{}", "blogs", "authors"], V3, N::Total),
    (&["cms", "{}", "blogs", "tags"], V3, N::Total),
    (&["cms", "blogs", "{}", "posts"], RECENT, N::Total),
    (&["cms", "blogs", "{}", "authors"], RECENT, N::Total),
    (&["cms", "blogs", "{}", "tags"], RECENT, N::Total),
    (&["cms", "pages", "{}", "site-pages"], RECENT, N::Total),
    (&["cms", "pages", "{}", "landing-pages"], RECENT, N::Total),
    (&["cms", "hubdb", "{}", "tables"], RECENT, N::Total),
    (&["cms", "{}", "pages", "site-pages"], V3, N::Total),
    (&["cms", "{}", "pages", "landing-pages"], V3, N::Total),
    (&["cms", "{}", "hubdb", "tables"], V3, N::Total),
    (&["cms", "url-redirects", "{}"], &["v3", "2026-03", "2026-09"], N::Total),
    (&["cms", "audit-logs", "{}"], &["v3", "2026-03", "2026-09"], N::Results),
    (&["scheduler", "{}", "meetings", "meeting-links"], &["v3", "2026-03", "2026-09"], N::Total),
    (&["business-units", "{}", "business-units", "user", "*"], V3, N::Results),
];

/// The lists that exist only under a condition of the query: without it, the recorded refusals.
const SEQUENCES: &[(&[&str], &[&str])] =
    &[(&["automation", "{}", "sequences"], V4), (&["automation", "sequences", "{}"], DATED)];
const EVENTS: &[(&[&str], &[&str])] =
    &[(&["events", "{}", "events"], V3), (&["events", "event-occurrences", "{}"], RECENT)];

fn fits(pattern: &[&str], versions: &[&str], segments: &[&str]) -> bool {
    let mut pairs = pattern.iter().zip(segments);
    pattern.len() == segments.len()
        && pairs.all(|(word, segment)| match *word {
            "{}" => versions.contains(segment),
            "*" => !segment.is_empty(),
            word => word == *segment,
        })
}

/// Answers a call that no family of the model knows.
pub(super) fn answer(segments: &[&str], call: &Call<'_>) -> Outcome {
    if call.method() != Method::GET {
        return Err(Refusal::no_such_path());
    }
    match *segments {
        ["crm", "v3", "imports", "0"] => {
            let refusal = Refusal::bare(400, "importId must be positive.");
            return Err(refusal.context("importId", vec!["0".to_owned()]));
        }
        ["automation", "v3", "workflows", id] if id.parse::<u64>().is_err() => {
            return Err(Refusal::bare(400, "Unable to parse value for path parameter: workflowId"));
        }
        _ => {}
    }
    let asks_for = |paths: &[(&[&str], &[&str])]| paths.iter().any(|(path, versions)| fits(path, versions, segments));
    if asks_for(SEQUENCES) {
        return sequences(call);
    }
    if asks_for(EVENTS) {
        return events(call);
    }
    let row = ROWS.iter().find(|(pattern, versions, _)| fits(pattern, versions, segments));
    let Some((_, _, nothing)) = row else { return Err(Refusal::no_such_path()) };
    let body = match nothing {
        N::Results => return Ok(no_results()),
        N::Total => json!({"total": 0, "results": []}),
        N::Under(name) => Value::Object([((*name).to_owned(), json!([]))].into_iter().collect()),
        N::Bare => json!([]),
        N::Action => {
            let now = time::iso(call.now);
            json!({"status": "COMPLETE", "results": [], "startedAt": now, "completedAt": now})
        }
        N::DeveloperOnly => return Err(no_credentials()),
    };
    Ok(Reply::ok(&body))
}

/// A list without entries and without a next page.
pub(super) fn no_results() -> Reply {
    Reply::ok(&json!({"results": []}))
}

/// What an app-level call says to the token of a private app.
fn no_credentials() -> Refusal {
    let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find \
                   more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
    Refusal::bare(401, message).category("INVALID_AUTHENTICATION")
}

fn sequences(call: &Call<'_>) -> Outcome {
    if call.query.first("userId").is_none() {
        return Err(
            Refusal::bare(400, "validation error").errors([json!("query param userId may not be null")].into_iter())
        );
    }
    Ok(Reply::ok(&json!({"total": 0, "results": []})))
}

fn events(call: &Call<'_>) -> Outcome {
    if call.query.first("eventType").is_none() && call.query.first("objectType").is_none() {
        return Err(Refusal::invalid("Must specify an eventType or objectType"));
    }
    Ok(no_results())
}
