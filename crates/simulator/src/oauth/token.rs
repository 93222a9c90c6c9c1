//! The token endpoints: codes, refresh tokens and secrets against access tokens; introspection and revocation.
//!
//! Parameters come in the body, never in the address. Checks go from the grant type over the app to the particulars,
//! and the first that fails is answered.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{
    Authority, Dialect, Handled, OauthAppSpec, Scene, USER,
    form::Form,
    grants::{self, ACCESS_TOKEN_SECONDS, Grant},
    not_found, pkce,
    refusal::Wrong,
};
use crate::{
    envelope,
    wire::{ApiAnswer, Millis},
};

/// The tokens of apps themselves that are kept.
const APP_TOKENS_MAX: usize = 1_000;

/// Tokens that belong to an app and to no portal, from `client_credentials`.
#[derive(Default)]
pub(super) struct AppTokens {
    by_token: BTreeMap<String, AppToken>,
}

struct AppToken {
    client_id: String,
    app_id: u64,
    scopes: Vec<String>,
    expires_at: Millis,
}

impl AppTokens {
    fn add(&mut self, token: String, app_token: AppToken, now: Millis) {
        self.by_token.retain(|_, known| now < known.expires_at);
        if self.by_token.len() >= APP_TOKENS_MAX {
            let oldest = self.by_token.iter().min_by_key(|(_, known)| known.expires_at).map(|(text, _)| text.clone());
            oldest.map(|text| self.by_token.remove(&text));
        }
        self.by_token.insert(token, app_token);
    }
}

impl Authority {
    /// `POST /oauth/{version}/token`.
    pub(super) fn give_token(&mut self, dialect: Dialect, form: &Form, scene: &mut Scene<'_>) -> Handled {
        let known = form.first("client_id").and_then(|id| self.apps.get(id)).map(|app| app.app_id);
        let answer = match form.first("grant_type") {
            Some("authorization_code") => self.exchange_code(dialect, form, scene),
            Some("refresh_token") => self.refresh(dialect, form, scene),
            Some("client_credentials") => self.give_app_token(form, scene),
            _ => Err(Wrong::GrantType),
        };
        let answer = answer.unwrap_or_else(|wrong| wrong.answer(scene.now, scene.dice));
        Handled { answer, app_id: known }
    }

    /// The app that a living token of an app itself belongs to, and its scopes.
    pub(crate) fn app_token(&self, token: &str, now: Millis) -> Option<(u64, &[String])> {
        let known = self.app_tokens.by_token.get(token).filter(|known| now < known.expires_at)?;
        Some((known.app_id, &known.scopes))
    }

    /// `POST /oauth/{version}/token/introspect`: another app's token is as inactive as an unknown one.
    pub(super) fn introspect(&self, form: &Form, scene: &mut Scene<'_>) -> Handled {
        let app = match self.authenticate(form) {
            Ok(app) => app,
            Err(wrong) => return Handled::nobody(wrong.answer(scene.now, scene.dice)),
        };
        let answer = match token_of(form).and_then(|token| self.describe(app, token, scene)) {
            Some(description) => envelope::json(200, &description),
            None => envelope::json(200, &json!({"active": false})),
        };
        Handled::of(app.app_id, answer)
    }

    /// `POST /oauth/{version}/token/revoke`: of a refresh token, that alone; of an access token, that one. An unknown
    /// token is no error (RFC 7009, 2.2).
    pub(super) fn revoke_by_form(&mut self, form: &Form, scene: &mut Scene<'_>) -> Handled {
        let app_id = match self.authenticate(form) {
            Ok(app) => app.app_id,
            Err(wrong) => return Handled::nobody(wrong.answer(scene.now, scene.dice)),
        };
        if let Some(token) = token_of(form) {
            if self.grants.of_refresh_token(token).is_some_and(|grant| grant.app_id == app_id) {
                self.grants.revoke(token);
            } else if self.grants.of_access_token(token).is_some_and(|grant| grant.app_id == app_id) {
                scene.credentials.revoke(token, scene.now);
            } else if self.app_tokens.by_token.get(token).is_some_and(|known| known.app_id == app_id) {
                self.app_tokens.by_token.remove(token);
            }
        }
        Handled::of(app_id, no_content())
    }

