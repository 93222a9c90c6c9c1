//! From a configuration to the readers of journals.

use std::sync::Arc;

use linchpin::{Linchpin, Stores, Tasks};
use linchpin_engine::echo::Echoes;
use linchpin_engine::journal::{Allowed, App, HttpFiles, JournalParts, Journals};
use linchpin_engine::news::Bell;
use linchpin_engine::upstream::{BaseUrl, HttpOptions, HttpUpstream, https_connector};
use linchpin_hubspot::id::AppId;
use linchpin_hubspot::oauth::Client;

use super::{door, trouble};
use crate::config::{Config, ResolvedJournal};
use crate::failure::{Code, Failure};

/// Starts the readers; they end with the tasks.
pub(super) async fn open(
    config: &Config,
    journals: Vec<ResolvedJournal>,
    (client, stores, echoes): (&Linchpin, &Stores, &Arc<Echoes>),
    (tasks, bell): (&Tasks, Bell),
) -> Result<Journals, Failure> {
    if journals.is_empty() {
        return Ok(Journals::default());
    }
    let connector = https_connector().map_err(|error| Failure::internal("TLS cannot be set up", &error))?;
    let hubspot = config.hubspot();
    let address = hubspot.base_url.as_str();
    let base = if hubspot.allow_plain_http { BaseUrl::allowing_plain_http(address) } else { address.parse() };
    let base = base.map_err(|error| door::base_url(error, address))?;
    // A simulator has its files where it is itself.
    let allowed = match address.strip_prefix("http://") {
        Some(_) => Allowed::PlainAt(base.host().to_owned()),
        None => Allowed::Https,
    };
    let version = hubspot.api_version.as_str().parse().map_err(|error| {
        Failure::new(Code::Setting, format!("hubspot.api_version: {error}"), "correct it in the configuration")
    })?;
    let seed = linchpin::dice().map_err(|error| trouble::of_facade(error, config))?;
    let parts = JournalParts {
        clock: client.clock(),
        upstream: Arc::new(HttpUpstream::new(connector.clone(), base, HttpOptions::default())),
        files: Arc::new(HttpFiles::new(connector, allowed)),
        records: Arc::clone(&stores.budget),
        store: Arc::clone(&stores.journals),
        echoes: Arc::clone(echoes),
        version,
        bell,
        seed,
    };
    let apps = journals.into_iter().map(|journal| App {
        id: AppId(journal.app),
        client: Client { id: journal.client_id, secret: journal.secret },
        poll: journal.poll,
        compare_after: journal.compare_after,
    });
    Journals::start(tasks, apps.collect(), parts)
        .await
        .map_err(|error| Failure::internal("the journal cannot be read", &error))
}
