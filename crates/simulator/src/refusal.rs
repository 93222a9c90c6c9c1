//! The bodies of a 429, one per limit, and of the 403 of a missing scope. None of them carries `Retry-After`: no recording and no documentation has it.
//!
//! Ten seconds: `errorType`, `policyName`, `groupName`, no `category` (public issue hubspot-api-python#117 of 2022 and
//! a quotation of 2026). Search: the 2026 form, of which only the beginning is known, so nothing is invented behind the
//! correlation id. Day: the documented form without its stale `requestId`.

use rand_core::Rng;
use serde_json::json;

use crate::{
    credential::{Credential, CredentialKind},
    envelope::Envelope,
    faults::ForcedPolicy,
    limits::{Policy, Profile},
    routes::{RequiredScope, ScopeShape},
    wire::{ApiAnswer, Millis},
};

impl From<ForcedPolicy> for Policy {
    fn from(forced: ForcedPolicy) -> Self {
        match forced {
            ForcedPolicy::TenSecondly => Self::TenSecondly,
            ForcedPolicy::Secondly => Self::Secondly,
            ForcedPolicy::Daily => Self::Daily,
        }
    }
}

/// Makes the 429 of a limit.
pub(crate) fn answer(
    policy: Policy,
    profile: Profile,
    credential: &Credential,
    now: Millis,
    dice: &mut dyn Rng,
) -> ApiAnswer {
    let body = match policy {
        Policy::TenSecondly => {
            let body = rate_limit("ten_secondly_rolling").with("policyName", "TEN_SECONDLY_ROLLING");
            match credential.kind {
                CredentialKind::PrivateApp => body.with("groupName", group(credential)),
                CredentialKind::OAuthApp => body,
            }
        }
        Policy::AssociationTenSecondly => rate_limit("ten_secondly_rolling").with("policyName", "TEN_SECONDLY_ROLLING"),
        Policy::Secondly => match profile {
            Profile::Current => rate_limit("secondly"),
            Profile::Recorded2022 => {
                Envelope::new(429, "You have reached your secondly limit.").with("category", "RATE_LIMITS")
            }
        },
        Policy::Daily => rate_limit("daily").with("policyName", "DAILY"),
    };
    body.answer(now, dice)
}

/// The refusal that a fault asks for: the 429 of the limit, or the 500 that says the same. Of that, a client's comment
/// quotes status, message and category.
pub(crate) fn forced(
    policy: ForcedPolicy,
    as_500: bool,
    profile: Profile,
    credential: &Credential,
    now: Millis,
    dice: &mut dyn Rng,
) -> ApiAnswer {
    if !as_500 {
        return answer(policy.into(), profile, credential, now, dice);
    }
    let name = match policy {
        ForcedPolicy::TenSecondly => "ten_secondly_rolling",
        ForcedPolicy::Secondly => "secondly",
        ForcedPolicy::Daily => "daily",
    };
    Envelope::new(500, format!("You have reached your {name} limit.")).with("category", "RATE_LIMITS").answer(now, dice)
}

/// The 403 of a call whose app was not granted a scope. Services differ in where they name it (PostHog/posthog#53339 of
/// 2026, HubSpot/hubspot-api-nodejs#268 of 2022 with `requiredScopes`, recorded answers of the schemas).
pub(crate) fn missing_scope(scope: &RequiredScope, profile: Profile, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
    const PAGE: &str = "https://developers.hubspot.com/scopes";
    const NEEDED: &str = "One or more of the following scopes are required.";
    let body = match scope.shape {
        ScopeShape::Errors => {
            let key = match profile {
                Profile::Current => "requiredGranularScopes",
                Profile::Recorded2022 => "requiredScopes",
            };
            let message = format!(
                "This app hasn't been granted all required scopes to make this call. Read more about required scopes \
                 here: {PAGE}."
            );
            Envelope::new(403, message)
                .with("errors", json!([{"message": NEEDED, "context": {key: [scope.named]}}]))
                .with("links", json!({"scopes": PAGE}))
        }
        ScopeShape::Context => Envelope::new(403, NEEDED)
            .with("context", json!({"requiredGranularScopes": [scope.named], "links": [PAGE]})),
    };
    body.with("category", "MISSING_SCOPES").answer(now, dice)
}

fn rate_limit(name: &str) -> Envelope {
    Envelope::new(429, format!("You have reached your {name} limit.")).error_type("RATE_LIMIT")
}

fn group(credential: &Credential) -> String {
    format!("publicapi:private_app-api-calls-ten-secondly:{}:{}", credential.app_id, credential.portal_id)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;
    use serde_json::Value;

    use super::*;
    use crate::routes::classify;

    #[test]
    fn each_limit_has_its_recorded_body_in_the_recorded_key_order() {
        let credential = Credential::private_app(48, 7);
        let (current, recorded) = (Profile::Current, Profile::Recorded2022);
        let table = [
            (
                Policy::TenSecondly,
                current,
                r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","correlationId":"ID","policyName":"TEN_SECONDLY_ROLLING","groupName":"publicapi:private_app-api-calls-ten-secondly:7:48"}"#,
            ),
            (
                Policy::Secondly,
                current,
                r#"{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT","correlationId":"ID"}"#,
            ),
            (
                Policy::Daily,
                current,
                r#"{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","correlationId":"ID","policyName":"DAILY"}"#,
            ),
            (
                Policy::Secondly,
                recorded,
                r#"{"status":"error","message":"You have reached your secondly limit.","correlationId":"ID","category":"RATE_LIMITS"}"#,
            ),
        ];
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for (policy, profile, expected) in table {
            let answer = answer(policy, profile, &credential, Millis(1), &mut dice);
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let body: Value = serde_json::from_str(&text).unwrap();
            let id = body["correlationId"].as_str().unwrap();
            assert_eq!(answer.headers["x-hubspot-correlation-id"], id);
            assert_eq!(text.replace(id, "ID"), expected);
            assert_eq!(answer.status, 429);
            // 148 bytes with a UUID: the recorded length of the search 429 of 2022.
            assert!(profile == Profile::Current || text.len() == 148, "{}", text.len());
            assert!(!answer.headers.contains_key("retry-after"));
        }
    }

    #[test]
    fn a_missing_scope_is_named_where_its_service_names_it() {
        let errors = r#"{"status":"error","message":"This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.","correlationId":"ID","errors":[{"message":"One or more of the following scopes are required.","context":{"KEY":["crm.objects.contacts.read"]}}],"links":{"scopes":"https://developers.hubspot.com/scopes"},"category":"MISSING_SCOPES"}"#;
        let context = r#"{"status":"error","message":"One or more of the following scopes are required.","correlationId":"ID","context":{"requiredGranularScopes":["custom-object-read"],"links":["https://developers.hubspot.com/scopes"]},"category":"MISSING_SCOPES"}"#;
        let table = [
            ("/crm/v3/objects/contacts", Profile::Current, errors.replace("KEY", "requiredGranularScopes")),
            ("/crm/v3/objects/contacts", Profile::Recorded2022, errors.replace("KEY", "requiredScopes")),
            ("/crm/v3/schemas", Profile::Current, context.to_owned()),
        ];
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for (path, profile, expected) in table {
            let scope = classify(&Method::GET, path).scope.unwrap();
            let answer = missing_scope(&scope, profile, Millis(1), &mut dice);
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let id = answer.headers["x-hubspot-correlation-id"].to_str().unwrap();
            assert_eq!((answer.status, text.replace(id, "ID")), (403, expected));
        }
    }
}