    /// `GET /oauth/v1/access-tokens/{token}`.
    pub(super) fn access_token_info(&self, token: &str, scene: &mut Scene<'_>) -> Handled {
        let (Some(grant), Some(expires_in)) = (self.grants.of_access_token(token), seconds_left(token, scene)) else {
            return not_found(scene);
        };
        let info = json!({
            "token": token, "user": USER, "hub_domain": hub_domain(grant), "scopes": grant.scopes,
            "hub_id": grant.portal_id, "app_id": grant.app_id, "expires_in": expires_in, "user_id": grant.user_id,
            "token_type": "access",
        });
        Handled::of(grant.app_id, envelope::json(200, &info))
    }

    /// `GET /oauth/v1/refresh-tokens/{token}`.
    pub(super) fn refresh_token_info(&self, token: &str, scene: &mut Scene<'_>) -> Handled {
        let Some(grant) = self.grants.of_refresh_token(token) else { return not_found(scene) };
        let info = json!({
            "token": token, "user": USER, "hub_domain": hub_domain(grant), "scopes": grant.scopes,
            "hub_id": grant.portal_id, "client_id": grant.client_id, "user_id": grant.user_id,
            "token_type": "refresh",
        });
        Handled::of(grant.app_id, envelope::json(200, &info))
    }

    /// `DELETE /oauth/v1/refresh-tokens/{token}`.
    pub(super) fn delete_refresh_token(&mut self, token: &str, scene: &mut Scene<'_>) -> Handled {
        let Some(app_id) = self.grants.of_refresh_token(token).map(|grant| grant.app_id) else {
            return not_found(scene);
        };
        self.grants.revoke(token);
        Handled::of(app_id, no_content())
    }

    fn exchange_code(&mut self, dialect: Dialect, form: &Form, scene: &mut Scene<'_>) -> Result<ApiAnswer, Wrong> {
        let client_id = self.authenticate(form)?.client_id.clone();
        let code = form.first("code").and_then(|text| self.codes.take(text, &client_id)).ok_or(Wrong::AuthCode)?;
        if !code.is_fresh(scene.now) {
            return Err(Wrong::AuthCode);
        }
        if form.first("redirect_uri") != Some(&code.redirect_uri) {
            return Err(Wrong::RedirectUri);
        }
        if !pkce::proves(form.first("code_verifier"), code.challenge.as_deref()) {
            return Err(Wrong::CodeVerifier);
        }
        let grant = self.grants.open(code.consent, scene.credentials, scene.now, scene.dice);
        self.issue(dialect, grant, scene).ok_or(Wrong::AuthCode)
    }

    fn refresh(&mut self, dialect: Dialect, form: &Form, scene: &mut Scene<'_>) -> Result<ApiAnswer, Wrong> {
        let app_id = self.authenticate(form)?.app_id;
        let token = form.first("refresh_token").ok_or(Wrong::RefreshToken)?;
        let grant = self.grants.of_refresh_token(token).filter(|grant| grant.app_id == app_id);
        let id = grant.ok_or(Wrong::RefreshToken)?.id;
        self.issue(dialect, id, scene).ok_or(Wrong::RefreshToken)
    }

    fn give_app_token(&mut self, form: &Form, scene: &mut Scene<'_>) -> Result<ApiAnswer, Wrong> {
        let app = self.authenticate(form)?;
        let scopes = form.words("scope");
        if scopes.is_empty() || !scopes.iter().all(|name| app.may_ask_for(name)) {
            return Err(Wrong::Scopes);
        }
        let token = grants::make_access_token(scene.dice);
        let (client_id, app_id) = (app.client_id.clone(), app.app_id);
        let body = json!({
            "token_type": "bearer", "access_token": token, "expires_in": ACCESS_TOKEN_SECONDS, "scopes": scopes,
            "token_use": "client_credentials",
        });
        let app_token = AppToken { client_id, app_id, scopes, expires_at: grants::expiry(scene.now) };
        self.app_tokens.add(token, app_token, scene.now);
        Ok(envelope::json(200, &body))
    }

