//! Many items, page after page.

use std::collections::VecDeque;

use futures_util::Stream;
use futures_util::stream;
use linchpin_hubspot::endpoint::Paged;

use crate::client::Linchpin;
use crate::error::Error;

/// The items of a paged call. A page is asked for when the one before is used up, in the lane of the client.
///
/// A search ends with `LP3033` at its 10,000th match, because HubSpot shows no more: go on with a narrower filter.
#[must_use = "nothing is asked for until an item is"]
pub struct Pages<E: Paged> {
    client: Linchpin,
    next: Option<E>,
    ready: VecDeque<E::Item>,
}

impl<E: Paged> Pages<E> {
    pub(crate) fn new(client: Linchpin, first: E) -> Self {
        Self { client, next: Some(first), ready: VecDeque::new() }
    }

    /// The next item; none after the last. After an error the same page is asked for again.
    ///
    /// # Errors
    /// As [`Linchpin::send`].
    pub async fn next(&mut self) -> Result<Option<E::Item>, Error> {
        while self.ready.is_empty() {
            let Some(call) = &self.next else { return Ok(None) };
            let page = self.client.send(call).await?;
            let (items, next) = call.turn(page);
            self.ready.extend(items);
            self.next = next;
        }
        Ok(self.ready.pop_front())
    }

    /// All items that are left, in memory.
    ///
    /// # Errors
    /// As [`Linchpin::send`].
    pub async fn all(mut self) -> Result<Vec<E::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// The same as a stream, which ends at the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<E::Item, Error>> {
        stream::try_unfold(self, |mut pages| async move { Ok(pages.next().await?.map(|item| (item, pages))) })
    }
}
