//! News of the log: whoever follows it looks at once when something new has come in, and from time to time anyway,
//! because not everything that comes in is told here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Where news is told, by everybody who writes to the log: webhooks and journals share one.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<watch::Sender<u64>>);

impl Bell {
    /// Tells that something new is in the log, on the disk.
    pub fn ring(&self) {
        self.0.send_modify(|told| *told += 1);
    }

    /// Hears what is told from now on.
    pub fn listen(&self) -> News {
        News(self.0.subscribe())
    }
}

/// What somebody who follows the log hears.
#[derive(Clone, Debug)]
pub struct News(watch::Receiver<u64>);

impl News {
    /// What was told so far is known: whoever looks at the log afterwards sees it.
    pub fn note(&mut self) {
        self.0.mark_unchanged();
    }

    /// Whether something was told that was not noted.
    pub fn is_new(&self) -> bool {
        // Who told it may be gone: then nothing new comes.
        self.0.has_changed().unwrap_or(false)
    }

    /// Waits until something is told that was not noted, but no longer than `most`.
    pub async fn wait(&mut self, most: Duration) {
        let changed = async {
            // Whoever told the news is gone when the server stops: then only time wakes.
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        // Either way the log is looked at.
        drop(tokio::time::timeout(most, changed).await);
    }
}

#[cfg(test)]
mod tests {
    use linchpin_core::time::Wall;

    use super::*;
    use crate::clock::{Clock as _, TokioClock};

    const MOST: Duration = Duration::from_secs(5);

    async fn waited(news: &mut News) -> Duration {
        let clock = TokioClock::new(Wall(0));
        news.wait(MOST).await;
        clock.now().wall - Wall(0)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_after_the_note_wakes_at_once_and_what_was_noted_does_not() {
        let bell = Bell::default();
        let mut news = bell.listen();
        bell.ring();
        assert!(news.is_new());
        news.note();
        assert!(!news.is_new());
        assert_eq!(waited(&mut news).await, MOST);
        // Whoever rings, all hear it.
        bell.clone().ring();
        assert_eq!(waited(&mut news).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_who_tells_time_wakes() {
        assert_eq!(waited(&mut Bell::default().listen()).await, MOST, "who told is gone");
    }
}
