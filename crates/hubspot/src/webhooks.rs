//! Webhook settings and subscriptions of an app (<https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide>).
//!
//! For public apps. They belong to the app, not to an account: a token of an account is refused. The call needs the
//! developer's token, or the developer's key in the query ([`WithDeveloperKey`]). Project apps declare their webhooks
//! in a file, private apps in HubSpot's web application.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::call::{Auth, Call};
use crate::endpoint::{ApiError, Endpoint, endpoint, items, one, success};
use crate::id::AppId;
use crate::limits::sizes::{BATCH_INPUTS_MAX, OverLimit, at_most};
use crate::objects::BatchOutcome;
use crate::version::{ApiVersion, Surface};
use crate::wire::{Inputs, null_as_default, text};

/// Any call with the developer's key in its query and no token. `Debug` shows no key.
#[derive(Clone)]
pub struct WithDeveloperKey<E> {
    /// The key (`hapikey`).
    pub key: SecretString,
    /// The call.
    pub inner: E,
}

impl<E: fmt::Debug> fmt::Debug for WithDeveloperKey<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithDeveloperKey").field(&self.inner).finish()
    }
}

impl<E: Endpoint> Endpoint for WithDeveloperKey<E> {
    type Output = E::Output;

    fn call(&self, version: ApiVersion) -> Call {
        let call = self.inner.call(version).with_query("hapikey", self.key.expose_secret());
        Call { auth: Auth::Inside, ..call }
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        self.inner.decode(answer)
    }

    fn check(&self) -> Result<(), OverLimit> {
        self.inner.check()
    }
}

/// Where an app's events go. A change takes up to five minutes to take hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// An https address.
    pub target_url: String,
    /// How fast.
    pub throttling: Throttling,
}

/// How fast events go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Throttling {
    /// Requests at once, per account; more than [`crate::limits::sizes::WEBHOOK_CONCURRENCY_ABOVE`].
    pub max_concurrent_requests: u32,
}

/// GET the settings.
#[derive(Clone, Copy, Debug)]
pub struct ReadSettings {
    /// Of which app.
    pub app: AppId,
}

endpoint!(ReadSettings => Settings, one("webhook settings"), |this, version| {
    Surface::Webhooks.get(version, &[&this.app.0.to_string(), "settings"])
});

/// PUT the settings.
#[derive(Clone, Debug)]
pub struct PutSettings {
    /// Of which app.
    pub app: AppId,
    /// What they shall be.
    pub settings: Settings,
}

endpoint!(PutSettings => Settings, one("changed webhook settings"), |this, version| {
    Surface::Webhooks.put(version, &[&this.app.0.to_string(), "settings"]).with_json(&this.settings)
});

/// DELETE the settings: no event is sent any more.
#[derive(Clone, Copy, Debug)]
pub struct DeleteSettings {
    /// Of which app.
    pub app: AppId,
}

endpoint!(DeleteSettings => (), success, |this, version| {
    Surface::Webhooks.delete(version, &[&this.app.0.to_string(), "settings"])
});

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id; a number for some calls, text for others.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// `contact.propertyChange`, `object.creation`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub event_type: String,
    /// Of changes, which property.
    #[serde(default)]
    pub property_name: Option<String>,
    /// Of generic events, which type.
    #[serde(default)]
    pub object_type_id: Option<String>,
    /// Whether events are sent.
    #[serde(default, deserialize_with = "null_as_default")]
    pub active: bool,
}

/// GET all subscriptions; not paged.
#[derive(Clone, Copy, Debug)]
pub struct ListSubscriptions {
    /// Of which app.
    pub app: AppId,
}

endpoint!(ListSubscriptions => Vec<Subscription>, items("webhook subscriptions"), |this, version| {
    Surface::Webhooks.get(version, &[&this.app.0.to_string(), "subscriptions"])
});

/// GET one subscription.
#[derive(Clone, Debug)]
pub struct ReadSubscription {
    /// Of which app.
    pub app: AppId,
    /// Its id.
    pub id: String,
}

endpoint!(ReadSubscription => Subscription, one("a webhook subscription"), |this, version| {
    Surface::Webhooks.get(version, &[&this.app.0.to_string(), "subscriptions", &this.id])
});

/// A subscription to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSubscription {
    /// `contact.propertyChange`, `object.creation`, …
    pub event_type: String,
    /// Of changes, which property.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property_name: Option<String>,
    /// Of generic events, which type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type_id: Option<String>,
    /// Whether events are sent at once. It is all that can be changed later.
    pub active: bool,
}

/// POST one subscription; an app has at most [`crate::limits::sizes::WEBHOOK_SUBSCRIPTIONS_MAX`].
#[derive(Clone, Debug)]
pub struct CreateSubscription {
    /// Of which app.
    pub app: AppId,
    /// What it shall be.
    pub subscription: NewSubscription,
}

endpoint!(CreateSubscription => Subscription, one("a created webhook subscription"), |this, version| {
    Surface::Webhooks.post(version, &[&this.app.0.to_string(), "subscriptions"]).with_json(&this.subscription)
});

#[derive(Serialize)]
struct ActiveBody {
    active: bool,
}

/// PATCH one subscription on or off.
#[derive(Clone, Debug)]
pub struct SwitchSubscription {
    /// Of which app.
    pub app: AppId,
    /// Its id.
    pub id: String,
    /// On or off.
    pub active: bool,
}

