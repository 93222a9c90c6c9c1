//! The command line: every command, its flags, its help and its examples.
//!
//! Names and exit codes are relied on by other programs: add freely, change nothing.

mod dlq;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use linchpin_simulator::DeveloperKey;

pub(crate) use self::dlq::{
    DlqArgs, DlqDo, DlqDropArgs, DlqEditArgs, DlqListArgs, DlqOneArgs, DlqReplayArgs, GatewayArgs,
};
use crate::number::Share;

mod webhooks;

pub(crate) use webhooks::{WebhooksApplyArgs, WebhooksArgs, WebhooksDo, WebhooksPlanArgs};

/// The simulator's port when none is named.
pub(crate) const SIM_PORT: u16 = 4010;

/// Keeps everything you own in step with HubSpot.
#[derive(Debug, Parser)]
#[command(
    name = "linchpin",
    version,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
Start here:
  linchpin demo                        see it work, without an account
  linchpin init --source app.db        make a configuration for your own database
  linchpin check && linchpin plan      see what it would do
  linchpin sync                        do it

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done but some rows were rejected,
4 stopped by a guard."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Print one JSON object with the result as the last line of standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log to standard error: a level (`info`) or a filter (`linchpin_engine=debug`)
    #[arg(long, global = true, value_name = "FILTER", env = "LINCHPIN_LOG", default_value = "warn")]
    pub(crate) log: String,
    /// How log lines look
    #[arg(long, global = true, value_name = "FORMAT", env = "LINCHPIN_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole thing on this machine: a simulated HubSpot, a small database, a plan, two syncs, a report
    Demo(DemoArgs),
    /// Make a configuration from your database and your HubSpot account, by asking a few questions
    Init(InitArgs),
    /// Compile the mapping against the sources and the account, and show every problem with its place
    Check(CheckArgs),
    /// Show what a sync would do, and what it would cost, without doing it
    Plan(PlanArgs),
    /// Bring HubSpot in step with the sources; goes on with an interrupted run first
    Sync(SyncArgs),
    /// List the rows that a run could not sync, with the reasons
    Rejected(RejectedArgs),
    /// Serve a simulated HubSpot on this machine
    Sim(SimArgs),
    /// Serve HubSpot's API to your other programs: one budget, single calls packed into batches
    Serve(ServeArgs),
    /// Ask a running `linchpin serve` what its callers do
    Audit(AuditArgs),
    /// Look at dead letters: promised writes that failed; edit, replay or drop them
    Dlq(DlqArgs),
    /// Compare an app's webhook subscriptions with what is needed, and make what is missing
    Webhooks(WebhooksArgs),
    /// Follow what HubSpot delivers to a running `linchpin serve`, or send it once more to a receiver
    Listen(ListenArgs),
    /// Print a JSON Schema, for editors
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// Where the configuration is, and what overrides it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, short, value_name = "FILE", default_value = "linchpin.yaml")]
    pub(crate) config: PathBuf,
    /// Override one setting: `--set hubspot.tier=enterprise`; wins over `LINCHPIN__HUBSPOT__TIER`, which wins over
    /// the file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin demo
  linchpin demo --size 20000
  linchpin demo --keep                   leaves database and configuration behind in ./linchpin-demo
  linchpin demo --keep /tmp/demo
  linchpin demo --json | tail -n 1")]
pub(crate) struct DemoArgs {
    /// How many users the made-up company has; companies and subscriptions follow from it
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub(crate) size: u32,
    /// The seed of the made-up data and of the simulator: the same seed makes the same rows
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Leave database, configuration and store behind in this folder (must be empty or new)
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = "linchpin-demo")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin init --source app.db
  linchpin init --source exports/ --out crm.yaml
  linchpin init --source app.db --yes --offline    takes every proposal, asks HubSpot nothing")]
pub(crate) struct InitArgs {
    /// The source: a SQLite file, a CSV file or a folder of CSV files; asked for when it is not given
    #[arg(long, value_name = "PATH")]
    pub(crate) source: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "linchpin.yaml")]
    pub(crate) out: PathBuf,
    /// Where the HubSpot token will come from: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "REFERENCE", default_value = "env:HUBSPOT_TOKEN")]
    pub(crate) token: String,
    /// The HubSpot API, or a simulator
    #[arg(long, value_name = "URL", default_value = crate::config::DEFAULT_BASE_URL)]
    pub(crate) base_url: String,
    /// Do not ask HubSpot for its properties: propose from the built-in ones
    #[arg(long)]
    pub(crate) offline: bool,
    /// Take every proposal, and replace an existing file
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin check
  linchpin check --config crm.yaml --offline")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Check against the sources only, without asking HubSpot
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin plan
  linchpin plan --config crm.yaml --json | tail -n 1
  linchpin plan --set hubspot.tier=enterprise")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin sync
  linchpin sync --dry-run                plans, shows, changes nothing
  linchpin sync --plan r9d2c40a51        applies exactly the plan that `linchpin plan` showed
  linchpin sync --sample 1%              a hundredth of the rows first
  linchpin sync --yes                    asks nothing: for schedules
  linchpin sync --abandon                gives an interrupted run up and plans anew

