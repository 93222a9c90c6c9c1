//! `linchpin check`: compiles the mapping against sources and account and shows every problem with its place.

use linchpin_mapping::{Compiled, Problem, Severity};
use serde::Serialize;

use crate::args::CheckArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::number::counted;
use crate::stop;
use crate::wiring::{self, Doors};

#[derive(Serialize)]
struct Outcome<'a> {
    ok: bool,
    against_account: bool,
    problems: &'a [Problem],
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    object: String,
    fields: usize,
    associations: usize,
    creates_property: Option<String>,
}

/// Checks the configuration.
pub(crate) async fn run(args: &CheckArgs, console: &mut Console) -> Result<Exit, Failure> {
    let doors = Doors::default();
    let ended = stop::droppable(check(args, console, &doors), "run `linchpin check` again; nothing was changed").await;
    doors.close().await;
    ended?
}

async fn check(args: &CheckArgs, console: &mut Console, doors: &Doors) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    config.demand_mapping()?;
    let sources = wiring::open_sources(&config)?;
    let catalog = wiring::catalog(&config.sync, &sources).await?;
    // What is wrong by itself is told without asking HubSpot.
    if let Err(problems) = linchpin_mapping::compile(&config.sync, &catalog, None) {
        return Ok(wrong(&config, &problems, true, console));
    }
    let portal = if args.offline { None } else { Some(wiring::survey_alone(&config, doors).await?) };
    match linchpin_mapping::compile(&config.sync, &catalog, portal.as_ref()) {
        Ok(compiled) => Ok(fine(&config, &compiled, args.offline, console)),
        Err(problems) => Ok(wrong(&config, &problems, args.offline, console)),
    }
}

fn fine(config: &Config, compiled: &Compiled, offline: bool, console: &mut Console) -> Exit {
    show(config, &compiled.warnings, console);
    for entry in &compiled.entries {
        let created = entry.key_property_to_create.as_ref();
        let first = created.map(|property| format!(", makes the property {}", property.name)).unwrap_or_default();
        console.say(format!(
            "{}: {} with {}, {}{first}",
            entry.name,
            entry.object_type,
            counted(entry.properties.len() as u64, "property").replace("propertys", "properties"),
            counted(entry.associations.len() as u64, "association")
        ));
    }
    let against = if offline { "the sources (not against HubSpot: --offline)" } else { "the sources and HubSpot" };
    console.say(format!("{} is fine, checked against {against}.", config.path.display()));
    let entries = compiled.entries.iter().map(|entry| Entry {
        name: entry.name.to_string(),
        object: entry.object_type.to_string(),
        fields: entry.properties.len(),
        associations: entry.associations.len(),
        creates_property: entry.key_property_to_create.as_ref().map(|property| property.name.clone()),
    });
    console.result(&Outcome {
        ok: true,
        against_account: !offline,
        problems: &compiled.warnings,
        entries: entries.collect(),
    });
    Exit::Done
}

fn wrong(config: &Config, problems: &[Problem], offline: bool, console: &mut Console) -> Exit {
    show(config, problems, console);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    console.say(format!(
        "{} has {}: correct them and check again.",
        config.path.display(),
        counted(errors as u64, "problem")
    ));
    console.result(&Outcome { ok: false, against_account: !offline, problems, entries: Vec::new() });
    Exit::Usage
}

fn show(config: &Config, problems: &[Problem], console: &mut Console) {
    let name = config.path.display().to_string();
    for problem in problems {
        console.say(problem.render(&name, &config.text));
    }
}
