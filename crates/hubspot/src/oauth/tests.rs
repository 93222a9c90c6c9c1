//! Token calls as they go out, and their answers.

use super::*;
use crate::call::{Auth, Call, Content, CostClass, Effect};
use crate::endpoint::Endpoint;
use crate::testing::answer;
use crate::version::ApiVersion;

fn client() -> Client {
    Client { id: "6f1c".to_owned(), secret: "client-secret".into() }
}

fn form(call: &Call) -> String {
    assert_eq!((call.content, call.auth), (Content::Form, Auth::Inside));
    String::from_utf8(call.body.clone().expect("a form").to_vec()).expect("text")
}

#[test]
fn the_vector_of_the_standard_gives_its_challenge() {
    // RFC 7636, appendix B.
    let verifier = Verifier::from_kept("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
    assert_eq!(verifier.challenge().to_string(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_eq!(Verifier::from_dice([7; VERIFIER_BYTES]).expose().len(), 43);
}

#[test]
fn the_consent_page_is_told_everything_once_and_encoded() {
    let verifier = Verifier::from_kept("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
    let page = Authorize {
        client_id: "6f1c".to_owned(),
        redirect_uri: "https://me.example/back?x=1".to_owned(),
        scopes: vec!["oauth".to_owned(), "tickets".to_owned()],
        optional_scopes: vec!["e-commerce".to_owned(), "crm.objects.leads.read".to_owned()],
        state: "a&b".to_owned(),
        challenge: Some(verifier.challenge()),
        portal: Some(PortalId(48)),
    };
    assert_eq!(
        page.url("http://127.0.0.1:9/oauth/"),
        "http://127.0.0.1:9/oauth/48/authorize?client_id=6f1c&redirect_uri=https%3A%2F%2Fme.example%2Fback%3Fx%3D1\
         &scope=oauth%20tickets&optional_scope=e-commerce%20crm.objects.leads.read&state=a%26b\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
}

#[test]
fn each_grant_sends_its_own_form() {
    let issue = |grant| Issue { client: client(), grant };
    let code = issue(Grant::Code {
        code: "the-code".into(),
        redirect_uri: "https://me.example/back".to_owned(),
        verifier: Some(Verifier::from_kept("the-verifier".into())),
    });
    let call = code.call(ApiVersion::V2026_03);
    assert_eq!((call.method.as_str(), call.target().as_str()), ("POST", "/oauth/2026-03/token"));
    assert_eq!((call.cost, call.effect), (CostClass::Token, Effect::Unsafe));
    assert_eq!(
        form(&call),
        "client_id=6f1c&client_secret=client-secret&grant_type=authorization_code&code=the-code\
         &redirect_uri=https%3A%2F%2Fme.example%2Fback&code_verifier=the-verifier"
    );
    let refresh = issue(Grant::Refresh("na1-1111".into())).call(ApiVersion::V3);
    assert_eq!(refresh.target(), "/oauth/v3/token");
    assert!(form(&refresh).ends_with("&grant_type=refresh_token&refresh_token=na1-1111"));
    let app = issue(Grant::App { scopes: vec!["a.b".to_owned(), "c".to_owned()] }).call(ApiVersion::V2026_09);
    assert!(form(&app).ends_with("&grant_type=client_credentials&scope=a.b%20c"));
    let shown = format!("{code:?} {call:?} {refresh:?}");
    for secret in ["client-secret", "the-code", "the-verifier", "na1-1111"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn tokens_of_every_version_are_read_and_never_shown() {
    let issue = Issue { client: client(), grant: Grant::Refresh("na1-1111".into()) };
    let text = r#"{"token_type":"bearer","refresh_token":"na1-1111","access_token":"CKy-1","expires_in":1800,
        "hub_id":48151623,"scopes":["oauth"],"user_id":55,"token_use":"access_token"}"#;
    let tokens = issue.decode(&answer(200, text)).expect("tokens");
    assert_eq!((tokens.access_token.expose_secret(), tokens.expires_in), ("CKy-1", 1_800));
    assert_eq!((tokens.portal, tokens.scopes.len()), (Some(PortalId(48_151_623)), 1));
    assert!(!format!("{tokens:?}").contains("CKy-1") && !format!("{tokens:?}").contains("na1-1111"));
    let first = r#"{"token_type":"bearer","access_token":"CKy-2","expires_in":"1800"}"#;
    let tokens = issue.decode(&answer(200, first)).expect("tokens");
    assert!(tokens.refresh_token.is_none() && tokens.portal.is_none() && tokens.expires_in == 1_800);
    let dead = r#"{"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked",
        "status":"BAD_REFRESH_TOKEN","message":"refresh token is invalid, expired or revoked"}"#;
    let error = issue.decode(&answer(400, dead)).expect_err("a dead token");
    assert_eq!(error.api().and_then(|error| error.status_text.as_deref()), Some("BAD_REFRESH_TOKEN"));
}

#[test]
fn a_token_is_asked_about_and_revoked_by_both_names() {
    let introspect = Introspect { client: client(), kind: TokenKind::Refresh, token: "na1-1111".into() };
    let call = introspect.call(ApiVersion::V2026_03);
    assert_eq!((call.target().as_str(), call.effect), ("/oauth/2026-03/token/introspect", Effect::Safe));
    assert!(form(&call).ends_with("&token=na1-1111&refresh_token=na1-1111&token_type_hint=refresh_token"));
    let text = r#"{"active":true,"token":"na1-1111","token_use":"refresh_token","hub_id":48,"app_id":7007,
        "client_id":"6f1c","user":"x@y.test","user_id":55,"scopes":["oauth"]}"#;
    let state = introspect.decode(&answer(200, text)).expect("a state");
    assert_eq!((state.active, state.app, state.expires_in), (true, Some(AppId(7_007)), None));
    assert!(!format!("{state:?}").contains("na1-1111") && !format!("{state:?}").contains("x@y"));
    let revoke = Revoke { client: client(), kind: TokenKind::Access, token: "CKy-1".into() };
    let call = revoke.call(ApiVersion::V3);
    assert_eq!((call.target().as_str(), call.effect), ("/oauth/v3/token/revoke", Effect::Idempotent));
    assert!(revoke.decode(&answer(204, "")).is_ok());
}
