//! Ctrl-C: the first one asks to stop in good order, the second one stops at once.

use std::future::Future;
use std::pin::pin;

use tokio_util::sync::CancellationToken;

use crate::console;
use crate::failure::{Code, Failure};

/// Runs work that watches `stop`. After the first signal the token is cancelled and the work may end by itself; after
/// the second it is dropped where it stands.
pub(crate) async fn interruptible<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
    how_to_go_on: &str,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Ok(done),
        () = signal() => {}
    }
    stop.cancel();
    console::note("stopping: waiting for the answers of calls in flight (Ctrl-C again stops at once)");
    tokio::select! {
        done = &mut work => Ok(done),
        () = signal() => Err(interrupted(how_to_go_on)),
    }
}

/// Runs work that may be dropped at any moment; the first signal ends it.
pub(crate) async fn droppable<T>(work: impl Future<Output = T>, how_to_go_on: &str) -> Result<T, Failure> {
    tokio::select! {
        done = work => Ok(done),
        () = signal() => Err(interrupted(how_to_go_on)),
    }
}

/// The failure that an interrupted command ends with.
pub(crate) fn interrupted(how_to_go_on: &str) -> Failure {
    Failure::new(Code::Interrupted, "interrupted before the end", how_to_go_on)
}

/// Waits for Ctrl-C or a polite request to terminate.
pub(crate) async fn signal() {
    let terminate = async {
        #[cfg(unix)]
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => stream.recv().await,
            Err(_) => std::future::pending().await,
        };
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! { () = interrupt => {} () = terminate => {} }
}
