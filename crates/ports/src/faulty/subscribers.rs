//! The memory of subscribers, failing when told to.

use async_trait::async_trait;
use linchpin_hubspot::id::Install;

use super::{Faulty, Method};
use crate::store::StoreError;
use crate::subscribers::{Begin, Dead, Feed, Subscribers};

#[async_trait]
impl Subscribers for Faulty {
    async fn register(&self, name: &str, begin: Begin) -> Result<(), StoreError> {
        self.through(Method::SubscribersRegister, self.inner.subscribers.register(name, begin)).await
    }

    async fn feed(&self, install: Install, name: &str) -> Result<Feed, StoreError> {
        self.through(Method::SubscribersFeed, self.inner.subscribers.feed(install, name)).await
    }

    async fn save(&self, feed: &Feed) -> Result<Option<u64>, StoreError> {
        self.through(Method::SubscribersSave, self.inner.subscribers.save(feed)).await
    }

    async fn bury(&self, feed: &Feed, dead: &Dead) -> Result<Option<u64>, StoreError> {
        self.through(Method::SubscribersBury, self.inner.subscribers.bury(feed, dead)).await
    }

    async fn dead(&self, install: Install, name: &str, after: u64, limit: u16) -> Result<Vec<Dead>, StoreError> {
        self.through(Method::SubscribersDead, self.inner.subscribers.dead(install, name, after, limit)).await
    }

    async fn exhume(&self, install: Install, name: &str, first: u64) -> Result<bool, StoreError> {
        self.through(Method::SubscribersExhume, self.inner.subscribers.exhume(install, name, first)).await
    }
}
