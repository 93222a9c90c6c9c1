//! `linchpin schema`: JSON Schemas, for editors; the description of the admin interface; and, hidden, the pages that are
//! made from tables in the code.

use linchpin_server::{admin, metrics};
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
        SchemaOf::Openapi => {
            let document = admin::openapi::document();
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| Failure::internal("the description cannot be written", &error))?;
            console.say(text);
            console.result(&document);
        }
        SchemaOf::Fidelity => page(&fidelity::markdown(), console),
        SchemaOf::Metrics => page(&metrics::markdown(), console),
    }
    Ok(Exit::Done)
}

fn page(markdown: &str, console: &mut Console) {
    console.say(markdown.trim_end());
    console.result(&json!({"markdown": markdown}));
}
