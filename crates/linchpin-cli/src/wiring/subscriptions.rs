//! The webhook settings of an app at HubSpot, read and written with the developer's key.
//!
//! They belong to the app and not to an account: the account's token does not open them, and its budget is not spent.
//! So they have a door of their own, which remembers nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use linchpin_core::ingress::subscriptions::{Plan, Topic, plan};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_engine::clock::SystemClock;
use linchpin_engine::dispatch::{Dispatch, DispatchError, Parts, UtcDays};
use linchpin_engine::hub::{Hub, HubError};
use linchpin_engine::upstream::{BaseUrl, HttpOptions, HttpUpstream, https_connector};
use linchpin_hubspot::endpoint::Endpoint;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::limits::sizes::BATCH_INPUTS_MAX;
use linchpin_hubspot::webhooks::{
    CreateSubscription, ListSubscriptions, PutSettings, ReadSettings, Settings, Subscription, Switch,
    SwitchSubscription, SwitchSubscriptions, WithDeveloperKey,
};
use linchpin_ports::credentials::StaticCredentials;
use linchpin_store_sqlite::SqliteStore;
use secrecy::SecretString;

use super::{Doors, door, trouble};
use crate::config::{Config, ManagedApp};
use crate::failure::{Code, Exit, Failure};

/// Who calls, for logs.
const CALLER: &str = "webhooks";

/// The webhooks of one app at HubSpot.
pub(crate) struct AppWebhooks<'a> {
    config: &'a Config,
    hub: Hub,
    app: AppId,
    key: SecretString,
}

impl<'a> AppWebhooks<'a> {
    /// Opens the door; nothing is asked yet.
    pub(crate) async fn open(config: &'a Config, managed: &ManagedApp, doors: &Doors) -> Result<Self, Failure> {
        let Some(key) = managed.developer_key.clone() else {
            return Err(Failure::new(
                Code::SecretMissing,
                format!("app {} has no developer key: HubSpot does not tell its subscriptions", managed.number),
                format!(
                    "set `webhooks.apps.{}.developer_key` if it is a legacy public app; for an app of the developer \
                     platform write its file: --app-file FILE",
                    managed.number
                ),
            ));
        };
        let connector = https_connector().map_err(|error| Failure::internal("TLS cannot be set up", &error))?;
        let hubspot = config.hubspot();
        let address = hubspot.base_url.as_str();
        let base = if hubspot.allow_plain_http { BaseUrl::allowing_plain_http(address) } else { address.parse() };
        let base = base.map_err(|error| door::base_url(error, address))?;
        let version = hubspot.api_version.as_str().parse().map_err(|error| {
            Failure::new(Code::Setting, format!("hubspot.api_version: {error}"), "correct it in the configuration")
        })?;
        let parts = Parts {
            clock: Arc::new(SystemClock::new()),
            upstream: Arc::new(HttpUpstream::new(connector, base, HttpOptions::default())),
            credentials: Arc::new(StaticCredentials::private_app(SecretString::from(""))),
            records: SqliteStore::in_memory().map_err(trouble::of_store)?.stores().budget,
            days: Arc::new(UtcDays),
            seed: linchpin::dice().map_err(|error| trouble::of_facade(error, config))?,
        };
        let dispatch = Dispatch::start(&doors.tasks(), parts);
        let app = AppId(managed.number);
        let install = Install { portal: PortalId(0), app };
        let limits = Limits::of(Tier::Free, AppKind::Private, 0);
        let installed = dispatch.install(install, AppKind::Private, limits).await;
        installed.map_err(|error| Failure::internal("the door to HubSpot cannot be opened", &error))?;
        let hub = Hub::new(dispatch, install, version, Lane::Interactive, CALLER);
        Ok(Self { config, hub, app, key })
    }

    async fn send<E: Endpoint>(&self, inner: E) -> Result<E::Output, HubError> {
        self.hub.send(&WithDeveloperKey { key: self.key.clone(), inner }).await
    }

    /// What is to be done.
    pub(crate) async fn plan(&self, wanted: &BTreeSet<Topic>, target: &str) -> Result<Plan, Failure> {
        let there = match self.send(ListSubscriptions { app: self.app }).await {
            Ok(there) => there,
            Err(HubError::Refused(refused)) if refused.status == 404 => return Err(self.not_managed()),
            Err(error) => return Err(self.failure(error)),
        };
        let settings: Option<Settings> = match self.send(ReadSettings { app: self.app }).await {
            Ok(settings) => Some(settings),
            Err(HubError::Refused(refused)) if refused.status == 404 => None,
            Err(error) => return Err(self.failure(error)),
        };
        Ok(plan(wanted, target, settings.as_ref(), &there))
    }

    /// Does it: the address first, so that nothing new goes elsewhere.
    pub(crate) async fn apply(&self, plan: &Plan) -> Result<(), Failure> {
        if let Some(settings) = plan.settings.clone() {
            self.send(PutSettings { app: self.app, settings }).await.map_err(|error| self.failure(error))?;
        }
        for topic in &plan.create {
            let create = CreateSubscription { app: self.app, subscription: topic.subscription() };
            match self.send(create).await {
                Ok(_) => {}
                // Somebody else has made it meanwhile: whether it is on is seen by the next look.
                Err(HubError::Refused(refused)) if refused.status == 409 => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        for some in plan.activate.chunks(BATCH_INPUTS_MAX) {
            self.activate(some).await.map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    async fn activate(&self, some: &[Subscription]) -> Result<(), HubError> {
        let switch = |subscription: &Subscription| Some(Switch { id: subscription.id.parse().ok()?, active: true });
        if let Some(inputs) = some.iter().map(switch).collect::<Option<Vec<_>>>() {
            return self.send(SwitchSubscriptions { app: self.app, inputs }).await.map(drop);
        }
        // Their ids are no numbers any more: one by one they are only names.
        for Subscription { id, .. } in some {
            self.send(SwitchSubscription { app: self.app, id: id.clone(), active: true }).await?;
        }
        Ok(())
    }

    fn not_managed(&self) -> Failure {
        Failure::of(
            "LP6302",
            Exit::Failed,
            format!("HubSpot's API does not manage the webhooks of app {}", self.app.0),
            "check the number; an app of the developer platform declares its webhooks in a file of its project: write \
             it with `linchpin webhooks plan --app-file FILE`; a legacy private app has them in its settings alone",
        )
    }

    fn failure(&self, error: HubError) -> Failure {
        match error {
            HubError::NoAnswer(DispatchError::DeadToken(_)) => Failure::of(
                "LP6301",
                Exit::Failed,
                "HubSpot does not accept the developer key",
                format!(
                    "copy the key from the developer account (Keys, Developer API key) to where \
                     `webhooks.apps.{}.developer_key` points to",
                    self.app.0
                ),
            ),
            error => trouble::of_call("manage the webhooks of the app", error, self.config),
        }
    }
}