An interrupted sync is gone on with by the next one: nothing is lost, nothing is done twice. When the
mapping has changed since, that run cannot be gone on with: --abandon gives it up.")]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Apply exactly this plan; refused if the data have moved on since
    #[arg(long, value_name = "ID", conflicts_with_all = ["dry_run", "sample"])]
    pub(crate) plan: Option<String>,
    /// Do not ask before applying
    #[arg(long, short, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Plan and show, apply nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only this share of the rows of every entry, always the same ones: `1%`
    #[arg(long, value_name = "SHARE")]
    pub(crate) sample: Option<Share>,
    /// Apply even if the guard finds that the plan looks like a mistake
    #[arg(long)]
    pub(crate) force: bool,
    /// Give up the run that was interrupted, then plan anew; what it did in HubSpot stays
    #[arg(long, conflicts_with_all = ["plan", "dry_run"])]
    pub(crate) abandon: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin rejected
  linchpin rejected --run r9d2c40a51 --limit 500
  linchpin rejected --json | tail -n 1")]
pub(crate) struct RejectedArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The run; the last one when it is not given
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Begin after so many rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) skip: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A program calls it as it calls HubSpot: give it http://127.0.0.1:4010 as base URL, and the token.
A person opens http://127.0.0.1:4010/_control/ in a browser: records, calls, limits, faults, clock.
The guide, which begins with five minutes of trying: docs/guides/simulator.md.

Control, without token and outside the limits, all below http://127.0.0.1:4010/_control/:
  records to begin with   curl .../seed -d '{\"contacts\": 100, \"owners\": 3, \"associate\": true}'
  the next call fails     curl .../faults -d '{\"times\": 1, \"fault\": {\"kind\": \"lost_answer\"}}'
  what happened           curl .../ledger        and in numbers: curl .../stats
  all contacts            curl .../dump/contacts
  an hour passes          curl .../clock -d '{\"advance_ms\": 3600000}'
  the state into a file   curl -X POST .../snapshot      (with --state FILE)
  everything anew         curl .../reset -d '{\"state\": true, \"stats\": true}'

A start file for --load holds any of these keys; one that is not known is refused by its name:
  {\"seed\": {\"contacts\": 1000, \"owners\": 3, \"associate\": true},
   \"faults\": [{\"path\": \"/crm\", \"nth\": 5, \"fault\": {\"kind\": \"reset\"}}],
   \"webhooks\": {\"faults\": {\"lose\": 0.01}},
   \"settings\": {\"contact_creates_company\": true},
   \"options\": {\"sample_records\": true, \"count_rejected\": true, \"remaining_counters\": 3}}
The first four are as with the control calls of those names. The options are chosen here only: the
two contacts and the company of a fresh account; refused calls fill the window that refused them;
the header Remaining jumps, as with so many counters.

With --tls-ca the same port speaks HTTPS too, and is an HTTPS proxy to api.hubapi.com that leads
back to the simulator and nowhere else. A program with a fixed host needs
HTTPS_PROXY=http://127.0.0.1:4010, and to trust the file.

Examples:
  linchpin sim
  linchpin sim --port 0 --tier enterprise --limit-increase
  linchpin sim --token pat-test-1 --seed 7 --latency-ms 80 --window seconds
  linchpin sim --token pat-test-1 --oauth-app client-1:secret-1 --index-lag off
  linchpin sim --profile 2022 --window seconds
  linchpin sim --load start.json
  linchpin sim --state account.snapshot
  linchpin sim --tls-ca simulator-ca.pem")]
pub(crate) struct SimArgs {
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = SIM_PORT)]
    pub(crate) port: u16,
    /// The private app token to accept; made and printed when it is not given. May be given several times: each is of
    /// an app of its own
    #[arg(long)]
    pub(crate) token: Vec<String>,
    /// A public app that accounts can install with OAuth, as `CLIENT_ID:CLIENT_SECRET`; may be given several times
    #[arg(long = "oauth-app", value_name = "ID:SECRET", value_parser = oauth_app)]
    pub(crate) oauth_apps: Vec<OauthApp>,
    /// The key of the developer account, with which webhooks are managed (`?hapikey=KEY`); nobody is let in without it
    #[arg(long, value_name = "KEY", value_parser = developer_key)]
    pub(crate) developer_key: Option<DeveloperKey>,
    /// The account's plan, which sets its limits
    #[arg(long, value_enum, default_value = "professional")]
    pub(crate) tier: SimTier,
    /// The account has bought the API limit increase
    #[arg(long)]
    pub(crate) limit_increase: bool,
    /// The generation of limits; that of 2022 is the same for every plan but `unlimited`
    #[arg(long, value_enum, default_value = "current")]
    pub(crate) profile: SimProfile,
    /// The seed of ids, latencies and orders: the same seed and requests give the same answers
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Mean time that a call takes, in milliseconds
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub(crate) latency_ms: u32,
    /// Keep the account in this file: read at the start if it is there, written at the end and by a control call
    #[arg(long, value_name = "FILE", conflicts_with = "restore")]
    pub(crate) state: Option<PathBuf>,
    /// Start with the account that `--state` kept in this file, and leave the file as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) restore: Option<PathBuf>,
    /// A JSON file with what to begin with: records, faults, webhooks, settings, options; see below
    #[arg(long, value_name = "FILE")]
    pub(crate) load: Option<PathBuf>,
    /// Speak HTTPS as well; the certificate to trust is written to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// How far search, and reads of changed schemas, trail behind writes
    #[arg(long, value_enum, default_value = "recorded")]
    pub(crate) index_lag: IndexLag,
    /// How the ten-second limit counts
    #[arg(long, value_enum, default_value = "exact")]
    pub(crate) window: Window,
}

