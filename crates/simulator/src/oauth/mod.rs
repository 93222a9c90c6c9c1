//! OAuth: the consent page, codes, access and refresh tokens, as HubSpot's authorization server hands them out.
//!
//! Pure: it is told the time and handed dice. What it is not: it does not decide what a token may call (the hub does,
//! as for any credential), and it draws on no limit, since none is documented for the token endpoints.
//! Invariants: a code works once and for a short time; a refresh token stays the same; revoking it leaves the access
//! tokens alive that it made; a token is never printed.

mod app;
mod authorize;
mod form;
mod grants;
mod page;
mod pkce;
mod refusal;
mod scope;
mod token;

use std::{borrow::Cow, collections::BTreeMap, fmt, str};

use http::{Method, header};
use rand_core::Rng;

pub use app::OauthAppSpec;
pub use authorize::CODE_SECONDS;
pub use grants::ACCESS_TOKEN_SECONDS;

use crate::{
    credential::Credentials,
    envelope::{self, Envelope},
    model::segments,
    options::StartError,
    wire::{ApiAnswer, ApiRequest, Millis},
};
use authorize::Codes;
use form::Form;
pub(crate) use grants::Grant;
use grants::Grants;

/// The largest body of a call, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The user who consents.
const USER_ID: u64 = 1;
/// The address of that user.
const USER: &str = "user@example.test";

/// The generation of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/oauth/v1`: four fields, tokens in paths.
    V1,
    /// `/oauth/v3` and the dated paths.
    Current,
}

/// The calls that are answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OauthRoute {
    /// `GET /oauth/authorize` and `/oauth/{portalId}/authorize`: the page.
    AuthorizePage,
    /// `POST` of the page's form.
    Decide,
    /// `POST /oauth/{version}/token`.
    Token(Dialect),
    /// `POST /oauth/{version}/token/introspect`.
    Introspect,
    /// `POST /oauth/{version}/token/revoke`.
    Revoke,
    /// `GET /oauth/v1/access-tokens/{token}`.
    AccessTokenInfo,
    /// `GET /oauth/v1/refresh-tokens/{token}`.
    RefreshTokenInfo,
    /// `DELETE /oauth/v1/refresh-tokens/{token}`.
    DeleteRefreshToken,
    /// One of these paths with another method.
    WrongMethod,
}

impl OauthRoute {
    /// Says whether the path itself is a secret.
    pub(crate) fn has_token_in_path(self) -> bool {
        match self {
            Self::AccessTokenInfo | Self::RefreshTokenInfo | Self::DeleteRefreshToken | Self::WrongMethod => true,
            Self::AuthorizePage | Self::Decide | Self::Token(_) | Self::Introspect | Self::Revoke => false,
        }
    }
}

/// Finds the call that a path means.
pub(crate) fn recognise(method: &Method, segments: &[&str]) -> Option<OauthRoute> {
    let ["oauth", rest @ ..] = segments else { return None };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // `/oauth/{portalId}/authorize` is the same page with the account chosen.
    let words = match rest {
        [portal, "authorize"] if is_number(portal) => &["authorize"],
        other => other,
    };
    let (get, post) = (*method == Method::GET, *method == Method::POST);
    let route = match words {
        ["authorize"] if get => OauthRoute::AuthorizePage,
        ["authorize"] if post => OauthRoute::Decide,
        ["v1", "access-tokens", _] if get => OauthRoute::AccessTokenInfo,
        ["v1", "refresh-tokens", _] if get => OauthRoute::RefreshTokenInfo,
        ["v1", "refresh-tokens", _] if *method == Method::DELETE => OauthRoute::DeleteRefreshToken,
        ["v1", "token"] if post => OauthRoute::Token(Dialect::V1),
        ["v3" | "2026-03" | "2026-09", "token"] if post => OauthRoute::Token(Dialect::Current),
        ["v3" | "2026-03" | "2026-09", "token", "introspect"] if post => OauthRoute::Introspect,
        ["v3" | "2026-03" | "2026-09", "token", "revoke"] if post => OauthRoute::Revoke,
        ["authorize"]
        | ["v1", "access-tokens" | "refresh-tokens", _]
        | ["v1" | "v3" | "2026-03" | "2026-09", "token"]
        | ["v3" | "2026-03" | "2026-09", "token", "introspect" | "revoke"] => OauthRoute::WrongMethod,
        _ => return None,
    };
    Some(route)
}

/// What a call may use of the world around it.
pub(crate) struct Scene<'a> {
    pub(crate) credentials: &'a mut Credentials,
    /// The portals that a person can choose.
    pub(crate) portals: &'a [u64],
    pub(crate) now: Millis,
    pub(crate) dice: &'a mut dyn Rng,
}

