//! `linchpin init`: a first configuration, from what the source and the account have and from a few answers.
//!
//! The file is compiled before it is written, exactly as `linchpin check` would, so what is wrong with it is known.
//! An existing file is never replaced without a yes.

mod questions;
mod source;

use std::fmt::Write as _;
use std::io::{self, BufRead};
use std::path::Path;

use linchpin_mapping::{PortalSnapshot, Problem, SourceTable, propose};
use serde::Serialize;

use crate::args::InitArgs;
use crate::config::{Config, DEFAULT_BASE_URL, Environment};
use crate::console::Console;
use crate::failure::{Code, Exit, Failure};
use crate::number::counted;
use crate::stop;
use crate::wiring::{self, Doors};
use questions::Questions;
use source::Found;

/// What the account is asked about before there is a mapping: the objects that a proposal may use.
const SURVEY: &str = "
sync:
  entries:
    companies: {source: x, key: x, object: companies, identity: {unique: x}, fields: {}}
    contacts:
      {source: x, key: x, object: contacts, identity: {unique: x}, fields: {}, associations: [{to: companies, key: x}]}
    products: {source: x, key: x, object: products, identity: {unique: x}, fields: {}}
    deals:
      {source: x, key: x, object: deals, identity: {unique: x}, fields: {},
       associations: [{to: companies, key: x}, {to: contacts, key: x}]}
    line_items:
      {source: x, key: x, object: line_items, identity: {unique: x}, fields: {}, associations: [{to: deals, key: x}]}
    tickets:
      {source: x, key: x, object: tickets, identity: {unique: x}, fields: {},
       associations: [{to: companies, key: x}, {to: contacts, key: x}]}
";

const TIERS: [&str; 4] = ["free", "starter", "professional", "enterprise"];

#[derive(Serialize)]
struct Outcome {
    ok: bool,
    file: String,
    tables: Vec<String>,
    against_account: bool,
    problems: Vec<Problem>,
}

/// Asks and writes.
pub(crate) async fn run(args: &InitArgs, console: &mut Console) -> Result<Exit, Failure> {
    let input: Option<Box<dyn BufRead + Send>> =
        if args.yes { None } else { Some(Box::new(io::BufReader::new(io::stdin()))) };
    let doors = Doors::default();
    let work = init(args, Questions::new(input), console, &doors);
    let ended = stop::droppable(work, "run `linchpin init` again; nothing was written").await;
    doors.close().await;
    ended?
}

async fn init<R: BufRead>(
    args: &InitArgs,
    mut questions: Questions<R>,
    console: &mut Console,
    doors: &Doors,
) -> Result<Exit, Failure> {
    if args.out.exists() && !questions.yes(&format!("{} exists. Replace it?", args.out.display()), args.yes)? {
        return Err(Failure::new(
            Code::Unanswered,
            format!("{} stays as it is", args.out.display()),
            "name another file with --out FILE",
        ));
    }
    let found = Found::ask(args, &mut questions)?;
    let tables = found.tables().await?;
    console.say(format!("{} has {}.", found.path.display(), counted(tables.len() as u64, "table")));
    let tier = questions.choice("Which plan does the HubSpot account have? It sets the limits", &TIERS, "free")?;
    let head = head(args, &found, tier);
    let portal = if args.offline { None } else { Some(survey(args, &head, doors).await?) };
    let wanted = choose(&found.name, &tables, portal.as_ref(), &mut questions)?;
    let Some(proposal) = propose(&found.name, &wanted, portal.as_ref()) else {
        return Err(nothing(&tables));
    };
    let text = format!("{head}\n{proposal}");
    let problems = problems(args, &text, portal.as_ref()).await?;
    write(&args.out, &text)?;
    tell(args, &problems, &text, console);
    let tables = wanted.into_iter().map(|table| table.name).collect();
    let file = args.out.display().to_string();
    console.result(&Outcome { ok: problems.is_empty(), file, tables, against_account: !args.offline, problems });
    Ok(Exit::Done)
}