    /// Makes an access token and the answer that carries it, with the refresh token as it was from the beginning.
    fn issue(&mut self, dialect: Dialect, grant: u64, scene: &mut Scene<'_>) -> Option<ApiAnswer> {
        let (token, grant) = self.grants.issue(grant, scene.credentials, scene.now, scene.dice)?;
        let mut body = Map::new();
        body.insert("token_type".into(), "bearer".into());
        body.insert("refresh_token".into(), grant.refresh_token.as_str().into());
        body.insert("access_token".into(), token.into());
        body.insert("expires_in".into(), ACCESS_TOKEN_SECONDS.into());
        match dialect {
            Dialect::V1 => {}
            Dialect::Current => {
                body.insert("hub_id".into(), grant.portal_id.into());
                body.insert("scopes".into(), grant.scopes.clone().into());
                body.insert("user_id".into(), grant.user_id.into());
                body.insert("token_use".into(), "access_token".into());
            }
        }
        Some(envelope::json(200, &Value::Object(body)))
    }

    fn authenticate(&self, form: &Form) -> Result<&OauthAppSpec, Wrong> {
        let app = form.first("client_id").and_then(|id| self.apps.get(id)).ok_or(Wrong::ClientId)?;
        if form.first("client_secret") == Some(&app.client_secret) { Ok(app) } else { Err(Wrong::ClientSecret) }
    }

    /// What an app is told about one of its living tokens.
    fn describe(&self, app: &OauthAppSpec, token: &str, scene: &Scene<'_>) -> Option<Value> {
        if let Some(known) = self.app_tokens.by_token.get(token) {
            let left = known.expires_at.0 - scene.now.0;
            return (known.client_id == app.client_id && left > 0).then(|| {
                json!({
                    "active": true, "token": token, "token_use": "client_credentials", "token_type": "bearer",
                    "app_id": app.app_id, "client_id": app.client_id, "scopes": known.scopes,
                    "expires_in": left / 1_000, "is_private_distribution": false,
                })
            });
        }
        let (grant, token_use, expires_in) = match self.grants.of_refresh_token(token) {
            Some(grant) => (grant, "refresh_token", None),
            None => (self.grants.of_access_token(token)?, "access_token", Some(seconds_left(token, scene)?)),
        };
        if grant.app_id != app.app_id {
            return None;
        }
        let mut description = json!({
            "active": true, "token": token, "token_use": token_use, "token_type": "bearer",
            "hub_id": grant.portal_id, "hub_domain": hub_domain(grant), "app_id": grant.app_id,
            "client_id": grant.client_id, "user": USER, "user_id": grant.user_id, "scopes": grant.scopes,
        });
        let fields = description.as_object_mut()?;
        fields.extend(expires_in.map(|seconds| ("expires_in".to_owned(), seconds.into())));
        fields.insert("is_private_distribution".into(), false.into());
        Some(description)
    }
}

/// The token that a call is about: the specification names it `token`, the documentation's examples by its kind.
fn token_of(form: &Form) -> Option<&str> {
    ["token", "access_token", "refresh_token"].into_iter().find_map(|name| form.first(name))
}

/// The seconds that a living access token has left.
fn seconds_left(token: &str, scene: &Scene<'_>) -> Option<i64> {
    let credential = scene.credentials.find(token)?;
    let is_alive = credential.dead_by(scene.now).is_none();
    credential.expires_at.filter(|_| is_alive).map(|at| (at.0 - scene.now.0) / 1_000)
}

fn hub_domain(grant: &Grant) -> String {
    format!("portal-{}.example.test", grant.portal_id)
}

fn no_content() -> ApiAnswer {
    ApiAnswer { status: 204, headers: HeaderMap::new(), body: bytes::Bytes::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_token_that_expires_first_goes_when_there_are_too_many() {
        let mut tokens = AppTokens::default();
        let total = i64::try_from(APP_TOKENS_MAX).unwrap() + 1;
        for number in 0..total {
            let expires_at = Millis(10_000 + number);
            let token = AppToken { client_id: "id".into(), app_id: 7, scopes: Vec::new(), expires_at };
            tokens.add(number.to_string(), token, Millis(0));
        }
        assert_eq!(tokens.by_token.len(), APP_TOKENS_MAX);
        assert!(!tokens.by_token.contains_key("0") && tokens.by_token.contains_key("1"));
    }
}
