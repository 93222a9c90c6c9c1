//! The flags of `linchpin dlq`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
A promised write (`Prefer: respond-async`, `Idempotency-Key`) that ended without success is a dead letter.

Examples:
  linchpin dlq list                     what failed, why, and what to do
  linchpin dlq list --status 400 --caller billing
  linchpin dlq show 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10    its request, HubSpot's answer, its history
  linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10    opens the body in $EDITOR
  linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --body corrected.json
  linchpin dlq replay 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10
  linchpin dlq replay --all
  linchpin dlq replay --status 400 --caller billing
  linchpin dlq drop 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --yes
  linchpin dlq list --json | tail -n 1

A running `linchpin serve` is asked; the key is that of `gateway.admin.key` in the configuration.
Exit codes: 0 done, 1 failed or nothing there, 2 wrong usage or configuration, 4 left alone, as it could be
done twice.")]
pub(crate) struct DlqArgs {
    /// What to do
    #[command(subcommand)]
    pub(crate) what: DlqDo,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqDo {
    /// List dead letters, the newest first, without anything that may be a person's
    #[command(
        after_help = "Examples:\n  linchpin dlq list\n  linchpin dlq list --status 400 --caller billing --limit 20"
    )]
    List(DlqListArgs),
    /// Show all of one: request, answer, history. It holds the values of records
    #[command(
        after_help = "Examples:\n  linchpin dlq show 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10\n  linchpin dlq show 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --json | tail -n 1"
    )]
    Show(DlqOneArgs),
    /// Give one another body, in $EDITOR or from a file; the first body is kept beside it
    #[command(after_help = "\
Examples:
  linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10
  linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --body corrected.json
  linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --body -    reads standard input")]
    Edit(DlqEditArgs),
    /// Send one again, or many
    #[command(after_help = "\
Examples:
  linchpin dlq replay 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10
  linchpin dlq replay --all
  linchpin dlq replay --status 400 --caller billing
  linchpin dlq replay 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --even-if-done    you have looked: HubSpot did not do it")]
    Replay(DlqReplayArgs),
    /// Drop one for good, with its bodies
    #[command(
        after_help = "Examples:\n  linchpin dlq drop 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10\n  linchpin dlq drop 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10 --yes"
    )]
    Drop(DlqDropArgs),
}

/// Which gateway is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where `linchpin serve` listens; `gateway.listen` of the configuration when it is not given
    #[arg(long, value_name = "URL", value_parser = |text: &str| crate::config::BaseUrl::try_from(text.to_owned()))]
    pub(crate) url: Option<crate::config::BaseUrl>,
}

#[derive(Debug, Args)]
pub(crate) struct DlqListArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
    /// Only those that HubSpot answered with this status
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub(crate) status: Option<u16>,
    /// Only those of this caller
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Go on where a list has ended: its `next`
    #[arg(long, value_name = "N")]
    pub(crate) before: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct DlqOneArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
    /// Its id, as `linchpin dlq list` shows it
    #[arg(value_parser = id)]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct DlqEditArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
    /// Its id, as `linchpin dlq list` shows it
    #[arg(value_parser = id)]
    pub(crate) id: String,
    /// Take the new body from this file, or from standard input (`-`), instead of opening $EDITOR
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct DlqReplayArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
    /// Its id, as `linchpin dlq list` shows it
    #[arg(value_parser = id, required_unless_present_any = ["all", "status", "caller"], conflicts_with_all = ["all", "status", "caller"])]
    pub(crate) id: Option<String>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// All that HubSpot answered with this status
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub(crate) status: Option<u16>,
    /// All of this caller
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// Also what HubSpot may have done already: you have looked, and it has not
    #[arg(long)]
    pub(crate) even_if_done: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DlqDropArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
    /// Its id, as `linchpin dlq list` shows it
    #[arg(value_parser = id)]
    pub(crate) id: String,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// An id is part of a URL.
fn id(text: &str) -> Result<String, String> {
    let fits = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if fits { Ok(text.to_ascii_lowercase()) } else { Err("expected an id as `linchpin dlq list` shows it".to_owned()) }
}
