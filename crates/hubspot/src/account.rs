//! The account and the credential themselves: details, usage of the day, what a token may do.
//!
//! Sources: <https://developers.hubspot.com/docs/api-reference/account-account-info-v3/guide> and
//! <https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview> (token information).

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::{AppId, PortalId};
use crate::version::{ApiVersion, Surface};
use crate::wire::{PageBody, null_as_default, number_or_none};

/// GET the details of the account behind the credential.
#[derive(Clone, Copy, Debug)]
pub struct Details;

/// Who the account is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetails {
    /// Its id.
    pub portal_id: PortalId,
    /// `STANDARD`, `DEVELOPER_TEST`, `SANDBOX` or `APP_DEVELOPER`.
    #[serde(default)]
    pub account_type: Option<String>,
    /// An IANA name such as `US/Eastern`; the daily limit ends at its midnight.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Offset of that zone now, in milliseconds.
    #[serde(default)]
    pub utc_offset_milliseconds: Option<i64>,
    /// ISO 4217.
    #[serde(default)]
    pub company_currency: Option<String>,
    /// Host of the web application.
    #[serde(default)]
    pub ui_domain: Option<String>,
    /// `na1`, `eu1`, …
    #[serde(default)]
    pub data_hosting_location: Option<String>,
}

impl Endpoint for Details {
    type Output = AccountDetails;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Account.path(version, &["details"]))
    }

    fn decode(&self, answer: &Answer) -> Result<AccountDetails, ApiError> {
        body(answer, "account details")
    }
}

/// GET how many calls private apps have made today; up to five minutes old, private apps alone.
#[derive(Clone, Copy, Debug)]
pub struct DailyUsage;

/// One counter of the day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// `private-apps-api-calls-daily`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The limit.
    #[serde(default, rename = "usageLimit", deserialize_with = "number_or_none")]
    pub limit: Option<u64>,
    /// Calls so far.
    #[serde(default, rename = "currentUsage", deserialize_with = "number_or_none")]
    pub used: Option<u64>,
    /// When HubSpot counted, ISO 8601.
    #[serde(default)]
    pub collected_at: Option<String>,
    /// `SUCCESS`, `CACHED`, `TIMEOUT`, `FAILURE` or `NOTFOUND`; the numbers hold for the first two.
    #[serde(default)]
    pub fetch_status: Option<String>,
    /// When the day ends, ISO 8601.
    #[serde(default)]
    pub resets_at: Option<String>,
}

impl Endpoint for DailyUsage {
    type Output = Vec<Usage>;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Account.path(version, &["api-usage", "daily", "private-apps"]))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Usage>>(answer, "usage of the day").map(|page| page.results)
    }
}

/// POST a private app's token to learn its app and scopes. Service keys and OAuth tokens are unknown there.
///
/// The call carries the token in its body, so it needs no credential; `Debug` does not show it.
#[derive(Clone)]
pub struct TokenInfo {
    token: String,
}

impl TokenInfo {
    /// About this token.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into() }
    }
}

impl fmt::Debug for TokenInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenInfo(***)")
    }
}

/// What a private app's token belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrivateApp {
    /// The account.
    pub hub_id: PortalId,
    /// The app.
    pub app_id: AppId,
    /// What it may do.
    #[serde(default, deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
}

impl Endpoint for TokenInfo {
    type Output = PrivateApp;

    /// The path has no dated form.
    fn call(&self, _version: ApiVersion) -> Call {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            token_key: &'a str,
        }
        Call::new(Method::POST, "/oauth/v2/private-apps/get/access-token-info")
            .with_json(&Body { token_key: &self.token })
    }

    fn decode(&self, answer: &Answer) -> Result<PrivateApp, ApiError> {
        body(answer, "token information")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, recording};

    #[test]
    fn details_usage_and_token_information_are_read() {
        let usage = r#"{"results":[{"name":"private-apps-api-calls-daily","usageLimit":625000,"currentUsage":1240,
            "collectedAt":"2026-11-20T11:00:00Z","fetchStatus":"SUCCESS","resetsAt":"2026-11-21T05:00:00Z"}]}"#;
        let usage = DailyUsage.decode(&answer(200, usage)).expect("usage");
        assert_eq!((usage[0].limit, usage[0].used), (Some(625_000), Some(1_240)));
        let info = TokenInfo::new("pat-na1-secret");
        let app = info.decode(&answer(200, r#"{"userId":1,"hubId":48,"appId":7007,"scopes":["oauth"]}"#));
        assert_eq!(app.expect("an app").app_id, AppId(7007));
        assert!(!format!("{info:?} {:?}", info.call(ApiVersion::V3)).contains("secret"));
    }

    #[test]
    fn the_recorded_account_is_read() {
        let Some(text) = recording("amp-labs_connectors/post-auth__account-info.json") else { return };
        let details = Details.decode(&answer(200, &text)).expect("details");
        assert_eq!(details.portal_id, PortalId(12_345_678));
        assert_eq!(details.time_zone.as_deref(), Some("US/Eastern"));
    }
}
