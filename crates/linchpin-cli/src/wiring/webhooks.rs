//! From a configuration to the paths that HubSpot delivers to.

use std::sync::Arc;

use linchpin_engine::clock::Clock;
use linchpin_engine::echo::Echoes;
use linchpin_engine::ingress::{App, Ingress};
use linchpin_engine::news::Bell;
use linchpin_hubspot::id::AppId;
use linchpin_hubspot::signature::Scheme;
use linchpin_ports::event_log::EventLog;
use linchpin_server::webhooks::{Outside, Webhooks};

use crate::config::{self, ResolvedApp, Signature};

/// The paths; none without an app.
pub(crate) fn open(
    apps: Vec<ResolvedApp>,
    settings: &config::Webhooks,
    (log, echoes): (Arc<dyn EventLog>, Arc<Echoes>),
    clock: Arc<dyn Clock>,
    bell: Bell,
) -> Option<Webhooks> {
    if apps.is_empty() {
        return None;
    }
    let outside = match &settings.public_url {
        Some(url) => Outside::Fixed(url.0.clone()),
        None => Outside::Forwarded(settings.trusted_proxies.clone()),
    };
    let apps = apps.into_iter().map(|app| App {
        id: AppId(app.number),
        secrets: app.secrets,
        least: match app.least {
            Signature::V1 => Scheme::V1,
            Signature::V2 => Scheme::V2,
            Signature::V3 => Scheme::V3,
        },
    });
    Some(Webhooks::new(Ingress::new(apps.collect(), log, clock, bell).with_echoes(echoes), outside))
}
