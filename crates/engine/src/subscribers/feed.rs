//! One subscriber's way through one log.

use linchpin_core::echo::hearing::Hearing;
use linchpin_core::subscribers::deliver::{Attempt, Reason, Trouble, Verdict, judge};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::store::StoreError;
use linchpin_ports::subscribers::{Dead, Disabled, Feed, FeedState};

use super::parcel::{Look, Looker, deliver, look, message, size};
use super::{Known, POLL, STORE_PAUSE, Shared};

/// Walks for ever: a store that fails is asked again, from what it has.
pub(super) async fn walk(shared: &Shared, known: &Known, install: Install) {
    let mut hearing = Hearing::new(known.subscriber.ignored_callers.clone(), shared.opened);
    loop {
        let Err(error) = follow(shared, known, install, &mut hearing).await;
        let name = known.subscriber.name.as_str();
        tracing::warn!(subscriber = name, %install, %error, "a feed stands still: the store fails");
        tokio::time::sleep(STORE_PAUSE).await;
    }
}

/// What a step came to.
enum Step {
    /// There may be more to do at once.
    Done(Feed),
    /// The feed has to be read again.
    Stale,
}

async fn follow(
    shared: &Shared,
    known: &Known,
    install: Install,
    hearing: &mut Hearing,
) -> Result<std::convert::Infallible, StoreError> {
    let memory = shared.parts.memory.as_ref();
    let name = known.subscriber.name.as_str();
    let mut news = shared.parts.news.clone();
    let mut feed = memory.feed(install, name).await?;
    loop {
        // Made before the feed is looked at: whoever changes it afterwards wakes this.
        let changed = known.changed.notified();
        if feed.state.disabled.is_some() {
            changed.await;
            feed = memory.feed(install, name).await?;
            continue;
        }
        let now = shared.parts.clock.now().wall;
        if let Some(wait) = feed.state.trouble.next.filter(|next| *next > now).map(|next| next - now) {
            if tokio::time::timeout(wait, changed).await.is_ok() {
                feed = memory.feed(install, name).await?;
            } else {
                feed.state.trouble.next = None;
            }
            continue;
        }
        news.note();
        let most = size(&known.subscriber, feed.state.trouble.at_most);
        let (log, echoes) = (shared.parts.log.as_ref(), shared.parts.echoes.as_ref());
        let looker = Looker { subscriber: &known.subscriber, install, log, echoes, hearing };
        let found = look(&looker, feed.place, most, now).await?;
        let Some(found) = found else {
            tokio::select! {
                () = changed => feed = memory.feed(install, name).await?,
                () = news.wait(POLL) => {}
            }
            continue;
        };
        feed = match step(shared, known, (feed, hearing), found).await? {
            Step::Done(feed) => feed,
            Step::Stale => memory.feed(install, name).await?,
        };
    }
}

async fn step(
    shared: &Shared,
    known: &Known,
    (feed, hearing): (Feed, &mut Hearing),
    look: Look,
) -> Result<Step, StoreError> {
    let Look { missed, upto, events, found } = look;
    if missed > 0 {
        tracing::warn!(subscriber = feed.name, install = %feed.install, missed, code = "LP5409", "events were forgotten before they were sent");
    }
    let state = FeedState { missed: feed.state.missed + missed, ..feed.state.clone() };
    let Some(message) = message(&known.subscriber, &events) else {
        hearing.handle_heard(found, shared.parts.clock.now().wall);
        return save(shared, Feed { place: upto, state, ..feed }).await;
    };
    let now = shared.parts.clock.now().wall;
    let outcome = deliver(known.way.as_ref(), &known.subscriber.secrets, &message, now).await;
    shared.count(&feed.name, feed.install, outcome);
    let now = shared.parts.clock.now().wall;
    // One that failed may have been taken all the same.
    hearing.handle_heard(found, now);
    let attempt = Attempt { outcome, events: events.len(), dead: state.dead };
    let (verdict, trouble) = judge(&state.trouble, attempt, now, shared.roll());
    let count = events.len() as u64;
    match verdict {
        Verdict::Arrived => {
            let state = FeedState { trouble, delivered: state.delivered + count, ..state };
            save(shared, Feed { place: upto, state, ..feed }).await
        }
        // What was missed is counted when the place moves.
        Verdict::Again => {
            let state = FeedState { trouble, ..feed.state };
            save(shared, Feed { state, ..feed }).await
        }
        Verdict::Disable(reason) => {
            disabled(&feed, reason);
            let disabled = Some(Disabled { reason, since: now });
            let state = FeedState { trouble, disabled, ..feed.state };
            save(shared, Feed { state, ..feed }).await
        }
        Verdict::Dead => {
            let ends = events.first().zip(events.last()).map(|(first, last)| (first.id, last.id));
            let (first, last) = ends.unwrap_or((upto, upto));
            let dead = dead(&state.trouble, &trouble, (first, last), count, now);
            tracing::warn!(subscriber = feed.name, install = %feed.install, first, last, code = "LP5408", "a delivery is given up and kept");
            let feed = Feed { place: upto, state: FeedState { trouble, ..state }, ..feed };
            // The store counts the dead: the feed is read again in any case.
            shared.parts.memory.bury(&feed, &dead).await?;
            Ok(Step::Stale)
        }
    }
}

fn dead(before: &Trouble, after: &Trouble, (first, last): (u64, u64), events: u64, died_at: Wall) -> Dead {
    let attempts = before.attempts.saturating_add(1);
    Dead { first, last, events, status: after.status, attempts, died_at }
}

fn disabled(feed: &Feed, reason: Reason) {
    let (subscriber, install, place) = (&feed.name, feed.install, feed.place);
    tracing::error!(subscriber, %install, place, code = "LP5407", reason = reason.name(), "a subscriber is disabled");
}

async fn save(shared: &Shared, feed: Feed) -> Result<Step, StoreError> {
    match shared.parts.memory.save(&feed).await? {
        Some(revision) => Ok(Step::Done(Feed { revision, ..feed })),
        None => Ok(Step::Stale),
    }
}