endpoint!(SwitchSubscription => Subscription, one("a changed webhook subscription"), |this, version| {
    Surface::Webhooks
        .patch(version, &[&this.app.0.to_string(), "subscriptions", &this.id])
        .with_json(&ActiveBody { active: this.active })
});

/// DELETE one subscription.
#[derive(Clone, Debug)]
pub struct DeleteSubscription {
    /// Of which app.
    pub app: AppId,
    /// Its id.
    pub id: String,
}

endpoint!(DeleteSubscription => (), success, |this, version| {
    Surface::Webhooks.delete(version, &[&this.app.0.to_string(), "subscriptions", &this.id])
});

/// One input of [`SwitchSubscriptions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Which subscription.
    pub id: u64,
    /// On or off.
    pub active: bool,
}

/// POST `batch/update`: many subscriptions on or off.
#[derive(Clone, Debug)]
pub struct SwitchSubscriptions {
    /// Of which app.
    pub app: AppId,
    /// Which.
    pub inputs: Vec<Switch>,
}

endpoint!(SwitchSubscriptions => BatchOutcome<Subscription>, one("changed webhook subscriptions"), |this, version| {
    Surface::Webhooks
        .post(version, &[&this.app.0.to_string(), "subscriptions", "batch", "update"])
        .with_json(&Inputs { inputs: &this.inputs })
}, check: at_most("subscriptions of a batch", this.inputs.len(), BATCH_INPUTS_MAX));

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::call::{Effect, Family};
    use crate::testing::answer;

    const APP: AppId = AppId(7007);

    fn sent(call: &Call) -> Value {
        serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
    }

    #[test]
    fn settings_are_read_put_and_deleted_in_every_style() {
        let read = ReadSettings { app: APP };
        assert_eq!(read.call(ApiVersion::V3).target(), "/webhooks/v3/7007/settings");
        assert_eq!(read.call(ApiVersion::V2025_09).target(), "/app-webhooks/2025-09/7007/settings");
        assert_eq!(read.call(ApiVersion::V2026_03).target(), "/webhooks/2026-03/7007/settings");
        assert_eq!(read.call(ApiVersion::V2026_09).target(), "/app-webhooks/2026-09/7007/settings");
        let text = r#"{"targetUrl":"https://x.test/hooks","throttling":{"maxConcurrentRequests":10,"period":"SECONDLY"},
            "createdAt":"2026-11-20T10:00:00Z"}"#;
        let settings = read.decode(&answer(200, text)).expect("settings");
        assert_eq!(settings.throttling.max_concurrent_requests, 10);
        let put = PutSettings { app: APP, settings }.call(ApiVersion::V3);
        let body = json!({"targetUrl": "https://x.test/hooks", "throttling": {"maxConcurrentRequests": 10}});
        assert_eq!((put.method.as_str(), sent(&put)), ("PUT", body));
        assert_eq!(DeleteSettings { app: APP }.call(ApiVersion::V3).method.as_str(), "DELETE");
    }

    #[test]
    fn subscriptions_are_made_switched_and_deleted() {
        let subscription = NewSubscription {
            event_type: "contact.propertyChange".to_owned(),
            property_name: Some("email".to_owned()),
            object_type_id: None,
            active: false,
        };
        let create = CreateSubscription { app: APP, subscription };
        let call = create.call(ApiVersion::V2026_03);
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/webhooks/2026-03/7007/subscriptions"));
        assert_eq!(
            sent(&call),
            json!({"eventType": "contact.propertyChange", "propertyName": "email", "active": false})
        );
        assert_eq!((call.family, call.effect), (Family::Webhooks, Effect::Unsafe));
        let made = r#"{"id":"41001","eventType":"contact.propertyChange","propertyName":"email","active":false}"#;
        assert_eq!(create.decode(&answer(201, made)).expect("a subscription").id, "41001");
        let list = ListSubscriptions { app: APP };
        assert_eq!(list.decode(&answer(200, r#"{"results":[{"id":41001}]}"#)).expect("a list")[0].id, "41001");
        let id = || "41001".to_owned();
        let read = ReadSubscription { app: APP, id: id() };
        assert_eq!(read.call(ApiVersion::V3).path, "/webhooks/v3/7007/subscriptions/41001");
        let switch = SwitchSubscription { app: APP, id: id(), active: true }.call(ApiVersion::V3);
        assert_eq!(
            (switch.method.as_str(), sent(&switch), switch.effect),
            ("PATCH", json!({"active": true}), Effect::Idempotent)
        );
        assert_eq!(DeleteSubscription { app: APP, id: id() }.call(ApiVersion::V3).method.as_str(), "DELETE");
        let batch = SwitchSubscriptions { app: APP, inputs: vec![Switch { id: 41001, active: true }] };
        let call = batch.call(ApiVersion::V2026_09);
        assert_eq!(call.path, "/app-webhooks/2026-09/7007/subscriptions/batch/update");
        assert_eq!(
            (sent(&call), call.effect),
            (json!({"inputs": [{"id": 41001, "active": true}]}), Effect::Idempotent)
        );
    }

    #[test]
    fn a_developers_key_goes_into_the_query_and_nowhere_else() {
        let keyed = WithDeveloperKey { key: "secret-key".into(), inner: ListSubscriptions { app: APP } };
        let call = keyed.call(ApiVersion::V3);
        assert_eq!(
            (call.target().as_str(), call.auth),
            ("/webhooks/v3/7007/subscriptions?hapikey=secret-key", Auth::Inside)
        );
        assert!(!format!("{keyed:?} {call:?}").contains("secret-key"));
    }
}
