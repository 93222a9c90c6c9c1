//! OAuth as an app and a person see it: the page, codes, tokens, and what the control API can do to a grant.

use bytes::Bytes;
use http::{Method, Request, Response};
use linchpin_simulator::{
    ACCESS_TOKEN_SECONDS, CODE_SECONDS, Hub, InProcess, OauthAppSpec, SimOptions, StartError, TokenSpec,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use crate::{CONTACTS, NOON, TOKEN, desk, get, json, lines, options, post};

const PORTAL: u64 = 48_151_623;
const BACK: &str = "https://app.example.test/callback";
const BACK_ENCODED: &str = "https%3A%2F%2Fapp.example.test%2Fcallback";
const READ: &str = "crm.objects.contacts.read";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn apps() -> SimOptions {
    let first = OauthAppSpec { redirect_uris: vec![BACK.into()], ..OauthAppSpec::new("client-1", "secret-1", 71) };
    SimOptions { oauth_apps: vec![first, OauthAppSpec::new("client-2", "secret-2", 72)], ..options() }
}

fn form(path: &str, body: &str) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body.to_owned()))
        .expect("the parts are good")
}

fn with_token(method: Method, path: &str, token: &str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    request.header("content-type", "application/json").body(Bytes::new()).expect("the parts are good")
}

fn bare(method: Method, path: &str) -> Request<Bytes> {
    Request::builder().method(method).uri(path).body(Bytes::new()).expect("the parts are good")
}

async fn send(desk: &InProcess, request: Request<Bytes>) -> Response<Bytes> {
    desk.call(request).await.expect("the simulator runs")
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("the body is text")
}

fn asked(client: &str) -> String {
    format!("client_id={client}&redirect_uri={BACK_ENCODED}&scope=oauth%20{READ}")
}

/// The fields of the address that the person is sent back to.
fn sent_back(response: &Response<Bytes>) -> Vec<(String, String)> {
    assert_eq!(response.status(), 302, "{response:?}");
    let address = response.headers()["location"].to_str().expect("the address is ASCII");
    let query = address.strip_prefix(BACK).and_then(|rest| rest.strip_prefix('?')).expect("it leads to the app");
    let pair = |field: &str| field.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    query.split('&').map(|field| pair(field).expect("fields have values")).collect()
}

/// Approves, and returns the code.
async fn code(desk: &InProcess, client: &str, more: &str) -> String {
    let body = format!("{}&decision=approve{more}", asked(client));
    let fields = sent_back(&send(desk, form("/oauth/authorize", &body)).await);
    fields.into_iter().find(|(name, _)| name == "code").expect("a code was sent").1
}

fn exchange(client: u32, code: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id=client-{client}&client_secret=secret-{client}&code={code}\
         &redirect_uri={BACK_ENCODED}"
    )
}

fn refresh(client: u32, token: &str) -> String {
    format!("grant_type=refresh_token&client_id=client-{client}&client_secret=secret-{client}&refresh_token={token}")
}

fn string(body: &Value, name: &str) -> String {
    body[name].as_str().expect("the field is a string").to_owned()
}

/// Installs the first app: its refresh and its access token.
async fn install(desk: &InProcess) -> (String, String) {
    let code = code(desk, "client-1", "").await;
    let answer = send(desk, form("/oauth/v3/token", &exchange(1, &code))).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let body = json(&answer);
    (string(&body, "refresh_token"), string(&body, "access_token"))
}

async fn advance_seconds(desk: &InProcess, seconds: i64) {
    send(desk, post("/_control/clock", &json!({"advance_ms": seconds * 1_000}))).await;
}

