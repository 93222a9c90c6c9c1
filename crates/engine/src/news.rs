//! News of the log: whoever follows it looks at once when something new has come in, and from time to time anyway,
//! because not everything that comes in is told here.

use std::time::Duration;

use tokio::sync::watch;

/// What a waiter hears; none if nobody tells.
pub type News = Option<watch::Receiver<u64>>;

/// What was told so far is known: whoever looks at the log afterwards sees it.
pub fn note(news: &mut News) {
    if let Some(news) = news {
        news.mark_unchanged();
    }
}

/// Waits until something is told that was not noted, but no longer than `most`.
pub async fn wait(news: &mut News, most: Duration) {
    let changed = async {
        // Whoever told the news is gone when the server stops: then only time wakes.
        let told = match news {
            Some(news) => news.changed().await.is_ok(),
            None => false,
        };
        if !told {
            std::future::pending::<()>().await;
        }
    };
    // Either way the log is looked at.
    drop(tokio::time::timeout(most, changed).await);
}

#[cfg(test)]
mod tests {
    use linchpin_core::time::Wall;

    use super::*;
    use crate::clock::{Clock as _, TokioClock};

    const MOST: Duration = Duration::from_secs(5);

    async fn waited(news: &mut News) -> Duration {
        let clock = TokioClock::new(Wall(0));
        wait(news, MOST).await;
        clock.now().wall - Wall(0)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_after_the_note_wakes_at_once_and_what_was_noted_does_not() {
        let teller = watch::Sender::new(0);
        let mut news = Some(teller.subscribe());
        teller.send_modify(|told| *told += 1);
        note(&mut news);
        assert_eq!(waited(&mut news).await, MOST);
        teller.send_modify(|told| *told += 1);
        assert_eq!(waited(&mut news).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_who_tells_time_wakes() {
        assert_eq!(waited(&mut None).await, MOST);
        let mut news = Some(watch::Sender::new(0).subscribe());
        assert_eq!(waited(&mut news).await, MOST, "who told is gone");
    }
}