/// Everything above the mapping.
fn head(args: &InitArgs, found: &Found, tier: &str) -> String {
    let mut text = String::from(
        "# Made by `linchpin init`: a proposal. Read it, correct it, then `linchpin check` and `linchpin plan`.\n\
         # `linchpin schema config` prints the schema with which editors complete it.\n\
         version: 1\n\nhubspot:\n  \
         # Where the token of the private app is: env:NAME or file:PATH, never the token itself.\n",
    );
    let mut line = |line: String| writeln!(text, "{line}").expect("writing to a string does not fail");
    line(format!("  token: {}", args.token));
    if args.base_url != DEFAULT_BASE_URL {
        line("  # Not HubSpot itself: a simulator.".to_owned());
        line(format!("  base_url: {}", args.base_url));
    }
    line(format!("  # The account's plan sets its limits: {}.", TIERS.join(", ")));
    line(format!("  tier: {tier}"));
    line("\n# What Linchpin remembers, in a file beside this one.".to_owned());
    let store = args.out.with_extension("db");
    let store = store.file_name().map_or_else(|| "linchpin.db".into(), |name| name.to_string_lossy());
    line(format!("store: {}", quoted(&store)));
    line(format!("\nsources:\n  {}:\n    {}: {}", found.name, found.kind, quoted(&found.in_file(&args.out))));
    line("\nguard:\n  # A sync that would update a larger share of the linked records is stopped.".to_owned());
    line("  max_change_share: 0.5".to_owned());
    text
}

/// A text in double quotes, as YAML and JSON both write it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Which of the tables that look like something HubSpot holds are wanted.
fn choose<R: BufRead>(
    source: &str,
    tables: &[SourceTable],
    portal: Option<&PortalSnapshot>,
    questions: &mut Questions<R>,
) -> Result<Vec<SourceTable>, Failure> {
    let mut wanted = Vec::new();
    for table in tables {
        let alone = std::slice::from_ref(table);
        if propose(source, alone, portal).is_none()
            || questions.yes(&format!("Sync the table {}?", table.name), true)?
        {
            // Tables that are nothing by themselves still tell how the others hang together.
            wanted.push(table.clone());
        }
    }
    Ok(wanted)
}

fn nothing(tables: &[SourceTable]) -> Failure {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    Failure::new(
        Code::Source,
        format!("none of the tables looks like companies, people, products or deals: {}", names.join(", ")),
        "write the mapping by hand: docs/guides/getting-started.md shows one",
    )
}

async fn survey(args: &InitArgs, head: &str, doors: &Doors) -> Result<PortalSnapshot, Failure> {
    let config = config(args, &format!("{head}{SURVEY}"))?;
    wiring::survey_alone(&config, doors).await
}

/// What `linchpin check` would say.
async fn problems(args: &InitArgs, text: &str, portal: Option<&PortalSnapshot>) -> Result<Vec<Problem>, Failure> {
    let config = config(args, text)?;
    let sources = wiring::open_sources(&config)?;
    let catalog = wiring::catalog(&config.sync, &sources).await?;
    Ok(linchpin_mapping::compile(&config.sync, &catalog, portal).err().unwrap_or_default())
}

fn config(args: &InitArgs, text: &str) -> Result<Config, Failure> {
    Config::of_text(&args.out, text.to_owned(), &[], Environment::of_process())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        Failure::new(
            Code::Write,
            format!("cannot write {}: {error}", path.display()),
            "name a file in a folder that this user may write to, with --out FILE",
        )
    })
}

fn tell(args: &InitArgs, problems: &[Problem], text: &str, console: &mut Console) {
    let file = args.out.display();
    for problem in problems {
        console.say(problem.render(&file.to_string(), text));
    }
    let flag = if args.out == Path::new("linchpin.yaml") { String::new() } else { format!(" --config {file}") };
    let fine = if problems.is_empty() { "it passes `linchpin check`" } else { "correct the problems shown above" };
    console.say(format!("Wrote {file}; {fine}. Read it, then: linchpin plan{flag}"));
}
