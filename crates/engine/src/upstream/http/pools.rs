//! Connections by runtime: whoever asks reads the answer on its own thread.
//!
//! A connection is driven by a task of the runtime that opened it. If another runtime asked on it, every call would wake
//! that one's thread, and every answer would wake it back.

use std::sync::{Arc, PoisonError, RwLock};

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{Handle, Id};
use tower::Service;

use super::{BoxError, IDLE_CONNECTIONS_MAX, IDLE_TIMEOUT, Outgoing, Timed};

/// A client, which keeps connections.
type Pool<C> = Arc<Client<Timed<C>, Outgoing>>;

/// A pool for each runtime that has asked: as many as the program has runtimes.
pub(super) struct Pools<C> {
    connector: Timed<C>,
    pools: RwLock<Vec<(Id, Pool<C>)>>,
}

impl<C> Pools<C>
where
    C: Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    pub(super) fn new(connector: Timed<C>) -> Self {
        Self { connector, pools: RwLock::default() }
    }

    /// The client of the runtime on which this is called.
    pub(super) fn client(&self) -> Pool<C> {
        let here = Handle::current().id();
        let find = |pools: &[(Id, Pool<C>)]| pools.iter().find(|(id, _)| *id == here).map(|(_, pool)| Arc::clone(pool));
        let known = find(&self.pools.read().unwrap_or_else(PoisonError::into_inner));
        known.unwrap_or_else(|| {
            let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
            find(&pools).unwrap_or_else(|| {
                let pool = Arc::new(self.open());
                pools.push((here, Arc::clone(&pool)));
                pool
            })
        })
    }

    fn open(&self) -> Client<Timed<C>, Outgoing> {
        Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(self.connector.clone())
    }
}
