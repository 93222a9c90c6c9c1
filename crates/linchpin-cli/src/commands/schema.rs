//! `linchpin schema`: JSON Schemas, for editors; and, hidden, the page that is made from the simulator's table.

use linchpin_simulator::fidelity;
use serde_json::json;

use crate::args::{SchemaArgs, SchemaOf};
use crate::config;
use crate::console::Console;
use crate::failure::{Exit, Failure};

/// Prints the schema; with `--json` on one line.
pub(crate) fn run(args: &SchemaArgs, console: &mut Console) -> Result<Exit, Failure> {
    match args.what {
        SchemaOf::Config => {
            let schema = config::schema();
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| Failure::internal("the schema cannot be written", &error))?;
            console.say(text);
            console.result(&schema);
        }
        SchemaOf::Fidelity => {
            let page = fidelity::markdown();
            console.say(page.trim_end());
            console.result(&json!({"markdown": page}));
        }
    }
    Ok(Exit::Done)
}
