//! What the gateway knows about properties: read once for each type, kept for a while, read again when a name is met
//! that is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use linchpin_core::gateway::join::Definitions;
use linchpin_core::time::Mono;
use linchpin_hubspot::id::{Install, ObjectType, PortalId};
use linchpin_hubspot::properties::List;
use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::hub::Hub;

/// How long a list of properties is believed. HubSpot sends no event when one changes.
pub const BELIEVED: Duration = Duration::from_secs(300);
/// How long a name that the list does not have is believed to be unknown.
pub const UNKNOWN_BELIEVED: Duration = Duration::from_secs(10);
/// Lists that are kept at a time; while all of them are young, calls about further types travel alone.
pub const LISTS_MAX: usize = 1_000;

/// The properties of one type: those that are no secret, and of them those with unique values.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    plain: BTreeSet<String>,
    unique: BTreeSet<String>,
}

impl Definitions for Page {
    fn is_plain(&self, _object_type: &ObjectType, property: &str) -> bool {
        self.plain.contains(property)
    }

    fn is_unique(&self, _object_type: &ObjectType, property: &str) -> bool {
        self.unique.contains(property)
    }
}

struct Entry {
    since: Mono,
    page: Arc<OnceCell<Arc<Page>>>,
}

/// All lists. One reader asks HubSpot, all others of the same type wait for its answer.
pub(super) struct Book {
    hub: Hub,
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<(Install, ObjectType), Entry>>,
}

impl Book {
    pub(super) fn new(hub: Hub, clock: Arc<dyn Clock>) -> Self {
        Self { hub, clock, entries: Mutex::default() }
    }

    /// The properties of a type. Empty if HubSpot does not tell them: then every call about the type travels alone.
    pub(super) async fn page(&self, install: Install, object_type: &ObjectType) -> Arc<Page> {
        let Some(cell) = self.cell(install, object_type, BELIEVED) else { return Arc::default() };
        Arc::clone(cell.get_or_init(|| self.read(install, object_type)).await)
    }

    /// The same, after a name was met that the list does not have: asked again unless it is very young.
    pub(super) async fn newer_page(&self, install: Install, object_type: &ObjectType) -> Arc<Page> {
        let Some(cell) = self.cell(install, object_type, UNKNOWN_BELIEVED) else { return Arc::default() };
        Arc::clone(cell.get_or_init(|| self.read(install, object_type)).await)
    }

    /// The types whose properties have been read.
    pub(super) fn object_types(&self) -> Vec<ObjectType> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let read = entries.iter().filter(|(_, entry)| entry.page.get().is_some_and(|page| !page.plain.is_empty()));
        read.map(|((_, object_type), _)| object_type.clone()).collect()
    }

    /// Believes nothing any more about an account whose definitions somebody changes.
    pub(super) fn forget(&self, portal: PortalId) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(install, _), _| install.portal != portal);
    }

    fn cell(&self, install: Install, object_type: &ObjectType, believed: Duration) -> Option<Arc<OnceCell<Arc<Page>>>> {
        let now = self.clock.now().mono;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (install, object_type.clone());
        if entries.get(&key).is_none_or(|entry| entry.since + believed <= now) {
            if entries.len() >= LISTS_MAX && !entries.contains_key(&key) {
                entries.retain(|_, entry| entry.since + BELIEVED > now);
            }
            if entries.len() >= LISTS_MAX {
                return None;
            }
            entries.insert(key.clone(), Entry { since: now, page: Arc::default() });
        }
        entries.get(&key).map(|entry| Arc::clone(&entry.page))
    }

    async fn read(&self, install: Install, object_type: &ObjectType) -> Arc<Page> {
        let list = List { object_type: object_type.clone(), archived: false };
        let properties = match self.hub.for_install(install).send(&list).await {
            Ok(properties) => properties,
            Err(error) => {
                tracing::warn!(%install, %object_type, %error, "properties cannot be read: calls travel alone");
                return Arc::default();
            }
        };
        let mut page = Page::default();
        for property in properties.into_iter().filter(|property| !property.is_sensitive()) {
            if property.has_unique_value || property.name == "email" && object_type.as_str() == "contacts" {
                page.unique.insert(property.name.clone());
            }
            page.plain.insert(property.name);
        }
        Arc::new(page)
    }
}
