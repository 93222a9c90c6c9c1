//! `linchpin completions`: a completion script for a shell.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::console::Console;
use crate::failure::{Exit, Failure};

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "linchpin", &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::internal("the script is no text", &error))?;
    console.say(script.trim_end());
    console.result(&serde_json::json!({"ok": true, "shell": args.shell.to_string(), "script": script}));
    Ok(Exit::Done)
}
