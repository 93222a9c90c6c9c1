//! The authorize page and what the person on it decides: a code is sent to the app, or a refusal.
//!
//! Every mistake that the app made is a page and sends nobody anywhere: an address that is not the app's must not be
//! followed.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, header};
use rand_core::Rng;
use thiserror::Error;

use super::{Authority, Handled, OauthAppSpec, Scene, USER_ID, form::Form, grants::Consent, page, pkce, scope};
use crate::{
    dice, envelope,
    model::{encode, segments},
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// How long a code works, in seconds. HubSpot says that it is short lived; no source says how short.
pub const CODE_SECONDS: i64 = 60;
/// The codes that wait for their exchange.
const CODES_MAX: usize = 1_000;

/// A code that waits for its exchange.
pub(super) struct Code {
    pub(super) consent: Consent,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    expires_at: Millis,
    number: u64,
}

impl Code {
    pub(super) fn is_fresh(&self, now: Millis) -> bool {
        now < self.expires_at
    }
}

/// All codes that wait.
#[derive(Default)]
pub(super) struct Codes {
    by_text: BTreeMap<String, Code>,
    last_number: u64,
}

impl Codes {
    /// Takes a code away if it is the app's: whatever comes of the exchange, the code is spent.
    pub(super) fn take(&mut self, text: &str, client_id: &str) -> Option<Code> {
        self.by_text.get(text).filter(|code| code.consent.client_id == client_id)?;
        self.by_text.remove(text)
    }

    pub(super) fn drop_of(&mut self, app_id: u64, portal_id: u64) {
        self.by_text.retain(|_, code| code.consent.app_id != app_id || code.consent.portal_id != portal_id);
    }

    fn add(&mut self, asked: &Asked<'_>, portal_id: u64, now: Millis, dice: &mut dyn Rng) -> String {
        self.by_text.retain(|_, code| code.is_fresh(now));
        if self.by_text.len() >= CODES_MAX {
            let oldest = self.by_text.iter().min_by_key(|(_, code)| code.number).map(|(text, _)| text.clone());
            oldest.map(|text| self.by_text.remove(&text));
        }
        self.last_number += 1;
        let consent = Consent {
            client_id: asked.app.client_id.clone(),
            app_id: asked.app.app_id,
            portal_id,
            user_id: USER_ID,
            scopes: asked.granted(),
        };
        let text = format!("na1-{}", dice::uuid_v4(dice));
        let code = Code {
            consent,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            expires_at: Millis(now.0.saturating_add(CODE_SECONDS * 1_000)),
            number: self.last_number,
        };
        self.by_text.insert(text.clone(), code);
        text
    }
}

/// What an app asks a person for.
pub(super) struct Asked<'a> {
    pub(super) app: &'a OauthAppSpec,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) optional: Vec<String>,
    pub(super) state: Option<String>,
    pub(super) challenge: Option<String>,
    /// The portal, where the address or the form names it.
    pub(super) portal: Option<u64>,
}

/// What is wrong with the address of the page.
#[derive(Debug, Error)]
pub(super) enum Mistake {
    #[error("an invalid client_id was provided")]
    Client,
    #[error("the redirect URL '{0}' doesn't match the app's registered redirect URL")]
    RedirectUri(String),
    #[error("no scopes were requested")]
    NoScope,
    #[error("one or more scopes are invalid: {0}")]
    Scope(String),
    #[error("the account {0} does not exist")]
    Portal(String),
    #[error("code_challenge_method must be S256, with a code_challenge of 43 characters")]
    Challenge,
    #[error("response_type must be code")]
    ResponseType,
    #[error("choose an account: portal_id")]
    NoPortal,
    #[error("decision must be approve or refuse")]
    Decision,
}

impl Authority {
    /// `GET`: the page for a person.
    pub(super) fn show_page(&self, request: &ApiRequest, scene: &Scene<'_>) -> Handled {
        match Asked::read(&self.apps, request, &Form::parse(&request.query), scene.portals) {
            Ok(asked) => Handled::of(asked.app.app_id, page::consent(&asked, scene.portals)),
            Err(mistake) => Handled::nobody(page::mistake(&mistake)),
        }
    }

