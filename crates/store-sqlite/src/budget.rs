//! The budget's memory: one row for each install.

use async_trait::async_trait;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::budget::{BudgetRecord, BudgetRecords};
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::codec::Scope;
use crate::fault::{Fault, touched};

pub(crate) const LOAD: &str = "
    select may_send_until, budget_window
    from budget
    where portal = ?1 and app = ?2";

pub(crate) const SAVE: &str = "
    insert into budget (portal, app, may_send_until, budget_window)
    values (?1, ?2, ?3, ?4)
    on conflict (portal, app)
    do update set may_send_until = excluded.may_send_until, budget_window = excluded.budget_window";

fn load(tx: &Connection, install: Install) -> Result<Option<BudgetRecord>, Fault> {
    let scope = Scope::of(install)?;
    let record = tx
        .prepare_cached(LOAD)?
        .query_row(params![scope.portal, scope.app], |row| {
            Ok(BudgetRecord { may_send_until: Wall(row.get(0)?), window: row.get(1)? })
        })
        .optional()?;
    Ok(record)
}

fn save(tx: &Connection, install: Install, record: &BudgetRecord) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let rows =
        tx.prepare_cached(SAVE)?.execute(params![scope.portal, scope.app, record.may_send_until.0, record.window])?;
    touched("budget", rows, 1)
}

#[async_trait]
impl BudgetRecords for SqliteStore {
    async fn load(&self, install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        self.read("load the budget's record", move |tx| load(tx, install)).await
    }

    async fn save(&self, install: Install, record: BudgetRecord) -> Result<(), StoreError> {
        self.write("save the budget's record", move |tx| save(tx, install, &record)).await
    }
}