async fn status_of(desk: &InProcess, token: &str) -> u16 {
    send(desk, with_token(Method::GET, CONTACTS, token)).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_what_is_asked_for_and_its_form_leads_back_with_code_and_state() {
    let desk = desk(&apps());
    let state = "a%22%3E%3Cb%3E%26c%3D1%2F%C3%A9+d";
    let query = format!("{}&optional_scope=tickets%20automation&state={state}", asked("client-1"));
    let page = send(&desk, bare(Method::GET, &format!("/oauth/authorize?{query}"))).await;
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html;charset=utf-8".parse().unwrap())
    );
    let shown = text(&page);
    assert!(shown.contains(READ) && shown.contains("automation") && shown.contains(&PORTAL.to_string()), "{shown}");
    assert!(shown.contains("value=\"a&quot;&gt;&lt;b&gt;&amp;c=1/é d\""), "the state is escaped: {shown}");
    let body = format!("{}&optional_scope=tickets&state={state}&decision=approve", asked("client-1"));
    let fields = sent_back(&send(&desk, form("/oauth/authorize", &body)).await);
    assert_eq!(fields.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["code", "state"]);
    assert_eq!(fields[1].1, "a%22%3E%3Cb%3E%26c%3D1%2F%C3%A9%20d");
    let token = send(&desk, form("/oauth/2026-03/token", &exchange(1, &fields[0].1))).await;
    assert_eq!(
        json(&token)["scopes"],
        json!(["oauth", READ, "tickets"]),
        "the optional scope that was unticked is missing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_leads_back_with_an_error_and_the_state() {
    let desk = desk(&apps());
    let body = format!("{}&state=xyz&decision=refuse", asked("client-1"));
    let fields = sent_back(&send(&desk, form("/oauth/authorize", &body)).await);
    assert_eq!(fields[0], ("error".to_owned(), "access_denied".to_owned()));
    assert_eq!(fields[1].0, "error_description");
    assert_eq!(fields[2], ("state".to_owned(), "xyz".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_request_is_a_page_and_leads_nowhere() {
    let desk = desk(&apps());
    let table = [
        ("client_id=nobody&scope=oauth".to_owned(), "/oauth/authorize", "invalid client_id"),
        (asked("client-1").replace("callback", "other"), "/oauth/authorize", "registered redirect URL"),
        ("client_id=client-1&scope=oauth".to_owned(), "/oauth/authorize", "registered redirect URL"),
        (asked("client-2").replace("https", "http"), "/oauth/authorize", "registered redirect URL"),
        (asked("client-1").replace(READ, "crm.objects.%3Cunicorns%3E.read"), "/oauth/authorize", "&lt;unicorns&gt;"),
        (asked("client-1") + "&optional_scope=nonsense", "/oauth/authorize", "nonsense"),
        (asked("client-1").replace("scope=", "other="), "/oauth/authorize", "no scopes"),
        (asked("client-1") + "&response_type=token", "/oauth/authorize", "response_type"),
        (asked("client-1") + "&code_challenge=x&code_challenge_method=plain", "/oauth/authorize", "S256"),
        (asked("client-1"), "/oauth/5/authorize", "account 5"),
    ];
    for (query, path, part) in table {
        let page = send(&desk, bare(Method::GET, &format!("{path}?{query}"))).await;
        let decided = send(&desk, form(path, &format!("{query}&decision=approve"))).await;
        for answer in [page, decided] {
            assert_eq!(answer.status(), 400, "{query}");
            assert!(text(&answer).contains(part), "{query}: {}", text(&answer));
            assert!(!answer.headers().contains_key("location"));
        }
    }
    let undecided = send(&desk, form("/oauth/authorize", &asked("client-1"))).await;
    assert_eq!(undecided.status(), 400);
}

#[tokio::test(start_paused = true)]
async fn an_app_asks_for_its_own_scopes_only() {
    let app = OauthAppSpec { scopes: Some(vec![READ.to_owned()]), ..OauthAppSpec::new("client-1", "secret-1", 71) };
    let desk = desk(&SimOptions { oauth_apps: vec![app], ..options() });
    let page = |query: String| bare(Method::GET, &format!("/oauth/authorize?{query}"));
    assert_eq!(send(&desk, page(asked("client-1"))).await.status(), 200);
    let more = asked("client-1") + "%20tickets";
    assert_eq!(send(&desk, page(more)).await.status(), 400);
}

#[tokio::test(start_paused = true)]
async fn the_person_chooses_among_the_portals() {
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut hub = Hub::new(&apps(), NOON, &mut dice).unwrap();
    let mut second = SimOptions { tokens: vec![TokenSpec::new("second", 9)], ..SimOptions::default() };
    second.portal.portal_id = 99;
    hub.add_portal(&second, &mut dice).unwrap();
    let desk = InProcess::drive(hub, dice, NOON);
    let body = format!("{}&decision=approve", asked("client-1"));
    assert_eq!(send(&desk, form("/oauth/authorize", &body)).await.status(), 400, "no portal is chosen");
    for (path, more) in [("/oauth/99/authorize", ""), ("/oauth/authorize", "&portal_id=99")] {
        let fields = sent_back(&send(&desk, form(path, &format!("{body}{more}"))).await);
        let token = json(&send(&desk, form("/oauth/v3/token", &exchange(1, &fields[0].1))).await);
        assert_eq!(token["hub_id"], 99);
    }
}

#[tokio::test(start_paused = true)]
async fn each_generation_of_the_token_endpoint_answers_in_its_own_shape() {
    let desk = desk(&apps());
    let short = json!(["token_type", "refresh_token", "access_token", "expires_in"]);
    let long = json!([
        "token_type",
        "refresh_token",
        "access_token",
        "expires_in",
        "hub_id",
        "scopes",
        "user_id",
        "token_use"
    ]);
    for (version, expected) in [("v1", &short), ("v3", &long), ("2026-03", &long), ("2026-09", &long)] {
        let code = code(&desk, "client-1", "").await;
        let answer = send(&desk, form(&format!("/oauth/{version}/token"), &exchange(1, &code))).await;
        assert_eq!(answer.status(), 200, "{version}");
        assert!(!answer.headers().contains_key("x-hubspot-ratelimit-max"));
        let body = json(&answer);
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(&json!(keys), expected, "{version}");
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(1_800)));
        assert_eq!(status_of(&desk, &string(&body, "access_token")).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_works_once_and_for_a_minute_and_for_its_own_app() {
    let desk = desk(&apps());
    let try_it = async |client, code: &str| {
        let answer = send(&desk, form("/oauth/v1/token", &exchange(client, code))).await;
        (answer.status().as_u16(), json(&answer)["status"].as_str().map(str::to_owned))
    };
    let bad = (400, Some("BAD_AUTH_CODE".to_owned()));
    let first = code(&desk, "client-1", "").await;
    assert_eq!(try_it(2, &first).await, bad, "another app's code");
    assert_eq!(try_it(1, &first).await, (200, None));
    assert_eq!(try_it(1, &first).await, bad, "a used code");
    assert_eq!(try_it(1, "nonsense").await, bad);
    let second = code(&desk, "client-1", "").await;
    advance_seconds(&desk, CODE_SECONDS - 1).await;
    assert_eq!(try_it(1, &second).await, (200, None));
    let third = code(&desk, "client-1", "").await;
    advance_seconds(&desk, CODE_SECONDS).await;
    assert_eq!(try_it(1, &third).await, bad, "an old code");
}

#[tokio::test(start_paused = true)]
async fn a_code_with_a_challenge_wants_its_verifier() {
    let desk = desk(&apps());
    let challenge = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let table = [
        (challenge.as_str(), format!("&code_verifier={VERIFIER}"), None),
        (&challenge, format!("&code_verifier={CHALLENGE}"), Some("BAD_CODE_VERIFIER")),
        (&challenge, String::new(), Some("BAD_CODE_VERIFIER")),
        ("", format!("&code_verifier={VERIFIER}"), Some("BAD_CODE_VERIFIER")),
    ];
    for (challenge, verifier, expected) in table {
        let code = code(&desk, "client-1", challenge).await;
        let body = exchange(1, &code) + &verifier;
        let answer = json(&send(&desk, form("/oauth/v3/token", &body)).await);
        assert_eq!(answer["status"].as_str(), expected, "{verifier}");
        let again = json(&send(&desk, form("/oauth/v3/token", &body)).await);
        assert_eq!(again["status"], "BAD_AUTH_CODE", "the code is spent, whatever came of it");
    }
}

#[tokio::test(start_paused = true)]
async fn each_wrong_parameter_has_its_own_status() {
    let desk = desk(&apps());
    let (refresh_token, _) = install(&desk).await;
    let good = refresh(1, &refresh_token);
    let code = code(&desk, "client-1", "").await;
    let table = [
        (String::new(), "BAD_GRANT_TYPE", "unsupported_grant_type"),
        ("grant_type=password".to_owned(), "BAD_GRANT_TYPE", "unsupported_grant_type"),
        (good.replace("client-1", "nobody"), "BAD_CLIENT_ID", "invalid_client"),
        (good.replace("secret-1", "guess"), "BAD_CLIENT_SECRET", "invalid_client"),
        (good.replace("&client_secret=secret-1", ""), "BAD_CLIENT_SECRET", "invalid_client"),
        (refresh(1, "nonsense"), "BAD_REFRESH_TOKEN", "invalid_grant"),
        (refresh(2, &refresh_token), "BAD_REFRESH_TOKEN", "invalid_grant"),
        (exchange(1, &code).replace("callback", "other"), "BAD_REDIRECT_URI", "invalid_grant"),
        (refresh(1, "x").replace("refresh_token&", "client_credentials&"), "BAD_SCOPES", "invalid_scope"),
    ];
    for (body, status, error) in table {
        let answer = send(&desk, form("/oauth/v3/token", &body)).await;
        assert_eq!(answer.status(), 400, "{body}");
        let found = json(&answer);
        assert_eq!((&found["status"], &found["error"]), (&json!(status), &json!(error)), "{body}");
        assert_eq!(found["message"], found["error_description"]);
        assert_eq!(answer.headers()["x-hubspot-correlation-id"], string(&found, "correlationId"));
    }
    let bad = json(&send(&desk, form("/oauth/v1/token", &refresh(1, "nonsense"))).await);
    assert_eq!(bad["message"], "refresh token is invalid, expired or revoked");
}

#[tokio::test(start_paused = true)]
async fn parameters_count_in_a_form_body_alone() {
    let desk = desk(&apps());
    let (refresh_token, _) = install(&desk).await;
    let good = refresh(1, &refresh_token);
    let in_the_address = send(&desk, form(&format!("/oauth/v3/token?{good}"), "")).await;
    assert_eq!(json(&in_the_address)["status"], "BAD_GRANT_TYPE");
    assert_eq!(send(&desk, post("/oauth/v3/token", &json!({"grant_type": "refresh_token"}))).await.status(), 415);
    assert_eq!(send(&desk, bare(Method::GET, "/oauth/v3/token")).await.status(), 405);
    let long = format!("{good}&x={}", "x".repeat(70_000));
    assert_eq!(send(&desk, form("/oauth/v3/token", &long)).await.status(), 413);
    assert_eq!(send(&desk, form("/oauth/v3/token", &good)).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_returns_the_same_refresh_token_and_another_access_token() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    advance_seconds(&desk, 86_400 * 365).await;
    let body = json(&send(&desk, form("/oauth/2026-09/token", &refresh(1, &refresh_token))).await);
    assert_eq!(body["refresh_token"], refresh_token);
    let fresh = string(&body, "access_token");
    assert_ne!(fresh, access_token);
    assert_eq!((status_of(&desk, &access_token).await, status_of(&desk, &fresh).await), (401, 200));
}

#[tokio::test(start_paused = true)]
async fn an_access_token_dies_after_thirty_minutes_and_says_how_long_ago() {
    let desk = desk(&apps());
    let (_, token) = install(&desk).await;
    advance_seconds(&desk, ACCESS_TOKEN_SECONDS - 1).await;
    assert_eq!(status_of(&desk, &token).await, 200);
    advance_seconds(&desk, 76).await;
    let answer = send(&desk, with_token(Method::GET, CONTACTS, &token)).await;
    assert_eq!(answer.status(), 401);
    let body = json(&answer);
    assert_eq!(body["category"], "EXPIRED_AUTHENTICATION");
    assert_eq!(body["message"], "The OAuth token used to make this call expired 75 second(s) ago.");
    assert_eq!(body["context"], json!({"expire time": ["2025-11-21T12:30:00Z"]}));
}

#[tokio::test(start_paused = true)]
async fn an_oauth_token_has_its_own_limit_headers_and_scopes() {
    let desk = desk(&apps());
    let (_, token) = install(&desk).await;
    let answer = send(&desk, with_token(Method::GET, CONTACTS, &token)).await;
    assert_eq!(answer.headers()["x-hubspot-ratelimit-max"], "110");
    assert!(!answer.headers().contains_key("x-hubspot-ratelimit-daily"));
    let refused = send(&desk, with_token(Method::POST, CONTACTS, &token)).await;
    let body = json(&refused);
    assert_eq!((refused.status().as_u16(), &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
    for _ in 0..108 {
        assert_eq!(status_of(&desk, &token).await, 200);
    }
    assert_eq!(status_of(&desk, &token).await, 429);
    // The ten seconds of the private app are its own.
    assert_eq!(status_of(&desk, TOKEN).await, 200);
}

#[tokio::test(start_paused = true)]
async fn revoking_a_refresh_token_leaves_its_access_tokens_alive() {
    let desk = desk(&apps());
    for (request, status) in [
        (None, 204),
        (Some(("/oauth/v3/token/revoke", "token")), 204),
        (Some(("/oauth/2026-03/token/revoke", "refresh_token")), 204),
    ] {
        let (refresh_token, access_token) = install(&desk).await;
        let revoke = match request {
            None => bare(Method::DELETE, &format!("/oauth/v1/refresh-tokens/{refresh_token}")),
            Some((path, name)) => {
                form(path, &format!("client_id=client-1&client_secret=secret-1&{name}={refresh_token}"))
            }
        };
        assert_eq!(send(&desk, revoke).await.status(), status);
        let answer = json(&send(&desk, form("/oauth/v3/token", &refresh(1, &refresh_token))).await);
        assert_eq!(answer["status"], "BAD_REFRESH_TOKEN");
        assert_eq!(status_of(&desk, &access_token).await, 200);
        let gone = send(&desk, bare(Method::GET, &format!("/oauth/v1/refresh-tokens/{refresh_token}"))).await;
        assert_eq!(gone.status(), 404);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_app_itself_revokes_its_tokens() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    for token in [&refresh_token, &access_token] {
        let other = format!("client_id=client-2&client_secret=secret-2&token={token}");
        assert_eq!(send(&desk, form("/oauth/v3/token/revoke", &other)).await.status(), 204);
    }
    let guess = format!("client_id=client-1&client_secret=guess&token={access_token}");
    assert_eq!(send(&desk, form("/oauth/v3/token/revoke", &guess)).await.status(), 400);
    assert_eq!(status_of(&desk, &access_token).await, 200);
    assert_eq!(send(&desk, form("/oauth/v3/token", &refresh(1, &refresh_token))).await.status(), 200);
    let own = format!("client_id=client-1&client_secret=secret-1&access_token={access_token}");
    assert_eq!(send(&desk, form("/oauth/v3/token/revoke", &own)).await.status(), 204);
    assert_eq!(status_of(&desk, &access_token).await, 401);
}

#[tokio::test(start_paused = true)]
async fn introspection_describes_living_tokens_of_the_own_app_only() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    advance_seconds(&desk, 100).await;
    let ask = async |client: u32, field: &str| {
        let body = format!("client_id=client-{client}&client_secret=secret-{client}&{field}");
        json(&send(&desk, form("/oauth/2026-03/token/introspect", &body)).await)
    };
    let access = ask(1, &format!("token={access_token}")).await;
    assert_eq!((&access["active"], &access["token_use"]), (&json!(true), &json!("access_token")));
    assert_eq!(
        (&access["hub_id"], &access["app_id"], &access["expires_in"]),
        (&json!(PORTAL), &json!(71), &json!(1_700))
    );
    assert_eq!(access["scopes"], json!(["oauth", READ]));
    let refresh = ask(1, &format!("refresh_token={refresh_token}")).await;
    assert_eq!((&refresh["active"], &refresh["token_use"]), (&json!(true), &json!("refresh_token")));
    assert_eq!(refresh.get("expires_in"), None);
    let inactive = json!({"active": false});
    assert_eq!(ask(2, &format!("token={access_token}")).await, inactive);
    assert_eq!(ask(1, "token=nonsense").await, inactive);
    assert_eq!(ask(1, "").await, inactive);
    send(&desk, post("/_control/revoke", &json!({"token": refresh_token}))).await;
    assert_eq!(ask(1, &format!("refresh_token={refresh_token}")).await, inactive);
    advance_seconds(&desk, ACCESS_TOKEN_SECONDS).await;
    assert_eq!(ask(1, &format!("access_token={access_token}")).await, inactive);
}

#[tokio::test(start_paused = true)]
async fn version_1_tells_who_a_token_is_and_the_book_does_not_keep_it() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    let info = json(&send(&desk, bare(Method::GET, &format!("/oauth/v1/access-tokens/{access_token}"))).await);
    let keys: Vec<&String> = info.as_object().unwrap().keys().collect();
    let expected = ["token", "user", "hub_domain", "scopes", "hub_id", "app_id", "expires_in", "user_id", "token_type"];
    assert_eq!(keys, expected);
    assert_eq!(
        (&info["token"], &info["hub_id"], &info["token_type"]),
        (&json!(access_token), &json!(PORTAL), &json!("access"))
    );
    let info = json(&send(&desk, bare(Method::GET, &format!("/oauth/v1/refresh-tokens/{refresh_token}"))).await);
    assert_eq!((&info["client_id"], &info["token_type"]), (&json!("client-1"), &json!("refresh")));
    assert_eq!(send(&desk, bare(Method::GET, "/oauth/v1/access-tokens/nonsense")).await.status(), 404);
    let mut seen = String::new();
    for path in ["/_control/ledger", "/_control/stats", "/_control/oauth"] {
        seen.push_str(text(&send(&desk, get(path)).await));
    }
    for secret in [&refresh_token, &access_token, "secret-1"] {
        assert!(!seen.contains(secret), "{seen}");
    }
    assert!(seen.contains("GET /oauth/v1/access-tokens/{token}"));
}

#[tokio::test(start_paused = true)]
async fn client_credentials_give_a_token_of_the_app_that_opens_no_portal() {
    let desk = desk(&apps());
    let body = "grant_type=client_credentials&client_id=client-1&client_secret=secret-1\
                &scope=developer.webhooks_journal.read";
    let answer = json(&send(&desk, form("/oauth/2026-03/token", body)).await);
    assert_eq!((&answer["token_use"], &answer["expires_in"]), (&json!("client_credentials"), &json!(1_800)));
    assert_eq!(answer.get("refresh_token"), None);
    let token = string(&answer, "access_token");
    assert_eq!(status_of(&desk, &token).await, 401);
    let ask = format!("client_id=client-1&client_secret=secret-1&token={token}");
    let active = async || json(&send(&desk, form("/oauth/v3/token/introspect", &ask)).await)["active"].clone();
    assert_eq!(active().await, true);
    advance_seconds(&desk, ACCESS_TOKEN_SECONDS).await;
    assert_eq!(active().await, false);
}

#[tokio::test(start_paused = true)]
async fn an_uninstalled_app_loses_every_token_of_the_portal() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    let waiting = code(&desk, "client-1", "").await;
    let uninstall = "/appinstalls/2026-03/external-install";
    assert_ne!(send(&desk, with_token(Method::DELETE, uninstall, TOKEN)).await.status(), 204);
    assert_eq!(send(&desk, with_token(Method::DELETE, uninstall, &access_token)).await.status(), 204);
    assert_eq!(status_of(&desk, &access_token).await, 401);
    let answer = json(&send(&desk, form("/oauth/v3/token", &refresh(1, &refresh_token))).await);
    assert_eq!(answer["status"], "BAD_REFRESH_TOKEN");
    let answer = json(&send(&desk, form("/oauth/v3/token", &exchange(1, &waiting))).await);
    assert_eq!(answer["status"], "BAD_AUTH_CODE");
    let (_, again) = install(&desk).await;
    assert_eq!(status_of(&desk, &again).await, 200);
}

#[tokio::test(start_paused = true)]
async fn the_control_api_lists_expires_and_uninstalls_grants() {
    let desk = desk(&apps());
    let (refresh_token, access_token) = install(&desk).await;
    let order = async |body: Value| send(&desk, post("/_control/oauth", &body)).await;
    let list = json(&send(&desk, get("/_control/oauth")).await);
    assert_eq!((&list["apps"][0]["client_id"], &list["apps"][1]["app_id"]), (&json!("client-1"), &json!(72)));
    let grant = &list["grants"][0];
    assert_eq!((&grant["portal_id"], &grant["refresh_token"]), (&json!(PORTAL), &json!("live")));
    assert_eq!(grant["access_tokens_expire_at"], json!(["2025-11-21T12:30:00Z"]));
    let id = grant["id"].clone();
    let expired = json(&order(json!({"expire": id})).await);
    assert_eq!(expired["grants"][0]["access_tokens_expire_at"], json!([]));
    assert_eq!(status_of(&desk, &access_token).await, 401);
    assert_eq!(send(&desk, form("/oauth/v3/token", &refresh(1, &refresh_token))).await.status(), 200);
    assert_eq!(json(&order(json!({"uninstall": id})).await)["grants"], json!([]));
    assert_eq!(send(&desk, form("/oauth/v3/token", &refresh(1, &refresh_token))).await.status(), 400);
    assert_eq!(order(json!({"expire": id})).await.status(), 404);
    assert_eq!(order(json!({"uninstall": id})).await.status(), 404);
    assert_eq!(order(json!({})).await.status(), 400);
    assert_eq!(order(json!({"expire": 1, "uninstall": 1})).await.status(), 400);
}

#[tokio::test(start_paused = true)]
async fn a_reset_forgets_grants_and_keeps_apps() {
    let desk = desk(&apps());
    let (_, access_token) = install(&desk).await;
    send(&desk, post("/_control/reset", &json!({"state": true}))).await;
    assert_eq!(status_of(&desk, &access_token).await, 401);
    let list = json(&send(&desk, get("/_control/oauth")).await);
    assert_eq!((list["apps"].as_array().map(Vec::len), &list["grants"]), (Some(2), &json!([])));
    install(&desk).await;
}

#[tokio::test(start_paused = true)]
async fn faults_strike_the_token_endpoint_too() {
    let desk = desk(&apps());
    let faults = json!([
        {"path": "/oauth/v3/token", "nth": 1, "fault": {"kind": "status", "status": 503}},
        {"path": "/oauth/v3/token", "nth": 2, "fault": {"kind": "rate_limit", "policy": "ten_secondly"}},
        {"path": "/oauth/v3/token", "nth": 3, "fault": {"kind": "status", "status": 504, "executed": true}},
    ]);
    send(&desk, post("/_control/faults", &faults)).await;
    let code = code(&desk, "client-1", "").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(send(&desk, form("/oauth/v3/token", &exchange(1, &code))).await.status().as_u16());
    }
    assert_eq!(statuses, [503, 429, 504, 400], "the third was executed, and spent the code");
    let book = lines(&send(&desk, get("/_control/ledger")).await);
    assert_eq!(book[0]["credential"], "oauth_app:71");
}

#[test]
fn wrong_apps_do_not_start() {
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut start = |oauth_apps| Hub::new(&SimOptions { oauth_apps, ..options() }, NOON, &mut dice).unwrap_err();
    let app = || OauthAppSpec::new("a", "b", 1);
    assert!(matches!(start(vec![app(), app()]), StartError::OauthAppTwice));
    assert!(matches!(start(vec![OauthAppSpec::new("a", "", 1)]), StartError::OauthApp));
    let redirect_uris = vec!["http://127.0.0.1/".to_owned()];
    assert!(matches!(start(vec![OauthAppSpec { redirect_uris, ..app() }]), StartError::RedirectUri(_)));
}