    /// `POST` of the page's form, whose fields may also stand in the address: sends the person back to the app.
    pub(super) fn decide(&mut self, request: &ApiRequest, form: Form, scene: &mut Scene<'_>) -> Handled {
        let form = form.and(Form::parse(&request.query));
        let Scene { portals, now, dice, .. } = scene;
        let asked = match Asked::read(&self.apps, request, &form, portals) {
            Ok(asked) => asked,
            Err(mistake) => return Handled::nobody(page::mistake(&mistake)),
        };
        let portal = asked.portal.or(if let [only] = portals { Some(*only) } else { None });
        let fields = match (form.first("decision"), portal) {
            (Some("refuse"), _) => vec![
                ("error", "access_denied".to_owned()),
                ("error_description", "The user denied access to the application.".to_owned()),
            ],
            (Some("approve"), Some(portal)) => vec![("code", self.codes.add(&asked, portal, *now, *dice))],
            (Some("approve"), None) => return Handled::nobody(page::mistake(&Mistake::NoPortal)),
            _ => return Handled::nobody(page::mistake(&Mistake::Decision)),
        };
        Handled::of(asked.app.app_id, send_back(&asked, fields))
    }
}

impl<'a> Asked<'a> {
    /// The granted scopes: `oauth` first, then those asked for, then the optional ones.
    fn granted(&self) -> Vec<String> {
        let mut granted = vec![scope::BASIC.to_owned()];
        for name in self.scopes.iter().chain(&self.optional) {
            if !granted.contains(name) {
                granted.push(name.clone());
            }
        }
        granted
    }

    /// Reads and checks what an app asks for.
    fn read(
        apps: &'a BTreeMap<String, OauthAppSpec>,
        request: &ApiRequest,
        form: &Form,
        portals: &[u64],
    ) -> Result<Self, Mistake> {
        let app = form.first("client_id").and_then(|id| apps.get(id)).ok_or(Mistake::Client)?;
        let redirect_uri = form.first("redirect_uri").unwrap_or_default().to_owned();
        if !app.accepts(&redirect_uri) {
            return Err(Mistake::RedirectUri(redirect_uri));
        }
        if form.first("response_type").is_some_and(|kind| kind != "code") {
            return Err(Mistake::ResponseType);
        }
        let (scopes, optional) = (form.words("scope"), form.words("optional_scope"));
        if scopes.is_empty() {
            return Err(Mistake::NoScope);
        }
        let wrong: Vec<&str> =
            scopes.iter().chain(&optional).filter(|name| !app.may_ask_for(name)).map(String::as_str).collect();
        if !wrong.is_empty() {
            return Err(Mistake::Scope(wrong.join(", ")));
        }
        let challenge = match (form.first("code_challenge"), form.first("code_challenge_method")) {
            (None, None) => None,
            (Some(challenge), Some("S256")) if pkce::is_challenge(challenge) => Some(challenge.to_owned()),
            _ => return Err(Mistake::Challenge),
        };
        let portal = portal_asked(request, form, portals)?;
        let state = form.raw("state").map(str::to_owned);
        Ok(Self { app, redirect_uri, scopes, optional, state, challenge, portal })
    }
}

/// The portal of `/oauth/{portalId}/authorize`, else that of the form.
fn portal_asked(request: &ApiRequest, form: &Form, portals: &[u64]) -> Result<Option<u64>, Mistake> {
    let segments = segments(&request.path);
    let in_path = segments.get(1).map(|segment| &**segment).filter(|segment| *segment != "authorize");
    let Some(text) = in_path.or_else(|| form.first("portal_id")) else { return Ok(None) };
    let found = text.parse().ok().filter(|id| portals.contains(id));
    found.map(Some).ok_or_else(|| Mistake::Portal(text.to_owned()))
}

/// The redirect to the app; the state goes back as it came.
fn send_back(asked: &Asked<'_>, mut fields: Vec<(&str, String)>) -> ApiAnswer {
    fields.extend(asked.state.clone().map(|state| ("state", state)));
    let mut address = asked.redirect_uri.clone();
    for (name, value) in fields {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        address.push_str(&encode(&value));
    }
    match HeaderValue::from_str(&address) {
        Ok(location) => {
            let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
            ApiAnswer { status: 302, headers, body: bytes::Bytes::new() }
        }
        // Registered and asked addresses are visible ASCII, so this page is never seen.
        Err(_) => envelope::html(400, "Bad Request"),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn old_codes_go_and_the_oldest_goes_when_there_are_too_many() {
        let app = OauthAppSpec::new("id", "secret", 7);
        let asked = Asked {
            app: &app,
            redirect_uri: "http://localhost".into(),
            scopes: vec!["oauth".into()],
            optional: Vec::new(),
            state: None,
            challenge: None,
            portal: None,
        };
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut codes = Codes::default();
        let texts: Vec<String> = (0..=CODES_MAX).map(|_| codes.add(&asked, 1, Millis(0), &mut dice)).collect();
        assert_eq!(codes.by_text.len(), CODES_MAX);
        assert!(codes.take(&texts[0], "id").is_none());
        assert!(codes.take(&texts[1], "id").is_some());
        codes.add(&asked, 1, Millis(CODE_SECONDS * 1_000), &mut dice);
        assert_eq!(codes.by_text.len(), 1);
    }
}
