//! What the token endpoints say to a wrong call.
//!
//! The body carries HubSpot's own code in `status` and, since 2026, the fields of RFC 6749 next to it, on version 1 too.
//! `BAD_REFRESH_TOKEN` and `BAD_AUTH_CODE` are confirmed with their texts; the other codes are read by public clients,
//! their texts are ours.

use http::HeaderValue;
use rand_core::Rng;
use serde_json::json;

use crate::{
    dice, envelope,
    wire::{ApiAnswer, Millis},
};

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    GrantType,
    ClientId,
    ClientSecret,
    /// Unknown, used, too old, or another app's.
    AuthCode,
    RedirectUri,
    CodeVerifier,
    /// Unknown, revoked, uninstalled, or another app's.
    RefreshToken,
    Scopes,
}

impl Wrong {
    /// The code of RFC 6749, HubSpot's code, and the text.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::GrantType => ("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type"),
            Self::ClientId => ("invalid_client", "BAD_CLIENT_ID", "missing or invalid client id"),
            Self::ClientSecret => ("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"),
            Self::AuthCode => ("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code"),
            Self::RedirectUri => ("invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect uri"),
            Self::CodeVerifier => ("invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code verifier"),
            Self::RefreshToken => {
                ("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
            }
            Self::Scopes => ("invalid_scope", "BAD_SCOPES", "missing or invalid scopes"),
        }
    }

    /// The 400.
    pub(super) fn answer(self, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        let (error, status, message) = self.words();
        let id = dice::uuid_v7(now, dice);
        let body = json!({
            "error": error, "error_description": message, "status": status, "message": message, "correlationId": id,
        });
        let mut answer = envelope::json(400, &body);
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers.insert("x-hubspot-correlation-id", id);
        }
        answer
    }
}
