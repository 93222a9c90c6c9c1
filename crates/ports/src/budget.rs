//! The budget's memory across restarts.

use async_trait::async_trait;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;

use crate::store::StoreError;

/// What is known of an install's recent spending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// The process may have sent calls until this moment. After a crash the window counts as full until ten seconds
    /// after it (or after the restart, whichever is earlier).
    pub may_send_until: Wall,
    /// An exact picture, left behind by an orderly end: opaque to the store, versioned by its first byte.
    pub window: Option<Vec<u8>>,
}

/// Where budgets are remembered.
#[async_trait]
pub trait BudgetRecords: Send + Sync {
    /// The last record of an install.
    async fn load(&self, install: Install) -> Result<Option<BudgetRecord>, StoreError>;

    /// Replaces the record of an install; durable when it returns.
    async fn save(&self, install: Install, record: BudgetRecord) -> Result<(), StoreError>;
}