/// An answer, and the app that it was given to.
pub(crate) struct Handled {
    pub(crate) answer: ApiAnswer,
    pub(crate) app_id: Option<u64>,
}

impl Handled {
    fn nobody(answer: ApiAnswer) -> Self {
        Self { answer, app_id: None }
    }

    fn of(app_id: u64, answer: ApiAnswer) -> Self {
        Self { answer, app_id: Some(app_id) }
    }
}

/// The authorization server of all portals. Printing it shows no secret.
pub(crate) struct Authority {
    apps: BTreeMap<String, OauthAppSpec>,
    codes: Codes,
    grants: Grants,
    app_tokens: token::AppTokens,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("apps", &self.apps).finish_non_exhaustive()
    }
}

impl Authority {
    /// Registers apps.
    pub(crate) fn new(specs: &[OauthAppSpec]) -> Result<Self, StartError> {
        let mut apps = BTreeMap::new();
        for spec in specs {
            spec.check()?;
            if apps.insert(spec.client_id.clone(), spec.clone()).is_some() {
                return Err(StartError::OauthAppTwice);
            }
        }
        Ok(Self { apps, codes: Codes::default(), grants: Grants::default(), app_tokens: token::AppTokens::default() })
    }

    /// Answers one call.
    pub(crate) fn handle(&mut self, route: OauthRoute, request: &ApiRequest, scene: &mut Scene<'_>) -> Handled {
        if request.body.len() > BODY_BYTES_MAX {
            return Handled::nobody(envelope::html(413, "Request Entity Too Large"));
        }
        match route {
            OauthRoute::AuthorizePage => self.show_page(request, scene),
            OauthRoute::Decide => match read_form(request) {
                Some(form) => self.decide(request, form, scene),
                None => Handled::nobody(unsupported()),
            },
            OauthRoute::Token(dialect) => match read_form(request) {
                Some(form) => self.give_token(dialect, &form, scene),
                None => Handled::nobody(unsupported()),
            },
            OauthRoute::Introspect => match read_form(request) {
                Some(form) => self.introspect(&form, scene),
                None => Handled::nobody(unsupported()),
            },
            OauthRoute::Revoke => match read_form(request) {
                Some(form) => self.revoke_by_form(&form, scene),
                None => Handled::nobody(unsupported()),
            },
            OauthRoute::AccessTokenInfo => self.access_token_info(&last_segment(request), scene),
            OauthRoute::RefreshTokenInfo => self.refresh_token_info(&last_segment(request), scene),
            OauthRoute::DeleteRefreshToken => self.delete_refresh_token(&last_segment(request), scene),
            OauthRoute::WrongMethod => Handled::nobody(envelope::html(405, "Method Not Allowed")),
        }
    }

    /// Kills a refresh token; false when it is none.
    pub(crate) fn revoke(&mut self, refresh_token: &str) -> bool {
        self.grants.revoke(refresh_token)
    }

    /// Makes the access tokens of a grant expire; false when there is no such grant.
    pub(crate) fn expire(&self, grant: u64, credentials: &mut Credentials, now: Millis) -> bool {
        self.grants.expire(grant, credentials, now)
    }

    /// Removes an app from a portal.
    pub(crate) fn uninstall(&mut self, app_id: u64, portal_id: u64, credentials: &mut Credentials, now: Millis) {
        self.codes.drop_of(app_id, portal_id);
        self.grants.uninstall(app_id, portal_id, credentials, now);
    }

    /// The apps that are registered.
    pub(crate) fn apps(&self) -> impl Iterator<Item = &OauthAppSpec> {
        self.apps.values()
    }

    /// The grants that live.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    /// One grant.
    pub(crate) fn grant(&self, id: u64) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// When the living access tokens of a grant expire.
    pub(crate) fn expiries(&self, grant: u64, credentials: &Credentials, now: Millis) -> Vec<Millis> {
        self.grants.expiries(grant, credentials, now)
    }

    /// Forgets codes, grants and tokens; the apps stay.
    pub(crate) fn reset(&mut self, credentials: &mut Credentials) {
        self.codes = Codes::default();
        self.app_tokens = token::AppTokens::default();
        self.grants.clear(credentials);
    }
}

/// The fields of a body that is declared as a form; `None` if it is not.
fn read_form(request: &ApiRequest) -> Option<Form> {
    let kind = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    str::from_utf8(&request.body).ok().map(Form::parse)
}

fn unsupported() -> ApiAnswer {
    envelope::html(415, "Unsupported Media Type")
}

fn not_found(scene: &mut Scene<'_>) -> Handled {
    Handled::nobody(Envelope::new(404, "resource not found").answer(scene.now, scene.dice))
}

/// The token in a path.
fn last_segment(request: &ApiRequest) -> Cow<'_, str> {
    segments(&request.path).pop().unwrap_or_default()
}
