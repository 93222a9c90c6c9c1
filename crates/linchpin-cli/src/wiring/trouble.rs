//! What the parts say when something goes wrong, put into one message with one thing to do.
//!
//! The codes are those of the parts; each has a page in `docs/errors/`.

use std::path::Path;

use linchpin::{Error, Problem};
use linchpin_engine::dispatch::DispatchError;
use linchpin_engine::hub::HubError;
use linchpin_engine::sync::SyncError;
use linchpin_ports::source::SourceError;
use linchpin_ports::store::{Refusal, StoreError};

use crate::config::Config;
use crate::failure::{Code, Exit, Failure, chain};
use crate::number::counted;

/// How much of HubSpot's own message is shown, in characters.
const HUBSPOT_WORDS_MAX: usize = 300;

/// Whatever the facade says.
pub(super) fn of_facade(error: Error, config: &Config) -> Failure {
    match error {
        Error::Sync(error) => of_sync(&error, config),
        Error::Call(source) => {
            of_sync(&SyncError::Hub { step: "ask HubSpot whose token this is".to_owned(), source }, config)
        }
        Error::Store(error) => of_store(error),
        Error::Mapping(problems) => mapping_problems(config, &problems),
        Error::Source(_) => of_source(error),
        error @ (Error::BaseUrl(_) | Error::Reserve(_)) => {
            Failure::new(Code::Setting, chain(&error), "correct it in the configuration")
        }
        Error::Closed => Failure::internal("the door to HubSpot is closed", &error),
        Error::NoToken | Error::Machine { .. } => Failure::internal("cannot open the door to HubSpot", &error),
    }
}

/// A call of HubSpot's API that came to nothing.
pub(super) fn of_call(step: &str, source: HubError, config: &Config) -> Failure {
    of_sync(&SyncError::Hub { step: step.to_owned(), source }, config)
}

/// A store that cannot be read although it was opened.
pub(super) fn of_reading_store(error: Error) -> Failure {
    match error {
        Error::Store(error) => of_store(error),
        other => Failure::internal("cannot read the store", &other),
    }
}

/// The failure for a mapping that cannot be used: every problem with its place.
fn mapping_problems(config: &Config, problems: &[Problem]) -> Failure {
    let name = config.path.display().to_string();
    let failure = Failure::new(
        Code::MappingProblems,
        format!("the mapping in {name} has {}", counted(problems.len() as u64, "problem")),
        format!("correct the places shown; `linchpin check{}` shows them again", config.flag()),
    );
    problems.iter().fold(failure, |failure, problem| failure.with_detail(problem.render(&name, &config.text)))
}

/// A sync that stopped.
fn of_sync(error: &SyncError, config: &Config) -> Failure {
    let code = error.code();
    let flag = config.flag();
    let (exit, to_do) = match error {
        SyncError::Hub { source, .. } => (Exit::Failed, of_hub(source, config)),
        SyncError::Store(store) => of_refusal(store),
        SyncError::UnknownObject { .. } => (
            Exit::Usage,
            "correct `object` in the mapping: contacts, companies, deals, products, line_items, tickets, or the type id \
             of a custom object (2-123)"
                .to_owned(),
        ),
        SyncError::Source { source, .. } => (Exit::Failed, source_to_do(source).to_owned()),
        SyncError::NoSource { .. } => (Exit::Usage, "add the source below `sources:`, or correct its name".to_owned()),
        SyncError::Partial { .. } | SyncError::PropertyInvisible { .. } => {
            (Exit::Failed, "try again in a minute; nothing was written yet".to_owned())
        }
        SyncError::KeyPropertyRefused { .. } => (
            Exit::Failed,
            "give the token the right to write schemas, or take an existing unique property as `identity`".to_owned(),
        ),
        SyncError::OtherMapping { .. } => (
            Exit::Usage,
            format!(
                "run `linchpin sync{flag} --abandon` to give that run up and make a fresh plan, or put the mapping back \
                 as it was to go on with it"
            ),
        ),
        SyncError::Stopped => (Exit::Failed, format!("run `linchpin sync{flag}`: it goes on where this one stopped")),
    };
    Failure::of(code, exit, chain(error), to_do)
}

