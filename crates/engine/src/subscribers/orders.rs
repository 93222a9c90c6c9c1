//! What an operator orders: enable, go back to a place, send what is dead once more.

use std::collections::BTreeSet;

use linchpin_core::echo::hearing::Hearing;
use linchpin_core::subscribers::deliver::{Outcome, Trouble};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::store::StoreError;
use linchpin_ports::subscribers::{Dead, Feed};

use super::parcel::{Looker, deliver, look, message, size};
use super::{Known, Subscribers, installs};

/// Dead deliveries that one order sends at most.
pub const REPLAYED_MAX: u16 = 100;
/// How often a feed is written anew when somebody else writes it at the same time.
const TRIES_MAX: u32 = 20;

/// Where a feed is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Beyond a place of one log.
    After(Install, u64),
    /// With the first event since a moment, in every log.
    Since(Wall),
}

/// What became of dead deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Those that arrived; they are dead no more.
    pub delivered: u64,
    /// Those whose events are forgotten; they are gone.
    pub forgotten: u64,
    /// Those that failed again; with one of them the rest waits.
    pub failed: u64,
    /// The status of the failure; none if there was no answer.
    pub status: Option<u16>,
}

impl Subscribers {
    /// Lets a subscriber have its events again, from where it stopped. Gives how many feeds there are; none if there is
    /// no such subscriber.
    ///
    /// # Errors
    /// The store fails.
    pub async fn enable(&self, name: &str) -> Result<Option<usize>, StoreError> {
        self.change(name, None).await
    }

    /// Sends a subscriber back, or ahead. It is enabled as well. Gives how many feeds were moved; none if there is no
    /// such subscriber.
    ///
    /// # Errors
    /// The store fails.
    pub async fn resume(&self, name: &str, to: Moved) -> Result<Option<usize>, StoreError> {
        self.change(name, Some(to)).await
    }

    async fn change(&self, name: &str, to: Option<Moved>) -> Result<Option<usize>, StoreError> {
        let Some(known) = self.shared.known.get(name) else { return Ok(None) };
        let log = self.shared.parts.log.as_ref();
        let mut changed = 0;
        for install in installs(log).await? {
            let place = match to {
                None => None,
                Some(Moved::After(of, place)) if of == install => Some(place.min(log.last(install).await?)),
                Some(Moved::After(..)) => continue,
                Some(Moved::Since(moment)) => Some(log.before(install, moment).await?),
            };
            self.rewrite(known, install, place).await?;
            changed += 1;
        }
        known.changed.notify_waiters();
        Ok(Some(changed))
    }

    async fn rewrite(&self, known: &Known, install: Install, place: Option<u64>) -> Result<(), StoreError> {
        let memory = self.shared.parts.memory.as_ref();
        for _ in 0..TRIES_MAX {
            let mut feed: Feed = memory.feed(install, &known.subscriber.name).await?;
            feed.place = place.unwrap_or(feed.place);
            feed.state.disabled = None;
            feed.state.trouble = Trouble::default();
            if memory.save(&feed).await?.is_some() {
                return Ok(());
            }
        }
        let source = std::io::Error::other("the feed is written by others all the time").into();
        Err(StoreError::Unavailable { intent: "change a feed", source })
    }

    /// Dead deliveries of a subscriber, over all logs; none if there is no such subscriber.
    ///
    /// # Errors
    /// The store fails.
    pub async fn dead(&self, name: &str, limit: u16) -> Result<Option<Vec<(Install, Dead)>>, StoreError> {
        if !self.shared.known.contains_key(name) {
            return Ok(None);
        }
        let mut all = Vec::new();
        for install in installs(self.shared.parts.log.as_ref()).await? {
            let room = limit.saturating_sub(u16::try_from(all.len()).unwrap_or(u16::MAX));
            let found = self.shared.parts.memory.dead(install, name, 0, room).await?;
            all.extend(found.into_iter().map(|dead| (install, dead)));
        }
        Ok(Some(all))
    }

    /// Sends dead deliveries once more, the oldest first, each once; the first that fails ends it. None if there is no
    /// such subscriber.
    ///
    /// # Errors
    /// The store fails.
    pub async fn replay(&self, name: &str) -> Result<Option<Replayed>, StoreError> {
        let Some(known) = self.shared.known.get(name) else { return Ok(None) };
        let Some(all) = self.dead(name, REPLAYED_MAX).await? else { return Ok(None) };
        let mut replayed = Replayed::default();
        for (install, dead) in all {
            let sent = self.send_dead(known, install, &dead).await?;
            match sent {
                Some(Outcome::Answered { status: 200..=299, .. }) => replayed.delivered += 1,
                None => replayed.forgotten += 1,
                Some(outcome) => {
                    replayed.failed += 1;
                    if let Outcome::Answered { status, .. } = outcome {
                        replayed.status = Some(status);
                    }
                    break;
                }
            }
            self.shared.parts.memory.exhume(install, name, dead.first).await?;
        }
        known.changed.notify_waiters();
        Ok(Some(replayed))
    }

    /// Sends what is left of a dead delivery; none if nothing is.
    async fn send_dead(&self, known: &Known, install: Install, dead: &Dead) -> Result<Option<Outcome>, StoreError> {
        let (shared, mut place, mut last) = (&self.shared, dead.first.saturating_sub(1), None);
        // It was to be told once, and is told whole.
        let (echoes, hearing) = (shared.parts.echoes.as_ref(), Hearing::new(BTreeSet::new(), Wall(0)));
        while place < dead.last {
            let most = size(&known.subscriber, None);
            let log = shared.parts.log.as_ref();
            let looker = Looker { subscriber: &known.subscriber, install, log, echoes, hearing: &hearing };
            let found = look(&looker, place, most, shared.parts.clock.now().wall).await?;
            let Some(mut found) = found else { break };
            found.events.retain(|event| event.id <= dead.last);
            place = found.upto;
            let Some(message) = message(&known.subscriber, &found.events) else { continue };
            let now = shared.parts.clock.now().wall;
            let outcome = deliver(known.way.as_ref(), &known.subscriber.secrets, &message, now).await;
            shared.count(&known.subscriber.name, install, outcome);
            last = Some(outcome);
            if !matches!(outcome, Outcome::Answered { status: 200..=299, .. }) {
                break;
            }
        }
        Ok(last)
    }
}