/// The identity of a public app.
#[derive(Clone)]
pub(crate) struct OauthApp {
    /// The public half.
    pub(crate) client_id: String,
    /// The secret half.
    pub(crate) client_secret: String,
}

impl fmt::Debug for OauthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthApp").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

fn oauth_app(text: &str) -> Result<OauthApp, &'static str> {
    match text.split_once(':') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
            Ok(OauthApp { client_id: id.to_owned(), client_secret: secret.to_owned() })
        }
        _ => Err("give the client id and the client secret with a colon between them"),
    }
}

fn developer_key(text: &str) -> Result<DeveloperKey, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("give visible ASCII text without blanks");
    }
    Ok(DeveloperKey(text.to_owned()))
}

/// The plans that a simulated account may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimTier {
    /// Free tools.
    Free,
    /// Starter.
    Starter,
    /// Professional.
    Professional,
    /// Enterprise.
    Enterprise,
    /// No limits at all: for measuring other things.
    Unlimited,
}

/// The generations of limits that the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimProfile {
    /// The limits of 2025 and 2026.
    Current,
    /// Those of recordings of 2021 and 2022: 100 calls in ten seconds, 250,000 a day, four searches a second and app.
    #[value(name = "2022")]
    Recorded2022,
}

/// How far the simulator's search trails behind writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndexLag {
    /// Not at all.
    Off,
    /// As recorded from HubSpot: some seconds.
    Recorded,
}

/// How the simulator's ten-second window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Window {
    /// The last ten seconds, to the millisecond.
    Exact,
    /// In whole seconds.
    Seconds,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin serve
  linchpin serve --listen 127.0.0.1:4100
  linchpin serve --set gateway.coalesce=all
Then point a HubSpot client at it: `basePath` of @hubspot/api-client, `host` of hubspot-api-client,
`HUBSPOT_BASE_URL` for hubspot-sdk.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The address to listen on; wins over `gateway.listen`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin audit usage                  calls by caller and route: made, needed, saved
  linchpin audit usage --url https://linchpin.internal.example
  linchpin audit usage --json | tail -n 1

The key is that of `gateway.admin.key` in the configuration.")]
pub(crate) struct AuditArgs {
    /// What to look at
    #[command(subcommand)]
    pub(crate) what: AuditOf,
}

