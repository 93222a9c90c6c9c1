//! `linchpin init`.

use crate::args::InitArgs;
use crate::console::Console;
use crate::failure::{Exit, Failure};

/// Asks and writes.
pub(crate) async fn run(_args: &InitArgs, _console: &mut Console) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
