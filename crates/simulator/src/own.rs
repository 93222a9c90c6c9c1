//! The calls that are about apps and limits rather than about records.
//!
//! Token info belongs to the whole simulator (it carries the token in its body and no header); the daily use belongs to
//! one portal and is served from a copy of up to five minutes, as third parties observed.

use rand_core::Rng;
use serde::Deserialize;
use serde_json::json;

use crate::{
    credential::{Credential, CredentialKind, Credentials},
    envelope::{self, Envelope},
    limits::{DayUse, Limiter},
    wire::{ApiAnswer, Millis},
};

/// How old the copy of the daily use may be.
const DAILY_USE_AGE_MS_MAX: i64 = 300_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenInfoBody {
    token_key: String,
}

/// Answers `POST /oauth/v2/private-apps/get/access-token-info`.
pub(crate) fn token_info(credentials: &Credentials, body: &[u8], now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
    let Ok(body) = serde_json::from_slice::<TokenInfoBody>(body) else {
        let message = "Invalid input JSON on line 1, column 1: Some required fields were not set: [tokenKey]";
        return Envelope::new(400, message).answer(now, dice);
    };
    let is_live =
        |credential: &&Credential| credential.kind == CredentialKind::PrivateApp && credential.dead_by(now).is_none();
    let found = credentials.find(&body.token_key).filter(is_live);
    let Some(credential) = found else {
        return Envelope::new(404, "resource not found").answer(now, dice);
    };
    let info = json!({
        "userId": credential.user_id,
        "hubId": credential.portal_id,
        "appId": credential.app_id,
        "scopes": credential.scopes.clone().unwrap_or_else(all_scopes),
    });
    envelope::json(200, &info)
}

/// The scopes of a token that may do everything that the simulator knows.
fn all_scopes() -> Vec<String> {
    let types = ["contacts", "companies", "deals", "custom"];
    let mut scopes: Vec<String> = vec!["e-commerce".into(), "tickets".into(), "crm.objects.owners.read".into()];
    for family in ["objects", "schemas"] {
        for object_type in types {
            scopes.push(format!("crm.{family}.{object_type}.read"));
            scopes.push(format!("crm.{family}.{object_type}.write"));
        }
    }
    scopes.sort();
    scopes
}

/// The copy of the daily use that the endpoint serves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DailyUseCopy {
    taken: Option<(Millis, DayUse)>,
}

impl DailyUseCopy {
    /// Answers `GET /account-info/{version}/api-usage/daily/private-apps`.
    pub(crate) fn answer(&mut self, limiter: &mut Limiter, now: Millis) -> ApiAnswer {
        let kept = self.taken.filter(|(at, copy)| now.0 - at.0 < DAILY_USE_AGE_MS_MAX && now.0 < copy.resets_at);
        let (at, copy) = kept.unwrap_or_else(|| (now, limiter.day_use(now)));
        self.taken = Some((at, copy));
        let result = json!({
            "name": "private-apps-api-calls-daily",
            "usageLimit": copy.limit,
            "currentUsage": copy.used,
            "collectedAt": iso(at.0),
            "fetchStatus": if kept.is_some() { "CACHED" } else { "SUCCESS" },
            "resetsAt": iso(copy.resets_at),
        });
        envelope::json(200, &json!({"results": [result]}))
    }
}

fn iso(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(envelope::iso)
}