/// What there is to look at.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditOf {
    /// Calls by caller and route: made, needed, saved (in shadow mode: that would be), and scopes granted and used
    Usage(AuditUsageArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AuditUsageArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where `linchpin serve` listens; `gateway.listen` of the configuration when it is not given
    #[arg(long, value_name = "URL", value_parser = |text: &str| crate::config::BaseUrl::try_from(text.to_owned()))]
    pub(crate) url: Option<crate::config::BaseUrl>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin listen                                      events as they come
  linchpin listen --since 2026-01-31T12:00:00Z --object-type contacts --kind propertyChange
  linchpin listen --json | jq .recordId
  linchpin listen --replay 120 --to http://localhost:3000/in --secret env:WEBHOOK_SECRET
  linchpin listen --replay 2026-01-31 --to http://localhost:3000/in --secret env:WEBHOOK_SECRET

The key is that of `gateway.admin.key` in the configuration.")]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where `linchpin serve` listens; `gateway.listen` of the configuration when it is not given
    #[arg(long, value_name = "URL", value_parser = |text: &str| crate::config::BaseUrl::try_from(text.to_owned()))]
    pub(crate) url: Option<crate::config::BaseUrl>,
    /// Begin with what came in at a moment (`2026-01-31T12:00:00Z`, `2026-01-31`) or after it, instead of now
    #[arg(long, value_name = "MOMENT", conflicts_with = "replay")]
    pub(crate) since: Option<String>,
    /// Begin beyond the event with this id, instead of now
    #[arg(long, value_name = "ID", conflicts_with_all = ["replay", "since"])]
    pub(crate) after: Option<u64>,
    /// Only events of this object type; may be given again
    #[arg(long, value_name = "TYPE")]
    pub(crate) object_type: Vec<String>,
    /// Only events of this kind (`propertyChange`, `creation`, `deletion` ...); may be given again
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<String>,
    /// Of changes of properties, only those of this one; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) property: Vec<String>,
    /// Whose events: the account; that of the token when it is not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) portal: Option<u64>,
    /// Whose events: the app; needed where several apps deliver
    #[arg(long, value_name = "NUMBER")]
    pub(crate) app: Option<u64>,
    /// Send stored events once more, from the event with this id or from a moment on, up to the newest
    #[arg(long, value_name = "ID|MOMENT", requires = "to")]
    pub(crate) replay: Option<String>,
    /// Where to: a receiver that you develop. `https`, or plain `http` on this machine
    #[arg(long, value_name = "URL", requires_all = ["replay", "secret"])]
    pub(crate) to: Option<String>,
    /// What to sign with: `env:NAME` or `file:PATH` of a secret such as `whsec_...`
    #[arg(long, value_name = "REFERENCE", requires = "to", value_parser = |text: &str| Ok::<_, String>(crate::config::SecretRef::from(text)))]
    pub(crate) secret: Option<crate::config::SecretRef>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin schema config > linchpin.schema.json
  linchpin schema openapi > linchpin.openapi.json")]
pub(crate) struct SchemaArgs {
    /// Of what
    pub(crate) what: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The configuration file, the mapping included.
    Config,
    /// The gateway's admin interface, as OpenAPI.
    Openapi,
    /// The page that says how true the simulator is: for `cargo xtask generate`.
    #[value(hide = true)]
    Fidelity,
    /// The page of the gateway's metrics: for `cargo xtask generate`.
    #[value(hide = true)]
    Metrics,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin completions bash > ~/.local/share/bash-completion/completions/linchpin
  linchpin completions zsh > ~/.zfunc/_linchpin")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, for example hubspot.tier=enterprise".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_parses() {
        let mut checked = 0;
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "{} has no examples", command.get_name());
            for line in help.lines().filter(|line| line.starts_with("  linchpin ")) {
                let words = line.split("  ").find(|part| part.starts_with("linchpin")).unwrap();
                let words = words.split([' ']).take_while(|word| !matches!(*word, "|" | ">"));
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{line}: {error}");
                }
                checked += 1;
            }
        }
        assert!(checked >= 15, "only {checked} examples");
    }

    #[test]
    fn the_help_of_the_simulator_leads_to_page_control_and_guide() {
        let mut cli = Cli::command();
        let help = cli.find_subcommand_mut("sim").unwrap().render_help().to_string();
        for place in
            ["http://127.0.0.1:4010/_control/", "docs/guides/simulator.md", "/seed", "/faults", "/ledger", "/clock"]
        {
            assert!(help.contains(place), "{place}");
        }
        assert!(help.contains(&format!("127.0.0.1:{SIM_PORT}")));
        let (_, file) = help.split_once("refused by its name:\n").unwrap();
        let (file, _) = file.split_once("\nThe first four").unwrap();
        let start = linchpin_simulator::StartFile::parse(file).unwrap();
        assert_eq!((start.faults.len(), start.options.remaining_counters), (1, Some(3)));
        let last = help.trim_end().lines().last().unwrap();
        assert!(last.starts_with("  linchpin sim"), "the examples stand at the end: {last}");
    }

    #[test]
    fn a_plan_cannot_be_sampled_or_dry_run_again() {
        assert!(Cli::try_parse_from(["linchpin", "sync", "--plan", "r1", "--sample", "1%"]).is_err());
        assert!(Cli::try_parse_from(["linchpin", "sync", "--plan", "r1", "--dry-run"]).is_err());
        assert!(Cli::try_parse_from(["linchpin", "sync", "--plan", "r1"]).is_ok());
    }

    #[test]
    fn global_flags_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["linchpin", "plan", "--json", "--log", "debug"]).unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.log, "debug");
    }
}
