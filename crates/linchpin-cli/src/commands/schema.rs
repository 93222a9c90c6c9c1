//! `linchpin schema`: JSON Schemas, for editors.

use crate::args::{SchemaArgs, SchemaOf};
use crate::config;
use crate::console::Console;
use crate::failure::{Exit, Failure};

/// Prints the schema; with `--json` on one line.
pub(crate) fn run(args: &SchemaArgs, console: &mut Console) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaOf::Config => config::schema(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::internal("the schema cannot be written", &error))?;
    console.say(text);
    console.result(&schema);
    Ok(Exit::Done)
}