fn of_hub(error: &HubError, config: &Config) -> String {
    let base = config.hubspot().base_url.as_str();
    match error {
        HubError::Refused(refused) if refused.status == 403 => {
            "give the private app the scopes that the message names, in HubSpot under Settings, Integrations, Private \
             Apps"
                .to_owned()
        }
        // HubSpot's own words may quote values: shown to the person at the terminal, never logged.
        HubError::Refused(refused) => format!(
            "HubSpot says: {:?}; correct what it names, or check that {base} is HubSpot",
            refused.message.chars().take(HUBSPOT_WORDS_MAX).collect::<String>()
        ),
        HubError::Unreadable(_) => format!("check that {base} is HubSpot, and try again"),
        HubError::NoAnswer(none) => of_no_answer(none, base),
        HubError::TooLarge(_) => "please report it: the program asked for more than HubSpot takes".to_owned(),
    }
}

fn of_no_answer(error: &DispatchError, base: &str) -> String {
    match error {
        DispatchError::DeadToken(_) => {
            "create a new token in HubSpot (Settings, Integrations, Private Apps) and put it where `hubspot.token` \
             points to"
                .to_owned()
        }
        DispatchError::Unreachable(_) => {
            format!("check the network and that {base} (`hubspot.base_url`) is right and running, then run it again")
        }
        DispatchError::Unknown(_) => "run it again: what happened is found out first, nothing is made twice".to_owned(),
        DispatchError::DayExhausted { .. } => {
            "run it again after midnight in the account's time zone: it goes on where it stopped".to_owned()
        }
        DispatchError::Migrating { .. } => "run it again later: HubSpot is moving the account".to_owned(),
        DispatchError::Deadline { .. }
        | DispatchError::Shutdown
        | DispatchError::Overloaded { .. }
        | DispatchError::UnknownInstall
        | DispatchError::NotHeld => "run it again".to_owned(),
    }
}

/// A source that cannot be opened or described.
pub(super) fn of_source(error: Error) -> Failure {
    match error {
        Error::Source(error) => Failure::new(Code::Source, chain(&error), source_to_do(&error)),
        other => Failure::internal("cannot describe the sources", &other),
    }
}

fn source_to_do(error: &SourceError) -> &'static str {
    match error {
        SourceError::Open { .. } => {
            "check the path below `sources:` in the configuration, and that this user may read it"
        }
        SourceError::NoTable { .. } => "correct the table's name in the mapping",
        SourceError::Query { .. } => "try the query in the database's own tool, and correct it in the mapping",
    }
}

/// A store that cannot be opened.
pub(super) fn of_opening_store(error: StoreError, path: &Path) -> Failure {
    of_store(error).with_detail(format!("the store is {}", path.display()))
}

/// A store that cannot be opened by a command that could do without.
pub(super) fn of_looking_into_store(error: StoreError, path: &Path) -> Failure {
    if !matches!(error, StoreError::Refused(Refusal::Owned)) {
        return of_opening_store(error, path);
    }
    let error = SyncError::Store(error);
    let to_do = "wait for the other process, which is spending the account's calls, or stop it; with `--offline` this \
                 works beside it";
    Failure::of(error.code(), Exit::Failed, chain(&error), to_do)
        .with_detail(format!("the store is {}", path.display()))
}

/// A store that failed or refused.
pub(super) fn of_store(error: StoreError) -> Failure {
    let (exit, to_do) = of_refusal(&error);
    let error = SyncError::Store(error);
    Failure::of(error.code(), exit, chain(&error), to_do)
}

fn of_refusal(error: &StoreError) -> (Exit, String) {
    let (exit, to_do) = match error {
        StoreError::Unavailable { .. } => {
            (Exit::Failed, "check the disk and the rights on the store's file; what was acknowledged is safe")
        }
        StoreError::Corrupt { .. } => (
            Exit::Failed,
            "move the store's file away: the next plan finds the records in HubSpot again, and makes nothing twice",
        ),
        StoreError::Refused(refusal) => match refusal {
            Refusal::Owned => {
                (Exit::Failed, "wait for the other process or stop it, or use another store: `--set store=FILE`")
            }
            Refusal::Foreign => (Exit::Usage, "name another file with `store:` in the configuration"),
            Refusal::TooNew { .. } => (Exit::Failed, "use the newer version that wrote it"),
            Refusal::UnknownRun(_) | Refusal::WrongState { .. } | Refusal::Stale { .. } => {
                (Exit::Failed, "make a new plan with `linchpin plan`")
            }
            Refusal::NotClaimed(_) | Refusal::OutOfOrder(_) | Refusal::WriteState(_) | Refusal::Moved(_) => {
                (Exit::Failed, "run it again; if it happens again, please report it")
            }
        },
    };
    (exit, to_do.to_owned())
}
