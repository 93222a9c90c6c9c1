//! What the store is told before anything is sent: until when this process may send.
//!
//! After a crash the next process takes the window for full until ten seconds after that moment or after its own
//! start, whichever is earlier. So nothing may leave after it: the scheduler's leases end with it. What was counted of
//! the day is told along, so that a crash forgets at most the calls of one horizon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::schedule::budget::{LEASE_AHEAD, Past, Scope};
use linchpin_core::schedule::record::{Stored, WindowRecord};
use linchpin_core::time::{Mono, Now};
use linchpin_hubspot::id::Install;
use linchpin_ports::budget::{BudgetRecord, BudgetRecords};
use linchpin_ports::store::StoreError;

/// How far ahead the store is told. Longer means fewer writes; what it costs after a crash is bounded by the window.
const HORIZON: Duration = Duration::from_secs(60);

/// The horizons of all installs.
pub(super) struct Horizons {
    records: Arc<dyn BudgetRecords>,
    saved: BTreeMap<Install, Mono>,
}

impl Horizons {
    pub(super) fn new(records: Arc<dyn BudgetRecords>) -> Self {
        Self { records, saved: BTreeMap::new() }
    }

    /// What an earlier process left behind. A record that cannot be read counts as a crash.
    pub(super) async fn load(&mut self, install: Install) -> Result<Past, StoreError> {
        if self.saved.contains_key(&install) {
            return Ok(Past::Fresh);
        }
        let Some(record) = self.records.load(install).await? else { return Ok(Past::Fresh) };
        let may_send_until = record.may_send_until;
        let Some(bytes) = record.window else { return Ok(Past::Crashed { may_send_until, days: None }) };
        Ok(match Stored::from_bytes(&bytes) {
            Ok(Stored::Left(window)) => Past::Recorded(window),
            Ok(Stored::Running(window)) => Past::Crashed { may_send_until, days: Some(window) },
            Err(error) => {
                tracing::warn!(install = %install, %error, "the record of the last calls is not used");
                Past::Crashed { may_send_until, days: None }
            }
        })
    }

    /// The install may be asked for leases from now on.
    pub(super) fn register(&mut self, install: Install) {
        self.saved.entry(install).or_default();
    }

    /// The install will send nothing any more.
    pub(super) fn forget(&mut self, install: Install) {
        self.saved.remove(&install);
    }

    /// Tells the store how long the installs of a window may send, and what is counted so far. Returns until when they
    /// all may.
    pub(super) async fn extend(
        &mut self,
        scope: Scope,
        now: Now,
        counted: impl Fn(Install) -> WindowRecord,
    ) -> Result<Mono, StoreError> {
        let mut all_until = now.mono + HORIZON;
        for (install, until) in self.saved.iter_mut().filter(|(install, _)| draws_on(**install, scope)) {
            if *until <= now.mono + LEASE_AHEAD {
                let window = Some(Stored::Running(counted(*install)).to_bytes());
                let record = BudgetRecord { may_send_until: now.wall + HORIZON, window };
                self.records.save(*install, record).await?;
                *until = now.mono + HORIZON;
            }
            all_until = all_until.min(*until);
        }
        Ok(all_until)
    }

    /// Leaves an exact picture behind.
    pub(super) async fn close(&self, install: Install, window: WindowRecord, now: Now) -> Result<(), StoreError> {
        let record = BudgetRecord { may_send_until: now.wall, window: Some(Stored::Left(window).to_bytes()) };
        self.records.save(install, record).await
    }

    /// All installs.
    pub(super) fn installs(&self) -> impl Iterator<Item = Install> {
        self.saved.keys().copied()
    }
}

fn draws_on(install: Install, scope: Scope) -> bool {
    match scope {
        Scope::Burst(of) => of == install,
        Scope::Search(portal) | Scope::Association(portal) => portal == install.portal,
        Scope::Token(app) | Scope::Journal(app) => app == install.app,
    }
}
